// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.platform.InstructionClock;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.EventChannelOp;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.SchedOp;
import dev.vitrine.xenabi.SharedInfo;
import dev.vitrine.xenabi.VcpuOp;
import dev.vitrine.xenabi.Virq;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class VcpuOpsTest {
    private final Guest g =
            new Guest(DomainConfig.of("test", 2L << 20, 3).withClock(DomainConfig.Clock.VIRTUAL));
    private final long shared = g.mapSharedInfo();
    private final InstructionClock clock = (InstructionClock) g.domain.clock();

    @AfterEach
    void close() {
        g.close();
    }

    private long vcpuOp(int operation, int vcpu, long... words) {
        for (int i = 0; i < words.length; i++) {
            g.memory().putLong(Guest.ARGUMENTS + 8L * i, words[i]);
        }
        return g.call(
                HypercallNumber.VCPU_OP, operation, vcpu, words.length == 0 ? 0 : Guest.ARGUMENTS);
    }

    private int bindTimer(int vcpu) {
        assertThat(g.event(EventChannelOp.BIND_VIRQ, Virq.TIMER, vcpu, 0)).isZero();
        return g.field(2);
    }

    /** Whether the port is pending; takes it as a handler does. */
    private boolean take(int port) {
        long a = shared + SharedInfo.EVTCHN_PENDING;
        long was = g.memory().getAndAndLong(a, ~(1L << port));
        g.memory().putLong(shared + SharedInfo.VCPU_PENDING_SEL_64, 0);
        g.memory().putByte(shared, 0);
        return (was & 1L << port) != 0;
    }

    private void advance(long nanos) {
        clock.jumpTo(clock.now() + nanos);
        g.domain.timers().runExpired(clock.now());
    }

    @Test
    void singleShotTimer() {
        int port = bindTimer(0);
        assertThat(vcpuOp(VcpuOp.SET_SINGLESHOT_TIMER, 0, clock.now() + 5000, 0)).isZero();
        advance(4999);
        assertThat(take(port)).isFalse();
        advance(1);
        assertThat(take(port)).isTrue();
        assertThat(vcpuOp(VcpuOp.SET_SINGLESHOT_TIMER, 0, clock.now() - 1, 1)).isZero();
        assertThat(take(port)).as("a time that has passed").isTrue();
        vcpuOp(VcpuOp.SET_SINGLESHOT_TIMER, 0, clock.now() + 5000, 0);
        assertThat(vcpuOp(VcpuOp.STOP_SINGLESHOT_TIMER, 0)).isZero();
        advance(10_000);
        assertThat(take(port)).isFalse();
        assertThat(vcpuOp(VcpuOp.SET_SINGLESHOT_TIMER, 1, 0, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(g.call(HypercallNumber.SET_TIMER_OP, clock.now() + 100)).isZero();
        advance(100);
        assertThat(take(port)).isTrue();
    }

    @Test
    void periodicTimer() {
        int port = bindTimer(0);
        assertThat(vcpuOp(VcpuOp.SET_PERIODIC_TIMER, 0, 999_999)).isEqualTo(-Errno.EINVAL);
        assertThat(vcpuOp(VcpuOp.SET_PERIODIC_TIMER, 0, 1_000_000)).isZero();
        for (int i = 0; i < 5; i++) {
            advance(999_999);
            assertThat(take(port)).isFalse();
            advance(1);
            assertThat(take(port)).isTrue();
        }
        advance(100_500_000); // late: one event, and the phase is kept
        assertThat(take(port)).isTrue();
        advance(500_000);
        assertThat(take(port)).isTrue();
        assertThat(vcpuOp(VcpuOp.STOP_PERIODIC_TIMER, 0)).isZero();
        advance(10_000_000);
        assertThat(take(port)).isFalse();
    }

    @Test
    void infoMovesToAPageOfTheGuest() {
        long there = 0x60040;
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_INFO, 1, 0x60, 0xFD0)).isEqualTo(-Errno.ENXIO);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_INFO, 1, 0x60, 0x44)).isEqualTo(-Errno.ENXIO);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_INFO, 1, 0x9999, 0x40)).isEqualTo(-Errno.EINVAL);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_INFO, 1, 0x60, 0x40)).isZero();
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_INFO, 1, 0x61, 0x40)).isEqualTo(-Errno.EBUSY);
        assertThat(g.memory().getByte(there)).as("all counts as pending").isEqualTo(1);
        assertThat(g.memory().getLong(there + 8)).isEqualTo(-1);
        g.memory().putByte(there, 0);
        g.memory().putLong(there + 8, 0);
        g.event(EventChannelOp.SEND, g.bindIpi(1));
        assertThat(g.memory().getByte(there)).isEqualTo(1);
        assertThat(g.memory().getByte(shared + 64)).isZero();
    }

    @Test
    void timeInfoIsConsistentAndStable() {
        clock.jumpTo(123_456);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_TIME_MEMORY_AREA, 0, 0x70FF0))
                .isZero(); // crosses a page
        long a = 0x70FF0;
        int version = g.memory().getInt(a);
        assertThat(version & 1).isZero();
        assertThat(version).isNotZero();
        long tsc = g.memory().getLong(a + SharedInfo.TIME_TSC_TIMESTAMP);
        long time = g.memory().getLong(a + SharedInfo.TIME_SYSTEM_TIME);
        assertThat(time).isEqualTo(123_456);
        assertThat(tsc).isEqualTo(clock.ticks(time));
        assertThat(g.memory().getByte(a + SharedInfo.TIME_FLAGS)).isEqualTo(1);
        assertThat(g.memory().getInt(a + SharedInfo.TIME_MUL)).isEqualTo(0x80000000);
        assertThat(g.memory().getByte(a + SharedInfo.TIME_SHIFT)).isEqualTo(1);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_TIME_PHYS_AREA, 0, 0x70FF0)).isEqualTo(-Errno.ENXIO);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_TIME_PHYS_AREA, 0, 0x71000)).isZero();
        assertThat(g.memory().getLong(0x71000 + SharedInfo.TIME_SYSTEM_TIME)).isEqualTo(123_456);
        assertThat(vcpuOp(VcpuOp.REGISTER_VCPU_TIME_PHYS_AREA, 0, -1)).isZero();
    }

    @Test
    void runstateTimesAddUp() {
        clock.jumpTo(1_000_000);
        assertThat(vcpuOp(VcpuOp.REGISTER_RUNSTATE_MEMORY_AREA, 1, 0x70000)).isZero();
        assertThat(g.memory().getInt(0x70000)).isEqualTo(VcpuOp.RUNSTATE_OFFLINE);
        g.domain.vcpu(1).markInitialised();
        assertThat(vcpuOp(VcpuOp.UP, 1)).isZero();
        assertThat(vcpuOp(VcpuOp.IS_UP, 1)).isEqualTo(1);
        clock.jumpTo(3_000_000);
        g.memory().putLong(Guest.ARGUMENTS, 0);
        assertThat(g.call(HypercallNumber.VCPU_OP, VcpuOp.GET_RUNSTATE_INFO, 1, Guest.ARGUMENTS))
                .isZero();
        assertThat(g.field(0)).isEqualTo(VcpuOp.RUNSTATE_RUNNABLE);
        assertThat(g.memory().getLong(Guest.ARGUMENTS + 8)).isEqualTo(1_000_000);
        long sum = 0;
        for (int i = 0; i < 4; i++) {
            sum += g.memory().getLong(Guest.ARGUMENTS + 16 + 8L * i);
        }
        assertThat(sum).isEqualTo(3_000_000);
        assertThat(g.memory().getLong(Guest.ARGUMENTS + 24)).isEqualTo(2_000_000);
    }

    @Test
    void initAndStartupBringAProcessorUp() {
        FakeEngine ap = FakeEngine.of(g.domain.vcpu(2));
        assertThat(vcpuOp(VcpuOp.UP, 2)).isEqualTo(-Errno.EINVAL);
        var bsp = g.domain.vcpu(0).apic();
        bsp.writePage(0xF0, 4, 0x1FF);
        bsp.writePage(0x310, 4, 4 << 24);
        bsp.writePage(0x300, 4, 0x4500);
        assertThat(ap.life).as("reset already").isEmpty();
        bsp.writePage(0x300, 4, 0x4608);
        bsp.writePage(0x300, 4, 0x4609); // the second start-up IPI does nothing
        assertThat(ap.life).containsExactly("startup 8");
        assertThat(g.domain.vcpu(2).isOnline()).isTrue();
        bsp.writePage(0x300, 4, 0x4400);
        assertThat(ap.nmis).isEqualTo(1);
    }

    @Test
    void initialiseOnce() {
        assertThat(vcpuOp(VcpuOp.INITIALISE, 1, 0)).isZero();
        assertThat(vcpuOp(VcpuOp.INITIALISE, 1, 0)).isEqualTo(-Errno.EEXIST);
        assertThat(vcpuOp(VcpuOp.UP, 1)).isZero();
        assertThat(vcpuOp(VcpuOp.INITIALISE, 9, 0)).isEqualTo(-Errno.ENOENT);
        assertThat(FakeEngine.of(g.domain.vcpu(1)).life).containsExactly("load");
    }

    @Test
    void pollReturnsForPendingPortsAndWaitsForOthers() {
        int a = g.bindIpi(0);
        int b = g.bindIpi(0);
        FakeEngine.of(g.domain.vcpu(0)).interrupts = false;
        assertThat(poll(0, 0)).isEqualTo(-Errno.EINVAL);
        assertThat(poll(9, a)).isEqualTo(-Errno.EFAULT);
        g.event(EventChannelOp.SEND, a);
        assertThat(poll(0, b, a)).isZero();
        assertThat(g.domain.vcpu(0).isBlocked()).isFalse();
        assertThat(poll(0, b)).isZero();
        assertThat(g.domain.vcpu(0).isBlocked()).isTrue();
        assertThat(g.domain.pollers.get()).isEqualTo(1);
        g.domain.events().send(b);
        assertThat(g.domain.vcpu(0).isBlocked()).isFalse();
        assertThat(g.domain.pollers.get()).isZero();
        take(b);
        assertThat(poll(clock.now() + 1000, b)).isZero();
        assertThat(g.domain.vcpu(0).isBlocked()).isTrue();
        advance(1000);
        assertThat(g.domain.vcpu(0).isBlocked()).isFalse();
        assertThat(g.domain.pollers.get()).isZero();
    }

    /** A timeout of 9 stands for a bad pointer. */
    private long poll(long timeout, int... ports) {
        for (int i = 0; i < ports.length; i++) {
            g.memory().putInt(0x20000 + 4L * i, ports[i]);
        }
        g.memory().putLong(Guest.ARGUMENTS, timeout == 9 ? -8 : 0x20000);
        g.memory().putInt(Guest.ARGUMENTS + 8, ports.length);
        g.memory().putLong(Guest.ARGUMENTS + 16, timeout);
        return g.call(HypercallNumber.SCHED_OP, SchedOp.POLL, Guest.ARGUMENTS);
    }

    @Test
    void watchdogStopsTheDomain() {
        g.memory().putLong(Guest.ARGUMENTS, 2L << 32);
        assertThat(g.call(HypercallNumber.SCHED_OP, SchedOp.WATCHDOG, Guest.ARGUMENTS))
                .isEqualTo(1);
        assertThat(g.call(HypercallNumber.SCHED_OP, SchedOp.WATCHDOG, Guest.ARGUMENTS))
                .isEqualTo(2);
        assertThat(g.call(HypercallNumber.SCHED_OP, SchedOp.WATCHDOG, Guest.ARGUMENTS))
                .isEqualTo(-Errno.ENOSPC);
        g.memory().putLong(Guest.ARGUMENTS, 1);
        assertThat(g.call(HypercallNumber.SCHED_OP, SchedOp.WATCHDOG, Guest.ARGUMENTS)).isZero();
        g.memory().putLong(Guest.ARGUMENTS, 3);
        assertThat(g.call(HypercallNumber.SCHED_OP, SchedOp.WATCHDOG, Guest.ARGUMENTS))
                .isEqualTo(-Errno.EINVAL);
        advance(1_999_999_999L);
        assertThat(g.domain.isStopping()).isFalse();
        advance(1);
        assertThat(g.domain.stopped().join().reason()).isEqualTo(StopReason.WATCHDOG);
    }

    /** Nobody else lets time go on when the last vCPU went idle while the domain was paused. */
    @Test
    @Timeout(60)
    void virtualTimeGoesOnAfterAPauseThatMetAnIdleDomain() throws InterruptedException {
        DomainConfig config =
                DomainConfig.of("test", 2L << 20, 1).withClock(DomainConfig.Clock.VIRTUAL);
        try (Guest g = new Guest(config)) {
            Domain d = g.domain;
            Vcpu v = d.vcpu(0);
            long deadline = d.clock().now() + 1_000_000;
            v.timers().setSingleShot(deadline);
            FakeEngine.of(v).onRun = d::pause;
            v.bringUp();
            d.unpause();
            while (!v.isBlocked()) {
                Thread.onSpinWait();
            }
            v.awaitNotRunning();
            assertThat(d.clock().now()).isLessThan(deadline);
            FakeEngine.of(v).onRun = () -> {};
            d.unpause();
            while (d.clock().now() < deadline) {
                Thread.onSpinWait();
            }
        }
    }
}
