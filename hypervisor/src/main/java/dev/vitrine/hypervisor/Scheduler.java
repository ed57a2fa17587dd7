// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

/**
 * Decides which runnable vCPU a physical CPU runs next. Thread-safe; the only lock taken inside a
 * vCPU's own. A vCPU is known to the scheduler while it waits to run, not while it runs.
 */
public interface Scheduler {
    /** A vCPU that was blocked (or new) waits to run. */
    void wake(Vcpu vcpu);

    /** A vCPU that was taken does run, which it might not if its domain has been paused. */
    default void started(Vcpu vcpu) {}

    /** A vCPU that just ran waits to run again. */
    void requeue(Vcpu vcpu);

    /** Takes the vCPU that a physical CPU shall run now; null if none waits. */
    @Nullable Vcpu next(int physicalCpu);

    /**
     * Whether a vCPU waits that could use this physical CPU: the running one's time is limited
     * then.
     */
    boolean isContended(int physicalCpu);

    /** Whether {@link #next} would give nothing. */
    default boolean isIdle(int physicalCpu) {
        return !isContended(physicalCpu);
    }

    /** How long a vCPU may run while others wait, in nanoseconds. */
    long timeSlice(Vcpu vcpu);
}
