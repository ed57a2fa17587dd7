// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

import java.util.Comparator;
import java.util.IdentityHashMap;
import java.util.Map;
import java.util.TreeSet;

/**
 * vCPUs in turn, by number, as many instructions each: which one runs next depends on which one ran
 * last and on which can run, and on nothing that happens outside. For domains with a virtual clock,
 * on one physical CPU.
 */
public final class TurnScheduler implements Scheduler {
    private static final Comparator<Vcpu> ORDER =
            Comparator.<Vcpu>comparingInt(v -> v.domain().id()).thenComparingInt(Vcpu::id);

    // Guarded by this.
    private final TreeSet<Vcpu> waiting = new TreeSet<>(ORDER);
    private @Nullable Vcpu last;

    @Override
    public synchronized void wake(Vcpu vcpu) {
        waiting.add(vcpu);
    }

    @Override
    public synchronized void requeue(Vcpu vcpu) {
        waiting.add(vcpu);
    }

    @Override
    public synchronized void started(Vcpu vcpu) {
        last = vcpu;
    }

    /** The vCPUs of a domain that is paused keep their places. */
    @Override
    public synchronized @Nullable Vcpu next(int physicalCpu) {
        Vcpu v = find();
        if (v != null) {
            waiting.remove(v);
        }
        return v;
    }

    /**
     * Asks each domain once whether it is paused: one that goes on in the meantime would seem
     * paused to the vCPU whose turn it is and no more to the next, and the turn would be lost.
     */
    private @Nullable Vcpu find() {
        Map<Domain, Boolean> paused = new IdentityHashMap<>();
        if (last != null) {
            for (Vcpu v : waiting.tailSet(last, false)) {
                if (!paused.computeIfAbsent(v.domain(), Domain::isPaused)) {
                    return v;
                }
            }
        }
        for (Vcpu v : waiting) {
            if (!paused.computeIfAbsent(v.domain(), Domain::isPaused)) {
                return v;
            }
        }
        return null;
    }

    @Override
    public synchronized boolean isIdle(int physicalCpu) {
        return find() == null;
    }

    @Override
    public synchronized boolean isContended(int physicalCpu) {
        return !waiting.isEmpty();
    }

    /** Turns end after a count of instructions, which a vCPU under the virtual clock sees to. */
    @Override
    public long timeSlice(Vcpu vcpu) {
        return Long.MAX_VALUE;
    }
}
