// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.*;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.introspection.RedPillPair.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.Breakpoints.Mechanism;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;

import org.junit.jupiter.api.Test;

import java.util.function.Consumer;

/**
 * A guest whose one vCPU rewrites what the other executes. Under the virtual clock all that it
 * finds is what it finds alone; under the real clock each instruction is one that has been there.
 */
class RedPillRewriteTest {
    private static final int ROUNDS = 1000;

    /** Rounds at the same time, and how long the other one counts between two of its writes. */
    private static final int ROUNDS_AT_ONCE = 200;

    private static final int PAUSE = 20_000;

    /** Eight NOPs; then the two words that are rewritten, which are aligned, and RET. */
    private static final int BODY = TARGET + 0x18;

    private static final int FIRST = 0x20;
    private static final int SECOND = 0x28;
    private static final int END = 0x30;

    /** MOV AL, MOV CL, MOV DL and MOV BL, each of 0. */
    private static final long FOUR_MOVS = 0x00B3_00B2_00B1_00B0L;

    /** LEA RSI, [RSI + 0] of eight bytes, whose last four are the displacement. */
    private static final long LEA = 0x26B4_8D48L;

    /** One NOP of eight bytes. */
    private static final long LONG_NOP = 0x0000_0000_0084_1F0FL;

    /** JMP to the end, over UD2. */
    private static final long JUMP = 0x0B0F_0B0F_0B0F_06EBL;

    private static final long[] POINTS = {
        BODY,
        BODY + 7,
        TARGET + 0x20,
        TARGET + 0x22,
        TARGET + 0x24,
        TARGET + 0x26,
        TARGET + 0x28,
        TARGET + 0x30
    };

    /**
     * What vCPU 1 writes, in as many ways as there are, while vCPU 0 executes: operands from 1 to 7
     * of the four MOVs, and in place of the second word LEA of 1 to 7 in all four bytes, a NOP, a
     * jump, and INT3 with the rest changed behind it, as Linux does. Whatever the moment, each
     * instruction is one that has been there.
     */
    private static void rewrites(Asm a, int pause) {
        setWord(a, READY, 1);
        Label restart = a.label();
        Label next = a.label();
        Label done = a.label();
        a.mov(R8, TARGET);
        a.bind(restart).mov(R9, 1).bind(next);
        step(a, pause, x -> x.mov(Mem.base(R8).disp(FIRST), RBX));
        step(a, pause, x -> x.mov(Mem.base(R8).disp(SECOND), RCX));
        step(a, pause, x -> x.mov(Mem.base(R8).disp(FIRST), EBX));
        step(a, pause, x -> x.shr(RBX, 16).mov(Mem.base(R8).disp(FIRST + 2), BX));
        step(a, pause, x -> x.mov(Mem.base(R8).disp(FIRST + 5), DL));
        step(a, pause, x -> x.mov(RAX, LONG_NOP).xchg(Mem.base(R8).disp(SECOND), RAX));
        step(a, pause, x -> x.lock().xchg(Mem.base(R8).disp(FIRST + 7), DL));
        step(a, pause, x -> x.mov(RAX, Mem.base(R8).disp(FIRST)).lock().cmpxchg(at(FIRST), RBX));
        step(
                a,
                pause,
                x -> {
                    x.mov(RAX, Mem.base(R8).disp(FIRST)).mov(RDX, Mem.base(R8).disp(SECOND));
                    x.lock().cmpxchg16b(at(FIRST));
                });
        // Over the first word's beginning: four NOPs, and two of the MOVs.
        step(
                a,
                pause,
                x -> {
                    x.mov(RAX, RBX).shl(RAX, 32).mov(R10, 0x90909090L).or(RAX, R10);
                    x.mov(Mem.base(R8).disp(FIRST - 4), RAX);
                });
        step(a, pause, x -> x.mov(RAX, JUMP).mov(Mem.base(R8).disp(SECOND), RAX));
        step(
                a,
                pause,
                x -> {
                    x.push(RCX).push(RBX).movdqu(XMM1, Mem.base(RSP)).add(RSP, 16);
                    x.movdqu(Mem.base(R8).disp(FIRST), XMM1);
                });
        step(
                a,
                pause,
                x -> {
                    x.push(RBX).mov(RSI, RSP).lea(RDI, at(FIRST)).mov(ECX, 8).rep().movs(8);
                    x.add(RSP, 8);
                });
        step(a, pause, x -> x.lock().or(at(FIRST + 1).b(), 7).lock().and(at(FIRST + 3).b(), 7));
        step(a, pause, x -> x.mov(at(SECOND).b(), (byte) 0xCC));
        step(
                a,
                pause,
                x -> {
                    x.shr(RCX, 8).mov(Mem.base(R8).disp(SECOND + 1), ECX).shr(RCX, 32);
                    x.mov(Mem.base(R8).disp(SECOND + 5), CX).shr(RCX, 16);
                    x.mov(Mem.base(R8).disp(SECOND + 7), CL);
                });
        step(a, pause, x -> x.mov(at(SECOND).b(), 0x48));
        a.mov(RAX, DONE).cmp(Mem.base(RAX).q(), 0).jcc(Cond.NZ, done);
        a.inc(R9).cmp(R9, 8).jcc(Cond.NZ, next).jmp(restart).bind(done);
    }

    /**
     * One write with R9 in RDX, in the MOVs in RBX and in LEA in RCX; then vCPU 0's turn, or a
     * pause.
     */
    private static void step(Asm a, int pause, Consumer<Asm> write) {
        a.mov(RDX, R9).mov(RBX, 0x0100_0100_0100_0100L).imul(RBX, R9).mov(RAX, FOUR_MOVS);
        a.add(RBX, RAX).mov(ECX, 0x01010101L).imul(RCX, R9).shl(RCX, 32).mov(RAX, LEA);
        a.or(RCX, RAX);
        write.accept(a);
        if (pause == 0) {
            AssembledGuest.yield(a);
        } else {
            Label wait = a.label();
            a.mov(ECX, pause).bind(wait).dec(ECX).jcc(Cond.NZ, wait);
        }
    }

    /** Counts in R12 what never was, and mixes all that is found into R13. */
    private static void executes(Asm a, int rounds) {
        start(a);
        a.mov(R15, RESULT).xor(ESI, ESI).xor(R11, R11).xor(R12, R12).xor(R13, R13);
        times(
                a,
                rounds,
                () -> {
                    endTurnSoon(a);
                    a.xor(EAX, EAX).xor(ECX, ECX).xor(EDX, EDX).xor(EBX, EBX).mov(R10, RSI);
                    call(a, BODY);
                    for (Reg r : new Reg[] {RAX, RCX, RDX, RBX}) {
                        a.rol(R13, 5).xor(R13, r);
                        a.dec(r);
                        expect(a, () -> a.cmp(r, 7), Cond.C);
                    }
                    // How far LEA went: 0 without it, or four times the same byte.
                    a.mov(RAX, RSI).sub(RAX, R10).rol(R13, 5).xor(R13, RAX);
                    a.movzx(ECX, AL).mov(EDX, 0x01010101L).imul(RCX, RDX);
                    expect(a, () -> a.cmp(RCX, RAX), Cond.Z);
                    expect(a, () -> a.cmp(AL, 8), Cond.C);
                });
        setWord(a, DONE, 1);
        for (Reg r : new Reg[] {R12, R13, RSI, R11}) {
            note(a.mov(RAX, r));
        }
    }

    private static RedPill rewriting(int rounds, int pause) {
        return new RedPill(
                        g -> {
                            Asm body = new Asm(64, BODY);
                            body.fill(8, 0x90).hex("B001 B101 B201 B301").dq(LONG_NOP).ret();
                            g.domain.physical().write(BODY, body.toBytes());
                            // The guest's own INT3 counts, and leads to the end.
                            g.handler(
                                    3,
                                    a -> {
                                        a.inc(R11).push(RAX).mov(RAX, TARGET + END);
                                        a.mov(Mem.base(RSP).disp(8), RAX).pop(RAX).iret(64);
                                    });
                            g.secondary(1, a -> rewrites(a, pause));
                        },
                        a -> executes(a, rounds),
                        POINTS)
                .vcpus(2);
    }

    /** Writes under, before and over breakpoints come between any two instructions. */
    @Test
    void rewritesWhatAnotherExecutes() throws InterruptedException {
        RedPill pill = rewriting(ROUNDS, 0);
        assertThat(pill.findsOnly(Naive.INT3, Naive.TRAP_FLAG)).isEqualTo(POINTS.length * ROUNDS);
        Run alone = pill.alone();
        assertThat(word(alone, 0)).as("instructions that never were").isZero();
        assertThat(word(alone, 2)).as("LEA was there").isNotZero();
        assertThat(word(alone, 3)).as("INT3 was there").isNotZero();
    }

    @Test
    void rewritesAtTheSameTime() throws InterruptedException {
        RedPill pill = rewriting(ROUNDS_AT_ONCE, PAUSE).atTheSameTime();
        assertThat(word(pill.alone(), 0)).as("instructions that never were").isZero();
        for (Mechanism m : Mechanism.values()) {
            Run with = pill.with(m);
            assertThat(word(with, 0)).as("instructions that never were with %s", m).isZero();
            assertThat(with.hits()).as("hits with %s", m).isEqualTo(POINTS.length * ROUNDS_AT_ONCE);
        }
    }

    // ---------------------------------------------------------------- two writers

    /**
     * Two vCPUs count up, each the operand of an instruction of its own on one page, and then say
     * how far they are; the third never executes an operand that is behind what it has been told.
     */
    private static RedPill counting(int rounds, int pause) {
        return new RedPill(
                        g -> {
                            Asm body = new Asm(64, TARGET + FIRST);
                            body.mov(EAX, 0).nop().nop().nop().mov(ECX, 0).nop().nop().nop();
                            body.ret();
                            g.domain.physical().write(TARGET + FIRST, body.toBytes());
                            g.secondary(1, a -> countsUp(a, TARGET + FIRST + 1, TOLD, pause));
                            g.secondary(2, a -> countsUp(a, TARGET + SECOND + 1, TOLD + 8, pause));
                        },
                        a -> executesWhatCounts(a, rounds),
                        TARGET + FIRST,
                        TARGET + SECOND,
                        TARGET + SECOND + 6)
                .vcpus(3);
    }

    /** Words: how far the two writers are. */
    private static final int TOLD = DATA + 0x90;

    private static void countsUp(Asm a, int operand, int told, int pause) {
        Label next = a.label();
        setWord(a, READY, 1);
        a.xor(R9, R9).mov(R8, operand).mov(RDX, told).bind(next);
        a.inc(R9).mov(Mem.base(R8), R9D).mov(Mem.base(RDX), R9);
        if (pause == 0) {
            a.push(RDX);
            AssembledGuest.yield(a);
            a.pop(RDX);
        } else {
            Label wait = a.label();
            a.mov(ECX, pause).bind(wait).dec(ECX).jcc(Cond.NZ, wait);
        }
        a.mov(RAX, DONE).cmp(Mem.base(RAX).q(), 0).jcc(Cond.Z, next);
    }

    private static void executesWhatCounts(Asm a, int rounds) {
        start(a);
        setWord(a, READY, 0);
        startUp(a, 2);
        awaitWord(a, READY, 1);
        a.mov(R15, RESULT).xor(R12, R12).xor(R13, R13);
        times(
                a,
                rounds,
                () -> {
                    endTurnSoon(a);
                    a.mov(RBX, TOLD).mov(R9, Mem.base(RBX)).mov(R10, Mem.base(RBX).disp(8));
                    call(a, TARGET + FIRST);
                    a.rol(R13, 5).xor(R13, RAX).rol(R13, 5).xor(R13, RCX);
                    expect(a, () -> a.cmp(RAX, R9), Cond.NC);
                    expect(a, () -> a.cmp(RCX, R10), Cond.NC);
                });
        setWord(a, DONE, 1);
        note(a.mov(RAX, R12));
        note(a.mov(RAX, R13));
    }

    @Test
    void executesWhatItWasTold() throws InterruptedException {
        int rounds = 500;
        RedPill pill = counting(rounds, 0);
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(3 * rounds);
        assertThat(word(pill.alone(), 0)).as("operands that were behind").isZero();
        assertThat(word(pill.alone(), 1)).as("operands").isNotZero();
    }

    @Test
    void executesWhatItWasToldAtTheSameTime() throws InterruptedException {
        // Few: one of the three may wait for another that waits for a processor of the host.
        int rounds = 40;
        RedPill pill = counting(rounds, PAUSE).atTheSameTime();
        for (Mechanism m : Mechanism.values()) {
            Run with = pill.with(m);
            assertThat(word(with, 0)).as("operands that were behind with %s", m).isZero();
            assertThat(with.hits()).as("hits with %s", m).isEqualTo(3 * rounds);
        }
    }
}
