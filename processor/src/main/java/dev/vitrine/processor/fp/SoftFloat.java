// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

/**
 * Exact arithmetic on the binary interchange formats of 16, 32 and 64 bits with Intel's rules for
 * flags, NaNs and tininess (SDM volume 1, 4.8, 4.9, 11.5 and appendix E).
 *
 * <p>A format is named by the number of its fraction bits: {@link #HALF}, {@link #SINGLE}, {@link
 * #DOUBLE}. Values are the bits of the format in the low bits of a long, the rest zero. Inside, a
 * finite value is a significand with its leading one in bit 63, whose bit 0 stands for all that
 * lies below (sticky), and the exponent of that leading one.
 */
public final class SoftFloat {
    /** Fraction bits of binary16. */
    public static final int HALF = 10;

    /** Fraction bits of binary32. */
    public static final int SINGLE = 23;

    /** Fraction bits of binary64. */
    public static final int DOUBLE = 52;

    /** Result of {@link #compare}: the first operand is smaller. */
    public static final int LESS = 0;

    /** Result of {@link #compare}: the operands are equal. */
    public static final int EQUAL = 1;

    /** Result of {@link #compare}: the first operand is greater. */
    public static final int GREATER = 2;

    /** Result of {@link #compare}: one operand or both are NaN. */
    public static final int UNORDERED = 3;

    private static final int IE = FpEnv.IE;
    private static final int DE = FpEnv.DE;
    private static final int ZE = FpEnv.ZE;
    private static final int OE = FpEnv.OE;
    private static final int UE = FpEnv.UE;
    private static final int PE = FpEnv.PE;

    /** Rounding towards minus infinity, as in MXCSR.RC. */
    private static final int DOWN = 1;

    /** Rounding towards plus infinity. */
    private static final int UP = 2;

    /** Truncation, for {@link #toInteger}. */
    public static final int TRUNCATE = 3;

    /**
     * Truth of each of the 16 basic predicates of CMPPS: bit n is the answer for relation n of
     * {@link #compare} (SDM volume 2, table 3-1).
     */
    private static final int[] PREDICATE = {
        0b0010, 0b0001, 0b0011, 0b1000, 0b1101, 0b1110, 0b1100, 0b0111,
        0b1010, 0b1001, 0b1011, 0b0000, 0b0101, 0b0110, 0b0100, 0b1111
    };

    /** Bit n: predicate n signals for quiet NaNs as well. */
    private static final int SIGNALLING = 0x9999_6666;

    private SoftFloat() {}

    // ------------------------------------------------------------------ formats

    private static int signShift(int f) {
        return f == DOUBLE ? 63 : f == SINGLE ? 31 : 15;
    }

    private static int bias(int f) {
        return f == DOUBLE ? 1023 : f == SINGLE ? 127 : 15;
    }

    /** Magnitude of infinity. */
    static long infinity(int f) {
        return f == DOUBLE ? 0x7FF0_0000_0000_0000L : f == SINGLE ? 0x7F80_0000L : 0x7C00L;
    }

    private static long signBit(int f) {
        return 1L << signShift(f);
    }

    private static long magnitude(long a, int f) {
        return a & (signBit(f) - 1);
    }

    private static boolean isDenormal(long m, int f) {
        return m != 0 && m >>> f == 0;
    }

    private static long quiet(long a, int f) {
        return a | 1L << (f - 1);
    }

    private static boolean isSignalling(long m, int f) {
        return m > infinity(f) && (m & 1L << (f - 1)) == 0;
    }

    /** The QNaN that invalid operations give: "real indefinite". */
    static long indefinite(int f) {
        return quiet(signBit(f) | infinity(f), f);
    }

    /** Significand of a finite magnitude other than zero. */
    private static long significand(long m, int f) {
        if (m >>> f == 0) {
            return m << Long.numberOfLeadingZeros(m);
        }
        return Long.MIN_VALUE | m << (63 - f);
    }

    /** Exponent of a finite magnitude other than zero. */
    private static int exponent(long m, int f) {
        if (m >>> f == 0) {
            return 64 - Long.numberOfLeadingZeros(m) - bias(f) - f;
        }
        return (int) (m >>> f) - bias(f);
    }

    private static long daz(long a, int f, FpEnv e) {
        if ((e.mxcsr & FpEnv.DAZ) != 0
                && a << (64 - signShift(f)) >>> (64 - signShift(f)) >>> f == 0) {
            return a & signBit(f);
        }
        return a;
    }

    private static int roundingControl(FpEnv e) {
        return e.mxcsr >>> FpEnv.RC_SHIFT & 3;
    }

    // ----------------------------------------------------------------- rounding

    /** Shifts right by at least 0 bits; what falls out stays as a sticky bit. */
    private static long shiftRightJam(long x, int n) {
        if (n == 0) {
            return x;
        }
        return n < 64 ? x >>> n | (x << -n != 0 ? 1 : 0) : (x != 0 ? 1 : 0);
    }

    /** Drops s (1 to 63) low bits of a significand, rounded. */
    private static long roundShift(long sig, int s, int sign, int rc) {
        long q = sig >>> s;
        long rest = sig & ((1L << s) - 1);
        if (rest == 0) {
            return q;
        }
        boolean up;
        switch (rc) {
            case 0 -> {
                long half = 1L << (s - 1);
                up = rest > half || (rest == half && (q & 1) != 0);
            }
            case DOWN -> up = sign != 0;
            case UP -> up = sign == 0;
            default -> up = false;
        }
        return up ? q + 1 : q;
    }

    /**
     * Rounds a finite value other than zero into a format and raises OE, UE and PE.
     *
     * @param control MXCSR's bits: RC, FTZ, UM and OM are heeded
     */
    private static long round(int sign, int exp, long sig, int f, int control, FpEnv e) {
        int drop = 63 - f;
        int rc = control >>> FpEnv.RC_SHIFT & 3;
        int biased = exp + bias(f);
        long s = (long) sign << signShift(f);
        long u = roundShift(sig, drop, sign, rc);
        boolean inexact = sig << (64 - drop) != 0;
        boolean carry = u >>> (f + 1) != 0;
        if (biased >= 1) {
            if (carry) {
                u >>>= 1;
                biased++;
            }
            if (biased >= 2 * bias(f) + 1) {
                return overflow(sign, inexact, f, control, e);
            }
            if (inexact) {
                e.flags |= PE;
            }
            return s | (long) biased << f | (u & ((1L << f) - 1));
        }
        // Tininess is judged after rounding with an unbounded exponent.
        boolean tiny = biased < 0 || !carry;
        if (tiny) {
            if ((control & FpEnv.UM) == 0) {
                e.flags |= inexact ? UE | PE : UE;
                return s;
            }
            if ((control & FpEnv.FTZ) != 0) {
                e.flags |= UE | PE;
                return s;
            }
        }
        int shift = drop + 1 - biased;
        if (shift > 63) {
            sig = shiftRightJam(sig, shift - 63);
            shift = 63;
        }
        long d = roundShift(sig, shift, sign, rc);
        if ((sig & ((1L << shift) - 1)) != 0) {
            e.flags |= tiny ? UE | PE : PE;
        }
        return s | d;
    }

    private static long overflow(int sign, boolean inexact, int f, int control, FpEnv e) {
        e.flags |= inexact || (control & FpEnv.OM) != 0 ? OE | PE : OE;
        int rc = control >>> FpEnv.RC_SHIFT & 3;
        boolean toInfinity = rc == 0 || (rc == DOWN && sign != 0) || (rc == UP && sign == 0);
        return (long) sign << signShift(f) | (toInfinity ? infinity(f) : infinity(f) - 1);
    }

    private static long round(int sign, int exp, long sig, int f, FpEnv e) {
        return round(sign, exp, sig, f, e.mxcsr, e);
    }

    // ---------------------------------------------------------------- operations

    /** Result of an operation of which one operand or both are NaN. */
    private static long nan(long a, long b, int f, FpEnv e) {
        long ma = magnitude(a, f);
        if (isSignalling(ma, f) || isSignalling(magnitude(b, f), f)) {
            e.flags |= IE;
        }
        return quiet(ma > infinity(f) ? a : b, f);
    }

    private static long invalid(int f, FpEnv e) {
        e.flags |= IE;
        return indefinite(f);
    }

    private static void denormals(long ma, long mb, int f, FpEnv e) {
        if (isDenormal(ma, f) || isDenormal(mb, f)) {
            e.flags |= DE;
        }
    }

    /** a + b. */
    public static long add(long a, long b, int f, FpEnv e) {
        return add(a, b, 0, f, e);
    }

    /** a - b. */
    public static long subtract(long a, long b, int f, FpEnv e) {
        return add(a, b, 1, f, e);
    }

    private static long add(long a, long b, int negate, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        long ma = magnitude(a, f);
        long mb = magnitude(b, f);
        long inf = infinity(f);
        if (ma > inf || mb > inf) {
            return nan(a, b, f, e);
        }
        int sa = (int) (a >>> signShift(f)) & 1;
        int sb = (int) (b >>> signShift(f)) & 1 ^ negate;
        if (ma == inf || mb == inf) {
            if (ma == mb && sa != sb) {
                return invalid(f, e);
            }
            denormals(ma, mb, f, e);
            return (long) (ma == inf ? sa : sb) << signShift(f) | inf;
        }
        denormals(ma, mb, f, e);
        if (ma == 0 && mb == 0) {
            return sa == sb ? a : zero(f, e);
        }
        if (ma == 0) {
            return round(sb, exponent(mb, f), significand(mb, f), f, e);
        }
        if (mb == 0) {
            return round(sa, exponent(ma, f), significand(ma, f), f, e);
        }
        if (ma < mb) {
            long m = ma;
            ma = mb;
            mb = m;
            int s = sa;
            sa = sb;
            sb = s;
        }
        int exp = exponent(ma, f);
        // Bit 62 leads: room for the carry; at most 53 bits are in use, so nothing is lost.
        long x = significand(ma, f) >>> 1;
        long y = shiftRightJam(significand(mb, f) >>> 1, exp - exponent(mb, f));
        long sum = sa == sb ? x + y : x - y;
        if (sum == 0) {
            return zero(f, e);
        }
        int n = Long.numberOfLeadingZeros(sum);
        return round(sa, exp + 1 - n, sum << n, f, e);
    }

    /** The zero that an exact cancellation gives. */
    private static long zero(int f, FpEnv e) {
        return roundingControl(e) == DOWN ? signBit(f) : 0;
    }

    /** a * b. */
    public static long multiply(long a, long b, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        long ma = magnitude(a, f);
        long mb = magnitude(b, f);
        long inf = infinity(f);
        if (ma > inf || mb > inf) {
            return nan(a, b, f, e);
        }
        int sign = (int) ((a ^ b) >>> signShift(f)) & 1;
        if (ma == inf || mb == inf) {
            if (ma == 0 || mb == 0) {
                return invalid(f, e);
            }
            denormals(ma, mb, f, e);
            return (long) sign << signShift(f) | inf;
        }
        denormals(ma, mb, f, e);
        if (ma == 0 || mb == 0) {
            return (long) sign << signShift(f);
        }
        long x = significand(ma, f);
        long y = significand(mb, f);
        long hi = Math.unsignedMultiplyHigh(x, y);
        long lo = x * y;
        int exp = exponent(ma, f) + exponent(mb, f) + 1;
        if (hi >= 0) {
            hi = hi << 1 | lo >>> 63;
            lo <<= 1;
            exp--;
        }
        return round(sign, exp, lo != 0 ? hi | 1 : hi, f, e);
    }

    /** a / b. */
    public static long divide(long a, long b, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        long ma = magnitude(a, f);
        long mb = magnitude(b, f);
        long inf = infinity(f);
        if (ma > inf || mb > inf) {
            return nan(a, b, f, e);
        }
        int sign = (int) ((a ^ b) >>> signShift(f)) & 1;
        long s = (long) sign << signShift(f);
        if (ma == inf) {
            if (mb == inf) {
                return invalid(f, e);
            }
            denormals(ma, mb, f, e);
            return s | inf;
        }
        if (mb == inf) {
            denormals(ma, mb, f, e);
            return s;
        }
        if (mb == 0) {
            if (ma == 0) {
                return invalid(f, e);
            }
            e.flags |= ZE;
            return s | inf;
        }
        denormals(ma, mb, f, e);
        if (ma == 0) {
            return s;
        }
        // The host's quotient of the significands, then the sign of its exact remainder.
        long x = significand(ma, f) >>> 11;
        long y = significand(mb, f) >>> 11;
        int exp = exponent(ma, f) - exponent(mb, f);
        int shift = 52;
        if (x < y) {
            shift = 53;
            exp--;
        }
        long q = (long) ((double) x / (double) y * (double) (1L << shift));
        long rest = (x << shift) - q * y;
        return round(sign, exp, sticky(q << 11, rest), f, e);
    }

    /** Square root of a. */
    public static long squareRoot(long a, int f, FpEnv e) {
        a = daz(a, f, e);
        long m = magnitude(a, f);
        long inf = infinity(f);
        if (m > inf) {
            return nan(a, a, f, e);
        }
        if (m == 0) {
            return a;
        }
        if (m != a) {
            return invalid(f, e);
        }
        if (m == inf) {
            return a;
        }
        denormals(m, m, f, e);
        int exp = exponent(m, f);
        int odd = exp & 1;
        long x = significand(m, f) >>> 11;
        long q = (long) (Math.sqrt((double) (x << odd) * 0x1p-52) * 0x1p52);
        long rest = (x << (52 + odd)) - q * q;
        return round(0, exp >> 1, sticky(q << 11, rest), f, e);
    }

    /** Corrects a significand whose low 11 bits are zero by what the exact result differs. */
    private static long sticky(long sig, long rest) {
        return rest == 0 ? sig : rest > 0 ? sig | 1 : sig - 1;
    }

    /**
     * a * b + c, rounded once.
     *
     * @param negate bit 0: negate the product; bit 1: negate c
     */
    public static long fusedMultiplyAdd(long a, long b, long c, int negate, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        c = daz(c, f, e);
        long ma = magnitude(a, f);
        long mb = magnitude(b, f);
        long mc = magnitude(c, f);
        long inf = infinity(f);
        if (ma > inf || mb > inf || mc > inf) {
            if (isSignalling(ma, f) || isSignalling(mb, f) || isSignalling(mc, f)) {
                e.flags |= IE;
            }
            return quiet(ma > inf ? a : mb > inf ? b : c, f);
        }
        int sp = ((int) ((a ^ b) >>> signShift(f)) ^ negate) & 1;
        int sc = ((int) (c >>> signShift(f)) ^ negate >>> 1) & 1;
        if (ma == inf || mb == inf) {
            if (ma == 0 || mb == 0 || (mc == inf && sp != sc)) {
                return invalid(f, e);
            }
            denormals(ma, mb, f, e);
            denormals(mc, mc, f, e);
            return (long) sp << signShift(f) | inf;
        }
        denormals(ma, mb, f, e);
        denormals(mc, mc, f, e);
        if (mc == inf) {
            return (long) sc << signShift(f) | inf;
        }
        if (ma == 0 || mb == 0) {
            if (mc == 0) {
                return sp == sc ? (long) sp << signShift(f) : zero(f, e);
            }
            return round(sc, exponent(mc, f), significand(mc, f), f, e);
        }
        return fusedFinite(ma, mb, mc, sp, sc, f, e);
    }

    private static long fusedFinite(long ma, long mb, long mc, int sp, int sc, int f, FpEnv e) {
        // 128-bit product, its leading one in bit 126 to leave room for the carry.
        long x = significand(ma, f);
        long y = significand(mb, f);
        long ph = Math.unsignedMultiplyHigh(x, y);
        long pl = x * y;
        int exp = exponent(ma, f) + exponent(mb, f) + 1;
        if (ph < 0) {
            pl = ph << 63 | pl >>> 1;
            ph >>>= 1;
        } else {
            exp--;
        }
        if (mc == 0) {
            return round(sp, exp, ph << 1 | pl >>> 63 | (pl << 1 != 0 ? 1 : 0), f, e);
        }
        long ch = significand(mc, f) >>> 1;
        long cl = 0;
        int ec = exponent(mc, f);
        int d = exp - ec;
        if (d > 0) {
            // C has at most 53 bits, its low word is zero.
            cl = d < 64 ? ch << -d : shiftRightJam(ch, d - 64);
            ch = d < 64 ? ch >>> d : 0;
        } else if (d < 0) {
            int n = -d;
            if (n < 64) {
                boolean lost = pl << -n != 0;
                pl = ph << -n | pl >>> n | (lost ? 1 : 0);
                ph >>>= n;
            } else {
                long low = n == 64 ? ph : shiftRightJam(ph, n - 64);
                pl = pl != 0 ? low | 1 : low;
                ph = 0;
            }
            exp = ec;
        }
        long hi;
        long lo;
        int sign = sp;
        if (sp == sc) {
            lo = pl + cl;
            hi = ph + ch + (Long.compareUnsigned(lo, pl) < 0 ? 1 : 0);
        } else {
            lo = pl - cl;
            hi = ph - ch - (Long.compareUnsigned(pl, cl) < 0 ? 1 : 0);
            if (hi < 0) {
                lo = -lo;
                hi = lo == 0 ? -hi : ~hi;
                sign = sc;
            }
            if ((hi | lo) == 0) {
                return zero(f, e);
            }
        }
        if (hi == 0) {
            hi = lo;
            lo = 0;
            exp -= 64;
        }
        int n = Long.numberOfLeadingZeros(hi);
        if (n != 0) {
            hi = hi << n | lo >>> -n;
            lo <<= n;
        }
        return round(sign, exp + 1 - n, lo != 0 ? hi | 1 : hi, f, e);
    }

    // ---------------------------------------------------------------- comparison

    /**
     * How a relates to b: {@link #LESS}, {@link #EQUAL}, {@link #GREATER} or {@link #UNORDERED}.
     *
     * @param signalling quiet NaNs are invalid too
     */
    public static int compare(long a, long b, boolean signalling, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        long ma = magnitude(a, f);
        long mb = magnitude(b, f);
        long inf = infinity(f);
        if (ma > inf || mb > inf) {
            if (signalling || isSignalling(ma, f) || isSignalling(mb, f)) {
                e.flags |= IE;
            }
            return UNORDERED;
        }
        denormals(ma, mb, f, e);
        long x = a != ma ? -ma : ma;
        long y = b != mb ? -mb : mb;
        return x < y ? LESS : x == y ? EQUAL : GREATER;
    }

    /**
     * One of the 32 predicates of VCMPPS.
     *
     * @param predicate the immediate, 0 to 31
     */
    public static boolean test(long a, long b, int predicate, int f, FpEnv e) {
        int relation = compare(a, b, (SIGNALLING >>> predicate & 1) != 0, f, e);
        return (PREDICATE[predicate & 15] >>> relation & 1) != 0;
    }

    /** MINSS, MINSD: b unless a is smaller. */
    public static long minimum(long a, long b, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        return compare(a, b, true, f, e) == LESS ? a : b;
    }

    /** MAXSS, MAXSD: b unless a is greater. */
    public static long maximum(long a, long b, int f, FpEnv e) {
        a = daz(a, f, e);
        b = daz(b, f, e);
        return compare(a, b, true, f, e) == GREATER ? a : b;
    }

    // --------------------------------------------------------------- conversions

    /**
     * Converts to a signed integer of 32 or 64 bits.
     *
     * @param rc rounding control, 0 to 3
     * @return the integer; the most negative one if it does not fit (IE)
     */
    public static long toInteger(long a, int rc, int bits, int f, FpEnv e) {
        a = daz(a, f, e);
        long m = magnitude(a, f);
        if (m == 0) {
            return 0;
        }
        long least = -1L << (bits - 1);
        int exp = m >= infinity(f) ? 64 : exponent(m, f);
        if (exp >= 64) {
            e.flags |= IE;
            return least;
        }
        int sign = a != m ? 1 : 0;
        long sig = significand(m, f);
        long q = sig;
        boolean inexact = false;
        int shift = 63 - exp;
        if (shift > 0) {
            if (shift > 63) {
                sig = shiftRightJam(sig, shift - 63);
                shift = 63;
            }
            q = roundShift(sig, shift, sign, rc);
            inexact = (sig & ((1L << shift) - 1)) != 0;
        }
        // -least is 2^(bits-1); as an unsigned number for 64 bits.
        if (Long.compareUnsigned(q, sign != 0 ? -least : ~least) > 0) {
            e.flags |= IE;
            return least;
        }
        if (inexact) {
            e.flags |= PE;
        }
        return sign != 0 ? -q : q;
    }

    /** Converts a signed integer, rounded by MXCSR. */
    public static long fromInteger(long value, int f, FpEnv e) {
        if (value == 0) {
            return 0;
        }
        int sign = value < 0 ? 1 : 0;
        long m = sign != 0 ? -value : value;
        int n = Long.numberOfLeadingZeros(m);
        return round(sign, 63 - n, m << n, f, e);
    }

    /**
     * ROUNDSS, ROUNDSD: rounds to an integral value in the same format.
     *
     * @param imm the immediate: bits 0 and 1 rounding, bit 2 take MXCSR's, bit 3 do not raise PE
     */
    public static long roundToIntegral(long a, int imm, int f, FpEnv e) {
        a = daz(a, f, e);
        long m = magnitude(a, f);
        if (m > infinity(f)) {
            return nan(a, a, f, e);
        }
        if (m == 0 || m == infinity(f)) {
            return a;
        }
        int exp = exponent(m, f);
        if (exp >= f) {
            return a;
        }
        int rc = (imm & 4) != 0 ? roundingControl(e) : imm & 3;
        int sign = a != m ? 1 : 0;
        long sig = significand(m, f);
        int shift = 63 - exp;
        if (shift > 63) {
            sig = shiftRightJam(sig, shift - 63);
            shift = 63;
        }
        if ((sig & ((1L << shift) - 1)) == 0) {
            return a;
        }
        if ((imm & 8) == 0) {
            e.flags |= PE;
        }
        long q = roundShift(sig, shift, sign, rc);
        long s = (long) sign << signShift(f);
        if (q == 0) {
            return s;
        }
        int n = Long.numberOfLeadingZeros(q);
        return s | (long) (63 - n + bias(f)) << f | (q << n << 1 >>> (64 - f));
    }

    /** Converts between formats of different size, rounded by MXCSR. */
    public static long convert(long a, int from, int to, FpEnv e) {
        a = daz(a, from, e);
        return convert(a, from, to, e.mxcsr, true, e);
    }

    /** VCVTPH2PS: half to single; heeds neither DAZ nor FTZ and knows no denormal operands. */
    public static int halfToSingle(int a, FpEnv e) {
        return (int) convert(a & 0xFFFF, HALF, SINGLE, e.mxcsr, false, e);
    }

    /**
     * VCVTPS2PH: single to half; FTZ is not heeded.
     *
     * @param imm the immediate: bits 0 and 1 rounding, bit 2 take MXCSR's
     */
    public static int singleToHalf(int a, int imm, FpEnv e) {
        int control = e.mxcsr & ~FpEnv.FTZ;
        if ((imm & 4) == 0) {
            control = control & ~FpEnv.RC | (imm & 3) << FpEnv.RC_SHIFT;
        }
        long v = daz(a & 0xFFFF_FFFFL, SINGLE, e);
        if (isDenormal(magnitude(v, SINGLE), SINGLE)) {
            // Processors call these inexact even where an unmasked underflow would be exact.
            e.flags |= PE;
        }
        return (int) convert(v, SINGLE, HALF, control, true, e);
    }

    private static long convert(long a, int from, int to, int control, boolean denormals, FpEnv e) {
        long m = magnitude(a, from);
        int sign = a != m ? 1 : 0;
        long s = (long) sign << signShift(to);
        if (m > infinity(from)) {
            if (isSignalling(m, from)) {
                e.flags |= IE;
            }
            long fraction = m & ((1L << from) - 1);
            fraction = from > to ? fraction >>> (from - to) : fraction << (to - from);
            return quiet(s | infinity(to) | fraction, to);
        }
        if (m == infinity(from)) {
            return s | infinity(to);
        }
        if (m == 0) {
            return s;
        }
        if (denormals) {
            denormals(m, m, from, e);
        }
        return round(sign, exponent(m, from), significand(m, from), to, control, e);
    }
}
