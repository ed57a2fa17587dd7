// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/**
 * Code that runs for the first time: decoding, lifting and one execution. Blocks have 8
 * instructions.
 */
public class Decode extends Guest {
    private static final int BLOCKS = 4096;
    private static final int INSTRUCTIONS = BLOCKS * 8;
    private final long firstFrame = FlatMachine.CODE >>> 12;
    private final int frames;

    public Decode() {
        byte[] code =
                machine.assemble(
                                FlatMachine.CODE,
                                a -> {
                                    for (int k = 0; k < BLOCKS; k++) {
                                        Label next = a.label();
                                        a.mov(RAX, Mem.base(RSI).index(RCX, 8).disp(0x40));
                                        a.add(RAX, k).lea(RDX, Mem.base(RAX).disp(4));
                                        a.mov(Mem.base(RSI).disp(8), EDX).xor(ECX, ECX);
                                        a.movzx(EDI, AL).cmp(EDI, 300).jcc(Cond.Z, next).bind(next);
                                    }
                                    a.hlt();
                                })
                        .toBytes();
        frames = code.length / 4096 + 1;
    }

    /** Every block is built anew. */
    @Benchmark
    @OperationsPerInvocation(INSTRUCTIONS)
    public void cold(Rounds count) {
        for (int k = 0; k < frames; k++) {
            machine.group.codeWritten(firstFrame + k);
        }
        machine.processor(0).setGpr(6, FlatMachine.DATA);
        machine.processor(0).setRip(FlatMachine.CODE);
        machine.run(0, INSTRUCTIONS);
        count.rounds += BLOCKS;
    }
}
