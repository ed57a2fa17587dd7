// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

/**
 * Whether a processor's work is still new: a system that starts comes to other code all the time,
 * and what is hot now is over soon. Counted in instructions, so that it does not depend on how fast
 * the host is. Each processor is told of and asked about on its own thread.
 */
final class Phase {
    /** So many blocks, a power of two, became hot ... */
    private static final int BLOCKS = 64;

    /** ... within so many instructions, while it is new. */
    private static final long INSTRUCTIONS = 500_000_000;

    /** For each processor: what it had retired when the last blocks became hot, in a ring. */
    private final long[][] times;

    private final int[] ends;

    Phase(int processors) {
        times = new long[processors][BLOCKS];
        ends = new int[processors];
    }

    /**
     * A block has become hot.
     *
     * @param processor its number, from 0
     * @param retired instructions that it has retired
     */
    void hot(int processor, long retired) {
        times[processor][ends[processor]++ & BLOCKS - 1] = retired;
    }

    /** Whether the work of a processor that has retired so many instructions is new. */
    boolean isNew(int processor, long retired) {
        return retired - times[processor][ends[processor] & BLOCKS - 1] < INSTRUCTIONS;
    }
}
