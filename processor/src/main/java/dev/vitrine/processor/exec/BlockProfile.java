// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * What has been seen of a block's accesses and of where the branch at its end goes. Racy on
 * purpose, as the counters of {@link BlockHead} are; an object of its own, since most blocks
 * execute too seldom to have one.
 */
final class BlockProfile {
    private static final int TARGETS = 12;

    /** Where the indirect branch at the end has gone, with how often that was seen. */
    private long @Nullable [] targets;

    private int @Nullable [] targetCounts;

    private final int sites;

    /** For each micro-operation that accesses memory: the page it touched when last noted. */
    private long @Nullable [] pages;

    /** How often it was the same the next time. */
    private int @Nullable [] hits;

    /**
     * @param sites micro-operations of the block
     */
    BlockProfile(int sites) {
        this.sites = sites;
    }

    /** Notes where the indirect branch at the end went. */
    void observeTarget(long to) {
        long[] seen = targets;
        int[] counts = targetCounts;
        if (seen == null || counts == null) {
            seen = new long[TARGETS];
            counts = new int[TARGETS];
            targets = seen;
            targetCounts = counts;
        }
        int least = 0;
        for (int i = 0; i < TARGETS; i++) {
            if (counts[i] == 0 || seen[i] == to) {
                seen[i] = to;
                counts[i]++;
                return;
            }
            if (counts[i] < counts[least]) {
                least = i;
            }
        }
        // What is new takes the place of the rarest, and its count: what is frequent gets ahead.
        seen[least] = to;
        counts[least]++;
    }

    /** How many of the observations at the end went to an address, of 1; 0 without any. */
    double targetShare(long to) {
        long[] seen = targets;
        int[] counts = targetCounts;
        if (seen == null || counts == null) {
            return 0;
        }
        long all = 0;
        long found = 0;
        for (int i = 0; i < TARGETS && counts[i] > 0; i++) {
            all += counts[i];
            found += seen[i] == to ? counts[i] : 0;
        }
        return (double) found / Math.max(1, all);
    }

    /** Addresses that the indirect branch at the end has gone to, those seen most first. */
    long[] observedTargets() {
        long[] seen = targets;
        int[] counts = targetCounts;
        if (seen == null || counts == null) {
            return new long[0];
        }
        int found = 0;
        long[] most = new long[TARGETS];
        int[] times = new int[TARGETS];
        for (int i = 0; i < TARGETS && counts[i] > 0; i++) {
            int at = found++;
            while (at > 0 && times[at - 1] < counts[i]) {
                most[at] = most[at - 1];
                times[at] = times[at - 1];
                at--;
            }
            most[at] = seen[i];
            times[at] = counts[i];
        }
        return Arrays.copyOf(most, found);
    }

    /**
     * Notes the page that a micro-operation accessed, or whether it is the one noted before.
     *
     * @param site index of the micro-operation
     */
    void observe(int site, long page, boolean note) {
        long[] noted = pages;
        int[] same = hits;
        if (noted == null || same == null) {
            noted = new long[sites];
            same = new int[sites];
            pages = noted;
            hits = same;
        }
        if (note) {
            noted[site] = page;
        } else if (noted[site] == page) {
            same[site]++;
        }
    }

    /** How often a micro-operation stayed on the page of the time before. */
    int pageHits(int site) {
        int[] same = hits;
        return same == null ? 0 : same[site];
    }
}
