// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BIAS;
import static dev.vitrine.processor.x87.Float80.CLASS_DENORMAL;
import static dev.vitrine.processor.x87.Float80.CLASS_INFINITY;
import static dev.vitrine.processor.x87.Float80.CLASS_QNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_ZERO;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.INTEGER_BIT;
import static dev.vitrine.processor.x87.Float80.MAX_EXPONENT;
import static dev.vitrine.processor.x87.Float80.PE;
import static dev.vitrine.processor.x87.Float80.SIGN;
import static dev.vitrine.processor.x87.Float80.UE;
import static dev.vitrine.processor.x87.Float80.ZE;

/**
 * The transcendental instructions (SDM volume 1, 8.3.10): 128-bit evaluation, then one rounding as
 * the control word asks. Precision control has no effect on them. Operands are classified here;
 * empty registers are the caller's matter.
 */
final class Transcendentals {
    /** The processor's pi for argument reduction has 66 bits: half of it in units of 2^-65. */
    private static final long HALF_PI_HIGH = 3;

    private static final long HALF_PI_LOW = 0x243F6A8885A308D3L;
    private static final long HALF_PI_TOP = HALF_PI_HIGH << 62 | HALF_PI_LOW >>> 2;

    private Transcendentals() {}

    /** Whether the magnitude is too large for FSIN, FCOS, FSINCOS and FPTAN (they set C2). */
    static boolean outOfRange(long m, int e) {
        int x = e & MAX_EXPONENT;
        return x >= BIAS + 63 && x != MAX_EXPONENT && m < 0;
    }

    /** Common answers of FSIN, FCOS, FPTAN to NaNs, unsupported values and infinities. */
    private static boolean trigonometricSpecial(Float80 r, long m, int e) {
        if (Float80.isNormal(m, e)) {
            return false;
        }
        int k = Float80.classify(m, e);
        if (k >= CLASS_QNAN) {
            r.propagate(m, e, k);
            return true;
        }
        if (k == CLASS_INFINITY) {
            r.invalid();
            return true;
        }
        if (k == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        return false;
    }

    static void sine(Float80 r, long m, int e, int control) {
        r.flags = 0;
        if (trigonometricSpecial(r, m, e)) {
            return;
        }
        if (m == 0) {
            r.set(0, e);
            return;
        }
        if (tiny(e)) {
            itself(r, m, e, control);
            return;
        }
        int quadrant = reduce(r, m, e);
        boolean negative = (quadrant & 2) != 0;
        if ((quadrant & 1) == 0) {
            sineOfReduced(r);
        } else {
            cosineOfReduced(r);
        }
        r.y.negative ^= negative;
        r.y.roundInexact(r, control);
    }

    static void cosine(Float80 r, long m, int e, int control) {
        r.flags = 0;
        if (trigonometricSpecial(r, m, e)) {
            return;
        }
        if (m == 0) {
            r.set(INTEGER_BIT, BIAS);
            return;
        }
        if (tiny(e)) {
            r.flags |= PE;
            r.set(INTEGER_BIT, BIAS);
            return;
        }
        int quadrant = reduce(r, m, e) + 1;
        boolean negative = (quadrant & 2) != 0;
        if ((quadrant & 1) == 0) {
            sineOfReduced(r);
        } else {
            cosineOfReduced(r);
        }
        r.y.negative ^= negative;
        r.y.roundInexact(r, control);
    }

    static void tangent(Float80 r, long m, int e, int control) {
        r.flags = 0;
        if (trigonometricSpecial(r, m, e)) {
            return;
        }
        if (m == 0) {
            r.set(0, e);
            return;
        }
        if (tiny(e)) {
            itself(r, m, e, control);
            return;
        }
        int quadrant = reduce(r, m, e);
        if (r.x.exponent <= -34 && quadrant == 0) {
            // Here the processor's tangent is on the lower side of the angle.
            r.x.decrease();
            r.x.roundInexact(r, control);
            return;
        }
        cosineOfReduced(r);
        r.z.set(r.y);
        sineOfReduced(r);
        if ((quadrant & 1) == 0) {
            r.y.divide(r, r.z);
            r.y.roundInexact(r, control);
        } else {
            r.z.divide(r, r.y);
            r.z.negative = !r.z.negative;
            r.z.roundInexact(r, control);
        }
    }

    /**
     * Below 2^-68 the processor takes the angle for the sine and one for the cosine, never
     * rounding.
     */
    private static boolean tiny(int e) {
        return (e & MAX_EXPONENT) < BIAS - 68;
    }

    /** The angle as its own sine or tangent: reported as inexact, and if denormal as underflow. */
    private static void itself(Float80 r, long m, int e, int control) {
        Float80Arithmetic.normalizeRound(
                r, e & SIGN, e & MAX_EXPONENT, m, control | Float80Arithmetic.FULL_PRECISION);
        r.flags |= m >= 0 ? PE | UE : PE;
    }

    /**
     * Reduces a finite non-zero angle to at most a quarter of pi, left in r.x.
     *
     * @return number of half turns of pi/2 taken away, modulo 4
     */
    private static int reduce(Float80 r, long m, int e) {
        int power = (e & MAX_EXPONENT) - BIAS;
        boolean negative = (e & SIGN) != 0;
        if (power < -1 || (power == -1 && Long.compareUnsigned(m, HALF_PI_TOP) <= 0)) {
            r.x.set(m, e);
            return 0;
        }
        // In units of 2^-65 the angle is m << (power + 2), that is 65 to 128 bits.
        int shift = power + 2;
        long nh = shift == 64 ? m : m >>> -shift;
        long nl = shift == 64 ? 0 : m << shift;
        long q = Float80Arithmetic.divide128(r, nh >>> 2, nl >>> 2 | nh << 62, HALF_PI_TOP);
        long pl = q * HALF_PI_LOW;
        long ph = Math.unsignedMultiplyHigh(q, HALF_PI_LOW) + q * HALF_PI_HIGH;
        long lo = nl - pl;
        long hi = nh - ph - (Long.compareUnsigned(nl, pl) < 0 ? 1 : 0);
        while (hi < 0) {
            q--;
            lo += HALF_PI_LOW;
            hi += HALF_PI_HIGH + (Long.compareUnsigned(lo, HALF_PI_LOW) < 0 ? 1 : 0);
        }
        // Nearest: a remainder above half of the divisor counts from the next multiple.
        long twice = hi << 1 | lo >>> 63;
        if (twice > HALF_PI_HIGH
                || (twice == HALF_PI_HIGH && Long.compareUnsigned(lo << 1, HALF_PI_LOW) > 0)) {
            q++;
            long l = HALF_PI_LOW - lo;
            hi = HALF_PI_HIGH - hi - (Long.compareUnsigned(HALF_PI_LOW, lo) < 0 ? 1 : 0);
            lo = l;
            r.x.set(!negative, 62, hi, lo);
        } else {
            r.x.set(negative, 62, hi, lo);
        }
        r.x.normalize();
        return (int) (negative ? -q : q) & 3;
    }

    /** r.y = sin(r.x). */
    private static void sineOfReduced(Float80 r) {
        square(r);
        Series.evaluate(r.t, Series.SIN, true);
        Series.oneMinus(r.t);
        r.y.set(r.x);
        r.y.multiply(r.t);
    }

    /** r.y = cos(r.x). */
    private static void cosineOfReduced(Float80 r) {
        square(r);
        Series.evaluate(r.t, Series.COS, true);
        Series.oneMinus(r.t);
        r.y.set(r.t);
    }

    /** r.t = r.x squared, as a fraction. */
    private static void square(Float80 r) {
        r.t.set(r.x);
        r.t.multiply(r.x);
        Series.toFraction(r.t);
    }

    /**
     * 2^x - 1 for x from -1 to 1. Larger arguments, which the manual leaves undefined, come back.
     */
    static void exponentialMinusOne(Float80 r, long m, int e, int control) {
        r.flags = 0;
        if (!Float80.isNormal(m, e)) {
            int k = Float80.classify(m, e);
            if (k >= CLASS_QNAN) {
                r.propagate(m, e, k);
                return;
            }
            if (k == CLASS_INFINITY) {
                if ((e & SIGN) != 0) {
                    r.set(INTEGER_BIT, SIGN | BIAS);
                } else {
                    r.set(m, e);
                }
                return;
            }
            if (k == CLASS_ZERO) {
                r.set(m, e);
                return;
            }
            r.flags |= DE;
        }
        if ((e & MAX_EXPONENT) >= BIAS) {
            r.flags |= PE;
            if (m == INTEGER_BIT && e == (SIGN | BIAS)) {
                r.set(INTEGER_BIT, SIGN | (BIAS - 1));
            } else {
                r.set(m, e);
            }
            return;
        }
        Wide y = r.y;
        y.set(m, e);
        r.x.set(false, -1, Series.LN2_HI, Series.LN2_LO);
        y.multiply(r.x);
        r.t.set(y);
        Series.toFraction(r.t);
        Series.evaluate(r.t, Series.EXP, y.negative);
        if (y.negative) {
            Series.oneMinus(r.t);
        } else {
            Series.onePlus(r.t);
        }
        y.multiply(r.t);
        y.roundInexact(r, control);
    }

    /** y log2(x). */
    static void logarithm(Float80 r, long mx, int ex, long my, int ey, int control) {
        r.flags = 0;
        int kx = Float80.classify(mx, ex);
        int ky = Float80.classify(my, ey);
        if (kx >= CLASS_QNAN || ky >= CLASS_QNAN) {
            r.propagate(mx, ex, kx, my, ey, ky);
            return;
        }
        boolean belowOne = (ex & MAX_EXPONENT) < BIAS;
        boolean one = ex == BIAS && mx == INTEGER_BIT;
        int signY = ey & SIGN;
        int sign = belowOne ? signY ^ SIGN : signY;
        if (kx == CLASS_ZERO) {
            if (ky == CLASS_ZERO) {
                r.invalid();
                return;
            }
            if (ky != CLASS_INFINITY) {
                r.flags |= ZE;
            }
            r.set(INTEGER_BIT, sign | MAX_EXPONENT);
            return;
        }
        if ((ex & SIGN) != 0
                || (kx == CLASS_INFINITY && ky == CLASS_ZERO)
                || (one && ky == CLASS_INFINITY)) {
            r.invalid();
            return;
        }
        if (kx == CLASS_DENORMAL || ky == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        if (kx == CLASS_INFINITY || ky == CLASS_INFINITY) {
            r.set(INTEGER_BIT, sign | MAX_EXPONENT);
            return;
        }
        if (ky == CLASS_ZERO || one) {
            r.set(0, sign);
            return;
        }
        Wide x = r.x;
        x.set(mx, ex);
        if (x.hi == INTEGER_BIT) {
            powerOfTwo(r, x.exponent, my, ey, control);
            return;
        }
        logarithmOfWide(r);
        r.w.set(my, ey);
        r.w.multiply(r.y);
        r.w.roundInexact(r, control);
    }

    /**
     * y log2(2^k). The product may be exact, but the processor always reports it as inexact, and
     * below one it rounds as if the magnitude were a trifle smaller.
     */
    private static void powerOfTwo(Float80 r, int k, long my, int ey, int control) {
        Wide w = r.w;
        w.set(my, ey);
        r.y.set(k);
        w.multiply(r.y);
        if (k < 0) {
            w.decrease();
        }
        roundReported(r, w, control);
    }

    /**
     * Rounds what may be exact but is reported as inexact (and thus, if denormal, as underflow).
     */
    private static void roundReported(Float80 r, Wide v, int control) {
        v.round(r, control);
        r.flags |= (r.exponent & MAX_EXPONENT) == 0 ? PE | UE : PE;
    }

    /** r.y = log2(r.x), r.x positive and not 1. */
    private static void logarithmOfWide(Float80 r) {
        Wide x = r.x;
        // x = 2^k m with m between the square roots of 1/2 and 2.
        int k = x.exponent;
        x.exponent = 0;
        if (Long.compareUnsigned(x.hi, 0xB504F333F9DE6484L) > 0) {
            x.exponent = -1;
            k++;
        }
        // s = (m - 1) / (m + 1)
        r.y.set(false, 0, INTEGER_BIT, 0);
        r.z.set(x);
        r.z.add(r.y);
        r.y.negative = true;
        x.add(r.y);
        if (x.isZero()) {
            r.y.set(k);
            return;
        }
        x.divide(r, r.z);
        logarithmOfRatio(r);
        if (k != 0) {
            r.z.set(k);
            r.y.add(r.z);
        }
    }

    /** r.y = log2((1 + s) / (1 - s)), s in r.x and below 2^-2. */
    private static void logarithmOfRatio(Float80 r) {
        square(r);
        Series.evaluate(r.t, Series.ODD, false);
        Series.onePlus(r.t);
        r.y.set(false, 1, Series.LOG2E_HI, Series.LOG2E_LO);
        r.y.multiply(r.t);
        r.y.multiply(r.x);
    }

    /** y log2(x + 1). */
    static void logarithmPlusOne(Float80 r, long mx, int ex, long my, int ey, int control) {
        r.flags = 0;
        int kx = Float80.classify(mx, ex);
        int ky = Float80.classify(my, ey);
        if (kx >= CLASS_QNAN || ky >= CLASS_QNAN) {
            r.propagate(mx, ex, kx, my, ey, ky);
            return;
        }
        int sign = (ex ^ ey) & SIGN;
        if (kx == CLASS_INFINITY) {
            if ((ex & SIGN) != 0 || ky == CLASS_ZERO) {
                r.invalid();
                return;
            }
            if (ky == CLASS_DENORMAL) {
                r.flags |= DE;
            }
            r.set(INTEGER_BIT, sign | MAX_EXPONENT);
            return;
        }
        if (kx == CLASS_ZERO && ky == CLASS_INFINITY) {
            r.invalid();
            return;
        }
        if (kx == CLASS_DENORMAL || ky == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        if (ky == CLASS_INFINITY) {
            r.set(INTEGER_BIT, sign | MAX_EXPONENT);
            return;
        }
        if (kx == CLASS_ZERO || ky == CLASS_ZERO) {
            r.set(0, sign);
            return;
        }
        Wide x = r.x;
        x.set(mx, ex);
        if (x.exponent < -2) {
            // s = x / (x + 2)
            r.z.set(x);
            r.y.set(false, 1, INTEGER_BIT, 0);
            r.z.add(r.y);
            x.divide(r, r.z);
            logarithmOfRatio(r);
        } else {
            r.y.set(false, 0, INTEGER_BIT, 0);
            x.add(r.y);
            if (x.negative || x.isZero()) {
                // Outside of the domain; the manual leaves the result undefined.
                r.flags |= PE;
                r.set(mx, ex);
                return;
            }
            logarithmOfWide(r);
        }
        Wide w = r.w;
        w.set(my, ey);
        w.multiply(r.y);
        w.roundInexact(r, control);
    }

    /** The angle of the point (x, y). */
    static void arcTangent(Float80 r, long mx, int ex, long my, int ey, int control) {
        r.flags = 0;
        int kx = Float80.classify(mx, ex);
        int ky = Float80.classify(my, ey);
        if (kx >= CLASS_QNAN || ky >= CLASS_QNAN) {
            r.propagate(mx, ex, kx, my, ey, ky);
            return;
        }
        if (kx == CLASS_DENORMAL || ky == CLASS_DENORMAL) {
            r.flags |= DE;
        }
        int sign = ey & SIGN;
        boolean left = (ex & SIGN) != 0;
        Wide y = r.y;
        if (ky == CLASS_INFINITY || kx == CLASS_INFINITY || ky == CLASS_ZERO || kx == CLASS_ZERO) {
            boolean vertical = ky == CLASS_INFINITY || (kx == CLASS_ZERO && ky != CLASS_ZERO);
            if (vertical && kx == CLASS_INFINITY) {
                // A quarter of pi, or three quarters.
                y.set(false, -1, Series.PI_HI, Series.PI_LO);
                if (left) {
                    r.x.set(false, 0, Series.PI_HI, Series.PI_LO);
                    y.add(r.x);
                }
            } else if (vertical) {
                y.set(false, 0, Series.PI_HI, Series.PI_LO);
            } else if (left) {
                y.set(false, 1, Series.PI_HI, Series.PI_LO);
            } else {
                r.set(0, sign);
                return;
            }
            y.negative = sign != 0;
            y.roundInexact(r, control);
            return;
        }
        Wide n = r.x;
        Wide d = r.z;
        n.set(my, ey & MAX_EXPONENT);
        d.set(mx, ex & MAX_EXPONENT);
        boolean steep =
                n.exponent > d.exponent
                        || (n.exponent == d.exponent && Long.compareUnsigned(n.hi, d.hi) > 0);
        if (steep) {
            r.t.set(n);
            n.set(d);
            d.set(r.t);
        }
        if (!steep && !left && n.exponent - d.exponent < -39) {
            // The processor answers the quotient, so the direction of rounding sees an exact value.
            n.divide(r, d);
            if (n.exponent < -40) {
                n.negative = sign != 0;
                roundReported(r, n, control);
                return;
            }
            d.set(false, 0, INTEGER_BIT, 0);
        }
        arcTangentOfRatio(r);
        // Back to the octant.
        y.negative = steep != left;
        if (steep) {
            r.t.set(false, 0, Series.PI_HI, Series.PI_LO);
            y.add(r.t);
        } else if (left) {
            r.t.set(false, 1, Series.PI_HI, Series.PI_LO);
            y.add(r.t);
        }
        y.negative = sign != 0;
        y.roundInexact(r, control);
    }

    /** r.y = atan(r.x / r.z), the quotient being from above 0 to 1. */
    private static void arcTangentOfRatio(Float80 r) {
        Wide n = r.x;
        Wide d = r.z;
        int difference = d.exponent - n.exponent;
        int c = 0;
        if (difference < 6) {
            double quotient =
                    (double) (n.hi >>> 1) / (double) (d.hi >>> 1) * (1.0 / (1 << difference));
            c = (int) (quotient * 8 + 0.5);
        }
        if (c != 0) {
            // (n - d c/8) / (d + n c/8), both sums exact.
            Wide f = r.t;
            f.set(c);
            f.exponent -= 3;
            r.w.set(n);
            r.w.multiply(f);
            f.multiply(d);
            f.negative = true;
            n.add(f);
            d.add(r.w);
            if (n.isZero()) {
                r.y.set(false, -1, Series.ATAN[2 * c], Series.ATAN[2 * c + 1]);
                r.y.normalize();
                return;
            }
        }
        n.divide(r, d);
        square(r);
        Series.evaluate(r.t, Series.ODD, true);
        Series.oneMinus(r.t);
        Wide y = r.y;
        y.set(n);
        y.multiply(r.t);
        if (c != 0) {
            r.t.set(false, -1, Series.ATAN[2 * c], Series.ATAN[2 * c + 1]);
            r.t.normalize();
            y.add(r.t);
        }
    }
}
