// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BIAS;
import static dev.vitrine.processor.x87.Float80.C0;
import static dev.vitrine.processor.x87.Float80.C1;
import static dev.vitrine.processor.x87.Float80.C2;
import static dev.vitrine.processor.x87.Float80.C3;
import static dev.vitrine.processor.x87.Float80.CLASS_DENORMAL;
import static dev.vitrine.processor.x87.Float80.CLASS_INFINITY;
import static dev.vitrine.processor.x87.Float80.CLASS_QNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_ZERO;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.INTEGER_BIT;
import static dev.vitrine.processor.x87.Float80.MAX_EXPONENT;
import static dev.vitrine.processor.x87.Float80.SIGN;
import static dev.vitrine.processor.x87.Float80.ZE;

/** Partial remainder, scaling by powers of two, and splitting into exponent and significand. */
public final class Float80Remainder {
    private Float80Remainder() {}

    /**
     * FPREM (quotient truncated) and FPREM1 (quotient to nearest). The condition bits come along in
     * r.flags: C2 while the reduction is incomplete, else C0, C3 and C1 are the quotient's low
     * three bits.
     */
    public static void remainder(
            Float80 r, long ma, int ea, long mb, int eb, int control, boolean nearest) {
        r.flags = 0;
        int ka = Float80.classify(ma, ea);
        int kb = Float80.classify(mb, eb);
        if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
            r.propagate(ma, ea, ka, mb, eb, kb);
            return;
        }
        if (ka == CLASS_INFINITY || kb == CLASS_ZERO) {
            r.invalid();
            return;
        }
        if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        if (ka == CLASS_ZERO) {
            r.set(ma, ea);
            return;
        }
        int sign = ea & SIGN;
        int full = control | Float80Arithmetic.FULL_PRECISION;
        if (kb == CLASS_INFINITY) {
            r.set(ma, ma < 0 && (ea & MAX_EXPONENT) == 0 ? ea | 1 : ea);
            return;
        }
        int xa = ea & MAX_EXPONENT;
        int xb = eb & MAX_EXPONENT;
        if (xa == 0) {
            int s = Long.numberOfLeadingZeros(ma);
            ma <<= s;
            xa = 1 - s;
        }
        if (xb == 0) {
            int s = Long.numberOfLeadingZeros(mb);
            mb <<= s;
            xb = 1 - s;
        }
        int difference = xa - xb;
        if (difference < -1 || (difference == -1 && !nearest)) {
            Float80Arithmetic.round(r, sign, xa, ma, 0, full);
            return;
        }
        if (difference >= 64) {
            // As many quotient bits as the processor takes at a time: 32 to 63.
            int n = difference & 31 | 32;
            Float80Arithmetic.divide128(r, ma >>> (64 - n), ma << n, mb);
            finish(r, sign, xb + difference - n, r.rest, full);
            r.flags |= C2;
            return;
        }
        long q;
        long rest;
        if (difference == -1) {
            // Less than the divisor; the quotient is 0 or 1.
            q = 0;
            // a > b/2 exactly when the significand is larger than the divisor's.
            if (Long.compareUnsigned(ma, mb) > 0) {
                q = 1;
                // b - a in units of half of the divisor's: 2 mb - ma, which needs 64 bits.
                rest = (mb << 1) - ma;
                finish(r, sign ^ SIGN, xb - 1, rest, full);
            } else {
                Float80Arithmetic.round(r, sign, xa, ma, 0, full);
            }
            r.flags |= quotientBits(q);
            return;
        }
        if (difference == 0) {
            q = Long.compareUnsigned(ma, mb) >= 0 ? 1 : 0;
            rest = q != 0 ? ma - mb : ma;
        } else {
            q = Float80Arithmetic.divide128(r, ma >>> (64 - difference), ma << difference, mb);
            rest = r.rest;
        }
        if (nearest) {
            long other = mb - rest;
            int c = Long.compareUnsigned(rest, other);
            if (c > 0 || (c == 0 && (q & 1) != 0)) {
                q++;
                rest = other;
                sign ^= SIGN;
            }
        }
        if (rest == 0) {
            sign = ea & SIGN;
        }
        finish(r, sign, xb, rest, full);
        r.flags |= quotientBits(q);
    }

    private static int quotientBits(long q) {
        int n = (int) q;
        return ((n & 4) != 0 ? C0 : 0) | ((n & 2) != 0 ? C3 : 0) | ((n & 1) != 0 ? C1 : 0);
    }

    private static void finish(Float80 r, int sign, int exponent, long m, int control) {
        if (m == 0) {
            r.set(0, sign);
            return;
        }
        int s = Long.numberOfLeadingZeros(m);
        Float80Arithmetic.round(r, sign, exponent - s, m << s, 0, control);
    }

    /** a * 2^trunc(b). */
    public static void scale(Float80 r, long ma, int ea, long mb, int eb, int control) {
        r.flags = 0;
        int ka = Float80.classify(ma, ea);
        int kb = Float80.classify(mb, eb);
        if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
            r.propagate(ma, ea, ka, mb, eb, kb);
            return;
        }
        int sign = ea & SIGN;
        boolean down = (eb & SIGN) != 0;
        if (kb == CLASS_INFINITY) {
            if (down ? ka == CLASS_INFINITY : ka == CLASS_ZERO) {
                r.invalid();
                return;
            }
            if (ka == CLASS_DENORMAL) {
                r.flags |= DE;
            }
            if (down) {
                r.set(0, sign);
            } else {
                r.set(INTEGER_BIT, sign | MAX_EXPONENT);
            }
            return;
        }
        if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        if (ka == CLASS_INFINITY || ka == CLASS_ZERO) {
            r.set(ma, ea);
            return;
        }
        int power = (eb & MAX_EXPONENT) - BIAS;
        int n = power < 0 ? 0 : power > 16 ? 0x1FFFF : (int) (mb >>> (63 - power));
        int x = ea & MAX_EXPONENT;
        if (x == 0) {
            int s = Long.numberOfLeadingZeros(ma);
            ma <<= s;
            x = 1 - s;
        }
        Float80Arithmetic.round(
                r, sign, down ? x - n : x + n, ma, 0, control | Float80Arithmetic.FULL_PRECISION);
    }

    /** The unbiased exponent as a value; zero gives minus infinity and raises ZE. */
    static void exponentOf(Float80 r, long m, int e) {
        r.flags = 0;
        int k = Float80.classify(m, e);
        if (k >= CLASS_QNAN) {
            r.propagate(m, e, k);
            return;
        }
        if (k == CLASS_ZERO) {
            r.flags = ZE;
            r.set(INTEGER_BIT, SIGN | MAX_EXPONENT);
            return;
        }
        if (k == CLASS_INFINITY) {
            r.set(INTEGER_BIT, MAX_EXPONENT);
            return;
        }
        int x = e & MAX_EXPONENT;
        int denormal = 0;
        if (k == CLASS_DENORMAL) {
            denormal = DE;
            x = 1 - Long.numberOfLeadingZeros(m);
        }
        Float80Conversions.fromInteger(r, x - BIAS);
        r.flags = denormal;
    }

    /** The significand with the sign of the value and an exponent of zero. */
    static void significandOf(Float80 r, long m, int e) {
        int k = Float80.classify(m, e);
        if (k >= CLASS_QNAN) {
            r.propagate(m, e, k);
        } else if (k == CLASS_ZERO || k == CLASS_INFINITY) {
            r.set(m, e);
        } else {
            r.set(m << Long.numberOfLeadingZeros(m), e & SIGN | BIAS);
        }
    }
}
