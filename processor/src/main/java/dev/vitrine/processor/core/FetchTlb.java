// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.util.Arrays;

/**
 * A processor's soft TLB for fetches. Tags are those of {@link Tlb}; blocks remember what they were
 * found by, so that it is not asked at each of them.
 */
final class FetchTlb {
    private static final int SIZE = 1 << 12;

    private final long[] tags = new long[SIZE];
    private final long[] deltas = new long[SIZE];

    /** Pages that there were fetches from, as long as keys of user mode hold. */
    private final PageFilter userFetched = new PageFilter();

    /** The same for keys of the supervisor, of the upper half of the addresses. */
    private final PageFilter supervisorFetched = new PageFilter();

    /**
     * And of the lower half, apart: systems have little of it, and would else be taken to have
     * fetched from some of their programs' pages, which they invalidate all the time.
     */
    private final PageFilter supervisorFetchedBelow = new PageFilter();

    /** Changes the index, so that views do not meet in one place. */
    int mix;

    /** Changed when a page that was fetched from is invalidated, for each privilege. */
    private long supervisorEpoch = 1;

    private long userEpoch = 1;

    /**
     * Machine address to fetch from, or -1 if it is not known.
     *
     * @param context of fetches now, see {@link Mmu}
     */
    long find(long la, long context) {
        int i = index(la);
        return ((la & Tlb.PAGE) | context) == tags[i] ? la + deltas[i] : -1;
    }

    /**
     * Makes an entry for a page.
     *
     * @param machine address of the page
     */
    void enter(long la, long context, long machine) {
        int i = index(la);
        tags[i] = (la & Tlb.PAGE) | context;
        deltas[i] = machine - (la & Tlb.PAGE);
        ((context & 1) != 0 ? userFetched : supervisorFetched(la)).add(la >>> 12);
    }

    private PageFilter supervisorFetched(long la) {
        return la < 0 ? supervisorFetched : supervisorFetchedBelow;
    }

    private int index(long la) {
        return ((int) (la >>> 12) ^ mix) & SIZE - 1;
    }

    /**
     * The mapping of a page may have changed: forgets what has been found if there may have been
     * fetches from it. Keys of the supervisor go on if all of these were in user mode.
     *
     * @return whether keys are others now
     */
    boolean forget(long la) {
        boolean supervisor = supervisorFetched(la).mayHold(la >>> 12);
        if (!supervisor && !userFetched.mayHold(la >>> 12)) {
            return false;
        }
        forget(supervisor);
        return true;
    }

    /** Stands for all that a fetch in a context depends on; never 0. */
    long key(boolean user, long context) {
        return (user ? userEpoch : supervisorEpoch) << 12 | context;
    }

    /** Forgets all, and what was found by keys so far. */
    void forget() {
        forget(true);
    }

    /**
     * Forgets all, and what was found by keys of user mode so far.
     *
     * @param supervisor and by those of the supervisor
     */
    void forget(boolean supervisor) {
        Arrays.fill(tags, 0);
        userFetched.clear();
        userEpoch++;
        if (supervisor) {
            supervisorFetched.clear();
            supervisorFetchedBelow.clear();
            supervisorEpoch++;
        }
    }
}
