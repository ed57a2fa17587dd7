// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** SYSCALL and SYSRET: user code that calls a kernel that returns at once. */
public class SystemCall extends Guest {

    private static final int KERNEL = 0x110000;

    public SystemCall() {
        machine.assemble(KERNEL, a -> a.inc(RBX).sysret(64));
        loop(
                a -> {
                    Label user = a.label();
                    // Selectors: kernel code and data; user data and code behind the base.
                    wrmsr(a, 0xC0000081, 0x18L << 48 | (long) FlatMachine.KERNEL_CODE << 32);
                    wrmsr(a, 0xC0000082, KERNEL);
                    a.mov(RCX, user).mov(R11D, 2).sysret(64).bind(user);
                },
                Asm::syscall);
    }

    private static void wrmsr(Asm a, int msr, long value) {
        a.mov(ECX, msr).mov(EAX, (int) value).mov(EDX, (int) (value >>> 32)).wrmsr();
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void calls(Rounds count) {
        run(count);
    }
}
