// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

/** Unsigned division of 128 by 64 bits (Knuth's algorithm D in base 2^32). */
final class WideDivision {
    private WideDivision() {}

    /** Quotient of high:low / d, where high < d unsigned; d is not zero. */
    static long quotient(long high, long low, long d) {
        if (high == 0) {
            return Long.divideUnsigned(low, d);
        }
        int s = Long.numberOfLeadingZeros(d);
        if (s > 0) {
            high = high << s | low >>> (64 - s);
            low <<= s;
            d <<= s;
        }
        long d1 = d >>> 32;
        long d0 = d & 0xFFFFFFFFL;
        long q1 = digit(high, low >>> 32, d, d1, d0);
        long rest = (high << 32 | low >>> 32) - q1 * d;
        long q0 = digit(rest, low & 0xFFFFFFFFL, d, d1, d0);
        return q1 << 32 | q0;
    }

    private static long digit(long high, long next, long d, long d1, long d0) {
        long q = Long.divideUnsigned(high, d1);
        long r = high - q * d1;
        while (q >>> 32 != 0 || Long.compareUnsigned(q * d0, r << 32 | next) > 0) {
            q--;
            r += d1;
            if (r >>> 32 != 0) {
                break;
            }
        }
        return q;
    }
}
