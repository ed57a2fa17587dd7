// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.DomainStop;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.Breakpoints.Mechanism;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * A guest that looks for breakpoints, run without any and with those of every mechanism, under the
 * virtual clock unless {@link #atTheSameTime}. What it finds out it leaves at {@link #RESULT}.
 *
 * <p>{@link Naive} breakpoints are there to show that it does look.
 */
final class RedPill {
    /** Where a guest leaves what it finds; R15 points there in the helpers' code. */
    static final int RESULT = DATA + 0x10000;

    static final int RESULT_SIZE = 0x8000;

    /** A function that is looked at, at the beginning of a page. */
    static final int TARGET = DATA + 0x20000;

    /** What a guest knows to be beyond its RAM. */
    static final long BEYOND = AssembledGuest.RAM;

    /** Bytes beyond the RAM in which copies of the naive mechanism are. */
    static final long BEYOND_SIZE = 1 << 20;

    /**
     * What is left of a run.
     *
     * @param memory all RAM, the findings among it
     * @param retired instructions of all vCPUs, which are time
     */
    record Run(byte[] result, byte[] memory, long retired, int hits) {}

    interface Setter {
        void set(AssembledGuest guest, long[] addresses, Runnable hit);
    }

    private final Consumer<AssembledGuest> prepare;
    private final Consumer<Asm> code;
    private final long[] addresses;
    private @Nullable Run alone;
    private DomainConfig config =
            DomainConfig.of("pill", AssembledGuest.RAM + (1 << 20), 1)
                    .withClock(DomainConfig.Clock.VIRTUAL);

    /**
     * @param prepare puts code and tables into memory
     * @param code what vCPU 0 executes
     * @param addresses where breakpoints are
     */
    RedPill(Consumer<AssembledGuest> prepare, Consumer<Asm> code, long... addresses) {
        this.prepare = prepare;
        this.code = code;
        this.addresses = addresses;
    }

    /** With another number of vCPUs; before it runs. */
    RedPill vcpus(int n) {
        config =
                DomainConfig.of("pill", AssembledGuest.RAM + (1 << 20), n)
                        .withClock(DomainConfig.Clock.VIRTUAL);
        return this;
    }

    /** Under the real clock, so that vCPUs run at the same time: no run is like another. */
    RedPill atTheSameTime() {
        config = DomainConfig.of("pill", AssembledGuest.RAM + (1 << 20), config.vcpus());
        return this;
    }

    Run run(Setter setter) throws InterruptedException {
        try (AssembledGuest g = new AssembledGuest(config, code)) {
            prepare.accept(g);
            AtomicInteger hits = new AtomicInteger();
            setter.set(g, addresses, hits::incrementAndGet);
            g.runToEnd();
            return new Run(
                    g.domain.physical().read(RESULT, RESULT_SIZE),
                    g.domain.physical().read(0, AssembledGuest.RAM),
                    g.domain.retiredInstructions(),
                    hits.get());
        }
    }

    /** Without breakpoints; once only under the virtual clock, since each run is like another. */
    Run alone() throws InterruptedException {
        Run r = alone;
        if (r == null || config.clock() != DomainConfig.Clock.VIRTUAL) {
            r = run((g, at, hit) -> {});
            alone = r;
        }
        return r;
    }

    Run with(Mechanism m) throws InterruptedException {
        return run((g, addresses, hit) -> {
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
    }

    /**
     * The guest finds nothing that it would not find alone, with either mechanism.
     *
     * @return the hits, which are the same with both
     */
    int findsNothing() throws InterruptedException {
        Run alone = alone();
        int[] hits = new int[Mechanism.values().length];
        for (Mechanism m : Mechanism.values()) {
            Run with = with(m);
            assertThat(with.result).as("findings with %s", m).isEqualTo(alone.result);
            int differs = Arrays.mismatch(with.memory, alone.memory);
            assertThat(differs).as("address where memory differs with %s", m).isEqualTo(-1);
            assertThat(with.retired).as("time with %s", m).isEqualTo(alone.retired);
            hits[m.ordinal()] = with.hits;
        }
        assertThat(hits).as("hits with each mechanism").containsOnly(hits[0]);
        return hits[0];
    }

    /** As {@link #findsNothing}; and it finds each of the naive ones. */
    int findsOnly(Naive... naive) throws InterruptedException {
        int hits = findsNothing();
        for (Naive n : naive) {
            assertThat(notices(n)).as("%s is found", n).isTrue();
        }
        return hits;
    }

    /** Whether it finds something that it does not find alone. */
    boolean notices(Naive naive) throws InterruptedException {
        byte[] alone = alone().result;
        try (AssembledGuest g = new AssembledGuest(config, code)) {
            prepare.accept(g);
            naive.set(g, addresses, () -> {});
            DomainStop stop = g.run();
            assertThat(stop.reason()).as("how it ends with %s", naive).isNotIn(NO_ENDS);
            // One that does not come to its end has written what has become something else.
            return stop.reason() != StopReason.POWEROFF
                    || !Arrays.equals(g.domain.physical().read(RESULT, RESULT_SIZE), alone);
        }
    }

    private static final StopReason[] NO_ENDS = {StopReason.TIMEOUT, StopReason.INTERNAL_ERROR};

    // ------------------------------------------------------------ parts of guests

    static AddressSpace space(AssembledGuest g) {
        return new AddressSpace(Target.of(g.domain).memory(), 0x1000, 4);
    }

    /** INC RSI, five bytes of NOP, RET. */
    static void target(AssembledGuest g) {
        g.assemble(TARGET, a -> a.inc(RSI).nop().nop().nop().nop().nop().ret());
    }

    static Asm call(Asm a, long address) {
        return a.mov(R14, address).call(R14);
    }

    /** Leaves RAX at the next place of the findings. */
    static Asm note(Asm a) {
        return a.mov(Mem.base(R15), RAX).add(R15, 8);
    }

    /** Leaves the count of ticks. */
    static Asm noteTime(Asm a) {
        return note(a.rdtsc().shl(RDX, 32).or(RAX, RDX));
    }

    /** Does something so many times; RBP counts down. */
    static void times(Asm a, int rounds, Runnable body) {
        Label again = a.label();
        a.mov(EBP, rounds).bind(again);
        body.run();
        a.dec(EBP).jcc(Cond.NZ, again);
    }

    /** Handlers that leave vector, error code if any, RIP, RFLAGS, CR2 and DR6. */
    static void noteFault(AssembledGuest g, int vector, boolean code, Consumer<Asm> then) {
        int at = code ? 8 : 0;
        g.handler(
                vector,
                a -> {
                    a.push(RAX);
                    note(a.mov(EAX, vector));
                    for (int word = 8; word <= 24 + at; word += 8) {
                        note(a.mov(RAX, Mem.base(RSP).disp(word)));
                    }
                    note(a.bytes(new byte[] {0x0F, 0x20, (byte) 0xD0})); // CR2
                    note(a.bytes(new byte[] {0x0F, 0x21, (byte) 0xF0})); // DR6
                    a.pop(RAX);
                    if (code) {
                        a.add(RSP, 8);
                    }
                    then.accept(a);
                    a.iret(64);
                });
    }

    /** Switches the local APIC to x2APIC mode and on. */
    static void enableApic(Asm a) {
        a.mov(ECX, 0x1B).rdmsr().or(EAX, 0xC00).wrmsr();
        writeMsr(a, 0x80F, 0x1FF);
    }

    static void writeMsr(Asm a, int msr, int value) {
        a.mov(ECX, msr).mov(EAX, value).xor(EDX, EDX).wrmsr();
    }

    /**
     * A handler that leaves where an interrupt came and when, as long as there is room, and does
     * what more is wanted.
     */
    static void interrupts(AssembledGuest g, int vector, Consumer<Asm> more) {
        g.handler(
                vector,
                a -> {
                    a.push(RAX).push(RDX).push(RCX);
                    Label full = a.label();
                    a.cmp(R15, RESULT + RESULT_SIZE - 0x100).jcc(Cond.NC, full);
                    note(a.mov(RAX, Mem.base(RSP).disp(24)));
                    noteTime(a);
                    a.bind(full);
                    writeMsr(a, 0x80B, 0);
                    more.accept(a);
                    a.pop(RCX).pop(RDX).pop(RAX).iret(64);
                });
    }
}
