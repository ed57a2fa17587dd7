// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** First come, first served, on any physical CPU, with equal time slices. */
final class RoundRobinScheduler implements Scheduler {
    /** Short, because a vCPU that waits may hold a lock that the running one spins for. */
    private static final long SLICE_NANOS = 2_000_000;

    private final ConcurrentLinkedQueue<Vcpu> queue = new ConcurrentLinkedQueue<>();
    private final AtomicInteger waiting = new AtomicInteger();

    @Override
    public void wake(Vcpu vcpu) {
        waiting.incrementAndGet();
        queue.add(vcpu);
    }

    @Override
    public void requeue(Vcpu vcpu) {
        wake(vcpu);
    }

    @Override
    public @Nullable Vcpu next(int physicalCpu) {
        Vcpu v = queue.poll();
        if (v != null) {
            waiting.decrementAndGet();
        }
        return v;
    }

    @Override
    public boolean isContended(int physicalCpu) {
        return waiting.get() > 0;
    }

    @Override
    public long timeSlice(Vcpu vcpu) {
        return SLICE_NANOS;
    }
}
