// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.translate.FloatRange.Format;

import org.jspecify.annotations.Nullable;

/**
 * What is known of the numbers in the lanes where code is being written: their ranges, and which
 * single-precision numbers are in a local of their own as well. It holds on the way on which it was
 * found out, so it begins anew where ways meet.
 */
final class LaneKnowledge {
    /** By lane, 4r + k. */
    private final @Nullable FloatRange[] doubles = new FloatRange[64];

    /** By half a lane, 2 (4r + k) and one more for the upper half. */
    private final @Nullable FloatRange[] singles = new FloatRange[128];

    private final boolean[] held = new boolean[128];

    void clear() {
        java.util.Arrays.fill(doubles, null);
        java.util.Arrays.fill(singles, null);
        java.util.Arrays.fill(held, false);
    }

    LaneKnowledge copy() {
        LaneKnowledge c = new LaneKnowledge();
        c.set(this);
        return c;
    }

    void set(LaneKnowledge other) {
        System.arraycopy(other.doubles, 0, doubles, 0, doubles.length);
        System.arraycopy(other.singles, 0, singles, 0, singles.length);
        System.arraycopy(other.held, 0, held, 0, held.length);
    }

    /** The lane has got another value. */
    void forget(int lane) {
        doubles[lane] = null;
        for (int half = 2 * lane; half <= 2 * lane + 1; half++) {
            singles[half] = null;
            held[half] = false;
        }
    }

    /** The lane has got another's value; locals of halves are not copied. */
    void move(int to, int from) {
        FloatRange whole = doubles[from];
        FloatRange low = singles[2 * from];
        FloatRange high = singles[2 * from + 1];
        forget(to);
        doubles[to] = whole;
        singles[2 * to] = low;
        singles[2 * to + 1] = high;
    }

    /** The lane is zero. */
    void zero(int lane) {
        forget(lane);
        doubles[lane] = FloatRange.ZERO;
        singles[2 * lane] = FloatRange.ZERO;
        singles[2 * lane + 1] = FloatRange.ZERO;
    }

    @Nullable FloatRange range(Format f, int lane, int half) {
        return f == Format.DOUBLE ? doubles[lane] : singles[2 * lane + half];
    }

    void range(Format f, int lane, int half, FloatRange range) {
        if (f == Format.DOUBLE) {
            doubles[lane] = range;
        } else {
            singles[2 * lane + half] = range;
        }
    }

    /** Whether half a lane is in the local of {@link Locals#single}. */
    boolean held(int lane, int half) {
        return held[2 * lane + half];
    }

    void hold(int lane, int half) {
        held[2 * lane + half] = true;
    }
}
