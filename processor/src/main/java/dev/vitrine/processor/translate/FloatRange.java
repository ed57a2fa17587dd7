// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

/**
 * What is known of a floating-point number while code is being written: it is zero, or normal with
 * an exponent in a range (2 to the power of which is at most its size). Where the ranges of the
 * operands leave no doubt that a result is such a number again, nothing needs be looked at.
 */
record FloatRange(int lo, int hi) {
    /** The sizes of floating-point numbers. */
    enum Format {
        SINGLE(24, 127, -126, 127),
        DOUBLE(53, 1023, -300, 300);

        /** Bits of the significand. */
        final int digits;

        /** The largest exponent. */
        final int most;

        /**
         * What operands that nothing is known of are expected to be in. With doubles it is wide
         * enough for nearly all that programs calculate with (90 decimal places up and down), and
         * so narrow that products of three need no look. With single precision there is no such
         * range.
         */
        final FloatRange usual;

        /**
         * Results in it are normal however they were rounded: that of the least exponent may have
         * been rounded up from a denormal, which is an underflow.
         */
        final FloatRange plain;

        /** All numbers but denormals. */
        final FloatRange finite;

        /** The same and infinity. */
        final FloatRange ordered;

        Format(int digits, int most, int usualLo, int usualHi) {
            this.digits = digits;
            this.most = most;
            this.usual = new FloatRange(usualLo, usualHi);
            this.finite = new FloatRange(1 - most, most);
            this.plain = new FloatRange(2 - most, most);
            this.ordered = new FloatRange(1 - most, most + 1);
        }

        /** Whether all numbers of the range are finite. */
        boolean finite(FloatRange r) {
            return r.hi <= most;
        }

        /** Whether results that are in the range if they are rounded are as they should be. */
        boolean plain(FloatRange r) {
            return r.lo >= plain.lo && r.hi <= plain.hi;
        }
    }

    static final FloatRange ZERO = new FloatRange(0, 0);

    /** Integers of so many bits, with a sign. */
    static FloatRange integers(int bits) {
        return new FloatRange(0, bits - 1);
    }

    FloatRange or(FloatRange other) {
        return new FloatRange(Math.min(lo, other.lo), Math.max(hi, other.hi));
    }

    /** Sums and differences: where the operands nearly cancel, their last digits remain. */
    FloatRange plus(FloatRange other, Format f) {
        return new FloatRange(Math.min(lo, other.lo) - f.digits + 1, Math.max(hi, other.hi) + 1);
    }

    FloatRange times(FloatRange other) {
        return new FloatRange(lo + other.lo, hi + other.hi + 1);
    }

    FloatRange by(FloatRange other) {
        return new FloatRange(lo - other.hi - 1, hi - other.lo);
    }

    FloatRange squareRoot() {
        return new FloatRange(Math.floorDiv(lo, 2), Math.floorDiv(hi, 2) + 1);
    }

    /** A product of this and another, plus a third, rounded once. */
    FloatRange fused(FloatRange factor, FloatRange addend, Format f) {
        int last = Math.min(lo + factor.lo - 2 * (f.digits - 1), addend.lo - f.digits + 1);
        return new FloatRange(last, Math.max(hi + factor.hi + 1, addend.hi) + 1);
    }
}
