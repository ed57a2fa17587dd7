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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.function.Consumer;

/**
 * Locked accesses that no compare-and-set of the host covers are atomic towards plain loads and
 * stores of other processors, too.
 */
class WideAtomicsTest {
    private static final long BUDGET = 20_000_000_000L;
    private static final int AT = FlatMachine.DATA;
    private static final int ROUNDS = 20_000;

    /** The first does its body ROUNDS times and then sets DONE; the others go on until then. */
    private static final int DONE = FlatMachine.DATA + 0x10000;

    private static FlatMachine run(
            long address, int others, Consumer<Asm> writer, Consumer<Asm> other) {
        FlatMachine m = new FlatMachine(1 + others, 4 << 20);
        m.code(
                0,
                a -> {
                    Label loop = a.label();
                    a.mov(R8, address).mov(R12, ROUNDS).bind(loop);
                    writer.accept(a);
                    a.dec(R12).jcc(Cond.NZ, loop);
                    a.mov(R9, (long) DONE).mov(Mem.base(R9).d(), 1);
                });
        for (int n = 1; n <= others; n++) {
            m.code(
                    n,
                    a -> {
                        Label loop = a.label();
                        a.mov(R8, address).mov(R9, (long) DONE);
                        a.xor(EBX, EBX).xor(ECX, ECX).bind(loop);
                        other.accept(a);
                        a.cmp(Mem.base(R9).d(), 0).jcc(Cond.Z, loop);
                    });
        }
        m.runAll(BUDGET, () -> {});
        return m;
    }

    /** Counts in RBX what is greater of two numbers that must not be. */
    private static void count(Asm a, Runnable compare) {
        Label good = a.label();
        compare.run();
        a.jcc(Cond.BE, good).inc(RBX).bind(good);
    }

    /** Both halves change at once: whichever is read first is not the greater one. */
    @Test
    void halvesOfSixteenBytes() {
        try (FlatMachine m =
                run(
                        AT,
                        3,
                        a -> {
                            Label again = a.label();
                            a.mov(RAX, Mem.base(R8)).mov(RDX, Mem.base(R8).disp(8));
                            a.bind(again).lea(RBX, Mem.base(RAX).disp(1));
                            a.lea(RCX, Mem.base(RDX).disp(1));
                            a.lock().cmpxchg16b(Mem.base(R8)).jcc(Cond.NZ, again);
                        },
                        a -> {
                            a.mov(RAX, Mem.base(R8)).mov(RDX, Mem.base(R8).disp(8));
                            count(a, () -> a.cmp(RAX, RDX));
                            a.mov(RDX, Mem.base(R8).disp(8)).mov(RAX, Mem.base(R8));
                            count(a, () -> a.cmp(RDX, RAX));
                        })) {
            assertThat(m.ram.getLong(AT)).isEqualTo(ROUNDS);
            assertThat(m.ram.getLong(AT + 8)).isEqualTo(ROUNDS);
            for (int n = 1; n <= 3; n++) {
                assertThat(m.processor(n).gpr(3)).as("exchanges seen half done").isZero();
            }
        }
    }

    /** Within a cache line's end, and over a page's. */
    @ParameterizedTest
    @ValueSource(ints = {4, 60, 0xFFC})
    void halvesOfASplitLock(int offset) {
        try (FlatMachine m =
                run(
                        AT + offset,
                        2,
                        a -> {
                            a.mov(RAX, 0x1_0000_0001L);
                            a.lock().add(Mem.base(R8), RAX);
                        },
                        a -> {
                            a.mov(EAX, Mem.base(R8)).mov(EDX, Mem.base(R8).disp(4));
                            count(a, () -> a.cmp(EAX, EDX));
                            a.mov(EDX, Mem.base(R8).disp(4)).mov(EAX, Mem.base(R8));
                            count(a, () -> a.cmp(EDX, EAX));
                        })) {
            assertThat(m.ram.getInt(AT + offset)).isEqualTo(ROUNDS);
            assertThat(m.ram.getInt(AT + offset + 4)).isEqualTo(ROUNDS);
            assertThat(m.processor(1).gpr(3) + m.processor(2).gpr(3))
                    .as("additions seen half done")
                    .isZero();
        }
    }

    /** What another stores to a half that a split lock writes back unchanged is not lost. */
    @ParameterizedTest
    @ValueSource(ints = {4, 60, 0xFFC})
    void plainStoresBesideASplitLock(int offset) {
        try (FlatMachine m =
                run(
                        AT + offset,
                        1,
                        a -> {
                            a.mov(RAX, 1L << 32);
                            a.lock().add(Mem.base(R8), RAX);
                        },
                        a -> {
                            Label kept = a.label();
                            a.inc(ECX).mov(Mem.base(R8), ECX);
                            for (int i = 0; i < 8; i++) {
                                a.mov(EAX, Mem.base(R8));
                            }
                            a.cmp(EAX, ECX).jcc(Cond.Z, kept).inc(RBX).bind(kept);
                        })) {
            assertThat(m.ram.getInt(AT + offset + 4)).isEqualTo(ROUNDS);
            assertThat(m.processor(1).gpr(3)).as("stores lost").isZero();
        }
    }

    /** Processors that all stop each other get on, with code that is rewritten meanwhile. */
    @Test
    void everyoneStopsEveryone() {
        Consumer<Asm> body =
                a -> {
                    a.lock().inc(Mem.base(R8).q());
                    a.mov(EAX, Mem.base(R8)).mov(RDX, Mem.base(R8).disp(0x100));
                    a.lock().cmpxchg8b(Mem.base(R8).disp(0x101));
                };
        try (FlatMachine m = run(AT + 61, 3, body, body)) {
            long first = m.ram.getLong(AT + 61);
            assertThat(first).isGreaterThan(ROUNDS);
        }
    }
}
