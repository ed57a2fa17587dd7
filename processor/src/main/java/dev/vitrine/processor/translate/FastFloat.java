// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.fp.FpEnv;

/**
 * Floating-point operations on the host's own numbers, for translated code, and the tests whether
 * they may be used: rounding to nearest, everything masked, operands and result normal or zero.
 * Then the only flag that can change is PE, so it must be set already, or the result exact. Values
 * are held as bits.
 */
public final class FastFloat {
    /** Not usable: other rounding or unmasked exceptions. */
    public static final int SLOW = 0;

    /** Usable where the result is exact: PE is clear. */
    public static final int EXACT = 1;

    /** Usable where operands and result are normal or zero. */
    public static final int STICKY = 2;

    private static final long EXPONENT = 0x7FF0_0000_0000_0000L;
    private static final long LEAST = 0x0010_0000_0000_0000L;

    /** Below that exponent the error of a product cannot be told from zero. */
    private static final long ERROR_LIMIT = 0x1000_0000_0000_0000L;

    private static final int EXPONENT_32 = 0x7F80_0000;
    private static final int LEAST_32 = 0x0080_0000;

    /**
     * Twice the distance from the least to the largest exponent that {@link #plain} takes, less
     * 2^63: for an unsigned comparison.
     */
    private static final long PLAIN_RANGE = 0x7FA0_0000_0000_0000L;

    private static final int PLAIN_RANGE_32 = 0x7D00_0000;

    private FastFloat() {}

    /** The mode for a value of MXCSR. */
    public static int mode(int mxcsr) {
        if ((mxcsr & (FpEnv.MASKS | FpEnv.RC)) != FpEnv.MASKS) {
            return SLOW;
        }
        return (mxcsr & FpEnv.PE) != 0 ? STICKY : EXACT;
    }

    // ------------------------------------------------------------------ double

    private static double d(long bits) {
        return Double.longBitsToDouble(bits);
    }

    private static long bits(double x) {
        return Double.doubleToRawLongBits(x);
    }

    /** Exponent field from 2 to 2046. */
    private static boolean plain(long r) {
        return (r << 1) - 4 * LEAST + Long.MIN_VALUE < PLAIN_RANGE;
    }

    private static boolean zero(long a) {
        return a << 1 == 0;
    }

    /** Neither infinite, NaN nor denormal. */
    private static boolean ordinary(long a) {
        return plain(a) || (a & EXPONENT) == LEAST || zero(a);
    }

    private static boolean denormal(long a) {
        return (a << 1) - 1 + Long.MIN_VALUE < 2 * LEAST - 1 + Long.MIN_VALUE;
    }

    public static boolean slowAdd64(int mode, long a, long b) {
        long r = bits(d(a) + d(b));
        return !(plain(r) || zero(r))
                || denormal(a)
                || denormal(b)
                || (mode != STICKY && inexactAdd64(mode, a, b));
    }

    static boolean inexactAdd64(int mode, long a, long b) {
        double x = d(a);
        double y = d(b);
        double s = x + y;
        double t = s - x;
        return mode == SLOW || (x - (s - t)) + (y - t) != 0;
    }

    public static long add64(long a, long b) {
        return bits(d(a) + d(b));
    }

    public static boolean slowSub64(int mode, long a, long b) {
        long r = bits(d(a) - d(b));
        return !(plain(r) || zero(r))
                || denormal(a)
                || denormal(b)
                || (mode != STICKY && inexactSub64(mode, a, b));
    }

    static boolean inexactSub64(int mode, long a, long b) {
        double x = d(a);
        double y = d(b);
        double s = x - y;
        double t = s - x;
        return mode == SLOW || (x - (s - t)) - (y + t) != 0;
    }

    public static long sub64(long a, long b) {
        return bits(d(a) - d(b));
    }

    public static boolean slowMul64(int mode, long a, long b) {
        long r = bits(d(a) * d(b));
        return !plain(r)
                ? unusualMul64(mode, a, b)
                : denormal(a) || denormal(b) || (mode != STICKY && inexactMul64(mode, a, b));
    }

    /** Products of zeros only are quick. */
    static boolean unusualMul64(int mode, long a, long b) {
        return mode == SLOW || !((zero(a) && ordinary(b)) || (zero(b) && ordinary(a)));
    }

    static boolean inexactMul64(int mode, long a, long b) {
        double p = d(a) * d(b);
        long r = bits(p);
        return mode == SLOW || (r & EXPONENT) < ERROR_LIMIT || Math.fma(d(a), d(b), -p) != 0;
    }

    public static long mul64(long a, long b) {
        return bits(d(a) * d(b));
    }

    public static boolean slowDiv64(int mode, long a, long b) {
        return !plain(bits(d(a) / d(b)))
                || denormal(a)
                || denormal(b)
                || (mode != STICKY && inexactDiv64(mode, a, b));
    }

    static boolean inexactDiv64(int mode, long a, long b) {
        double q = d(a) / d(b);
        return mode == SLOW || (a & EXPONENT) < ERROR_LIMIT || Math.fma(-q, d(b), d(a)) != 0;
    }

    public static long div64(long a, long b) {
        return bits(d(a) / d(b));
    }

    public static boolean slowSqrt64(int mode, long a, long b) {
        if (b < LEAST || b >= EXPONENT) {
            return true;
        }
        if (mode == STICKY) {
            return false;
        }
        double q = Math.sqrt(d(b));
        return mode == SLOW || b < ERROR_LIMIT || Math.fma(-q, q, d(b)) != 0;
    }

    public static long sqrt64(long a, long b) {
        return bits(Math.sqrt(d(b)));
    }

    public static boolean slowMin64(int mode, long a, long b) {
        return !ordinary(a) || !ordinary(b);
    }

    public static long min64(long a, long b) {
        return d(a) < d(b) ? a : b;
    }

    public static boolean slowMax64(int mode, long a, long b) {
        return !ordinary(a) || !ordinary(b);
    }

    public static long max64(long a, long b) {
        return d(a) > d(b) ? a : b;
    }

    // ------------------------------------------------------------------ single

    private static float f(long bits) {
        return Float.intBitsToFloat((int) bits);
    }

    private static int bits(float x) {
        return Float.floatToRawIntBits(x);
    }

    private static boolean plain(int r) {
        return (r << 1) - 4 * LEAST_32 + Integer.MIN_VALUE < PLAIN_RANGE_32;
    }

    private static boolean zero(int a) {
        return a << 1 == 0;
    }

    private static boolean ordinary(int a) {
        int e = a & EXPONENT_32;
        return e != EXPONENT_32 && (e != 0 || zero(a));
    }

    private static boolean denormal(int a) {
        return (a << 1) - 1 + Integer.MIN_VALUE < 2 * LEAST_32 - 1 + Integer.MIN_VALUE;
    }

    public static boolean slowAdd32(int mode, long a, long b) {
        int r = bits(f(a) + f(b));
        return !(plain(r) || zero(r))
                || denormal((int) a)
                || denormal((int) b)
                || (mode != STICKY && inexactAdd32(mode, a, b));
    }

    static boolean inexactAdd32(int mode, long a, long b) {
        float x = f(a);
        float y = f(b);
        float s = x + y;
        float t = s - x;
        return mode == SLOW || (x - (s - t)) + (y - t) != 0;
    }

    public static long add32(long a, long b) {
        return bits(f(a) + f(b)) & 0xFFFFFFFFL;
    }

    public static boolean slowSub32(int mode, long a, long b) {
        int r = bits(f(a) - f(b));
        return !(plain(r) || zero(r))
                || denormal((int) a)
                || denormal((int) b)
                || (mode != STICKY && inexactSub32(mode, a, b));
    }

    static boolean inexactSub32(int mode, long a, long b) {
        float x = f(a);
        float y = f(b);
        float s = x - y;
        float t = s - x;
        return mode == SLOW || (x - (s - t)) - (y + t) != 0;
    }

    public static long sub32(long a, long b) {
        return bits(f(a) - f(b)) & 0xFFFFFFFFL;
    }

    public static boolean slowMul32(int mode, long a, long b) {
        int r = bits(f(a) * f(b));
        return !plain(r)
                ? unusualMul32(mode, a, b)
                : denormal((int) a)
                        || denormal((int) b)
                        || (mode != STICKY && inexactMul32(mode, a, b));
    }

    /** Products of zeros only are quick. */
    static boolean unusualMul32(int mode, long a, long b) {
        return mode == SLOW
                || !((zero((int) a) && ordinary((int) b)) || (zero((int) b) && ordinary((int) a)));
    }

    static boolean inexactMul32(int mode, long a, long b) {
        float p = f(a) * f(b);
        return mode == SLOW || (double) f(a) * (double) f(b) != (double) p;
    }

    public static long mul32(long a, long b) {
        return bits(f(a) * f(b)) & 0xFFFFFFFFL;
    }

    public static boolean slowDiv32(int mode, long a, long b) {
        return !plain(bits(f(a) / f(b)))
                || denormal((int) a)
                || denormal((int) b)
                || (mode != STICKY && inexactDiv32(mode, a, b));
    }

    static boolean inexactDiv32(int mode, long a, long b) {
        float q = f(a) / f(b);
        return mode == SLOW || (double) q * (double) f(b) != (double) f(a);
    }

    public static long div32(long a, long b) {
        return bits(f(a) / f(b)) & 0xFFFFFFFFL;
    }

    public static boolean slowSqrt32(int mode, long a, long b) {
        int i = (int) b;
        if (i < LEAST_32 || i >= EXPONENT_32) {
            return true;
        }
        if (mode == STICKY) {
            return false;
        }
        float q = (float) Math.sqrt(f(b));
        return mode == SLOW || (double) q * (double) q != (double) f(b);
    }

    public static long sqrt32(long a, long b) {
        return bits((float) Math.sqrt(f(b))) & 0xFFFFFFFFL;
    }

    public static boolean slowMin32(int mode, long a, long b) {
        return !ordinary((int) a) || !ordinary((int) b);
    }

    public static long min32(long a, long b) {
        return (f(a) < f(b) ? a : b) & 0xFFFFFFFFL;
    }

    public static boolean slowMax32(int mode, long a, long b) {
        return !ordinary((int) a) || !ordinary((int) b);
    }

    public static long max32(long a, long b) {
        return (f(a) > f(b) ? a : b) & 0xFFFFFFFFL;
    }

    // ------------------------------------------------- comparisons, conversions

    /** UCOMISD and COMISD: no NaN and no denormal operand, so no flag of MXCSR. */
    public static boolean slowCompare64(long a, long b) {
        return !ordinary(a) || !ordinary(b);
    }

    public static boolean slowCompare32(long a, long b) {
        return !ordinary((int) a) || !ordinary((int) b);
    }

    /** flagResult of a comparison: only ZF is told from it. */
    public static long equal64(long a, long b) {
        return d(a) == d(b) ? 0 : 0x100;
    }

    public static long equal32(long a, long b) {
        return f(a) == f(b) ? 0 : 0x100;
    }

    /** flagAux of a comparison: CF, and no parity. */
    public static long less64(long a, long b) {
        return d(a) < d(b) ? 3L << 62 | 0x100 : 0x100;
    }

    public static long less32(long a, long b) {
        return f(a) < f(b) ? 3L << 62 | 0x100 : 0x100;
    }

    /** CVTSI2SD of 64 bits. */
    public static boolean slowFromLong64(int mode, long v) {
        return mode != STICKY && (mode == SLOW || v != v << 10 >> 10);
    }

    public static long fromLong64(long v) {
        return bits((double) v);
    }

    /** CVTTSD2SI to 64 bits. */
    public static boolean slowToLong64(int mode, long a) {
        double x = d(a);
        if (mode == SLOW || !(x > -9.2e18 && x < 9.2e18)) {
            return true;
        }
        return mode == EXACT && (double) (long) x != x;
    }

    public static long toLong64(long a) {
        return (long) d(a);
    }

    /** CVTTSD2SI to 32 bits. */
    public static boolean slowToInt64(int mode, long a) {
        double x = d(a);
        if (mode == SLOW || !(x > -2147483648.0 && x < 2147483647.0)) {
            return true;
        }
        return mode == EXACT && (double) (int) x != x;
    }

    public static long toInt64(long a) {
        return (int) d(a) & 0xFFFFFFFFL;
    }

    /** CVTSS2SD: exact. */
    public static boolean slowWiden(long a) {
        return !ordinary((int) a);
    }

    public static long widen(long a) {
        return bits((double) f(a));
    }

    /** CVTSD2SS. */
    public static boolean slowNarrow(int mode, long a) {
        float r = (float) d(a);
        if (!plain(bits(r)) || denormal(a)) {
            return !(mode != SLOW && zero(a));
        }
        return mode != STICKY && (mode == SLOW || (double) r != d(a));
    }

    public static long narrow(long a) {
        return bits((float) d(a)) & 0xFFFFFFFFL;
    }
}
