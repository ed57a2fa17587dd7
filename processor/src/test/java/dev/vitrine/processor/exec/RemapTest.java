// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

/**
 * Changes of the physical map while two processors run: when the change returns, nobody uses what
 * was there before.
 */
class RemapTest {
    private static final long BUDGET = 20_000_000_000L;
    private static final int ROUNDS = 400;

    /** Number of the last change that has returned. */
    private static final int EPOCH = FlatMachine.DATA;

    private static final int STOP = FlatMachine.DATA + 8;

    /** The page that is mapped here and there: a number, and a word for the guests to write to. */
    private static final int PAGE = 0x300000;

    private static final long GFN = PAGE >>> 12;

    private static void check(FlatMachine m) {
        for (int n = 0; n < 2; n++) {
            assertThat(m.processor(n).gpr(3)).as("processor %s saw no old page", n).isEqualTo(1);
        }
    }

    private static long fresh(FlatMachine m) {
        return m.memory.allocateFrame() << MachineMemory.FRAME_SHIFT;
    }

    @Test
    void dataIsNeverReadFromTheOldFrame() {
        try (FlatMachine m = new FlatMachine(2, 8 << 20)) {
            for (int n = 0; n < 2; n++) {
                m.code(
                        n,
                        a -> {
                            Label loop = a.label();
                            Label bad = a.label();
                            a.mov(R8, EPOCH).mov(R9, PAGE).mov(R10, STOP).xor(EBX, EBX);
                            a.bind(loop).mov(RDX, Mem.base(R8)).mov(RAX, Mem.base(R9));
                            // A hole reads all-ones, which is above every number.
                            a.cmp(RAX, RDX).jcc(Cond.C, bad);
                            a.cmp(Mem.base(R10).d(), 0).jcc(Cond.Z, loop).mov(EBX, 1).bind(bad);
                        });
            }
            long[] frames = {fresh(m), fresh(m)};
            m.runAll(
                    BUDGET,
                    () -> {
                        for (int k = 1; k <= ROUNDS; k++) {
                            long now = frames[k & 1];
                            m.memory.ram().putLong(now, k);
                            if (k % 3 == 0) {
                                m.map.unmap(GFN);
                                m.memory.ram().putLong(frames[~k & 1], 0);
                            }
                            m.map.map(GFN, now >>> MachineMemory.FRAME_SHIFT);
                            m.memory.ram().putLong(frames[~k & 1], 0);
                            m.ram.putLong(EPOCH, k);
                        }
                        m.ram.putInt(STOP, 1);
                    });
            check(m);
        }
    }

    @Test
    void dataIsNeverWrittenToTheOldFrame() {
        try (FlatMachine m = new FlatMachine(2, 8 << 20)) {
            for (int n = 0; n < 2; n++) {
                int word = PAGE + 16 + n * 8;
                boolean locked = n == 1;
                m.code(
                        n,
                        a -> {
                            Label loop = a.label();
                            a.mov(R9, word).mov(R10, STOP).mov(RAX, -1);
                            a.bind(loop);
                            if (locked) {
                                a.lock().or(Mem.base(R9), RAX);
                            } else {
                                a.mov(Mem.base(R9), RAX);
                            }
                            a.cmp(Mem.base(R10).d(), 0).jcc(Cond.Z, loop).mov(EBX, 1);
                        });
            }
            long[] frames = {fresh(m), fresh(m)};
            long[] dirtied = new long[1];
            m.runAll(
                    BUDGET,
                    () -> {
                        for (int k = 1; k <= ROUNDS; k++) {
                            if (k % 3 == 0) {
                                m.map.unmap(GFN);
                            } else {
                                m.map.map(GFN, frames[k & 1] >>> MachineMemory.FRAME_SHIFT);
                            }
                            long old = frames[~k & 1];
                            m.memory.ram().fill(old, 4096, (byte) 0);
                            Thread.yield();
                            dirtied[0] |= m.memory.ram().getLong(old + 16);
                            dirtied[0] |= m.memory.ram().getLong(old + 24);
                        }
                        m.ram.putInt(STOP, 1);
                    });
            assertThat(dirtied[0]).as("writes to a frame that is mapped no more").isZero();
        }
    }

    @Test
    void codeIsNeverRunFromTheOldFrame() {
        try (FlatMachine m = new FlatMachine(2, 8 << 20)) {
            for (int n = 0; n < 2; n++) {
                m.code(
                        n,
                        a -> {
                            Label loop = a.label();
                            Label bad = a.label();
                            a.mov(R8, EPOCH).mov(R9, PAGE).mov(R10, STOP).xor(EBX, EBX);
                            a.bind(loop).mov(EDX, Mem.base(R8)).call(R9);
                            a.cmp(EAX, EDX).jcc(Cond.C, bad);
                            a.cmp(Mem.base(R10).d(), 0).jcc(Cond.Z, loop).mov(EBX, 1).bind(bad);
                        });
            }
            m.assemble(PAGE, a -> a.mov(EAX, 0).ret());
            m.runAll(
                    BUDGET,
                    () -> {
                        byte[] code = {(byte) 0xB8, 0, 0, 0, 0, (byte) 0xC3};
                        for (int k = 1; k <= ROUNDS; k++) {
                            long frame = fresh(m);
                            code[1] = (byte) k;
                            code[2] = (byte) (k >>> 8);
                            m.memory.ram().write(frame, code, 0, code.length);
                            long old =
                                    m.map.exchange(
                                            GFN, frame | dev.vitrine.memory.PhysicalView.ALL);
                            m.ram.putLong(EPOCH, k);
                            if (k > 1) {
                                long mfn = old >>> MachineMemory.FRAME_SHIFT;
                                // What was decoded from it goes with it.
                                m.group.codeWritten(mfn);
                                m.memory.freeFrame(mfn);
                            }
                        }
                        m.ram.putInt(STOP, 1);
                    });
            check(m);
        }
    }
}
