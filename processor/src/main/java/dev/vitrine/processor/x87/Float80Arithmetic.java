// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BIAS;
import static dev.vitrine.processor.x87.Float80.C1;
import static dev.vitrine.processor.x87.Float80.CLASS_DENORMAL;
import static dev.vitrine.processor.x87.Float80.CLASS_INFINITY;
import static dev.vitrine.processor.x87.Float80.CLASS_QNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_ZERO;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.DOWN;
import static dev.vitrine.processor.x87.Float80.INTEGER_BIT;
import static dev.vitrine.processor.x87.Float80.MAX_EXPONENT;
import static dev.vitrine.processor.x87.Float80.NEAREST;
import static dev.vitrine.processor.x87.Float80.OE;
import static dev.vitrine.processor.x87.Float80.PE;
import static dev.vitrine.processor.x87.Float80.SIGN;
import static dev.vitrine.processor.x87.Float80.UE;
import static dev.vitrine.processor.x87.Float80.UP;
import static dev.vitrine.processor.x87.Float80.WRAP;
import static dev.vitrine.processor.x87.Float80.ZE;

/**
 * Exact arithmetic on 80-bit values. Every operation leaves its value and the exceptions it raised
 * in a {@link Float80}; the control word gives rounding, precision and (for results out of range)
 * masks.
 */
public final class Float80Arithmetic {
    /** A control word's precision control for operations that always round to 64 bits. */
    public static final int FULL_PRECISION = 0x300;

    private Float80Arithmetic() {}

    /** Rounding control of a control word: NEAREST, DOWN, UP or ZERO. */
    static int rounding(int control) {
        return (control >>> 10) & 3;
    }

    /** Bits that the precision control drops from a 64-bit significand. */
    static int dropped(int control) {
        return switch (control & FULL_PRECISION) {
            case 0 -> 40;
            case 0x200 -> 11;
            default -> 0;
        };
    }

    /** a + b, or a - b. */
    public static void add(
            Float80 r, long ma, int ea, long mb, int eb, int control, boolean subtract) {
        r.flags = 0;
        if (!Float80.isNormal(ma, ea) || !Float80.isNormal(mb, eb)) {
            int ka = Float80.classify(ma, ea);
            int kb = Float80.classify(mb, eb);
            if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
                r.propagate(ma, ea, ka, mb, eb, kb);
                return;
            }
            if (subtract) {
                eb ^= SIGN;
            }
            if (ka == CLASS_INFINITY || kb == CLASS_INFINITY) {
                if (ka == kb && ((ea ^ eb) & SIGN) != 0) {
                    r.invalid();
                    return;
                }
                if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
                    r.flags |= DE;
                }
                r.set(INTEGER_BIT, ka == CLASS_INFINITY ? ea : eb);
                return;
            }
            if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
                r.flags |= DE;
            }
            if (ka == CLASS_ZERO) {
                if (kb == CLASS_ZERO) {
                    r.set(0, ((ea ^ eb) & SIGN) == 0 ? ea : zeroSign(control));
                } else {
                    normalizeRound(r, eb & SIGN, eb & MAX_EXPONENT, mb, control);
                }
                return;
            }
            if (kb == CLASS_ZERO) {
                normalizeRound(r, ea & SIGN, ea & MAX_EXPONENT, ma, control);
                return;
            }
        } else if (subtract) {
            eb ^= SIGN;
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
        int sign = ea & SIGN;
        boolean differ = ((ea ^ eb) & SIGN) != 0;
        if (xa < xb || (xa == xb && Long.compareUnsigned(ma, mb) < 0)) {
            long m = ma;
            ma = mb;
            mb = m;
            int x = xa;
            xa = xb;
            xb = x;
            sign = eb & SIGN;
        }
        // b, the smaller one, aligned to a as 128 bits; what is shifted out is jammed into the
        // lowest bit.
        int shift = xa - xb;
        long bh;
        long bl;
        if (shift == 0) {
            bh = mb;
            bl = 0;
        } else if (shift < 64) {
            bh = mb >>> shift;
            bl = mb << -shift;
        } else {
            bh = 0;
            bl = shift == 64 ? mb : shift < 128 ? mb >>> shift | (mb << -shift != 0 ? 1 : 0) : 1;
        }
        if (differ) {
            long lo = -bl;
            long hi = ma - bh - (bl != 0 ? 1 : 0);
            if (hi == 0) {
                if (lo == 0) {
                    r.set(0, zeroSign(control));
                    return;
                }
                int s = Long.numberOfLeadingZeros(lo);
                round(r, sign, xa - 64 - s, lo << s, 0, control);
                return;
            }
            int s = Long.numberOfLeadingZeros(hi);
            if (s != 0) {
                hi = hi << s | lo >>> -s;
                lo <<= s;
            }
            round(r, sign, xa - s, hi, lo, control);
            return;
        }
        long hi = ma + bh;
        if (Long.compareUnsigned(hi, ma) < 0) {
            bl = hi << 63 | bl >>> 1 | (bl & 1);
            hi = hi >>> 1 | INTEGER_BIT;
            xa++;
        }
        round(r, sign, xa, hi, bl, control);
    }

    private static int zeroSign(int control) {
        return rounding(control) == DOWN ? SIGN : 0;
    }

    /** Rounds a non-zero finite value that may be denormal (exponent 0). */
    static void normalizeRound(Float80 r, int sign, int exponent, long m, int control) {
        if (exponent == 0) {
            exponent = 1;
        }
        int s = Long.numberOfLeadingZeros(m);
        round(r, sign, exponent - s, m << s, 0, control);
    }

    /** a * b. */
    public static void multiply(Float80 r, long ma, int ea, long mb, int eb, int control) {
        r.flags = 0;
        int sign = (ea ^ eb) & SIGN;
        if (!Float80.isNormal(ma, ea) || !Float80.isNormal(mb, eb)) {
            int ka = Float80.classify(ma, ea);
            int kb = Float80.classify(mb, eb);
            if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
                r.propagate(ma, ea, ka, mb, eb, kb);
                return;
            }
            if (ka == CLASS_INFINITY || kb == CLASS_INFINITY) {
                if (ka == CLASS_ZERO || kb == CLASS_ZERO) {
                    r.invalid();
                    return;
                }
                if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
                    r.flags |= DE;
                }
                r.set(INTEGER_BIT, sign | MAX_EXPONENT);
                return;
            }
            if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
                r.flags |= DE;
            }
            if (ka == CLASS_ZERO || kb == CLASS_ZERO) {
                r.set(0, sign);
                return;
            }
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
        long hi = Math.unsignedMultiplyHigh(ma, mb);
        long lo = ma * mb;
        int x = xa + xb - (BIAS - 1);
        if (hi >= 0) {
            hi = hi << 1 | lo >>> 63;
            lo <<= 1;
            x--;
        }
        round(r, sign, x, hi, lo, control);
    }

    /** a / b. */
    public static void divide(Float80 r, long ma, int ea, long mb, int eb, int control) {
        r.flags = 0;
        int sign = (ea ^ eb) & SIGN;
        if (!Float80.isNormal(ma, ea) || !Float80.isNormal(mb, eb)) {
            int ka = Float80.classify(ma, ea);
            int kb = Float80.classify(mb, eb);
            if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
                r.propagate(ma, ea, ka, mb, eb, kb);
                return;
            }
            if (ka == kb && (ka == CLASS_INFINITY || ka == CLASS_ZERO)) {
                r.invalid();
                return;
            }
            if (kb == CLASS_ZERO && ka != CLASS_INFINITY) {
                r.flags |= ZE;
                r.set(INTEGER_BIT, sign | MAX_EXPONENT);
                return;
            }
            if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
                r.flags |= DE;
            }
            if (ka == CLASS_INFINITY) {
                r.set(INTEGER_BIT, sign | MAX_EXPONENT);
                return;
            }
            if (ka == CLASS_ZERO || kb == CLASS_INFINITY) {
                r.set(0, sign);
                return;
            }
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
        int x = xa - xb + BIAS;
        long q;
        if (Long.compareUnsigned(ma, mb) < 0) {
            q = divide128(r, ma, 0, mb);
            x--;
        } else {
            q = divide128(r, ma >>> 1, ma << 63, mb);
        }
        // The rest against half of the divisor decides how the bits below the quotient look.
        long rest = r.rest;
        long lo;
        if (rest == 0) {
            lo = 0;
        } else {
            int c = rest < 0 ? 1 : Long.compareUnsigned(rest << 1, mb);
            lo = c < 0 ? 1 : c == 0 ? INTEGER_BIT : INTEGER_BIT | 1;
        }
        round(r, sign, x, q, lo, control);
    }

    /**
     * Quotient of a 128-bit by a normalised 64-bit number; the remainder goes to {@code r.rest}.
     * The high half must be less than the divisor.
     */
    static long divide128(Float80 r, long hi, long lo, long d) {
        long d1 = d >>> 32;
        long d0 = d & 0xFFFFFFFFL;
        long q1 = digit(hi, lo >>> 32, d1, d0);
        long rest = (hi << 32 | lo >>> 32) - q1 * d;
        long q0 = digit(rest, lo & 0xFFFFFFFFL, d1, d0);
        r.rest = (rest << 32 | lo & 0xFFFFFFFFL) - q0 * d;
        return (q1 << 32) + q0;
    }

    /** One 32-bit digit of the quotient (hi, next) / (d1, d0). */
    private static long digit(long hi, long next, long d1, long d0) {
        long q = Long.divideUnsigned(hi, d1);
        long rest = hi - q * d1;
        while (q > 0xFFFFFFFFL || Long.compareUnsigned(q * d0, rest << 32 | next) > 0) {
            q--;
            rest += d1;
            if (rest > 0xFFFFFFFFL) {
                break;
            }
        }
        return q;
    }

    /** Square root. */
    public static void squareRoot(Float80 r, long m, int e, int control) {
        r.flags = 0;
        if (!Float80.isNormal(m, e) || (e & SIGN) != 0) {
            int k = Float80.classify(m, e);
            if (k >= CLASS_QNAN) {
                r.propagate(m, e, k);
                return;
            }
            if (k == CLASS_ZERO) {
                r.set(0, e);
                return;
            }
            if ((e & SIGN) != 0) {
                r.invalid();
                return;
            }
            if (k == CLASS_INFINITY) {
                r.set(m, e);
                return;
            }
            r.flags |= DE;
        }
        int x = e & MAX_EXPONENT;
        if (x == 0) {
            int s = Long.numberOfLeadingZeros(m);
            m <<= s;
            x = 1 - s;
        }
        // value = m * 2^(x - BIAS - 63); an even power of two is split off, radicand in [2^126,
        // 2^128).
        int power = x - BIAS;
        long hi;
        long lo;
        if ((power & 1) == 0) {
            hi = m >>> 1;
            lo = m << 63;
        } else {
            hi = m;
            lo = 0;
            power--;
        }
        double top = (hi >>> 11) * 0x1p-53;
        double estimate = Math.sqrt(top) * 0x1p64;
        long s = estimate >= 0x1.fffffffffffffp63 ? -1L : toUnsigned(estimate);
        long ph = Math.unsignedMultiplyHigh(s, s);
        long pl = s * s;
        long dl = lo - pl;
        long dh = hi - ph - (Long.compareUnsigned(lo, pl) < 0 ? 1 : 0);
        double difference = dh * 0x1p64 + ((dl >>> 1) * 2.0);
        long correction = (long) (difference / (2.0 * estimate));
        if (correction > 0 && Long.compareUnsigned(s + correction, s) < 0) {
            s = -1L;
        } else {
            s += correction;
        }
        while (true) {
            ph = Math.unsignedMultiplyHigh(s, s);
            pl = s * s;
            dl = lo - pl;
            dh = hi - ph - (Long.compareUnsigned(lo, pl) < 0 ? 1 : 0);
            if (dh < 0) {
                s--;
            } else if (dh > 1 || (dh == 1 && Long.compareUnsigned(dl, s << 1) > 0)) {
                s++;
            } else {
                break;
            }
        }
        long below;
        if (dh == 0 && dl == 0) {
            below = 0;
        } else {
            below = dh > 0 || Long.compareUnsigned(dl, s) > 0 ? INTEGER_BIT | 1 : 1;
        }
        round(r, 0, (power >> 1) + BIAS, s, below, control);
    }

    private static long toUnsigned(double d) {
        return (long) (d * 0.5) << 1;
    }

    /**
     * Rounds the value {@code hi.lo * 2^(exponent - BIAS - 63)} to the format: precision and
     * rounding from the control word, then overflow and underflow (tiny is judged after rounding).
     *
     * @param sign 0 or SIGN
     * @param exponent biased exponent, unbounded
     * @param hi normalised significand (its highest bit is set)
     * @param lo the bits below
     */
    static void round(Float80 r, int sign, int exponent, long hi, long lo, int control) {
        int drop = dropped(control);
        int rounding = rounding(control);
        if (exponent > 0 && drop == 0) {
            boolean up = roundsUp(rounding, sign, hi & 1, lo >>> 63, lo << 1);
            if (exponent < MAX_EXPONENT - 1) {
                if (lo != 0) {
                    r.flags |= PE;
                    if (up) {
                        r.flags |= C1;
                        if (++hi == 0) {
                            hi = INTEGER_BIT;
                            exponent++;
                        }
                    }
                }
                r.mantissa = hi;
                r.exponent = sign | exponent;
                return;
            }
        }
        roundSlow(r, sign, exponent, hi, lo, control, drop, rounding);
    }

    private static void roundSlow(
            Float80 r,
            int sign,
            int exponent,
            long hi,
            long lo,
            int control,
            int drop,
            int rounding) {
        boolean inexact = inexact(hi, lo, drop);
        boolean up = inexact && roundsUp(rounding, sign, hi, lo, drop);
        long m = hi >>> drop << drop;
        int x = exponent;
        if (up) {
            m += 1L << drop;
            if (m == 0) {
                m = INTEGER_BIT;
                x++;
            }
        }
        if (x >= MAX_EXPONENT) {
            r.flags |= OE;
            if ((control & OE) == 0) {
                x -= WRAP;
                if (x < MAX_EXPONENT) {
                    exact(r, m, sign | x, inexact, up);
                } else {
                    // Out of reach even so, which only FSCALE can do.
                    r.flags |= PE | C1;
                    r.set(INTEGER_BIT, sign | MAX_EXPONENT);
                }
                return;
            }
            boolean infinite =
                    rounding == NEAREST
                            || (rounding == UP && sign == 0)
                            || (rounding == DOWN && sign != 0);
            r.flags |= PE | (infinite ? C1 : 0);
            r.mantissa = infinite ? INTEGER_BIT : -1L << drop;
            r.exponent = sign | (infinite ? MAX_EXPONENT : MAX_EXPONENT - 1);
            return;
        }
        if (x > 0) {
            exact(r, m, sign | x, inexact, up);
            return;
        }
        if ((control & UE) == 0) {
            r.flags |= UE;
            if (x + WRAP > 0) {
                exact(r, m, sign | (x + WRAP), inexact, up);
                return;
            }
            // Out of reach even so, which only FSCALE can do.
            r.flags |= PE;
            r.set(0, sign);
            return;
        }
        // Denormal result: shift right to exponent 1, then round again from the original bits.
        int shift = 1 - exponent;
        if (shift < 64) {
            lo = hi << -shift | lo >>> shift | (lo << -shift != 0 ? 1 : 0);
            hi >>>= shift;
        } else if (shift == 64) {
            lo = hi | (lo != 0 ? 1 : 0);
            hi = 0;
        } else {
            lo = shift < 128 ? hi >>> shift | 1 : 1;
            hi = 0;
        }
        inexact = inexact(hi, lo, drop);
        up = inexact && roundsUp(rounding, sign, hi, lo, drop);
        m = hi >>> drop << drop;
        if (up) {
            m += 1L << drop;
        }
        if (inexact) {
            r.flags |= UE;
        }
        exact(r, m, sign | (m < 0 ? 1 : 0), inexact, up);
    }

    private static void exact(Float80 r, long m, int e, boolean inexact, boolean up) {
        r.mantissa = m;
        r.exponent = e;
        if (inexact) {
            r.flags |= up ? PE | C1 : PE;
        }
    }

    private static boolean inexact(long hi, long lo, int drop) {
        return lo != 0 || (hi & ((1L << drop) - 1)) != 0;
    }

    private static boolean roundsUp(int rounding, int sign, long hi, long lo, int drop) {
        if (drop == 0) {
            return roundsUp(rounding, sign, hi & 1, lo >>> 63, lo << 1);
        }
        long below = hi << -drop;
        return roundsUp(rounding, sign, (hi >>> drop) & 1, below >>> 63, below << 1 | lo);
    }

    /**
     * Whether an inexact magnitude is rounded up.
     *
     * @param odd lowest bit that is kept
     * @param half highest bit that is dropped
     * @param sticky not zero if any other dropped bit is set
     */
    static boolean roundsUp(int rounding, int sign, long odd, long half, long sticky) {
        return switch (rounding) {
            case NEAREST -> half != 0 && (sticky != 0 || odd != 0);
            case DOWN -> sign != 0;
            case UP -> sign == 0;
            default -> false;
        };
    }
}
