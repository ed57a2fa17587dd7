// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BIAS;
import static dev.vitrine.processor.x87.Float80.C1;
import static dev.vitrine.processor.x87.Float80.CLASS_INFINITY;
import static dev.vitrine.processor.x87.Float80.CLASS_QNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_SNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_UNSUPPORTED;
import static dev.vitrine.processor.x87.Float80.CLASS_ZERO;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.DOWN;
import static dev.vitrine.processor.x87.Float80.IE;
import static dev.vitrine.processor.x87.Float80.INTEGER_BIT;
import static dev.vitrine.processor.x87.Float80.MAX_EXPONENT;
import static dev.vitrine.processor.x87.Float80.NEAREST;
import static dev.vitrine.processor.x87.Float80.OE;
import static dev.vitrine.processor.x87.Float80.PE;
import static dev.vitrine.processor.x87.Float80.QUIET_BIT;
import static dev.vitrine.processor.x87.Float80.SIGN;
import static dev.vitrine.processor.x87.Float80.UE;
import static dev.vitrine.processor.x87.Float80.UP;

/** Between the 80-bit format and those of memory: single, double, integers, packed decimal. */
public final class Float80Conversions {
    /** Sixteen high bits of the packed decimal indefinite. */
    static final int BCD_INDEFINITE_HIGH = 0xFFFF;

    static final long BCD_INDEFINITE_LOW = 0xC000_0000_0000_0000L;
    private static final long BCD_LIMIT = 1_000_000_000_000_000_000L;

    private Float80Conversions() {}

    /** Widens a single-precision value; an SNaN raises IE, a denormal DE. */
    public static void fromSingle(Float80 r, int bits) {
        widen(r, bits < 0 ? SIGN : 0, bits >>> 23 & 0xFF, (bits & 0x7FFFFFL) << 40, 0xFF, 127);
    }

    /** Widens a double-precision value; an SNaN raises IE, a denormal DE. */
    public static void fromDouble(Float80 r, long bits) {
        widen(
                r,
                bits < 0 ? SIGN : 0,
                (int) (bits >>> 52) & 0x7FF,
                (bits & 0xFFFFFFFFFFFFFL) << 11,
                0x7FF,
                1023);
    }

    private static void widen(Float80 r, int sign, int x, long fraction, int special, int bias) {
        r.flags = 0;
        if (x == 0) {
            if (fraction == 0) {
                r.set(0, sign);
                return;
            }
            int s = Long.numberOfLeadingZeros(fraction);
            r.flags = DE;
            r.set(fraction << s, sign | (1 - bias - s + BIAS));
            return;
        }
        if (x == special) {
            if (fraction != 0 && (fraction & QUIET_BIT) == 0) {
                r.flags = IE;
                fraction |= QUIET_BIT;
            }
            r.set(INTEGER_BIT | fraction, sign | MAX_EXPONENT);
            return;
        }
        r.set(INTEGER_BIT | fraction, sign | (x - bias + BIAS));
    }

    /** An integer, exactly. */
    public static void fromInteger(Float80 r, long n) {
        r.flags = 0;
        if (n == 0) {
            r.set(0, 0);
            return;
        }
        long m = Math.abs(n);
        int s = Long.numberOfLeadingZeros(m);
        r.set(m << s, (n < 0 ? SIGN : 0) | (BIAS + 63 - s));
    }

    /** Packed decimal: 18 digits in low and the low byte of high, sign in bit 15 of high. */
    static void fromDecimal(Float80 r, long low, int high) {
        long n = 0;
        for (int shift = 4; shift >= 0; shift -= 4) {
            n = n * 10 + (high >>> shift & 0xF);
        }
        for (int shift = 60; shift >= 0; shift -= 4) {
            n = n * 10 + (low >>> shift & 0xF);
        }
        fromInteger(r, n);
        r.exponent |= high & SIGN;
    }

    /**
     * Narrows to single precision; the answer is the bit pattern, exceptions are left in r.flags.
     */
    public static int toSingle(Float80 r, long m, int e, int control) {
        return (int) narrow(r, m, e, control, 23, 127);
    }

    /**
     * Narrows to double precision; the answer is the bit pattern, exceptions are left in r.flags.
     */
    public static long toDouble(Float80 r, long m, int e, int control) {
        return narrow(r, m, e, control, 52, 1023);
    }

    private static long narrow(Float80 r, long m, int e, int control, int fractionBits, int bias) {
        r.flags = 0;
        boolean negative = (e & SIGN) != 0;
        int drop = 63 - fractionBits;
        int special = 2 * bias + 1;
        long sign = negative ? INTEGER_BIT >>> (fractionBits == 52 ? 0 : 32) : 0;
        int x = e & MAX_EXPONENT;
        if (x == MAX_EXPONENT || x == 0 || m >= 0) {
            int k = Float80.classify(m, e);
            if (k == CLASS_ZERO) {
                return sign;
            }
            if (k == CLASS_INFINITY) {
                return sign | (long) special << fractionBits;
            }
            if (k == CLASS_UNSUPPORTED) {
                r.flags = IE;
                return (INTEGER_BIT >>> (fractionBits == 52 ? 0 : 32))
                        | ((long) special << 1 | 1) << (fractionBits - 1);
            }
            if (k >= CLASS_QNAN) {
                if (k == CLASS_SNAN) {
                    r.flags = IE;
                }
                long fraction = (m | QUIET_BIT) << 1 >>> (drop + 1);
                return sign | (long) special << fractionBits | fraction;
            }
            int s = Long.numberOfLeadingZeros(m);
            m <<= s;
            x = 1 - s;
        }
        x += bias - BIAS;
        int rounding = Float80Arithmetic.rounding(control);
        int signFlag = e & SIGN;
        // First with unbounded exponent, to know whether the result is huge or tiny.
        long kept = m >>> drop;
        long below = m << (64 - drop);
        boolean inexact = below != 0;
        boolean up =
                inexact
                        && Float80Arithmetic.roundsUp(
                                rounding, signFlag, kept & 1, below >>> 63, below << 1);
        int rounded = x;
        if (up && kept + 1 == 1L << (fractionBits + 1)) {
            rounded++;
        }
        if (rounded >= special) {
            boolean infinite =
                    rounding == NEAREST
                            || (rounding == UP && !negative)
                            || (rounding == DOWN && negative);
            r.flags = OE | PE | (infinite ? C1 : 0);
            return sign | (((long) special << fractionBits) - (infinite ? 0 : 1));
        }
        if (rounded <= 0) {
            if ((control & UE) == 0) {
                r.flags = UE;
                return 0;
            }
        }
        if (x <= 0) {
            // Denormal: one more or many more bits go.
            int shift = drop + 1 - x;
            if (shift < 64) {
                kept = m >>> shift;
                below = m << (64 - shift);
            } else {
                kept = 0;
                below = shift == 64 ? m : 1;
            }
            inexact = below != 0;
            up =
                    inexact
                            && Float80Arithmetic.roundsUp(
                                    rounding, signFlag, kept & 1, below >>> 63, below << 1);
            if (inexact && rounded <= 0) {
                r.flags = UE;
            }
            x = 0;
        } else {
            kept &= ~(1L << fractionBits);
        }
        if (inexact) {
            r.flags |= up ? PE | C1 : PE;
        }
        // A carry out of the fraction moves on to the exponent by itself.
        return sign + ((long) x << fractionBits) + kept + (up ? 1 : 0);
    }

    /**
     * Rounds to an integer of a number of bits (16, 32 or 64). What does not fit raises IE and
     * gives the integer indefinite.
     *
     * @param rounding NEAREST, DOWN, UP or ZERO
     */
    public static long toInteger(Float80 r, long m, int e, int rounding, int bits) {
        r.flags = 0;
        long limit = 1L << (bits - 1);
        int k = Float80.classify(m, e);
        if (k == CLASS_ZERO) {
            return 0;
        }
        boolean negative = (e & SIGN) != 0;
        int power = (e & MAX_EXPONENT) - BIAS;
        if (k >= CLASS_INFINITY || power > 63) {
            r.flags = IE;
            return limit;
        }
        long magnitude = roundMagnitude(r, m, power, e & SIGN, rounding);
        boolean fits;
        if (r.rest != 0) {
            fits = false;
        } else if (negative) {
            fits = magnitude >= 0 ? magnitude <= limit || limit < 0 : magnitude == limit;
        } else {
            fits = magnitude >= 0 && (limit < 0 || magnitude < limit);
        }
        if (!fits) {
            r.flags = IE;
            return limit;
        }
        return negative ? -magnitude : magnitude;
    }

    /**
     * Rounds m * 2^(power - 63) to an integer; sets PE and C1, and r.rest to 1 if the answer needs
     * a 65th bit.
     */
    private static long roundMagnitude(Float80 r, long m, int power, int sign, int rounding) {
        long kept;
        long below;
        if (power < 0) {
            kept = 0;
            below = power == -1 ? m : 1;
        } else if (power == 63) {
            kept = m;
            below = 0;
        } else {
            kept = m >>> (63 - power);
            below = m << (power + 1);
        }
        r.rest = 0;
        if (below == 0) {
            return kept;
        }
        if (Float80Arithmetic.roundsUp(rounding, sign, kept & 1, below >>> 63, below << 1)) {
            r.flags |= PE | C1;
            kept++;
            if (kept == 0) {
                r.rest = 1;
            }
        } else {
            r.flags |= PE;
        }
        return kept;
    }

    /** Rounds to packed decimal: the low 64 bits are the answer, the high 16 go to r.exponent. */
    static long toDecimal(Float80 r, long m, int e, int rounding) {
        long n = toInteger(r, m, e, rounding, 64);
        int sign = e & SIGN;
        if ((r.flags & IE) != 0 || Math.abs(n) >= BCD_LIMIT || n == Long.MIN_VALUE) {
            r.flags = IE;
            r.exponent = BCD_INDEFINITE_HIGH;
            return BCD_INDEFINITE_LOW;
        }
        n = Math.abs(n);
        long low = 0;
        for (int shift = 0; shift < 64; shift += 4) {
            long q = n / 10;
            low |= (n - q * 10) << shift;
            n = q;
        }
        r.exponent = sign | (int) (n / 10) << 4 | (int) (n % 10);
        return low;
    }

    /** Rounds to an integer in the 80-bit format (FRNDINT). */
    public static void roundToInteger(Float80 r, long m, int e, int control) {
        r.flags = 0;
        int k = Float80.classify(m, e);
        if (k >= CLASS_QNAN) {
            r.propagate(m, e, k);
            return;
        }
        int power = (e & MAX_EXPONENT) - BIAS;
        if (k == CLASS_ZERO || power >= 63) {
            r.set(m, e);
            return;
        }
        if (k == Float80.CLASS_DENORMAL) {
            r.flags |= DE;
        }
        int sign = e & SIGN;
        long n = roundMagnitude(r, m, power, sign, Float80Arithmetic.rounding(control));
        if (n == 0) {
            r.set(0, sign);
            return;
        }
        int s = Long.numberOfLeadingZeros(n);
        r.set(n << s, sign | (BIAS + 63 - s));
    }
}
