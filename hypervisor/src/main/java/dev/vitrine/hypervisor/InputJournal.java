// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

import java.util.List;

/**
 * Notes, or decides, what reaches a domain with a virtual clock from outside, and when. Input is
 * taken at <i>injection points</i>: where a vCPU begins to run for a stretch, and where time jumps
 * since none can run. They are numbered from 0, and which state of the domain belongs to a number
 * depends on nothing but the domain's initial state and the input that came before.
 *
 * <p>All but {@link #written} is called on the thread that runs the domain's vCPUs, while none
 * executes.
 */
public interface InputJournal {
    /**
     * The domain is at an injection point. An idle domain may be there several times under the same
     * number, until there is input or time jumps.
     *
     * @param arrived what came from outside since the last point, in order
     * @return what the domain gets now, in order; null if it is to be held here: the journal has
     *     paused it then, and the point will come again
     */
    @Nullable List<ExternalInput> point(long number, List<ExternalInput> arrived);

    /**
     * Somebody outside writes to the domain's memory, while it stands still before the injection
     * point of the given number. Any thread.
     */
    void written(long number, ExternalInput write);

    /** How many instructions the domain may retire, all vCPUs together; Long.MAX_VALUE for all. */
    long stopAt();

    /** The domain has retired as many as {@link #stopAt} says; it is to be paused here. */
    void stopReached();
}
