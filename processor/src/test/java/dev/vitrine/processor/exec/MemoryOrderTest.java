// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/**
 * Litmus tests of x86's memory order (SDM volume 3, 8.2.3). Only what is forbidden is looked for.
 */
class MemoryOrderTest {
    private static final long BUDGET = 20_000_000_000L;
    private static final int X = FlatMachine.DATA;
    private static final int Y = FlatMachine.DATA + 0x100000;
    private static final int RESULTS = FlatMachine.DATA + 0x200000;
    private static final int ROUNDS = 100_000;
    private static final int MESSAGES = 500_000;

    /** 8.2.3.2: stores are seen in order, loads are done in order. */
    private static void messagePassing(int data, Consumer<Asm> pass, Consumer<Asm> read) {
        try (FlatMachine m = new FlatMachine(2, 16 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(R8, data).mov(R9, Y).mov(ECX, 1).bind(loop);
                        pass.accept(a);
                        a.inc(ECX).cmp(ECX, MESSAGES).jcc(Cond.LE, loop);
                    });
            m.code(
                    1,
                    a -> {
                        Label loop = a.label();
                        Label bad = a.label();
                        a.mov(R8, data).mov(R9, Y).xor(EBX, EBX).bind(loop);
                        read.accept(a);
                        a.cmp(EDX, EAX).jcc(Cond.L, bad).cmp(EAX, MESSAGES).jcc(Cond.L, loop);
                        a.mov(EBX, 1).bind(bad);
                    });
            m.runAll(BUDGET, () -> {});
            assertThat(m.processor(1).gpr(3)).as("no message overtook its data").isEqualTo(1);
        }
    }

    @Test
    void messagePassing() {
        messagePassing(
                X,
                a -> a.mov(Mem.base(R8), ECX).mov(Mem.base(R9), ECX),
                a -> a.mov(EAX, Mem.base(R9)).mov(EDX, Mem.base(R8)));
    }

    @Test
    void messagePassingWithinAWord() {
        messagePassing(
                Y + 4,
                a -> a.mov(Mem.base(R8), ECX).mov(Mem.base(R9), ECX),
                a -> a.mov(EAX, Mem.base(R9)).mov(EDX, Mem.base(R8)));
    }

    @Test
    void messagePassingByLockedAndByStringInstructions() {
        messagePassing(
                X,
                a ->
                        a.mov(RDI, R8)
                                .mov(EAX, ECX)
                                .cld()
                                .stos(32)
                                .mov(EAX, ECX)
                                .xchg(Mem.base(R9), EAX),
                a ->
                        a.xor(EAX, EAX)
                                .lock()
                                .xadd(Mem.base(R9), EAX)
                                .mov(EDX, EAX)
                                .mov(RSI, R8)
                                .lods(32)
                                .xchg(EAX, EDX));
    }

    /**
     * Both processors walk two arrays of 64-bit words, with a result word each.
     *
     * @param steps for R8 the processor's own word, R9 the other's; the result into EAX
     */
    private static FlatMachine pairs(Consumer<Asm> steps) {
        FlatMachine m = new FlatMachine(2, 16 << 20);
        int ready = FlatMachine.DATA - 0x1000;
        for (int n = 0; n < 2; n++) {
            int own = n == 0 ? X : Y;
            int other = n == 0 ? Y : X;
            int result = RESULTS + n * 0x100000;
            m.code(
                    n,
                    a -> {
                        Label wait = a.label();
                        Label loop = a.label();
                        a.mov(R8, own).mov(R9, other).mov(R10, result).mov(ECX, ROUNDS);
                        a.mov(R11, ready).lock().inc(Mem.base(R11).d());
                        a.bind(wait).pause().cmp(Mem.base(R11).d(), 2).jcc(Cond.NZ, wait);
                        a.bind(loop);
                        steps.accept(a);
                        a.mov(Mem.base(R10), EAX).add(R8, 8).add(R9, 8).add(R10, 8);
                        a.dec(ECX).jcc(Cond.NZ, loop);
                    });
        }
        m.runAll(BUDGET, () -> {});
        return m;
    }

    private static int count(FlatMachine m, int both) {
        int found = 0;
        for (int k = 0; k < ROUNDS; k++) {
            int first = m.ram.getInt(RESULTS + k * 8L);
            int second = m.ram.getInt(RESULTS + 0x100000 + k * 8L);
            if (first == both && second == both) {
                found++;
            }
        }
        return found;
    }

    /** 8.2.3.3: a store is not done before an earlier load. */
    @Test
    void loadBuffering() {
        try (FlatMachine m = pairs(a -> a.mov(EAX, Mem.base(R9)).mov(Mem.base(R8).d(), 1))) {
            assertThat(count(m, 1)).isZero();
        }
    }

    /** 8.2.3.4 with a fence: then not even a store and a later load change places. */
    @Test
    void storeBufferingWithFence() {
        try (FlatMachine m =
                pairs(a -> a.mov(Mem.base(R8).d(), 1).mfence().mov(EAX, Mem.base(R9)))) {
            assertThat(count(m, 0)).isZero();
        }
    }

    /** 8.2.3.9: locked instructions are fences. */
    @Test
    void storeBufferingWithLockedInstructions() {
        try (FlatMachine m =
                pairs(a ->
                        a.mov(Mem.base(R8).d(), 1)
                                .lock()
                                .or(Mem.base(RSP).disp(-8).d(), 0)
                                .mov(EAX, Mem.base(R9)))) {
            assertThat(count(m, 0)).isZero();
        }
        try (FlatMachine m =
                pairs(a -> a.mov(EDX, 1).xchg(Mem.base(R8), EDX).mov(EAX, Mem.base(R9)))) {
            assertThat(count(m, 0)).isZero();
        }
    }

    /** 8.2.3.5: a processor sees its own stores at once. */
    @Test
    void ownStoresAreSeen() {
        try (FlatMachine m =
                pairs(a ->
                        a.mov(Mem.base(R8).d(), 7).mov(EAX, Mem.base(R8)).mov(EDX, Mem.base(R9)))) {
            assertThat(count(m, 7)).isEqualTo(ROUNDS);
        }
    }
}
