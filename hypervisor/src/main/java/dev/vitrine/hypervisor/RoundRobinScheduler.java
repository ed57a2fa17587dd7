// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * First come, first served, on any physical CPU, with equal time slices. A vCPU that wakes up goes
 * before those that used up their time, and soon: others often spin until it has answered an
 * interrupt.
 */
final class RoundRobinScheduler implements Scheduler {
    /** Short, because a vCPU that waits may hold a lock that the running one spins for. */
    private static final long SLICE_NANOS = 2_000_000;

    /** What is left to the running one while one that woke up waits. */
    private static final long WOKEN_SLICE_NANOS = 200_000;

    /** So many that woke up go first before one of the others, which are not to starve. */
    private static final int WOKEN_IN_A_ROW = 4;

    private final ConcurrentLinkedQueue<Vcpu> woken = new ConcurrentLinkedQueue<>();
    private final ConcurrentLinkedQueue<Vcpu> others = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();
    private final AtomicInteger wokenWaiting = new AtomicInteger();
    private final AtomicInteger row = new AtomicInteger();

    @Override
    public void wake(Vcpu vcpu) {
        waiting.incrementAndGet();
        wokenWaiting.incrementAndGet();
        woken.add(vcpu);
    }

    @Override
    public void requeue(Vcpu vcpu) {
        waiting.incrementAndGet();
        others.add(vcpu);
    }

    @Override
    public @Nullable Vcpu next(int physicalCpu) {
        Vcpu v = row.get() < WOKEN_IN_A_ROW ? nextWoken() : nextOther();
        if (v == null) {
            v = row.get() < WOKEN_IN_A_ROW ? nextOther() : nextWoken();
        }
        if (v != null) {
            waiting.decrementAndGet();
        }
        return v;
    }

    private @Nullable Vcpu nextWoken() {
        Vcpu v = woken.poll();
        if (v != null) {
            wokenWaiting.decrementAndGet();
            row.incrementAndGet();
        }
        return v;
    }

    private @Nullable Vcpu nextOther() {
        Vcpu v = others.poll();
        if (v != null) {
            row.set(0);
        }
        return v;
    }

    @Override
    public boolean isContended(int physicalCpu) {
        return waiting.get() > 0;
    }

    @Override
    public long timeSlice(Vcpu vcpu) {
        return wokenWaiting.get() > 0 ? WOKEN_SLICE_NANOS : SLICE_NANOS;
    }
}
