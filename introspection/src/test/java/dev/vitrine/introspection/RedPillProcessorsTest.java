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

/**
 * Guests of two vCPUs that look for breakpoints together. Under the virtual clock all that they
 * find is what they find alone; under the real clock it is what a model says.
 */
class RedPillProcessorsTest {
    // ------------------------------------------------------------------- scans

    private static final int PASSES = 12;

    /** A page of code whose scan takes its time; it is executed at three places. */
    private static final long[] SCANNED = {TARGET, TARGET + 3, TARGET + 0x800, TARGET + 0xFF8};

    /**
     * vCPU 1 hashes the page and counts INT3 in it, by two addresses, and leaves what it finds;
     * vCPU 0 executes the page until that is done, and leaves how often.
     */
    private static RedPill scanning() {
        return new RedPill(
                        g -> {
                            byte[] content = new byte[0x1000];
                            for (int i = 0; i < content.length; i++) {
                                content[i] = (byte) (i * 7 + (i >> 8));
                            }
                            g.domain.physical().write(TARGET, content);
                            for (int at : new int[] {0, 0x800, 0xFF8}) {
                                g.assemble(TARGET + at, a -> a.inc(RSI).nop().nop().ret());
                            }
                            g.window(0, TARGET >>> 12);
                            g.secondary(1, RedPillProcessorsTest::scans);
                        },
                        a -> {
                            start(a);
                            a.mov(R15, RESULT).xor(ESI, ESI).xor(EBP, EBP);
                            Label again = a.label();
                            a.bind(again).inc(EBP);
                            endTurnSoon(a);
                            for (int at : new int[] {0, 0x800, 0xFF8}) {
                                call(a, TARGET + at);
                            }
                            a.mov(RAX, DONE).cmp(Mem.base(RAX).q(), 1).jcc(Cond.NZ, again);
                            note(a.mov(RAX, RBP));
                            note(a.mov(RAX, RSI));
                        },
                        SCANNED)
                .vcpus(2);
    }

    private static void scans(Asm a) {
        setWord(a, READY, 1);
        a.mov(R15, RESULT + 0x100);
        times(
                a,
                PASSES,
                () -> {
                    for (long base : new long[] {TARGET, WINDOW}) {
                        Label next = a.label();
                        Label other = a.label();
                        a.mov(R8, base).mov(ECX, 0x1000 / 8).xor(EAX, EAX).xor(EBX, EBX);
                        a.bind(next).rol(RAX, 7).xor(RAX, Mem.base(R8));
                        a.cmp(Mem.base(R8).b(), (byte) 0xCC).jcc(Cond.NZ, other).inc(RBX);
                        a.bind(other).add(R8, 8).dec(ECX).jcc(Cond.NZ, next);
                        note(a);
                        note(a.mov(RAX, RBX));
                        AssembledGuest.yield(a);
                    }
                });
        setWord(a, DONE, 1);
    }

    @Test
    void scansWhatAnotherExecutes() throws InterruptedException {
        RedPill pill = scanning();
        int hits = pill.findsOnly(Naive.INT3, Naive.TRAP_FLAG);
        assertThat(hits).isEqualTo(4 * (int) word(pill.alone(), 0)).isPositive();
    }

    @Test
    void scansAtTheSameTime() throws InterruptedException {
        Run model = scanning().alone();
        RedPill pill = scanning().atTheSameTime();
        for (Mechanism m : Mechanism.values()) {
            Run with = pill.with(m);
            for (int i = 32; i < 32 + 4 * PASSES; i++) {
                assertThat(word(with, i)).as("finding %d with %s", i, m).isEqualTo(word(model, i));
            }
            assertThat(word(with, 1)).as("calls with %s", m).isEqualTo(3 * word(with, 0));
            assertThat(with.hits()).as("hits with %s", m).isEqualTo(4 * (int) word(with, 0));
        }
    }

    // ------------------------------------------------------------ TLB shootdown

    /** The other one is to forget the window's mapping; it has; and the number of the mapping. */
    private static final int ASKED = DATA + 0x90;

    private static final int FORGOTTEN = DATA + 0x98;
    private static final int SETTLED = DATA + 0xA0;

    private static final int VECTOR = 0x41;

    /**
     * vCPU 0 shows two pages with breakpoints in turn at one address, and has vCPU 1 forget the one
     * before by an interrupt, as kernels do. vCPU 1 calls what is there: as long as a mapping holds
     * it is the page of that, and never what stands at the same offset of the other.
     */
    private static RedPill shootingDown(int mappings) {
        return new RedPill(
                        g -> {
                            for (int i = 0; i < 2; i++) {
                                int page = i;
                                g.assemble(
                                        TARGET + i * 4096,
                                        a -> a.mov(EAX, page + 1).inc(RSI).nop().ret());
                            }
                            g.window(0, TARGET >>> 12);
                            g.handler(
                                    VECTOR,
                                    a -> {
                                        a.push(RAX).push(RCX).push(RDX).push(RBX);
                                        a.mov(RBX, WINDOW).invlpg(Mem.base(RBX));
                                        a.mov(RBX, ASKED).mov(RAX, Mem.base(RBX));
                                        a.mov(RBX, FORGOTTEN).mov(Mem.base(RBX), RAX);
                                        writeMsr(a, 0x80B, 0);
                                        a.pop(RBX).pop(RDX).pop(RCX).pop(RAX).iret(64);
                                    });
                            g.secondary(1, RedPillProcessorsTest::callsWhatIsThere);
                        },
                        a -> remaps(a, mappings),
                        TARGET,
                        TARGET + 5,
                        TARGET + 0x1000,
                        TARGET + 0x1005)
                .vcpus(2);
    }

    private static void remaps(Asm a, int mappings) {
        start(a);
        Label again = a.label();
        Label wait = a.label();
        a.mov(R15, RESULT).mov(EBP, 1).bind(again);
        endTurnSoon(a);
        a.mov(RBX, ASKED).mov(Mem.base(RBX), RBP);
        a.mov(RAX, RBP).and(EAX, 1).shl(RAX, 12).add(RAX, TARGET | 7);
        a.mov(RBX, WINDOW_PT).mov(Mem.base(RBX), RAX);
        a.mov(ECX, 0x830).mov(EDX, 2).mov(EAX, VECTOR).wrmsr();
        a.bind(wait);
        AssembledGuest.yield(a);
        a.mov(RBX, FORGOTTEN).cmp(Mem.base(RBX), RBP).jcc(Cond.NZ, wait);
        a.mov(RBX, SETTLED).mov(Mem.base(RBX), RBP);
        AssembledGuest.yield(a);
        a.inc(EBP).cmp(EBP, mappings + 1).jcc(Cond.NZ, again);
        setWord(a, DONE, 1);
        awaitWord(a, READY, 2);
    }

    private static void callsWhatIsThere(Asm a) {
        enableApic(a);
        Label again = a.label();
        Label unsettled = a.label();
        a.sti();
        setWord(a, READY, 1);
        a.xor(ESI, ESI).xor(R12, R12).xor(R13, R13).mov(R15, RESULT).bind(again);
        a.mov(RBX, SETTLED).mov(R8, Mem.base(RBX)).mov(RBX, ASKED).mov(R9, Mem.base(RBX));
        call(a, WINDOW).inc(R13);
        a.cmp(R8, R9).jcc(Cond.NZ, unsettled).mov(RBX, ASKED).cmp(Mem.base(RBX), R9);
        a.jcc(Cond.NZ, unsettled);
        a.dec(EAX).and(R8, 1);
        expect(a, () -> a.cmp(RAX, R8), Cond.Z);
        a.bind(unsettled);
        AssembledGuest.yield(a);
        a.mov(RBX, DONE).cmp(Mem.base(RBX).q(), 1).jcc(Cond.NZ, again);
        for (Reg r : new Reg[] {R12, R13, RSI}) {
            note(a.mov(RAX, r));
        }
        setWord(a, READY, 2);
    }

    @Test
    void shootsDownTranslations() throws InterruptedException {
        RedPill pill = shootingDown(200);
        int hits = pill.findsOnly(Naive.BY_ADDRESS);
        Run alone = pill.alone();
        assertThat(word(alone, 0)).as("calls of what was not there").isZero();
        assertThat(hits).isEqualTo(2 * (int) word(alone, 1)).isGreaterThan(400);
    }

    @Test
    void shootsDownAtTheSameTime() throws InterruptedException {
        RedPill pill = shootingDown(100).atTheSameTime();
        for (Mechanism m : Mechanism.values()) {
            Run with = pill.with(m);
            assertThat(word(with, 0)).as("calls of what was not there with %s", m).isZero();
            assertThat(word(with, 2)).as("calls with %s", m).isEqualTo(word(with, 1));
            assertThat(with.hits()).as("hits with %s", m).isEqualTo(2 * (int) word(with, 1));
        }
    }

    // ----------------------------------------------------------------- atomics

    /**
     * Both count by atomics on the page, also over the ends of its words and of itself, and under
     * locks that lie there; and look at the code by XADD of nothing.
     */
    private static RedPill counting(int rounds) {
        return new RedPill(
                        g -> {
                            target(g);
                            g.secondary(
                                    1,
                                    a -> {
                                        enableApic(a);
                                        setWord(a, READY, 1);
                                        counts(a, rounds, RESULT + 0x100);
                                        setWord(a, DONE, 1);
                                    });
                        },
                        a -> {
                            start(a);
                            counts(a, rounds, RESULT);
                            awaitWord(a, DONE, 1);
                            a.mov(R8, TARGET);
                            for (int at : COUNTERS) {
                                note(a.mov(RAX, Mem.base(R8).disp(at)));
                            }
                        },
                        TARGET,
                        TARGET + 3,
                        TARGET + 8)
                .vcpus(2);
    }

    /** 8, 4, 2 and 1 bytes; over a word's end and the page's; by CMPXCHG; under two locks. */
    private static final int[] COUNTERS = {
        0x300, 0x308, 0x310, 0x318, 0x32D, 0xFFB, 0x340, 0x350, 0x388, 0x398
    };

    private static void counts(Asm a, int rounds, int result) {
        a.mov(R15, result).xor(ESI, ESI).xor(R12, R12).mov(R8, TARGET);
        a.mov(R9, Mem.base(R8));
        times(
                a,
                rounds,
                () -> {
                    endTurnSoon(a);
                    a.lock().inc(at(0x300).q()).lock().add(at(0x308).d(), 1);
                    a.lock().inc(at(0x310).w()).lock().add(at(0x318).b(), 1);
                    a.mov(EAX, 1).lock().xadd(at(0x32D), RAX).lock().inc(at(0xFFB).q());
                    Label retry = a.label();
                    a.bind(retry).mov(RAX, at(0x340)).lea(RBX, Mem.base(RAX).disp(1));
                    a.lock().cmpxchg(at(0x340), RBX).jcc(Cond.NZ, retry);
                    Label wide = a.label();
                    a.bind(wide).mov(RAX, at(0x350)).mov(RDX, at(0x358));
                    a.lea(RBX, Mem.base(RAX).disp(1)).lea(RCX, Mem.base(RDX).disp(-1));
                    a.lock().cmpxchg16b(at(0x350)).jcc(Cond.NZ, wide);
                    locked(a, () -> a.lock().bts(at(0x380).d(), 0), Cond.NC, 0x388);
                    a.mov(at(0x380).d(), 0);
                    locked(
                            a,
                            () -> a.mov(EAX, 1).xchg(at(0x390), EAX).test(EAX, EAX),
                            Cond.Z,
                            0x398);
                    a.mov(at(0x390).d(), 0);
                    // The code is what it was, and is executed.
                    a.xor(EAX, EAX).lock().xadd(Mem.base(R8), RAX);
                    note(a);
                    a.sub(R15, 8);
                    expect(a, () -> a.cmp(RAX, R9), Cond.Z);
                    call(a, TARGET);
                });
        a.add(R15, 8);
        note(a.mov(RAX, R12));
        note(a.mov(RAX, RSI));
    }

    /** Takes a lock, and counts with plain instructions. */
    private static void locked(Asm a, Runnable take, Cond taken, int counter) {
        Label spin = a.label();
        Label held = a.label();
        a.bind(spin);
        take.run();
        a.jcc(taken, held);
        AssembledGuest.yield(a);
        a.jmp(spin).bind(held).mov(RAX, at(counter)).inc(RAX).mov(at(counter), RAX);
    }

    private static void assertCounted(Run run, int rounds) {
        assertThat(word(run, 1)).as("changes of the code").isZero();
        assertThat(word(run, 33)).as("changes of the code").isZero();
        assertThat(word(run, 2)).isEqualTo(rounds);
        for (int i = 0; i < COUNTERS.length; i++) {
            long mask = COUNTERS[i] == 0x318 ? 0xFF : -1;
            assertThat(word(run, 3 + i))
                    .as("counter at %x", COUNTERS[i])
                    .isEqualTo(2L * rounds & mask);
        }
    }

    @Test
    void countsByAtomics() throws InterruptedException {
        int rounds = 500;
        RedPill pill = counting(rounds);
        assertThat(pill.findsOnly(Naive.INT3)).isEqualTo(3 * 2 * rounds);
        assertCounted(pill.alone(), rounds);
    }

    @Test
    void countsAtTheSameTime() throws InterruptedException {
        int rounds = 50;
        RedPill pill = counting(rounds).atTheSameTime();
        for (Mechanism m : Mechanism.values()) {
            Run with = pill.with(m);
            assertCounted(with, rounds);
            assertThat(with.hits()).as("hits with %s", m).isEqualTo(3 * 2 * rounds);
        }
    }
}
