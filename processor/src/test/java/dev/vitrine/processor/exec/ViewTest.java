// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.memory.PhysicalView.EXECUTE;
import static dev.vitrine.memory.PhysicalView.READ;
import static dev.vitrine.memory.PhysicalView.WALKER_WRITE;
import static dev.vitrine.memory.PhysicalView.WRITE;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.AlternateView;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.MemoryAccess;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Reaction;
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

/** What a processor sees through an alternate view, and what it may do there. */
class ViewTest {
    private static final long BUDGET = 100_000_000L;
    private static final int ALL = READ | WRITE | EXECUTE;
    private static final int DATA = FlatMachine.DATA;
    private static final long DATA_GFN = DATA >>> 12;

    private static FlatMachine machine(Consumer<Asm> body) {
        FlatMachine m = new FlatMachine(1, 4 << 20);
        m.code(0, a -> body.accept(FlatMachine.startup(a)));
        return m;
    }

    private static void halts(FlatMachine m) {
        assertThat(m.run(0, BUDGET))
                .as(() -> String.join("\n", m.processor(0).registers()))
                .isEqualTo(Processor.Exit.HALTED);
    }

    /** Notes what the view has forbidden, and lets it pass. */
    private static List<MemoryAccess> notes(FlatMachine m) {
        List<MemoryAccess> seen = new ArrayList<>();
        m.host(0).intercepts =
                (p, what) -> {
                    seen.add((MemoryAccess) what);
                    return Reaction.EMULATE;
                };
        return seen;
    }

    private static long mfn(FlatMachine m, long gfn) {
        return PhysicalView.mfn(m.map.lookup(gfn));
    }

    /** One access of each kind to DATA, and what rights it needs. */
    private record Access(String name, int rights, Consumer<Asm> code) {}

    private static final List<Access> ACCESSES =
            List.of(
                    new Access("load", READ, a -> a.mov(RAX, Mem.base(RBX))),
                    new Access("byte load", READ, a -> a.movzx(EAX, Mem.base(RBX).b())),
                    new Access("store", WRITE, a -> a.mov(Mem.base(RBX), RCX)),
                    new Access("update", READ | WRITE, a -> a.add(Mem.base(RBX), RCX)),
                    new Access("xchg", READ | WRITE, a -> a.xchg(Mem.base(RBX), RCX)),
                    new Access("locked", READ | WRITE, a -> a.lock().add(Mem.base(RBX), RCX)),
                    new Access("cmpxchg8b", READ | WRITE, a -> a.lock().cmpxchg8b(Mem.base(RBX))),
                    new Access("vector load", READ, a -> a.movdqu(XMM0, Mem.base(RBX))),
                    new Access("vector store", WRITE, a -> a.movdqu(Mem.base(RBX), XMM0)),
                    new Access("push", WRITE, a -> a.lea(RSP, Mem.base(RBX).disp(8)).push(RCX)),
                    new Access("pop", READ, a -> a.mov(RSP, RBX).pop(RCX)),
                    new Access("lods", READ, a -> a.mov(RSI, RBX).lods(64)),
                    new Access("stos", WRITE, a -> a.mov(RDI, RBX).stos(64)),
                    new Access(
                            "rep movs from",
                            READ,
                            a ->
                                    a.mov(RSI, RBX)
                                            .mov(EDI, DATA + 0x4000)
                                            .mov(ECX, 16)
                                            .rep()
                                            .movs(64)),
                    new Access("fxsave", WRITE, a -> a.fxsave(Mem.base(RBX))),
                    new Access("sgdt", WRITE, a -> a.sgdt(Mem.base(RBX))),
                    new Access("call", EXECUTE, a -> a.call(RBX)));

    @Test
    void enforcesAllCombinationsOfRights() {
        for (Access access : ACCESSES) {
            for (int rights = 0; rights <= ALL; rights++) {
                try (FlatMachine m =
                        machine(a -> {
                            a.mov(RBX, DATA).mov(EAX, 5).mov(ECX, 7).mov(EDX, 9);
                            access.code.accept(a);
                        })) {
                    m.ram.putByte(DATA, 0xC3);
                    List<MemoryAccess> seen = notes(m);
                    AlternateView view = new AlternateView(m.map);
                    assertThat(view.setAccess(DATA_GFN, rights)).isTrue();
                    m.processor(0).setView(view);
                    halts(m);
                    String what = access.name + " with rights " + rights;
                    if ((rights & access.rights) == access.rights) {
                        assertThat(seen).as(what).isEmpty();
                        continue;
                    }
                    assertThat(seen).as(what).isNotEmpty();
                    for (MemoryAccess s : seen) {
                        assertThat(s.physical() >>> 12).as(what).isEqualTo(DATA_GFN);
                        assertThat(s.linear()).as(what).isBetween((long) DATA, DATA + 511L);
                        assertThat(s.rights() & access.rights).as(what).isEqualTo(s.rights());
                        assertThat(s.rights() & ~rights).as(what).isNotZero();
                        assertThat(s.where()).isEqualTo(Interception.WITH_LINEAR);
                    }
                    assertThat(seen.getFirst().physical()).as(what).isEqualTo(DATA);
                }
            }
        }
    }

    /** What was let pass has happened, once. */
    @Test
    void emulatesWhatIsForbidden() {
        try (FlatMachine m =
                machine(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).mov(ECX, 1000).bind(again);
                    a.lock().add(Mem.base(RBX), RCX);
                    a.mov(RAX, Mem.base(RBX)).mov(Mem.base(RBX).disp(8), RAX);
                    a.dec(ECX).jcc(Cond.NZ, again);
                })) {
            List<MemoryAccess> seen = notes(m);
            AlternateView view = new AlternateView(m.map);
            view.setAccess(DATA_GFN, 0);
            m.processor(0).setView(view);
            halts(m);
            assertThat(seen).hasSize(3000);
            assertThat(m.ram.getLong(DATA)).isEqualTo(500_500);
            assertThat(m.ram.getLong(DATA + 8)).isEqualTo(500_500);
        }
    }

    /** Code that has been translated stops where its page may be executed no more. */
    @Test
    void takesTheRightFromTranslatedCode() throws InterruptedException {
        for (int taken : new int[] {READ, WRITE, EXECUTE}) {
            try (FlatMachine m =
                    machine(a -> {
                        Label again = a.label();
                        a.xor(EDX, EDX).mov(RBX, DATA).mov(R8, DATA + 0x1000).bind(again);
                        a.call(RBX).mov(RAX, Mem.base(R8)).inc(RAX).mov(Mem.base(R8), RAX);
                        a.test(RDX, RDX).jcc(Cond.Z, again);
                    })) {
                m.assemble(DATA, a -> a.inc(ECX).ret());
                long gfn = taken == EXECUTE ? DATA_GFN : DATA_GFN + 1;
                List<MemoryAccess> seen = new ArrayList<>();
                m.host(0).intercepts =
                        (p, what) -> {
                            seen.add((MemoryAccess) what);
                            p.setGpr(2, 1);
                            return Reaction.EMULATE;
                        };
                AlternateView view = new AlternateView(m.map);
                m.processor(0).setView(view);
                Thread t = new Thread(() -> m.run(0, Long.MAX_VALUE / 2));
                t.start();
                while (m.processor(0).retired() < 3_000_000) {
                    Thread.onSpinWait();
                }
                view.setAccess(gfn, ALL & ~taken);
                t.join(60_000);
                assertThat(t.isAlive()).isFalse();
                assertThat(seen).isNotEmpty();
                assertThat(seen.getFirst().rights() & taken).isEqualTo(taken);
                assertThat(seen.getFirst().physical() >>> 12).isEqualTo(gfn);
            }
        }
    }

    /** Each processor sees what its own view shows, whatever is cached or translated. */
    @Test
    void showsOtherFramesToEachProcessor() {
        int rounds = 200_000;
        try (FlatMachine m = new FlatMachine(2, 4 << 20)) {
            for (int n = 0; n < 2; n++) {
                m.code(
                        n,
                        a -> {
                            Label again = a.label();
                            a.mov(ECX, rounds).mov(RBX, DATA).mov(R8, DATA + 0x1000).bind(again);
                            a.call(RBX).add(RSI, Mem.base(R8)).dec(ECX).jcc(Cond.NZ, again);
                        });
            }
            m.assemble(DATA, a -> a.add(EDI, 1).ret());
            m.assemble(DATA + 0x2000, a -> a.add(EDI, 2).ret());
            m.ram.putLong(DATA + 0x1000, 10);
            m.ram.putLong(DATA + 0x3000, 20);
            AlternateView view = new AlternateView(m.map);
            assertThat(view.alias(DATA_GFN, DATA_GFN + 2)).isTrue();
            assertThat(view.change(DATA_GFN + 1, mfn(m, DATA_GFN + 3), ALL)).isTrue();
            m.processor(1).setView(view);
            m.runAll(BUDGET, () -> {});
            assertThat(m.processor(0).gpr(7)).isEqualTo(rounds);
            assertThat(m.processor(0).gpr(6)).isEqualTo(10L * rounds);
            assertThat(m.processor(1).gpr(7)).isEqualTo(2L * rounds);
            assertThat(m.processor(1).gpr(6)).isEqualTo(20L * rounds);
        }
    }

    /**
     * A hundred views in turn, switched by the guest's hypercalls, each with a frame of its own.
     */
    @Test
    void switchesAmongManyViews() {
        int views = 100;
        int rounds = 50;
        try (FlatMachine m =
                machine(a -> {
                    Label again = a.label();
                    a.mov(ECX, views * rounds).mov(RBX, DATA).bind(again);
                    a.vmcall().add(RSI, Mem.base(RBX)).call(R12);
                    a.dec(ECX).jcc(Cond.NZ, again);
                })) {
            // In the first of two pages that are code: INC by one, by the frame's number.
            long code = DATA + 0x1000;
            m.assemble((int) code, a -> a.add(EDI, 1).ret());
            List<AlternateView> all = new ArrayList<>();
            for (int i = 0; i < views; i++) {
                AlternateView v = new AlternateView(m.map);
                int at = DATA + 0x10000 + i * 0x2000;
                m.ram.putLong(at, i);
                int n = i;
                m.assemble(at + 0x1000, a -> a.add(EDI, n).ret());
                v.alias(DATA_GFN, at >>> 12);
                v.alias(DATA_GFN + 1, (at >>> 12) + 1);
                all.add(v);
            }
            m.processor(0).setGpr(12, code);
            AtomicLong calls = new AtomicLong();
            m.host(0).onHypercall = p -> p.setView(all.get((int) calls.getAndIncrement() % views));
            halts(m);
            long sum = (long) rounds * views * (views - 1) / 2;
            assertThat(m.processor(0).gpr(6)).isEqualTo(sum);
            assertThat(m.processor(0).gpr(7)).isEqualTo(sum);
        }
    }

    @Test
    void followsTheDomainsMap() {
        try (FlatMachine m = machine(a -> {})) {
            AlternateView view = new AlternateView(m.map);
            long shadow = m.memory.allocateFrame();
            view.change(DATA_GFN, shadow, ALL);
            view.setAccess(DATA_GFN + 1, READ);
            view.alias(DATA_GFN + 2, DATA_GFN + 3);
            assertThat(PhysicalView.mfn(view.lookup(DATA_GFN))).isEqualTo(shadow);
            long other = m.memory.allocateFrame();
            m.map.map(DATA_GFN, other);
            m.map.map(DATA_GFN + 1, other);
            m.map.unmap(DATA_GFN + 3);
            assertThat(PhysicalView.mfn(view.lookup(DATA_GFN))).isEqualTo(other);
            assertThat(PhysicalView.mfn(view.lookup(DATA_GFN + 1))).isEqualTo(other);
            assertThat(view.lookup(DATA_GFN + 1) & ALL).isEqualTo(READ);
            assertThat(view.lookup(DATA_GFN + 2)).isZero();
            m.map.unmap(DATA_GFN);
            assertThat(view.lookup(DATA_GFN)).isZero();
            assertThat(view.change(DATA_GFN, shadow, ALL)).isFalse();
        }
    }

    /** The guest's paging structures in a page that may not be read, or not written. */
    @Test
    void looksAtPageWalks() {
        for (int rights : new int[] {0, READ, READ | WALKER_WRITE, READ | WRITE}) {
            try (FlatMachine m =
                    machine(a -> {
                        a.mov(RBX, FlatMachine.WINDOW);
                        a.mov(RAX, Mem.base(RBX)).mov(Mem.base(RBX).disp(0x1000), RAX);
                    })) {
                m.window(0, DATA_GFN);
                m.window(1, DATA_GFN + 1);
                m.ram.putLong(DATA, 99);
                List<MemoryAccess> seen = notes(m);
                AlternateView view = new AlternateView(m.map);
                view.setAccess(4, rights);
                m.processor(0).setView(view);
                halts(m);
                assertThat(m.ram.getLong(DATA + 0x1000)).isEqualTo(99);
                assertThat(m.ram.getLong(0x4000) & 0x60).as("accessed").isEqualTo(0x20);
                assertThat(m.ram.getLong(0x4008) & 0x60).as("and dirty").isEqualTo(0x60);
                if ((rights & (WRITE | WALKER_WRITE)) != 0) {
                    assertThat(seen).isEmpty();
                    continue;
                }
                int needed = rights == 0 ? READ : READ | WRITE;
                assertThat(seen)
                        .containsExactly(
                                new MemoryAccess(
                                        0x4000, FlatMachine.WINDOW, needed, Interception.IN_WALK),
                                new MemoryAccess(
                                        0x4008,
                                        FlatMachine.WINDOW + 0x1000,
                                        needed,
                                        Interception.IN_WALK));
            }
        }
    }

    @Test
    void looksAtBothPagesOfWhatGoesOverTheEnd() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, DATA + 0xFFC).mov(RAX, Mem.base(RBX)).mov(Mem.base(RBX), RAX);
                    a.lock().inc(Mem.base(RBX).q()).movdqu(XMM0, Mem.base(RBX));
                    a.mov(RCX, DATA + 0x2FFE).call(RCX);
                })) {
            m.assemble(DATA + 0x2FFE, a -> a.mov(EDX, 0x12345678).ret());
            m.ram.putLong(DATA + 0xFFC, 41);
            List<MemoryAccess> seen = notes(m);
            AlternateView view = new AlternateView(m.map);
            view.setAccess(DATA_GFN + 1, 0);
            view.setAccess(DATA_GFN + 3, READ | WRITE);
            m.processor(0).setView(view);
            halts(m);
            assertThat(m.ram.getLong(DATA + 0xFFC)).isEqualTo(42);
            assertThat(m.processor(0).gpr(2)).isEqualTo(0x12345678);
            assertThat(seen.subList(0, seen.size() - 1))
                    .allSatisfy(s -> assertThat(s.linear() & 0xFFF).isZero());
            assertThat(seen.stream().map(MemoryAccess::rights))
                    .startsWith(READ, WRITE)
                    .endsWith(EXECUTE, EXECUTE);
            assertThat(seen.getLast().physical()).isEqualTo(DATA + 0x3003);
        }
    }

    /**
     * An exception whose frame goes to a page that may not be written is delivered all the same.
     */
    @Test
    void deliversOnceToAForbiddenStack() {
        for (boolean again : new boolean[] {false, true}) {
            try (FlatMachine m =
                    machine(a -> {
                        a.mov(ESP, DATA + 0x800).sti().bytes((byte) 0x0F, (byte) 0x0B).int3();
                        a.vmcall().nop();
                    })) {
                m.assemble(0x180000, a -> a.inc(R8).add(Mem.base(RSP).q(), 2).iret(64));
                m.assemble(0x180100, a -> a.inc(R9).iret(64));
                m.assemble(0x180200, a -> a.inc(R10).iret(64));
                m.gate(6, 0x180000);
                m.gate(3, 0x180100);
                m.gate(0x40, 0x180200);
                AlternateView view = new AlternateView(m.map);
                view.setAccess(DATA_GFN, READ);
                m.processor(0).setView(view);
                List<MemoryAccess> seen = new ArrayList<>();
                m.host(0).intercepts =
                        (p, what) -> {
                            seen.add((MemoryAccess) what);
                            if (again) {
                                view.reset(DATA_GFN);
                                return Reaction.AGAIN;
                            }
                            return Reaction.EMULATE;
                        };
                m.host(0).onHypercall =
                        p -> {
                            view.setAccess(DATA_GFN, READ);
                            m.host(0).interrupt(0x40);
                            p.requestInterruptCheck();
                        };
                halts(m);
                assertThat(m.processor(0).gpr(8)).isEqualTo(1);
                assertThat(m.processor(0).gpr(9)).isEqualTo(1);
                assertThat(m.processor(0).gpr(10)).isEqualTo(1);
                assertThat(m.processor(0).gpr(4)).isEqualTo(DATA + 0x800);
                assertThat(seen).hasSize(again ? 2 : 4);
            }
        }
    }

    /** Without a monitor's rights a page fault of the guest is what it always was. */
    @Test
    void leavesTheGuestItsPageFaults() {
        try (FlatMachine m =
                machine(a -> {
                    a.mov(RBX, FlatMachine.WINDOW + 0x5000).mov(RAX, Mem.base(RBX));
                })) {
            m.assemble(0x180000, a -> a.mov(RBX, DATA).add(RSP, 8).iret(64));
            m.gate(14, 0x180000);
            m.ram.putLong(DATA, 77);
            List<MemoryAccess> seen = notes(m);
            AlternateView view = new AlternateView(m.map);
            view.setAccess(DATA_GFN, WRITE);
            m.processor(0).setView(view);
            halts(m);
            assertThat(m.processor(0).gpr(0)).isEqualTo(77);
            assertThat(seen).hasSize(1);
        }
    }

    @Test
    void hasDefaultRights() {
        try (FlatMachine m =
                machine(a -> a.mov(RBX, DATA).mov(RAX, Mem.base(RBX)).mov(Mem.base(RBX), RAX))) {
            List<MemoryAccess> seen = notes(m);
            AlternateView view = new AlternateView(m.map, READ | EXECUTE | WALKER_WRITE);
            m.processor(0).setView(view);
            halts(m);
            assertThat(seen).hasSize(1);
            assertThat(seen.getFirst().rights()).isEqualTo(WRITE);
            view.setAccess(0, m.map.maxGfn() + 1, ALL);
            assertThat(view.size()).isEqualTo((int) m.map.maxGfn() + 1);
        }
    }
}
