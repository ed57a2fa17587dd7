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

/** LOCK makes read-modify-write atomic between processors: no addition is lost. */
class AtomicInstructionsTest {
    private static final long BUDGET = 20_000_000_000L;
    private static final int AT = FlatMachine.DATA;
    private static final int ROUNDS = 50_000;

    /** Both processors do the body 50 000 times; R8 holds the address of the word, RCX counts. */
    private static FlatMachine both(long address, int rounds, Consumer<Asm> body) {
        FlatMachine m = new FlatMachine(2, 4 << 20);
        for (int n = 0; n < 2; n++) {
            int own = n;
            m.code(
                    n,
                    a -> {
                        Label loop = a.label();
                        a.mov(R8, address).mov(R9, own).mov(ECX, rounds).bind(loop);
                        body.accept(a);
                        a.dec(ECX).jcc(Cond.NZ, loop);
                    });
        }
        m.runAll(BUDGET, () -> {});
        return m;
    }

    @Test
    void increment() {
        for (int offset : new int[] {0, 4, 1, 3}) {
            try (FlatMachine m = both(AT + offset, ROUNDS, a -> a.lock().inc(Mem.base(R8).d()))) {
                assertThat(m.ram.getInt(AT + offset)).isEqualTo(2 * ROUNDS);
            }
        }
        try (FlatMachine m = both(AT, ROUNDS, a -> a.lock().add(Mem.base(R8).q(), 0x10001))) {
            assertThat(m.ram.getLong(AT)).isEqualTo(2L * ROUNDS * 0x10001);
        }
    }

    @Test
    void splitLock() {
        try (FlatMachine m = both(AT + 61, ROUNDS, a -> a.lock().inc(Mem.base(R8).q()))) {
            assertThat(m.ram.getLong(AT + 61)).isEqualTo(2 * ROUNDS);
        }
    }

    /** A lock over a page's end is as atomic as any other. */
    @Test
    void splitLockAcrossPages() {
        try (FlatMachine m = both(AT + 0xFFE, ROUNDS, a -> a.lock().inc(Mem.base(R8).d()))) {
            assertThat(m.ram.getInt(AT + 0xFFE)).isEqualTo(2 * ROUNDS);
        }
    }

    /** Neighbours in a word do not disturb each other. */
    @Test
    void neighbouringBytes() {
        try (FlatMachine m = both(AT, ROUNDS, a -> a.lock().inc(Mem.base(R8).index(R9, 1).b()))) {
            assertThat(m.ram.getByte(AT)).isEqualTo(ROUNDS & 0xFF);
            assertThat(m.ram.getByte(AT + 1)).isEqualTo(ROUNDS & 0xFF);
            assertThat(m.ram.getShort(AT + 2)).isZero();
        }
    }

    /** Plain stores to one half of a word while the other half is updated by LOCK. */
    @Test
    void plainStoresBeside() {
        try (FlatMachine m =
                both(
                        AT,
                        ROUNDS,
                        a -> {
                            Label first = a.label();
                            Label next = a.label();
                            a.test(R9D, R9D).jcc(Cond.Z, first);
                            a.inc(Mem.base(R8).disp(4).d()).jmp(next);
                            a.bind(first).lock().inc(Mem.base(R8).d()).bind(next);
                        })) {
            assertThat(m.ram.getInt(AT)).isEqualTo(ROUNDS);
            assertThat(m.ram.getInt(AT + 4)).isEqualTo(ROUNDS);
        }
    }

    /** Every value is handed out once: the sum of what XADD returned is that of all numbers. */
    @Test
    void exchangeAndAdd() {
        try (FlatMachine m =
                both(AT, ROUNDS, a -> a.mov(EAX, 1).lock().xadd(Mem.base(R8), EAX).add(RBX, RAX))) {
            assertThat(m.ram.getInt(AT)).isEqualTo(2 * ROUNDS);
            long all = (2L * ROUNDS - 1) * 2 * ROUNDS / 2;
            assertThat(m.processor(0).gpr(3) + m.processor(1).gpr(3)).isEqualTo(all);
        }
    }

    @Test
    void compareAndExchange() {
        try (FlatMachine m =
                both(
                        AT,
                        ROUNDS,
                        a -> {
                            Label again = a.label();
                            a.mov(RAX, Mem.base(R8));
                            a.bind(again).lea(RDX, Mem.base(RAX).disp(3));
                            a.lock().cmpxchg(Mem.base(R8), RDX).jcc(Cond.NZ, again);
                        })) {
            assertThat(m.ram.getLong(AT)).isEqualTo(6L * ROUNDS);
        }
    }

    @Test
    void compareAndExchangeOfEightBytes() {
        try (FlatMachine m = wide(a -> a.lock().cmpxchg8b(Mem.base(R8)), EAX, EDX, EBX, ECX, 4)) {
            assertThat(m.ram.getInt(AT)).isEqualTo(2 * ROUNDS);
            assertThat(m.ram.getInt(AT + 4)).isEqualTo(4 * ROUNDS);
        }
    }

    @Test
    void compareAndExchangeOfSixteenBytes() {
        try (FlatMachine m = wide(a -> a.lock().cmpxchg16b(Mem.base(R8)), RAX, RDX, RBX, RCX, 8)) {
            assertThat(m.ram.getLong(AT)).isEqualTo(2 * ROUNDS);
            assertThat(m.ram.getLong(AT + 8)).isEqualTo(4 * ROUNDS);
        }
    }

    private static FlatMachine wide(
            Consumer<Asm> exchange,
            dev.vitrine.processor.asm.Reg low,
            dev.vitrine.processor.asm.Reg high,
            dev.vitrine.processor.asm.Reg newLow,
            dev.vitrine.processor.asm.Reg newHigh,
            int half) {
        return both(
                AT,
                ROUNDS,
                a -> {
                    Label again = a.label();
                    a.mov(R10, RCX).mov(low, Mem.base(R8)).mov(high, Mem.base(R8).disp(half));
                    a.bind(again).lea(newLow, Mem.base(RAX).disp(1));
                    a.lea(newHigh, Mem.base(RDX).disp(2));
                    exchange.accept(a);
                    a.jcc(Cond.NZ, again).mov(RCX, R10);
                });
    }

    /** Plain increments under a spin lock. */
    private static void spinLock(Consumer<Asm> acquire, Consumer<Asm> release) {
        int rounds = 10_000;
        try (FlatMachine m =
                both(
                        AT,
                        rounds,
                        a -> {
                            acquire.accept(a);
                            a.inc(Mem.base(R8).disp(0x100).q())
                                    .add(Mem.base(R8).disp(0x1100).d(), 2);
                            release.accept(a);
                        })) {
            assertThat(m.ram.getLong(AT + 0x100)).isEqualTo(2 * rounds);
            assertThat(m.ram.getInt(AT + 0x1100)).isEqualTo(4 * rounds);
            assertThat(m.ram.getInt(AT)).isZero();
        }
    }

    @Test
    void exchangeIsLockedWithoutPrefix() {
        spinLock(
                a -> {
                    Label again = a.label();
                    Label got = a.label();
                    a.bind(again).mov(EAX, 1).xchg(Mem.base(R8), EAX);
                    a.test(EAX, EAX).jcc(Cond.Z, got).pause().jmp(again).bind(got);
                },
                a -> a.mov(Mem.base(R8).d(), 0));
    }

    @Test
    void bitTestAndSet() {
        spinLock(
                a -> {
                    Label again = a.label();
                    Label got = a.label();
                    a.bind(again).lock().bts(Mem.base(R8).d(), 7);
                    a.jcc(Cond.NC, got).pause().jmp(again).bind(got);
                },
                a -> a.lock().btr(Mem.base(R8).d(), 7));
    }

    @Test
    void bitTestAndSetByRegister() {
        spinLock(
                a -> {
                    Label again = a.label();
                    Label got = a.label();
                    a.mov(EDX, 19).bind(again).lock().bts(Mem.base(R8), EDX);
                    a.jcc(Cond.NC, got).pause().jmp(again).bind(got);
                },
                a -> a.lock().and(Mem.base(R8).d(), 0));
    }

    /** Each processor flips bits of its own; what the other flips meanwhile stays. */
    @Test
    void logicOnOneWord() {
        try (FlatMachine m =
                both(
                        AT,
                        ROUNDS,
                        a -> {
                            a.mov(RDX, 0x5555L).mov(RAX, RCX).mov(RCX, R9).shlCl(RDX);
                            a.mov(RCX, RAX).lock().xor(Mem.base(R8), RDX);
                            a.lock().xor(Mem.base(R8), RDX).lock().or(Mem.base(R8), RDX);
                            a.not(RDX).lock().and(Mem.base(R8), RDX);
                            a.lock()
                                    .not(Mem.base(R8).disp(8).q())
                                    .lock()
                                    .neg(Mem.base(R8).disp(8).q());
                        })) {
            assertThat(m.ram.getLong(AT)).isZero();
            // -~x is x + 1: pairs of the two processors may interleave, but not be lost.
            assertThat(Math.abs(m.ram.getLong(AT + 8))).isLessThanOrEqualTo(2L * ROUNDS);
        }
    }
}
