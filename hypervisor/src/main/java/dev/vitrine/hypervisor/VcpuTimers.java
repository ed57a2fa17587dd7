// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.TimerQueue;
import dev.vitrine.platform.VirtualClock;
import dev.vitrine.processor.StateSink;

/**
 * The two timers that a guest sets by hypercall for one of its vCPUs (VCPUOP_set_singleshot_timer,
 * VCPUOP_set_periodic_timer). Times are system time in nanoseconds. Any thread.
 */
final class VcpuTimers {
    private final VirtualClock clock;
    private final Runnable event;
    private final TimerQueue.Timer singleShot;
    private final TimerQueue.Timer periodic;
    private volatile long period;

    /**
     * @param event raises VIRQ_TIMER
     */
    VcpuTimers(VirtualClock clock, TimerQueue timers, Runnable event) {
        this.clock = clock;
        this.event = event;
        singleShot = timers.newTimer(deadline -> event.run());
        periodic = timers.newTimer(this::periodicEvent);
    }

    private void periodicEvent(long deadline) {
        long p = period;
        if (p != 0) {
            long now = clock.now();
            long next = deadline + p;
            periodic.set(next > now ? next : now + p - (now - deadline) % p);
            event.run();
        }
    }

    void setSingleShot(long deadline) {
        if (deadline < clock.now()) {
            singleShot.cancel();
            event.run();
        } else {
            singleShot.set(deadline);
        }
    }

    void stopSingleShot() {
        singleShot.cancel();
    }

    /**
     * @param nanos 0 stops it
     */
    void setPeriodic(long nanos) {
        period = nanos;
        if (nanos == 0) {
            periodic.cancel();
        } else {
            periodic.set(clock.now() + nanos);
        }
    }

    void cancel() {
        period = 0;
        singleShot.cancel();
        periodic.cancel();
    }

    /** While the vCPU does not run. */
    void visitState(StateSink sink) {
        sink.value("single-shot timer", singleShot.deadline());
        sink.value("period", period);
        sink.value("periodic timer", periodic.deadline());
    }
}
