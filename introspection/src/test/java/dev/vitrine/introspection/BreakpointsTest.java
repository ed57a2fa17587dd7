// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.hypervisor.MonitorEvent;
import dev.vitrine.hypervisor.MonitorResponse;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.Breakpoints.Mechanism;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Breakpoints of both mechanisms, in guests that look for them. What a guest finds out is left at
 * RESULT, and must be what the same guest finds without breakpoints. A third mechanism, INT3 in the
 * guest's memory, shows that the guests would find something.
 */
class BreakpointsTest {
    private static final int RESULT = DATA + 0x10000;
    private static final int RESULT_SIZE = 0x2000;
    private static final long WINDOW = AssembledGuest.WINDOW;

    /** A function that is looked at, at the beginning of a page. */
    private static final int TARGET = DATA + 0x20000;

    private static AddressSpace space(AssembledGuest g) {
        return new AddressSpace(Target.of(g.domain).memory(), 0x1000, 4);
    }

    private record Run(byte[] result, byte[] target, long retired, int hits) {}

    private interface Setting {
        /** Sets a breakpoint that calls an action. */
        void set(long address, Runnable action);
    }

    private static Run run(
            Consumer<AssembledGuest> prepare,
            Consumer<Asm> code,
            BiConsumer<AssembledGuest, Runnable> breakpoints)
            throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(
                        DomainConfig.of("breakpoints", AssembledGuest.RAM + (1 << 20), 1)
                                .withClock(DomainConfig.Clock.VIRTUAL),
                        code)) {
            prepare.accept(g);
            AtomicInteger hits = new AtomicInteger();
            breakpoints.accept(g, hits::incrementAndGet);
            g.runToEnd();
            return new Run(
                    g.domain.physical().read(RESULT, RESULT_SIZE),
                    g.domain.physical().read(TARGET, 0x3000),
                    g.domain.vcpu(0).retiredInstructions(),
                    hits.get());
        }
    }

    /** Runs a guest without and with breakpoints; nothing may differ. Returns the hits. */
    private static int same(Consumer<AssembledGuest> prepare, Consumer<Asm> code, long... addresses)
            throws InterruptedException {
        Run alone = run(prepare, code, (g, hit) -> {});
        int hits = -1;
        for (Mechanism m : Mechanism.values()) {
            Run with =
                    run(
                            prepare,
                            code,
                            (g, hit) -> {
                                Breakpoints points = Breakpoints.of(g.domain, m);
                                for (long a : addresses) {
                                    points.set(
                                            space(g),
                                            a,
                                            p -> {
                                                assertThat(p.rip() & 0xFFF).isEqualTo(a & 0xFFF);
                                                hit.run();
                                            });
                                }
                            });
            assertThat(with.result).as("results with %s", m).isEqualTo(alone.result);
            assertThat(with.target).as("memory with %s", m).isEqualTo(alone.target);
            assertThat(with.retired).as("time with %s", m).isEqualTo(alone.retired);
            if (hits >= 0) {
                assertThat(with.hits).as("hits with %s", m).isEqualTo(hits);
            }
            hits = with.hits;
        }
        return hits;
    }

    /** INT3 in the guest's own memory: what everybody finds. */
    private static Run naive(
            Consumer<AssembledGuest> prepare, Consumer<Asm> code, long address, int length)
            throws InterruptedException {
        return run(
                prepare,
                code,
                (g, hit) -> {
                    byte[] original = g.domain.physical().read(address, length);
                    g.domain.physical().putByte(address, 0xCC);
                    g.domain
                            .monitor()
                            .subscribe(
                                    Subscription.NONE.softwareBreakpoints(),
                                    e -> {
                                        long rip = ((MonitorEvent.OfProcessor) e).processor().rip();
                                        if (rip != address) {
                                            return null;
                                        }
                                        hit.run();
                                        return MonitorResponse.NONE.instruction(original);
                                    });
                });
    }

    /** INC RSI, five bytes of NOP, RET. */
    private static void target(AssembledGuest g) {
        g.assemble(TARGET, a -> a.inc(RSI).nop().nop().nop().nop().nop().ret());
    }

    private static Asm call(Asm a, long address) {
        return a.mov(R14, address).call(R14);
    }

    // -------------------------------------------------------------------- as an API

    @Test
    void callsItsActionsAndGoesAway() throws InterruptedException {
        for (Mechanism m : Mechanism.values()) {
            try (AssembledGuest g =
                    new AssembledGuest(a -> {
                        Label again = a.label();
                        a.mov(ECX, 1000).xor(ESI, ESI).bind(again);
                        call(a, TARGET).dec(ECX).jcc(Cond.NZ, again);
                        a.mov(R15, RESULT).mov(Mem.base(R15), RSI);
                    })) {
                target(g);
                List<Long> seen = new ArrayList<>();
                Breakpoints points = Breakpoints.of(g.domain, m);
                InstalledHook[] hook = new InstalledHook[1];
                hook[0] =
                        points.set(
                                space(g),
                                TARGET,
                                p -> {
                                    seen.add(p.gpr(6));
                                    if (seen.size() == 300) {
                                        hook[0].close();
                                    }
                                });
                AtomicInteger others = new AtomicInteger();
                for (int i = 0; i < 5; i++) {
                    points.set(space(g), TARGET + 3 + i, p -> others.incrementAndGet());
                    points.set(space(g), TARGET + 3 + i, p -> others.incrementAndGet());
                }
                g.runToEnd();
                assertThat(seen).hasSize(300).startsWith(0L, 1L, 2L).endsWith(299L);
                assertThat(others).hasValue(10_000);
                assertThat(g.read(RESULT)).isEqualTo(1000);
                points.close();
                assertThatThrownBy(() -> points.set(space(g), WINDOW + 0x5000, p -> {}))
                        .isInstanceOf(IntrospectionException.class)
                        .hasMessageContaining("40005000");
            }
        }
    }

    /** Both mechanisms on one page, and at one place. */
    @Test
    void mechanismsShareAPage() throws InterruptedException {
        try (AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(ECX, 100).bind(again);
                    call(a, TARGET).dec(ECX).jcc(Cond.NZ, again);
                })) {
            target(g);
            AtomicInteger[] hits = new AtomicInteger[4];
            Arrays.setAll(hits, i -> new AtomicInteger());
            Breakpoints engine = Breakpoints.of(g.domain, Mechanism.ENGINE);
            Breakpoints shadow = Breakpoints.of(g.domain, Mechanism.SHADOW);
            engine.set(space(g), TARGET, p -> hits[0].incrementAndGet());
            shadow.set(space(g), TARGET, p -> hits[1].incrementAndGet());
            shadow.set(space(g), TARGET + 3, p -> hits[2].incrementAndGet());
            engine.set(space(g), TARGET + 5, p -> hits[3].incrementAndGet());
            g.runToEnd();
            assertThat(hits).allMatch(h -> h.get() == 100);
        }
    }

    @Test
    void redirectsExecution() throws InterruptedException {
        for (Mechanism m : Mechanism.values()) {
            try (AssembledGuest g =
                    new AssembledGuest(a ->
                            call(a.xor(ESI, ESI), TARGET)
                                    .mov(R15, RESULT)
                                    .mov(Mem.base(R15), RSI))) {
                target(g);
                Breakpoints.of(g.domain, m).set(space(g), TARGET, p -> p.setRip(TARGET + 8));
                g.runToEnd();
                assertThat(g.read(RESULT)).isZero();
            }
        }
    }

    // --------------------------------------------------------- looking at the code

    /** Leaves RAX at the next place of the results. */
    private static Asm note(Asm a) {
        return a.mov(Mem.base(R15), RAX).add(R15, 8);
    }

    /** Reads the code at an address in every way there is. */
    private static void look(Asm a, long at) {
        a.mov(R8, at);
        note(a.mov(RAX, Mem.base(R8)));
        note(a.mov(EAX, Mem.base(R8)));
        note(a.movzx(EAX, Mem.base(R8).w()));
        note(a.movzx(EAX, Mem.base(R8).b()));
        note(a.mov(RAX, Mem.base(R8).disp(-3)));
        note(a.xor(EAX, EAX).lock().xadd(Mem.base(R8), RAX));
        note(a.xor(EAX, EAX).lock().cmpxchg(Mem.base(R8), RCX));
        a.movdqu(XMM1, Mem.base(R8)).movdqu(Mem.base(R15), XMM1).add(R15, 16);
        a.mov(RSI, R8).mov(RDI, R15).mov(ECX, 64).rep().movs(8).add(R15, 64);
        a.mov(RSI, R8).mov(RDI, R15).mov(ECX, 8).rep().movs(64).add(R15, 64);
        a.mov(RSI, R8).mov(RDI, R8).mov(ECX, 64).xor(EAX, EAX);
        note(a.bytes((byte) 0xF3).cmps(8).mov(RAX, RCX));
        note(a.mov(RDI, R8).mov(ECX, 64).mov(EAX, 0xCC).repne().scas(8).mov(RAX, RCX));
        a.mov(RSP, R8);
        note(a.pop(RAX)).mov(ESP, AssembledGuest.STACK);
    }

    private static void lookEverywhere(Asm a) {
        a.mov(R15, RESULT).xor(ESI, ESI);
        call(a, TARGET);
        look(a, TARGET);
        look(a, TARGET + 3);
        look(a, WINDOW);
        look(a, WINDOW + 1);
        call(a, TARGET);
        note(a.mov(RAX, RSI));
    }

    private static void prepareToLook(AssembledGuest g) {
        target(g);
        g.window(0, TARGET >>> 12);
    }

    @Test
    void isNotSeenByReads() throws InterruptedException {
        int hits =
                same(
                        BreakpointsTest::prepareToLook,
                        BreakpointsTest::lookEverywhere,
                        TARGET,
                        TARGET + 3,
                        TARGET + 8);
        assertThat(hits).isEqualTo(6);
        Run alone =
                run(
                        BreakpointsTest::prepareToLook,
                        BreakpointsTest::lookEverywhere,
                        (g, hit) -> {});
        Run found =
                naive(
                        BreakpointsTest::prepareToLook,
                        BreakpointsTest::lookEverywhere,
                        TARGET + 3,
                        1);
        assertThat(found.hits).isEqualTo(2);
        assertThat(found.result).isNotEqualTo(alone.result);
    }

    /** A page of code that serves as a page table, too. */
    @Test
    void isNotSeenByPageWalks() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    target(g);
                    // The page's 64th entry maps DATA at 40040000 where the window's PD has it.
                    g.domain.physical().putLong(TARGET + 64 * 8, DATA | 7);
                    g.domain.physical().putLong(0x3008, TARGET | 7);
                    g.domain.physical().putLong(DATA, 0x1234567);
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(RBX, WINDOW + (1 << 21) + (64 << 12));
                    note(call(a, TARGET).mov(RAX, Mem.base(RBX)));
                    a.mov(Mem.base(RBX).disp(8), RAX);
                    note(a.mov(RAX, TARGET + 64 * 8).mov(RAX, Mem.base(RAX)));
                    note(call(a, TARGET).mov(RAX, RSI));
                };
        assertThat(same(prepare, code, TARGET, TARGET + 4)).isEqualTo(4);
    }

    // ------------------------------------------------------------------ writing to it

    /** The guest writes other code 0 to 14 bytes before a breakpoint, and executes it. */
    @Test
    void followsWhatTheGuestWrites() throws InterruptedException {
        for (int before = 0; before <= 14; before++) {
            int at = TARGET + 16 - before;
            Consumer<Asm> code =
                    a -> {
                        a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, at);
                        call(a, TARGET + 32);
                        // MOV RAX, imm64 over the breakpoint; behind it INC RSI and RET.
                        a.mov(RAX, 0x1122334455667788L);
                        a.mov(Mem.base(R8).w(), 0xB848).mov(Mem.base(R8).disp(2), RAX);
                        a.mov(RAX, 0xC3C6FF48L).mov(Mem.base(R8).disp(10), EAX);
                        a.call(R8);
                        note(a);
                        note(a.mov(RAX, RSI));
                        note(a.mov(RAX, Mem.base(R8)));
                    };
            Consumer<AssembledGuest> prepare =
                    g -> {
                        g.assemble(TARGET, a -> a.fill(32, 0x90).nop().ret());
                    };
            int hits = same(prepare, code, TARGET + 16);
            // Where an instruction begins at the breakpoint it is reached, and only there.
            boolean begins = before == 0 || before == 10 || before == 13;
            assertThat(hits).as("%d bytes before", before).isEqualTo(begins ? 1 : 0);
        }
    }

    /** The naive mechanism loses its breakpoint, or destroys what was written. */
    @Test
    void writesWouldFindOrLoseANaiveOne() throws InterruptedException {
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    a.mov(Mem.base(R8).disp(3).b(), 0x90);
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                };
        assertThat(same(BreakpointsTest::target, code, TARGET + 3)).isEqualTo(1);
        assertThat(naive(BreakpointsTest::target, code, TARGET + 3, 1).hits).isZero();
    }

    @Test
    void followsAtomicAndStringWrites() throws InterruptedException {
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, TARGET);
                    for (int i = 0; i < 3; i++) {
                        call(a, TARGET);
                        // NOP and the two-byte NOP take turns behind the INC.
                        a.mov(EAX, i % 2 == 0 ? 0x9066 : 0x9090);
                        a.lock().xchg(Mem.base(R8).disp(4).w(), AX);
                        note(a.movzx(EAX, Mem.base(R8).disp(4).w()));
                        call(a, TARGET);
                        a.mov(EAX, 0x90).lea(RDI, Mem.base(R8).disp(3)).mov(ECX, 5).rep().stos(8);
                        a.lock().inc(Mem.base(R8).disp(0x100).q());
                        note(a.mov(RAX, Mem.base(R8).disp(0x100)));
                    }
                    call(a, TARGET);
                    note(a.mov(RAX, RSI));
                };
        assertThat(same(BreakpointsTest::target, code, TARGET, TARGET + 4, TARGET + 5))
                .isEqualTo(7 + 7 + 5);
    }

    // ------------------------------------------- what the guest has there by itself

    @Test
    void leavesTheGuestItsOwnTraps() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(TARGET, a -> a.int3().inc(RSI).nop().ret());
                    // Of each trap: number, RIP and RFLAGS.
                    for (int v : new int[] {1, 3}) {
                        g.handler(
                                v,
                                a -> {
                                    note(a.mov(EAX, v));
                                    note(a.mov(RAX, Mem.base(RSP)));
                                    note(a.mov(RAX, Mem.base(RSP).disp(16)));
                                    a.bytes(new byte[] {0x0F, 0x21, (byte) 0xF0}); // DR6
                                    note(a);
                                    a.or(Mem.base(RSP).disp(16).q(), 0x10000).iret(64);
                                });
                    }
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    call(a, TARGET);
                    // Single steps over it.
                    a.pushf().or(Mem.base(RSP).q(), 0x100).popf();
                    call(a, TARGET);
                    a.pushf().and(Mem.base(RSP).q(), ~0x100L).popf();
                    // DR0 on the instruction behind INT3, and a data breakpoint beside it.
                    a.mov(RAX, TARGET + 1).bytes(new byte[] {0x0F, 0x23, (byte) 0xC0});
                    a.mov(EAX, 1).bytes(new byte[] {0x0F, 0x23, (byte) 0xF8});
                    call(a, TARGET);
                    a.xor(EAX, EAX).bytes(new byte[] {0x0F, 0x23, (byte) 0xF8});
                    note(a.mov(RAX, RSI));
                };
        assertThat(same(prepare, code, TARGET, TARGET + 1, TARGET + 4)).isEqualTo(9);
    }

    /** MOV SS holds traps back for the breakpoint's instruction. */
    @Test
    void keepsInterruptShadows() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.assemble(
                            TARGET,
                            a ->
                                    a.bytes(new byte[] {(byte) 0x8E, (byte) 0xD0}) // MOV SS, EAX
                                            .nop()
                                            .nop()
                                            .ret());
                    g.handler(1, a -> note(a.mov(RAX, Mem.base(RSP))).mov(EAX, 0x10).iret(64));
                };
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).mov(EAX, 0x10);
                    a.pushf().or(Mem.base(RSP).q(), 0x100).popf();
                    call(a, TARGET);
                    a.pushf().and(Mem.base(RSP).q(), ~0x100L).popf();
                };
        assertThat(same(prepare, code, TARGET, TARGET + 2, TARGET + 3)).isEqualTo(3);
    }

    // ------------------------------------------------------------- instructions

    /** On instructions that fault, loop, branch, are repeated or lie over a page's end. */
    @Test
    void workOnAllInstructions() throws InterruptedException {
        long[] at = new long[6];
        Consumer<AssembledGuest> prepare =
                g -> {
                    g.handler(
                            14,
                            a ->
                                    a.add(RSP, 8)
                                            .mov(R9, AssembledGuest.WINDOW_PT)
                                            .mov(R10, DATA | 7L)
                                            .mov(Mem.base(R9), R10)
                                            .iret(64));
                    g.assemble(
                            TARGET,
                            a -> {
                                Label spin = a.label();
                                a.mov(ECX, 10).bind(spin);
                                at[0] = a.here();
                                a.loop(spin);
                                a.mov(RBX, WINDOW);
                                at[1] = a.here();
                                a.mov(RAX, Mem.base(RBX));
                                a.mov(EDI, DATA + 0x100).mov(ECX, 1000).mov(EAX, 7);
                                at[2] = a.here();
                                a.rep().stos(64);
                                Label over = a.label();
                                at[3] = a.here();
                                a.jmp(over).int3().bind(over).mov(R14, TARGET + 0xFFD);
                                at[4] = a.here();
                                a.jmp(R14);
                            });
                    at[5] = TARGET + 0xFFD;
                    g.assemble(TARGET + 0xFFD, a -> a.mov(RSI, 0x1122334455667788L).ret());
                };
        try (AssembledGuest places = new AssembledGuest(a -> {})) {
            prepare.accept(places);
        }
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT);
                    note(call(a, TARGET).mov(RAX, RSI));
                    note(a.mov(RAX, RDI));
                };
        // Ten rounds of LOOP, the fault and its second attempt, one each of the others.
        assertThat(same(prepare, code, at)).isEqualTo(10 + 2 + 4);
    }

    /** Also a branch into the middle of an instruction that has a breakpoint. */
    @Test
    void leavesTheMiddleOfInstructionsAlone() throws InterruptedException {
        Consumer<AssembledGuest> prepare =
                g ->
                        g.domain
                                .physical()
                                .write(
                                        TARGET,
                                        new byte[] {
                                            (byte) 0xB8,
                                            (byte) 0xFF,
                                            (byte) 0xC6,
                                            (byte) 0x90,
                                            (byte) 0x90,
                                            (byte) 0xC3
                                        });
        Consumer<Asm> code =
                a -> {
                    a.mov(R15, RESULT).xor(ESI, ESI);
                    note(call(a, TARGET));
                    call(a, TARGET + 1);
                    note(a.mov(RAX, RSI));
                };
        assertThat(same(prepare, code, TARGET + 3)).isEqualTo(1);
        assertThat(same(prepare, code, TARGET, TARGET + 1, TARGET + 2)).isEqualTo(2);
    }

    // -------------------------------------------------------------------- several

    /** One vCPU executes what the other rewrites, and reads it meanwhile. */
    @Test
    void worksOnSeveralProcessors() throws InterruptedException {
        int rounds = 300;
        for (Mechanism m : Mechanism.values()) {
            try (AssembledGuest g =
                    new AssembledGuest(
                            DomainConfig.of("two", AssembledGuest.RAM + (1 << 20), 2),
                            a -> {
                                Label again = a.label();
                                Label other = a.label();
                                // Starts the other one by INIT and start-up IPI, at 0xA000.
                                a.mov(ECX, 0x1B).rdmsr().or(EAX, 0xC00).wrmsr();
                                a.mov(ECX, 0x830).mov(EDX, 2).mov(EAX, 0x4500).wrmsr();
                                a.mov(EAX, 0x460A).wrmsr();
                                a.mov(EBX, DATA).bind(other);
                                a.cmp(Mem.base(RBX).disp(0x80).d(), 0).jcc(Cond.Z, other);
                                a.mov(EBP, rounds).xor(ESI, ESI).bind(again);
                                call(a, TARGET).dec(EBP).jcc(Cond.NZ, again);
                                a.mov(Mem.base(RBX).disp(0x80).d(), 2);
                                a.mov(R15, RESULT).mov(Mem.base(R15), RSI);
                            })) {
                target(g);
                // Real mode: sets the flag, then writes until it is told to stop: NOPs over NOPs,
                // and now and then a counter beside the code.
                Asm ap = new Asm(16, 0xA000);
                ap.hex("B80020 8ED8"); // DS = 0x2000: linear 0x20000
                ap.hex("0F01160001"); // LGDT [0x100]
                ap.hex("0F20C0 0C01 0F22C0 66EA"); // protected mode
                int far = (int) ap.here();
                ap.dd(far + 6).dw(0x18);
                Asm flat = new Asm(32, far + 6);
                flat.hex("66B81000 8ED8"); // DS
                Label write = flat.label();
                Label wait = flat.label();
                flat.mov(EBX, DATA).mov(Mem.base(EBX).disp(0x80).d(), 1).mov(EDI, TARGET);
                flat.bind(write).mov(Mem.base(EDI).disp(3).b(), 0x90);
                flat.mov(EAX, Mem.base(EDI).disp(4).d()).inc(Mem.base(EDI).disp(0x40).d());
                flat.mov(ECX, 100_000).bind(wait).dec(ECX).jcc(Cond.NZ, wait);
                flat.cmp(Mem.base(EBX).disp(0x80).d(), 2).jcc(Cond.NZ, write).hlt();
                g.domain.physical().write(0xA000, ap.toBytes());
                g.domain.physical().write(far + 6, flat.toBytes());
                g.domain.physical().putLong(0x5018, 0x00CF9B000000FFFFL);
                g.domain.physical().putShort(0x20100, 0x1F);
                g.domain.physical().putInt(0x20102, 0x5000);
                AtomicLong hits = new AtomicLong();
                Breakpoints points = Breakpoints.of(g.domain, m);
                for (int at : new int[] {0, 4, 5}) {
                    points.set(space(g), TARGET + at, p -> hits.incrementAndGet());
                }
                g.runToEnd();
                assertThat(hits).as(m.toString()).hasValue(3L * rounds);
                assertThat(g.read(RESULT)).isEqualTo(rounds);
            }
        }
    }

    /** Copies of pages have no address: beyond RAM there is nothing. */
    @Test
    void addsNothingToPhysicalMemory() throws InterruptedException {
        int beyond = (AssembledGuest.RAM >> 20) + 1;
        Consumer<Asm> code =
                a -> {
                    Label next = a.label();
                    Label good = a.label();
                    a.mov(R15, RESULT).xor(ESI, ESI).mov(R8, AssembledGuest.RAM);
                    call(a, TARGET);
                    a.xor(EBX, EBX).bind(next);
                    a.mov(Mem.base(R8), R8);
                    a.cmp(Mem.base(R8).q(), -1).jcc(Cond.Z, good).inc(RBX).bind(good);
                    a.add(R8, 4096).cmp(R8, (long) beyond << 20).jcc(Cond.NZ, next);
                    note(a.mov(RAX, RBX));
                };
        assertThat(same(BreakpointsTest::target, code, TARGET, TARGET + 5)).isEqualTo(2);
        Run alone = run(BreakpointsTest::target, code, (g, hit) -> {});
        assertThat(Arrays.copyOf(alone.result, 8)).containsOnly(0);
    }
}
