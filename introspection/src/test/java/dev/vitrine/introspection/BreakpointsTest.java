// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.hypervisor.guest.AssembledGuest.WINDOW;
import static dev.vitrine.introspection.RedPill.*;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.InstalledHook;
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
import java.util.function.Consumer;

/** Breakpoints of both mechanisms. What guests find of them is in the tests named RedPill. */
class BreakpointsTest {
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
        assertThat(new RedPill(prepare, code, at).findsNothing()).isEqualTo(10 + 2 + 4);
    }

    /**
     * The instruction is rewritten when it has been reached and before it is executed, as another
     * vCPU might: what is executed is what is there then.
     */
    @Test
    void executeWhatIsThereThen() throws InterruptedException {
        for (Mechanism m : Mechanism.values()) {
            try (AssembledGuest g =
                    new AssembledGuest(a -> {
                        a.xor(ESI, ESI).mov(R15, RESULT);
                        call(call(a, TARGET), TARGET).mov(Mem.base(R15), RSI);
                    })) {
                target(g);
                byte[] add = new Asm(64, 0).add(RSI, 16).toBytes();
                AtomicInteger hits = new AtomicInteger();
                Breakpoints.of(g.domain, m)
                        .set(
                                space(g),
                                TARGET + 3,
                                p -> {
                                    if (hits.incrementAndGet() == 1) {
                                        g.domain.physical().write(TARGET + 3, add);
                                    }
                                });
                g.runToEnd();
                assertThat(hits).as("%s", m).hasValue(2);
                assertThat(g.read(RESULT)).as("%s", m).isEqualTo(2 * (1 + 16));
            }
        }
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
                                AssembledGuest.startUp(a, 1);
                                a.mov(EBX, DATA).bind(other);
                                a.cmp(Mem.base(RBX).disp(0x80).d(), 0).jcc(Cond.Z, other);
                                a.mov(EBP, rounds).xor(ESI, ESI).bind(again);
                                call(a, TARGET).dec(EBP).jcc(Cond.NZ, again);
                                a.mov(Mem.base(RBX).disp(0x80).d(), 2);
                                a.mov(R15, RESULT).mov(Mem.base(R15), RSI);
                            })) {
                target(g);
                // Sets the flag, then writes until it is told to stop: NOPs over NOPs, and now and
                // then a counter beside the code.
                g.secondary(
                        1,
                        a -> {
                            Label write = a.label();
                            Label wait = a.label();
                            a.mov(EBX, DATA).mov(Mem.base(RBX).disp(0x80).d(), 1).mov(EDI, TARGET);
                            a.bind(write).mov(Mem.base(RDI).disp(3).b(), 0x90);
                            a.mov(EAX, Mem.base(RDI).disp(4)).inc(Mem.base(RDI).disp(0x40).d());
                            a.mov(ECX, 100_000).bind(wait).dec(ECX).jcc(Cond.NZ, wait);
                            a.cmp(Mem.base(RBX).disp(0x80).d(), 2).jcc(Cond.NZ, write);
                        });
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
}
