// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.function.Consumer;

/** Views, events and breakpoints while the interpreter checks all that translated code does. */
@Timeout(120)
class VerifiedMonitorTest {
    private static final int INNER = 40;
    private static final int RESULT = DATA + 0x10000;

    /**
     * Not 0 when the guest is to end: on a page of its own, which is held as pages are that the
     * hypervisor writes to.
     */
    private static final int END = DATA + 0x20000;

    /** How many times it went around. */
    private static final int ROUNDS = RESULT + 16;

    private static AssembledGuest guest(Consumer<Asm> code) {
        return new AssembledGuest(
                DomainConfig.of("verified", AssembledGuest.RAM + (1 << 20), 1)
                        .withVerifyTranslation(true),
                code);
    }

    /** A hot loop that adds up and stores, within one that does something worth to be seen. */
    private static void loop(Asm a, Consumer<Asm> seen) {
        Label outer = a.label();
        Label inner = a.label();
        a.xor(EDX, EDX).xor(R8, R8).mov(R14, RESULT).mov(R13, END).bind(outer);
        a.mov(R9, INNER).bind(inner).add(RDX, R9).mov(Mem.base(R14).disp(8), RDX);
        a.dec(R9).jcc(Cond.NZ, inner);
        seen.accept(a);
        a.inc(R8).cmp(Mem.base(R13).q(), 0).jcc(Cond.Z, outer);
        a.mov(Mem.base(R14), RDX).mov(Mem.base(R14).disp(16), R8);
    }

    /** What the inner loop comes to. */
    private static final long SUM = (long) INNER * (INNER + 1) / 2;

    /** Lets the guest run until much of it has been translated and verified; returns its rounds. */
    private static long verify(AssembledGuest g) throws InterruptedException {
        assertThat(g.domain.memory().pin(END >>> 12)).isPositive();
        g.domain.unpause();
        while (g.domain.statistics().getOrDefault("instructions verified", 0L) < 200_000) {
            assertThat(g.domain.stopped()).isNotDone();
            Thread.sleep(1);
        }
        g.domain.physical().putLong(END, 1);
        assertThat(g.domain.await(Duration.ofSeconds(60)).reason()).isEqualTo(StopReason.POWEROFF);
        return g.read(ROUNDS);
    }

    @Test
    void aViewThatForbids() throws InterruptedException {
        try (AssembledGuest g =
                guest(a -> {
                    a.mov(RBX, DATA);
                    loop(a, b -> b.add(RDX, Mem.base(RBX)).mov(Mem.base(RBX).disp(8), RDX));
                })) {
            Views views = g.domain.views();
            int view = views.create(Access.RWX);
            views.setAccess(view, DATA >>> 12, 1, Access.N);
            views.switchAll(view);
            byte[] thousand =
                    ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(1000).array();
            int[] events = {0};
            g.domain
                    .monitor()
                    .subscribe(
                            Subscription.NONE.memoryAccess(),
                            e -> {
                                events[0]++;
                                Interception what = ((MonitorEvent.OfProcessor) e).what();
                                boolean write =
                                        ((Interception.MemoryAccess) what).physical() != DATA;
                                return write
                                        ? MonitorResponse.NONE.emulate()
                                        : MonitorResponse.NONE.emulate().readData(thousand);
                            });
            long rounds = verify(g);
            assertThat(events[0]).isEqualTo((int) (2 * rounds));
            assertThat(g.read(RESULT)).isEqualTo((SUM + 1000) * rounds);
            assertThat(g.read(DATA + 8)).isEqualTo(g.read(RESULT));
        }
    }

    /** A view that shows another frame than the domain's map, with no event at all. */
    @Test
    void aViewThatShowsAnotherFrame() throws InterruptedException {
        try (AssembledGuest g =
                guest(a -> {
                    a.mov(RBX, DATA);
                    loop(a, b -> b.add(RDX, Mem.base(RBX)));
                })) {
            Views views = g.domain.views();
            int view = views.create(Access.RWX);
            views.changeGfn(view, DATA >>> 12, (DATA >>> 12) + 1);
            views.switchAll(view);
            g.domain.physical().putLong(DATA, 1);
            g.domain.physical().putLong(DATA + 4096, 5);
            long rounds = verify(g);
            assertThat(g.read(RESULT)).isEqualTo((SUM + 5) * rounds);
        }
    }

    @Test
    void events() throws InterruptedException {
        try (AssembledGuest g =
                guest(a ->
                        loop(a, b -> b.int3().mov(R10, RDX).xor(EAX, EAX).cpuid().mov(RDX, R10)))) {
            int[] events = {0, 0, 0};
            g.domain
                    .monitor()
                    .subscribe(
                            Subscription.NONE.softwareBreakpoints().cpuid().singleSteps(),
                            e -> {
                                switch (((MonitorEvent.OfProcessor) e).what()) {
                                    case Interception.Breakpoint b -> {
                                        events[0]++;
                                        return MonitorResponse.NONE
                                                .emulate()
                                                .instruction(new byte[] {(byte) 0x90})
                                                .toggleSingleStep();
                                    }
                                    case Interception.Cpuid c -> events[1]++;
                                    default -> {
                                        events[2]++;
                                        return MonitorResponse.NONE.toggleSingleStep();
                                    }
                                }
                                return MonitorResponse.NONE;
                            });
            long rounds = verify(g);
            assertThat(events).containsOnly((int) rounds);
            assertThat(g.read(RESULT)).isEqualTo(SUM * rounds);
        }
    }

    @Test
    void breakpointsOfTheEngine() throws InterruptedException {
        assertBreakpoints(false);
    }

    @Test
    void breakpointsByInt3InACopy() throws InterruptedException {
        assertBreakpoints(true);
    }

    /** On an instruction of the outer loop, whose page is that of the inner one. */
    private static void assertBreakpoints(boolean shadow) throws InterruptedException {
        Label[] place = {null};
        long[] hits = {0};
        try (AssembledGuest g =
                guest(a ->
                        loop(
                                a,
                                b -> {
                                    place[0] = b.label();
                                    b.bind(place[0]).add(RDX, 3);
                                }))) {
            CodeHook hook = p -> hits[0]++;
            long at = place[0].address();
            GuestHooks hooks = g.domain.hooks();
            assertThat(shadow ? hooks.addShadow(at, hook) : hooks.add(at, hook)).isNotNull();
            long rounds = verify(g);
            assertThat(hits[0]).isEqualTo(rounds);
            assertThat(g.read(RESULT)).isEqualTo((SUM + 3) * rounds);
        }
    }
}
