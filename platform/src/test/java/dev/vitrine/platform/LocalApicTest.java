// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class LocalApicTest {
    private static final int TPR = 0x80;
    private static final int PPR = 0xA0;
    private static final int EOI = 0xB0;
    private static final int LDR = 0xD0;
    private static final int DFR = 0xE0;
    private static final int SVR = 0xF0;
    private static final int ISR = 0x100;
    private static final int TMR = 0x180;
    private static final int IRR = 0x200;
    private static final int ESR = 0x280;
    private static final int ICR = 0x300;
    private static final int ICR2 = 0x310;
    private static final int LVT_TIMER = 0x320;
    private static final int LVT_ERROR = 0x370;
    private static final int TMICT = 0x380;
    private static final int TMCCT = 0x390;
    private static final int TDCR = 0x3E0;

    private final ApicBus bus = new ApicBus();
    private final InstructionClock clock = new InstructionClock();
    private final TimerQueue timers = new TimerQueue();
    private final List<Cpu> cpus = new ArrayList<>();

    private final class Cpu implements LocalApic.Processor {
        final List<String> signals = new ArrayList<>();
        final LocalApic apic;

        Cpu(int id) {
            apic = new LocalApic(id, id == 0, bus, this, clock, timers);
        }

        @Override
        public void interruptPending() {
            signals.add("interrupt");
        }

        @Override
        public void nmi() {
            signals.add("nmi");
        }

        @Override
        public void init() {
            signals.add("init");
        }

        @Override
        public void startup(int vector) {
            signals.add("startup " + vector);
        }

        void write(int register, long value) {
            apic.writePage(register, 4, value);
        }

        int read(int register) {
            return (int) apic.readPage(register, 4);
        }

        List<Integer> drain() {
            List<Integer> l = new ArrayList<>();
            for (int v = apic.acknowledge(); v >= 0; v = apic.acknowledge()) {
                l.add(v);
                write(EOI, 0);
            }
            return l;
        }
    }

    @BeforeEach
    void fourProcessors() {
        for (int i = 0; i < 4; i++) {
            Cpu c = new Cpu(2 * i);
            c.write(SVR, 0x1FF);
            cpus.add(c);
        }
    }

    private void advance(long nanos) {
        long end = clock.now() + nanos;
        while (timers.nextDeadline() <= end) {
            clock.jumpTo(timers.nextDeadline());
            timers.runExpired(clock.now());
        }
        clock.jumpTo(end);
    }

    @Test
    void resetStateIsThatOfTheManual() {
        Cpu c = new Cpu(8);
        assertThat(c.read(0x20)).isEqualTo(8 << 24);
        assertThat(c.read(0x30)).isEqualTo(0x00050014);
        assertThat(c.read(SVR)).isEqualTo(0xFF);
        assertThat(c.read(DFR)).isEqualTo(-1);
        assertThat(c.read(LVT_TIMER)).isEqualTo(0x10000);
        assertThat(c.apic.pageAddress()).isEqualTo(0xFEE00000L);
        c.apic.interrupt(0x40, false);
        assertThat(c.apic.pendingVector()).isEqualTo(-1);
        assertThat(c.signals).isEmpty();
    }

    @Test
    void higherPriorityFirstAndNestedByClass() {
        Cpu c = cpus.getFirst();
        c.apic.interrupt(0x31, false);
        c.apic.interrupt(0x52, false);
        c.apic.interrupt(0x55, false);
        assertThat(c.read(IRR + 0x20)).isEqualTo(1 << 0x12 | 1 << 0x15);
        assertThat(c.apic.acknowledge()).isEqualTo(0x55);
        assertThat(c.read(ISR + 0x20)).isEqualTo(1 << 0x15);
        assertThat(c.read(PPR)).isEqualTo(0x50);
        assertThat(c.apic.acknowledge()).as("same class waits").isEqualTo(-1);
        c.apic.interrupt(0x61, true);
        assertThat(c.read(TMR + 0x30)).isEqualTo(2);
        assertThat(c.apic.acknowledge()).isEqualTo(0x61);
        c.write(EOI, 0);
        assertThat(c.apic.acknowledge()).isEqualTo(-1);
        c.write(EOI, 0);
        assertThat(c.apic.acknowledge()).isEqualTo(0x52);
        c.write(EOI, 0);
        assertThat(c.apic.acknowledge()).isEqualTo(0x31);
    }

    @Test
    void taskPriorityHoldsInterruptsBack() {
        Cpu c = cpus.getFirst();
        c.write(TPR, 0x45);
        assertThat(c.apic.taskPriority()).isEqualTo(4);
        c.apic.interrupt(0x4F, false);
        assertThat(c.apic.pendingVector()).isEqualTo(-1);
        c.signals.clear();
        c.apic.setTaskPriority(3);
        assertThat(c.signals).containsExactly("interrupt");
        assertThat(c.apic.acknowledge()).isEqualTo(0x4F);
    }

    @Test
    void postedInterruptWaitsForSoftwareEnable() {
        Cpu c = new Cpu(10);
        c.apic.post(0xF3, false);
        assertThat(c.apic.pendingVector()).isEqualTo(-1);
        c.signals.clear();
        c.write(SVR, 0x1FF);
        assertThat(c.signals).contains("interrupt");
        assertThat(c.apic.acknowledge()).isEqualTo(0xF3);
    }

    @Test
    void destinationsOfInterprocessorInterrupts() {
        Cpu c = cpus.getFirst();
        c.write(ICR2, 4 << 24);
        c.write(ICR, 0x4040);
        assertThat(reached(0x40)).containsExactly(2);
        c.write(ICR2, 0xFFL << 24);
        c.write(ICR, 0x4041);
        assertThat(reached(0x41)).containsExactly(0, 1, 2, 3);
        c.write(ICR, 0x44042);
        assertThat(reached(0x42)).containsExactly(0);
        c.write(ICR, 0x84043);
        assertThat(reached(0x43)).containsExactly(0, 1, 2, 3);
        c.write(ICR, 0xC4044);
        assertThat(reached(0x44)).containsExactly(1, 2, 3);
        for (int i = 0; i < 4; i++) {
            cpus.get(i).write(LDR, 1L << (24 + i));
        }
        c.write(ICR2, 0x0AL << 24);
        c.write(ICR, 0x4845);
        assertThat(reached(0x45)).containsExactly(1, 3);
        for (int i = 0; i < 4; i++) {
            cpus.get(i).write(DFR, 0x0FFFFFFF);
            cpus.get(i).write(LDR, (i < 2 ? 0x10L : 0x20L) + (1 << (i & 1)) << 24);
        }
        c.write(ICR2, 0x22L << 24);
        c.write(ICR, 0x4846);
        assertThat(reached(0x46)).containsExactly(3);
        c.write(ICR, 0x4947); // lowest priority
        assertThat(reached(0x47)).containsExactly(3);
    }

    private List<Integer> reached(int vector) {
        List<Integer> l = new ArrayList<>();
        for (int i = 0; i < cpus.size(); i++) {
            List<Integer> got = cpus.get(i).drain();
            if (got.contains(vector)) {
                assertThat(got).containsExactly(vector);
                l.add(i);
            } else {
                assertThat(got).isEmpty();
            }
        }
        return l;
    }

    @Test
    void initStartupAndNmiReachTheirProcessor() {
        Cpu c = cpus.getFirst();
        Cpu other = cpus.get(1);
        c.write(ICR2, 2 << 24);
        c.write(ICR, 0x4500);
        c.write(ICR, 0x8500); // de-assert does nothing
        c.write(ICR, 0x4699);
        c.write(ICR, 0x4400);
        assertThat(other.signals).containsExactly("init", "startup 153", "nmi");
        assertThat(c.signals).isEmpty();
    }

    @Test
    void x2ApicModeAndItsRegisters() {
        LocalApic a = cpus.get(1).apic;
        long[] v = new long[1];
        assertThat(a.readMsr(0x802, v)).as("not in x2APIC mode").isFalse();
        assertThat(a.readMsr(0x1B, v)).isTrue();
        assertThat(v[0]).isEqualTo(0xFEE00800L);
        assertThat(a.writeMsr(0x1B, 0xFEE00400L)).as("EXTD without EN").isFalse();
        assertThat(a.writeMsr(0x1B, 0xFEE00C00L)).isTrue();
        assertThat(a.writeMsr(0x1B, 0xFEE00800L)).as("back to xAPIC").isFalse();
        assertThat(a.pageAddress()).isEqualTo(-1);
        assertThat(a.readMsr(0x802, v)).isTrue();
        assertThat(v[0]).isEqualTo(2);
        assertThat(a.readMsr(0x80D, v)).isTrue();
        assertThat(v[0]).isEqualTo(4);
        assertThat(a.writeMsr(0x80B, 1)).as("EOI takes 0 only").isFalse();
        assertThat(a.writeMsr(0x80D, 1)).as("LDR is read-only").isFalse();
        assertThat(a.readMsr(0x80E, v)).as("no DFR").isFalse();
        assertThat(a.writeMsr(0x83F, 0x77)).isTrue();
        assertThat(a.acknowledge()).isEqualTo(0x77);
        assertThat(a.writeMsr(0x80B, 0)).isTrue();
        assertThat(a.writeMsr(0x830, 6L << 32 | 0x4050)).isTrue();
        assertThat(reached(0x50)).containsExactly(3);
        assertThat(a.writeMsr(0x830, 1L << 20)).as("reserved bit").isFalse();
    }

    @Test
    void oneShotAndPeriodicTimer() {
        Cpu c = cpus.getFirst();
        c.write(TDCR, 3); // divide by 16
        c.write(LVT_TIMER, 0x60);
        c.write(TMICT, 1000); // 1000 * 16 * 10 ns
        advance(80_000);
        assertThat(c.read(TMCCT)).isEqualTo(500);
        assertThat(c.drain()).isEmpty();
        advance(80_000);
        assertThat(c.drain()).containsExactly(0x60);
        assertThat(c.read(TMCCT)).isZero();
        advance(1_000_000);
        assertThat(c.drain()).isEmpty();

        c.write(LVT_TIMER, 0x20061);
        c.write(TMICT, 1000);
        int count = 0;
        for (int i = 0; i < 10; i++) {
            advance(160_000);
            count += c.drain().size();
        }
        assertThat(count).isEqualTo(10);
        c.write(TMICT, 0);
        advance(1_000_000);
        assertThat(c.drain()).isEmpty();
        assertThat(timers.nextDeadline()).isEqualTo(TimerQueue.NEVER);
    }

    @Test
    void maskedTimerCountsButDoesNotInterrupt() {
        Cpu c = cpus.getFirst();
        c.write(LVT_TIMER, 0x10060);
        c.write(TMICT, 100);
        advance(10_000);
        assertThat(c.drain()).isEmpty();
    }

    @Test
    void tscDeadline() {
        Cpu c = cpus.getFirst();
        long[] v = new long[1];
        c.apic.writeMsr(LocalApic.MSR_TSC_DEADLINE, 5000);
        assertThat(timers.nextDeadline()).as("not in deadline mode").isEqualTo(TimerQueue.NEVER);
        c.write(LVT_TIMER, 0x40062);
        c.write(TMICT, 5);
        assertThat(timers.nextDeadline()).isEqualTo(TimerQueue.NEVER);
        c.apic.writeMsr(LocalApic.MSR_TSC_DEADLINE, clock.tsc() + 5000);
        c.apic.readMsr(LocalApic.MSR_TSC_DEADLINE, v);
        assertThat(v[0]).isEqualTo(clock.tsc() + 5000);
        advance(4999);
        assertThat(c.drain()).isEmpty();
        advance(1);
        assertThat(c.drain()).containsExactly(0x62);
        c.apic.readMsr(LocalApic.MSR_TSC_DEADLINE, v);
        assertThat(v[0]).isZero();
        c.apic.writeMsr(LocalApic.MSR_TSC_DEADLINE, 1); // long ago
        timers.runExpired(clock.now());
        assertThat(c.drain()).containsExactly(0x62);
        c.apic.writeMsr(LocalApic.MSR_TSC_DEADLINE, clock.tsc() + 5000);
        c.apic.writeMsr(LocalApic.MSR_TSC_DEADLINE, 0);
        advance(10_000);
        assertThat(c.drain()).isEmpty();
    }

    @Test
    void errorsAreLatchedAndReported() {
        Cpu c = cpus.getFirst();
        c.write(LVT_ERROR, 0x71);
        c.write(ICR, 0x4005);
        assertThat(c.read(ESR)).as("shown after a write only").isZero();
        assertThat(c.drain()).containsExactly(0x71);
        c.write(ESR, 0);
        assertThat(c.read(ESR)).isEqualTo(1 << 5);
        c.write(ESR, 0);
        assertThat(c.read(ESR)).isZero();
    }

    @Test
    void errorAboutTheErrorVectorDoesNotRecurse() {
        Cpu c = cpus.getFirst();
        c.write(LVT_ERROR, 0x05); // illegal vector: reporting an error is an error
        c.write(ICR, 0x4005);
        c.write(ESR, 0);
        assertThat(c.read(ESR)).isEqualTo(1 << 5 | 1 << 6);
    }

    @Test
    void softwareDisableMasksTheTable() {
        Cpu c = cpus.getFirst();
        c.write(LVT_TIMER, 0x60);
        c.write(SVR, 0xFF);
        assertThat(c.read(LVT_TIMER)).isEqualTo(0x10060);
        c.write(LVT_TIMER, 0x60);
        assertThat(c.read(LVT_TIMER)).isEqualTo(0x10060);
    }

    @Test
    void oddAccessesDoNoHarm() {
        Cpu c = cpus.getFirst();
        for (int offset = 0; offset < 0x1000; offset++) {
            for (int size : new int[] {1, 2, 4, 8}) {
                c.apic.readPage(offset, size);
                if (offset != ICR) {
                    c.apic.writePage(offset, size, 0);
                }
            }
        }
        assertThat(c.apic.readPage(0x31, 1)).as("second byte of the version").isEqualTo(0);
        assertThat(c.apic.readPage(0x32, 2)).isEqualTo(5);
    }
}
