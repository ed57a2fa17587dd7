// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Setup;

/** REP MOVSB and REP STOSQ of 4 KiB. One instruction each, so rounds tell more than the score. */
public class Strings extends Guest {

    /** The instruction. */
    @Param({"movsb", "stosq"})
    public String instruction = "movsb";

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        boolean move = instruction.equals("movsb");
        loop(
                a -> a.cld().mov(RAX, 0x0123456789ABCDEFL),
                a -> {
                    a.mov(EDI, FlatMachine.DATA).mov(ESI, FlatMachine.DATA + 0x10000);
                    a.mov(ECX, move ? 4096 : 512).rep();
                    if (move) {
                        a.movs(8);
                    } else {
                        a.stos(64);
                    }
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void repeated(Rounds count) {
        run(count);
    }
}
