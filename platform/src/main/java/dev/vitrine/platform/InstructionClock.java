// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Time that advances with retired instructions, so that runs of a single-vCPU domain repeat to the
 * nanosecond. Each vCPU has a {@link Source}; the domain's time is that of the source which is
 * furthest. When no vCPU runs, {@link #jumpTo} skips to the next timer.
 */
public final class InstructionClock extends VirtualClock {
    /** Midnight, 1 January 2026 UTC: where wall-clock time starts unless told otherwise. */
    public static final long DEFAULT_WALL_CLOCK = 1_767_225_600L * 1_000_000_000L;

    private final AtomicLong time = new AtomicLong();
    private final long wallClockBase;
    private final int instructionsPerMicrosecond;

    public InstructionClock() {
        this(DEFAULT_FREQUENCY, DEFAULT_WALL_CLOCK, 1000);
    }

    /**
     * @param frequency of the time-stamp counter
     * @param wallClockBase nanoseconds since 1970 at system time 0
     * @param instructionsPerMicrosecond speed of the machine as the guest sees it, 1 to 100000
     */
    public InstructionClock(long frequency, long wallClockBase, int instructionsPerMicrosecond) {
        super(frequency);
        if (instructionsPerMicrosecond < 1 || instructionsPerMicrosecond > 100_000) {
            throw new IllegalArgumentException(
                    "instructions per microsecond " + instructionsPerMicrosecond);
        }
        this.wallClockBase = wallClockBase;
        this.instructionsPerMicrosecond = instructionsPerMicrosecond;
    }

    @Override
    public long now() {
        return time.get();
    }

    @Override
    public long wallClockBase() {
        return wallClockBase;
    }

    @Override
    public boolean isVirtual() {
        return true;
    }

    /** Moves time forward to at least the given one. */
    public void jumpTo(long nanos) {
        long t = time.get();
        while (t < nanos && !time.compareAndSet(t, nanos)) {
            t = time.get();
        }
    }

    /** Instructions that can retire in a span of nanoseconds; at least 1. */
    public long instructionsIn(long nanos) {
        if (nanos <= 0) {
            return 1;
        }
        if (nanos >= Long.MAX_VALUE / 100_000) {
            return Long.MAX_VALUE / 1000;
        }
        return Math.max(1, (nanos * instructionsPerMicrosecond + 999) / 1000);
    }

    /** The share of one vCPU in the clock. Used by the thread that runs the vCPU only. */
    public final class Source {
        private long startTime;
        private long startRetired;

        /** The vCPU starts to run with this count of retired instructions, at the domain's time. */
        public void start(long retired) {
            startTime = time.get();
            startRetired = retired;
        }

        /** Brings the domain's time up to what this vCPU has retired. */
        public void advance(long retired) {
            jumpTo(startTime + (retired - startRetired) * 1000 / instructionsPerMicrosecond);
        }
    }

    /** A source for another vCPU. */
    public Source newSource() {
        return new Source();
    }
}
