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

/** Loads and stores that find their page in the soft TLB, and such that never do. */
public class Memory extends Guest {

    /** Pages of one slot of the direct-mapped soft TLB. */
    private static final int SAME_SLOT = 4096 * 4096;

    /** What the loop does. */
    @Param({"load", "store", "update", "loadMissing", "storeMissing"})
    public String access = "load";

    /** Assembles the guest. */
    @Setup
    public void assemble() {
        boolean missing = access.endsWith("Missing");
        loop(
                a -> a.mov(RSI, FlatMachine.DATA).xor(EBX, EBX),
                a -> {
                    Mem m = Mem.base(RSI).index(RBX, 1);
                    for (int k = 0; k < 4; k++) {
                        switch (access) {
                            case "load", "loadMissing" -> a.mov(RAX, m);
                            case "store", "storeMissing" -> a.mov(m, RAX);
                            default -> a.add(m, RAX);
                        }
                        a.add(RBX, missing ? SAME_SLOT : 72).and(RBX, missing ? 0xFFFFFFF : 0xFFF8);
                    }
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void accesses(Rounds count) {
        run(count);
    }
}
