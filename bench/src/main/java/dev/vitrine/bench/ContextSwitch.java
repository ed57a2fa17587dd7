// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** MOV to CR3 between two address spaces, with four pages touched in each. */
public class ContextSwitch extends Guest {

    private static final int OTHER = 0x8000;

    /** With PCID the translations of both stay. */
    @Param({"false", "true"})
    public boolean pcid;

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        machine.ram.write(OTHER, machine.ram.read(FlatMachine.TABLES, 4096));
        if (pcid) {
            machine.processor(0)
                    .setControlRegister(4, machine.processor(0).controlRegister(4) | 1 << 17);
        }
        long keep = pcid ? 1L << 63 : 0;
        long one = keep | FlatMachine.TABLES | (pcid ? 1 : 0);
        long two = keep | OTHER | (pcid ? 2 : 0);
        loop(
                a -> a.mov(RSI, FlatMachine.DATA).mov(R8, one).mov(R9, two),
                a -> {
                    a.mov(CR3, R8);
                    for (int page = 0; page < 4; page++) {
                        a.mov(RAX, Mem.base(RSI).disp(page << 12));
                    }
                    a.xchg(R8, R9);
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void switches(Rounds count) {
        run(count);
    }
}
