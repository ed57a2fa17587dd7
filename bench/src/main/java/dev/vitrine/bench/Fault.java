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

/** An exception delivered through the IDT, and IRET. */
public class Fault extends Guest {

    private static final int HANDLER = 0x110000;

    /** Which fault the guest raises. */
    @Param({"undefinedInstruction", "pageFault"})
    public String fault = "pageFault";

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        boolean page = fault.equals("pageFault");
        machine.gate(page ? 14 : 6, HANDLER);
        machine.assemble(
                HANDLER,
                a -> {
                    if (page) {
                        a.add(RSP, 8); // the error code
                    }
                    // Both faulting instructions have two bytes.
                    a.add(Mem.base(RSP).q(), 2).iret(64);
                });
        loop(
                a -> a.mov(RBX, FlatMachine.WINDOW),
                a -> {
                    if (page) {
                        a.mov(EAX, Mem.base(RBX));
                    } else {
                        a.ud2();
                    }
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void faults(Rounds count) {
        run(count);
    }
}
