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

/**
 * One processor rewrites code that another one executes. Processor 0 writes, processor 1 executes.
 */
class CrossModifyingCodeTest {
    private static final long BUDGET = 400_000_000_000L;
    private static final int GO = FlatMachine.DATA;
    private static final int DONE = FlatMachine.DATA + 0x1000;

    /** A page of its own for the function. */
    private static final int APART = 0x180000;

    private static final int HANDSHAKES = 2000;

    /** Spins until the word at R reaches the number in ECX. */
    private static void await(Asm a, dev.vitrine.processor.asm.Reg at) {
        Label wait = a.label();
        Label go = a.label();
        a.bind(wait).cmp(Mem.base(at), ECX).jcc(Cond.GE, go).pause().jmp(wait).bind(go);
    }

    /**
     * The writer changes the function, sets the flag and waits for the answer; the reader waits for
     * the flag and calls.
     *
     * @param function where {@code mov eax, imm32; ret} lies
     */
    private static void handshakes(int function, int rounds) {
        try (FlatMachine m = new FlatMachine(2, 4 << 20)) {
            writer(m, function, rounds);
            m.code(
                    1,
                    a -> {
                        Label loop = a.label();
                        Label bad = a.label();
                        a.mov(R8, GO).mov(R9, DONE).mov(R10, function).mov(ECX, 1).xor(EBX, EBX);
                        a.bind(loop);
                        await(a, R8);
                        a.call(R10).cmp(EAX, ECX).jcc(Cond.NZ, bad);
                        a.mov(Mem.base(R9), ECX);
                        a.inc(ECX).cmp(ECX, rounds).jcc(Cond.LE, loop);
                        a.mov(EBX, 1).hlt().bind(bad).mov(Mem.base(R9).d(), rounds);
                    });
            m.runAll(BUDGET, () -> {});
            assertThat(m.processor(1).gpr(3)).as("every call saw the newest code").isEqualTo(1);
            assertThat(m.ram.getInt(GO)).isEqualTo(rounds);
        }
    }

    private static void writer(FlatMachine m, int function, int rounds) {
        m.code(
                0,
                a -> {
                    Label loop = a.label();
                    a.mov(R8, GO).mov(R9, DONE).mov(R10, function + 1).mov(ECX, 1);
                    a.bind(loop).mov(Mem.base(R10), ECX).mov(Mem.base(R8), ECX);
                    await(a, R9);
                    a.inc(ECX).cmp(ECX, rounds).jcc(Cond.LE, loop);
                });
        m.assemble(function, a -> a.mov(EAX, 0).ret());
    }

    @Test
    void functionOnAPageOfItsOwn() {
        handshakes(APART, HANDSHAKES);
    }

    @Test
    void functionOnThePageOfTheCaller() {
        handshakes(FlatMachine.code(1) + 0x800, HANDSHAKES);
    }

    @Test
    void functionOnThePageOfTheWriter() {
        handshakes(FlatMachine.code(0) + 0x800, HANDSHAKES);
    }

    @Test
    void functionAcrossTwoPages() {
        handshakes(APART + 0xFFE, HANDSHAKES);
        handshakes(APART + 0xFFF, HANDSHAKES);
    }

    /**
     * The reader does not wait: it calls all the time, while the code changes under it. What it
     * read of the flag before a call is a lower bound for what the call may give: whatever was
     * decoded and cached on the way, nothing older than the flag may come out behind a serializing
     * instruction (SDM volume 3, 9.1.3; without one a translated loop may go on to its end with the
     * old code). The immediates are aligned, so a torn one cannot be seen.
     */
    private static void races(int function, int secondFunction, int rounds) {
        try (FlatMachine m = new FlatMachine(2, 4 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label loop = a.label();
                        a.mov(R8, GO).mov(R10, function + 1).mov(R11, secondFunction + 1);
                        a.mov(ECX, 1);
                        a.bind(loop).mov(Mem.base(R10), ECX).mov(Mem.base(R11), ECX);
                        a.mov(Mem.base(R8), ECX);
                        a.inc(ECX).cmp(ECX, rounds).jcc(Cond.LE, loop);
                    });
            m.code(
                    1,
                    a -> {
                        Label loop = a.label();
                        Label bad = a.label();
                        Label end = a.label();
                        a.mov(R8, GO).mov(R10, function).mov(R11, secondFunction);
                        a.bind(loop).mov(EDI, Mem.base(R8)).xor(EAX, EAX).cpuid();
                        a.call(R10).cmp(EAX, EDI).jcc(Cond.L, bad);
                        a.call(R11).cmp(EAX, EDI).jcc(Cond.L, bad);
                        a.cmp(EDI, rounds).jcc(Cond.L, loop);
                        a.mov(EBX, 1).jmp(end);
                        a.bind(bad).xor(EBX, EBX).bind(end);
                    });
            m.assemble(function, a -> a.mov(EAX, 0).ret());
            m.assemble(secondFunction, a -> a.mov(EAX, 0).ret());
            m.runAll(BUDGET, () -> {});
            assertThat(m.processor(1).gpr(3)).as("no call was older than the flag").isEqualTo(1);
        }
    }

    @Test
    void calledWhileItChanges() {
        races(APART + 3, APART + 0x1003, 3000);
    }

    @Test
    void calledWhileItChangesOnSharedPages() {
        races(FlatMachine.code(0) + 0x803, FlatMachine.code(1) + 0x803, 300);
    }

    /** Both write a counter on the page that both execute from. */
    @Test
    void bothExecuteFromAPageThatBothWrite() {
        int rounds = 500;
        try (FlatMachine m = new FlatMachine(2, 4 << 20)) {
            for (int n = 0; n < 2; n++) {
                int counter = APART + 0x800 + n * 8;
                m.assemble(APART + n * 0x100, a -> a.inc(Mem.base(R8).q()).ret());
                int function = APART + n * 0x100;
                m.code(
                        n,
                        a -> {
                            Label loop = a.label();
                            a.mov(R8, counter).mov(R9, function).mov(ECX, rounds);
                            a.bind(loop).call(R9).dec(ECX).jcc(Cond.NZ, loop);
                        });
            }
            m.runAll(BUDGET, () -> {});
            assertThat(m.ram.getLong(APART + 0x800)).isEqualTo(rounds);
            assertThat(m.ram.getLong(APART + 0x808)).isEqualTo(rounds);
        }
    }
}
