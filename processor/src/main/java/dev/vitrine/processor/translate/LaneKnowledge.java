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
    private static final int LANES = 64;

    /** By lane, 4r + k; without elements while nothing is known, as in most regions. */
    private @Nullable FloatRange[] doubles = {};

    /** By half a lane, 2 (4r + k) and one more for the upper half; as {@link #doubles}. */
    private @Nullable FloatRange[] singles = {};

    private boolean[] held = {};

    /** Whether nothing is known at all. */
    boolean isEmpty() {
        return doubles.length == 0;
    }

    void clear() {
        if (!isEmpty()) {
            doubles = new FloatRange[0];
            singles = new FloatRange[0];
            held = new boolean[0];
        }
    }

    LaneKnowledge copy() {
        LaneKnowledge c = new LaneKnowledge();
        c.set(this);
        return c;
    }

    void set(LaneKnowledge other) {
        doubles = other.doubles.clone();
        singles = other.singles.clone();
        held = other.held.clone();
    }

    /** Something is about to be known. */
    private void begin() {
        if (isEmpty()) {
            doubles = new FloatRange[LANES];
            singles = new FloatRange[2 * LANES];
            held = new boolean[2 * LANES];
        }
    }

    /** The lane has got another value. */
    void forget(int lane) {
        if (isEmpty()) {
            return;
        }
        doubles[lane] = null;
        for (int half = 2 * lane; half <= 2 * lane + 1; half++) {
            singles[half] = null;
            held[half] = false;
        }
    }

    /** The lane has got another's value; locals of halves are not copied. */
    void move(int to, int from) {
        if (isEmpty()) {
            return;
        }
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
        begin();
        forget(lane);
        doubles[lane] = FloatRange.ZERO;
        singles[2 * lane] = FloatRange.ZERO;
        singles[2 * lane + 1] = FloatRange.ZERO;
    }

    @Nullable FloatRange range(Format f, int lane, int half) {
        if (isEmpty()) {
            return null;
        }
        return f == Format.DOUBLE ? doubles[lane] : singles[2 * lane + half];
    }

    void range(Format f, int lane, int half, FloatRange range) {
        begin();
        if (f == Format.DOUBLE) {
            doubles[lane] = range;
        } else {
            singles[2 * lane + half] = range;
        }
    }

    /** Whether half a lane is in the local of {@link Locals#single}. */
    boolean held(int lane, int half) {
        return !isEmpty() && held[2 * lane + half];
    }

    void hold(int lane, int half) {
        begin();
        held[2 * lane + half] = true;
    }
}
