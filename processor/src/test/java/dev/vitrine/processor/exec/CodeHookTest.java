// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/** Hooks see what the guest is about to execute, and the guest does not see them. */
class CodeHookTest {
    private static final long BUDGET = 100_000_000L;
    private static final int A = 0;
    private static final int C = 1;

    private static FlatMachine machine(Consumer<Asm> body) {
        FlatMachine m = new FlatMachine(1, 4 << 20);
        m.code(0, a -> body.accept(FlatMachine.startup(a)));
        return m;
    }

    /** The machine address behind a guest address of the one-to-one mapping. */
    private static long machine(FlatMachine m, long address) {
        return (m.map.lookup(address >>> 12) & -4096L) | address & 4095;
    }

    private static void halts(FlatMachine m) {
        assertThat(m.run(0, BUDGET)).isEqualTo(Processor.Exit.HALTED);
    }

    /** A loop that adds 3 to RAX; the label is the addition. */
    private static Consumer<Asm> loop(int rounds, long[] place) {
        return a -> {
            Label again = a.label();
            a.xor(EAX, EAX).mov(ECX, rounds).bind(again);
            place[0] = a.here();
            a.add(RAX, 3).dec(ECX).jcc(Cond.NZ, again);
        };
    }

    @Test
    void seesTheStateBeforeEachExecution() {
        long[] place = new long[1];
        try (FlatMachine m = machine(loop(5, place))) {
            List<Long> seen = new ArrayList<>();
            m.group.addHook(
                    machine(m, place[0]),
                    p -> {
                        assertThat(p.rip()).isEqualTo(place[0]);
                        seen.add(p.gpr(A));
                    });
            halts(m);
            assertThat(seen).containsExactly(0L, 3L, 6L, 9L, 12L);
            assertThat(m.processor(0).gpr(A)).isEqualTo(15);
        }
    }

    @Test
    void leavesTimeAndMemoryAsTheyAre() {
        long[] place = new long[1];
        long without;
        try (FlatMachine m = machine(loop(100_000, place))) {
            halts(m);
            without = m.processor(0).retired();
        }
        try (FlatMachine m = machine(loop(100_000, place))) {
            byte[] before = new byte[4096];
            m.ram.read(FlatMachine.CODE, before, 0, before.length);
            AtomicLong last = new AtomicLong(-1);
            AtomicLong hits = new AtomicLong();
            m.group.addHook(
                    machine(m, place[0]),
                    p -> {
                        // A round is three instructions.
                        long now = p.retired();
                        assertThat(last.get() < 0 ? now : last.get() + 3).isEqualTo(now);
                        last.set(now);
                        hits.incrementAndGet();
                    });
            halts(m);
            byte[] after = new byte[4096];
            m.ram.read(FlatMachine.CODE, after, 0, after.length);
            assertThat(after).isEqualTo(before);
            assertThat(m.processor(0).retired()).isEqualTo(without);
            assertThat(hits).hasValue(100_000);
        }
    }

    /** Runs stop at the same instructions, so that interrupts come where they came. */
    @Test
    void leavesTheEndsOfRunsWhereTheyAre() {
        long[] place = new long[1];
        List<List<Long>> ends = new ArrayList<>();
        for (boolean hook : new boolean[] {false, true}) {
            try (FlatMachine m = machine(loop(20_000, place))) {
                if (hook) {
                    m.group.addHook(machine(m, place[0]), p -> {});
                    m.group.addHook(machine(m, place[0] + 4), p -> {});
                }
                List<Long> at = new ArrayList<>();
                while (m.run(0, 1001) == Processor.Exit.BUDGET) {
                    at.add(m.processor(0).retired());
                }
                ends.add(at);
            }
        }
        assertThat(ends.get(0)).hasSizeGreaterThan(50).isEqualTo(ends.get(1));
    }

    @Test
    void comesAndGoesWhileTheCodeIsTranslated() {
        long[] place = new long[1];
        try (FlatMachine m = machine(loop(3_000_000, place))) {
            AtomicLong hits = new AtomicLong();
            long at = machine(m, place[0]);
            CodeHook hook = p -> hits.incrementAndGet();
            assertThat(m.run(0, 3_000_000)).isEqualTo(Processor.Exit.BUDGET);
            m.group.addHook(at, hook);
            long left = m.processor(0).gpr(C);
            assertThat(m.run(0, 3_000_000)).isEqualTo(Processor.Exit.BUDGET);
            long done = left - m.processor(0).gpr(C);
            assertThat(hits.get()).isBetween(done - 1, done + 1).isGreaterThan(900_000);
            assertThat(m.group.removeHook(at, hook)).isTrue();
            assertThat(m.group.removeHook(at, hook)).isFalse();
            long before = hits.get();
            halts(m);
            assertThat(hits).hasValue(before);
            assertThat(m.processor(0).gpr(A)).isEqualTo(9_000_000);
        }
    }

    @Test
    void isAddedByAnotherThreadToRunningCode() throws InterruptedException {
        try (FlatMachine m =
                machine(a -> {
                    Label again = a.label();
                    a.bind(again).inc(EAX).test(EBX, EBX).jcc(Cond.Z, again);
                })) {
            Thread t = new Thread(() -> m.run(0, Long.MAX_VALUE / 2));
            t.start();
            while (m.processor(0).retired() < 1_000_000) {
                Thread.onSpinWait();
            }
            long at = FlatMachine.startup(new Asm(64, FlatMachine.CODE)).here();
            m.group.addHook(machine(m, at), p -> p.setGpr(3, 1));
            t.join(60_000);
            assertThat(t.isAlive()).isFalse();
            assertThat(m.processor(0).gpr(3)).isEqualTo(1);
        }
    }

    @Test
    void redirectsExecution() {
        long[] places = new long[2];
        try (FlatMachine m =
                machine(a -> {
                    a.mov(EAX, 1);
                    places[0] = a.here();
                    a.mov(EAX, 2);
                    places[1] = a.here();
                    a.mov(EBX, EAX);
                })) {
            m.group.addHook(machine(m, places[0]), p -> p.setRip(places[1]));
            halts(m);
            assertThat(m.processor(0).gpr(3)).isEqualTo(1);
        }
    }

    @Test
    void sharesAPageAndAPlaceWithOthers() {
        long[] places = new long[40];
        try (FlatMachine m =
                machine(a -> {
                    for (int i = 0; i < places.length; i++) {
                        places[i] = a.here();
                        a.add(EAX, i);
                    }
                })) {
            List<Long> seen = new ArrayList<>();
            for (long place : places) {
                m.group.addHook(machine(m, place), p -> seen.add(p.rip()));
                m.group.addHook(machine(m, place), p -> seen.add(-p.rip()));
            }
            halts(m);
            List<Long> wanted = new ArrayList<>();
            for (long place : places) {
                wanted.add(place);
                wanted.add(-place);
            }
            assertThat(seen).isEqualTo(wanted);
        }
    }

    /** The hook follows the frame, not the address. */
    @Test
    void isReachedThroughAnyMapping() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, FlatMachine.WINDOW + 0x1800).call(RBX);
                    a.mov(RBX, FlatMachine.DATA + 0x800).call(RBX);
                })) {
            m.window(1, FlatMachine.DATA >>> 12);
            m.assemble(FlatMachine.DATA + 0x800, a -> a.inc(EAX).ret());
            List<Long> seen = new ArrayList<>();
            m.group.addHook(machine(m, FlatMachine.DATA + 0x800), p -> seen.add(p.rip()));
            halts(m);
            assertThat(seen)
                    .containsExactly(FlatMachine.WINDOW + 0x1800, FlatMachine.DATA + 0x800L);
        }
    }

    @Test
    void isReachedOnceWhereTheInstructionWritesToItsOwnBlock() {
        long[] place = new long[1];
        try (FlatMachine m =
                machine(a -> {
                    a.mov(R8, FlatMachine.CODE + 0xF00).xor(EAX, EAX).inc(EAX);
                    place[0] = a.here();
                    a.mov(Mem.base(R8), EAX).inc(EAX);
                })) {
            AtomicLong hits = new AtomicLong();
            m.group.addHook(machine(m, place[0]), p -> hits.incrementAndGet());
            halts(m);
            assertThat(hits).hasValue(1);
            assertThat(m.ram.getInt(FlatMachine.CODE + 0xF00)).isEqualTo(1);
        }
    }

    @Test
    void isReachedAgainAfterTheInstructionHasFaulted() {
        long[] place = new long[1];
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, FlatMachine.WINDOW + 0x2000);
                    place[0] = a.here();
                    a.mov(EAX, Mem.base(RBX));
                })) {
            // The handler maps the page and drops the error code.
            m.assemble(
                    0x180000,
                    a ->
                            a.mov(RCX, 0x4010)
                                    .mov(RDX, 0x7L | 0x200000)
                                    .mov(Mem.base(RCX), RDX)
                                    .add(RSP, 8)
                                    .iret(64));
            m.gate(14, 0x180000);
            m.ram.putInt(0x200000, 77);
            AtomicLong hits = new AtomicLong();
            m.group.addHook(machine(m, place[0]), p -> hits.incrementAndGet());
            halts(m);
            assertThat(hits).hasValue(2);
            assertThat(m.processor(0).gpr(A)).isEqualTo(77);
        }
    }

    @Test
    void addsAHookFromWithinAHook() {
        long[] places = new long[2];
        try (FlatMachine m =
                machine(a -> {
                    places[0] = a.here();
                    a.mov(EAX, 1).mov(EBX, 2);
                    places[1] = a.here();
                    a.mov(EDX, 3);
                })) {
            List<Long> seen = new ArrayList<>();
            m.group.addHook(
                    machine(m, places[0]),
                    p -> {
                        seen.add(p.rip());
                        m.group.addHook(machine(m, places[1]), q -> seen.add(q.rip()));
                    });
            halts(m);
            assertThat(seen).containsExactly(places[0], places[1]);
            assertThat(m.processor(0).gpr(2)).isEqualTo(3);
        }
    }

    @Test
    void passesItsOwnExceptions() {
        long[] place = new long[1];
        try (FlatMachine m = machine(loop(5, place))) {
            m.group.addHook(
                    machine(m, place[0]),
                    p -> {
                        if (p.gpr(A) == 6) {
                            throw new IllegalStateException("enough");
                        }
                    });
            assertThatThrownBy(() -> m.run(0, BUDGET)).hasMessage("enough");
            assertThat(m.processor(0).rip()).isEqualTo(place[0]);
            assertThat(m.processor(0).gpr(A)).isEqualTo(6);
        }
    }

    @Test
    void countsWhatSeveralProcessorsExecute() {
        int rounds = 20_000;
        try (FlatMachine m = new FlatMachine(2, 4 << 20)) {
            for (int n = 0; n < 2; n++) {
                m.code(
                        n,
                        a -> {
                            Label again = a.label();
                            a.mov(ECX, rounds).mov(RBX, 0x180000).bind(again).call(RBX);
                            a.dec(ECX).jcc(Cond.NZ, again);
                        });
            }
            m.assemble(0x180000, a -> a.inc(EAX).ret());
            AtomicLong hits = new AtomicLong();
            m.group.addHook(machine(m, 0x180000), p -> hits.incrementAndGet());
            m.runAll(BUDGET, () -> {});
            assertThat(hits).hasValue(2L * rounds);
        }
    }
}
