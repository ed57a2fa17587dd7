// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import java.math.BigInteger;

/**
 * Power series in 128-bit fixed point and the constants of the transcendental functions. The tables
 * are worked out exactly once, when the first such instruction runs.
 */
final class Series {
    private static final BigInteger ONE = BigInteger.ONE.shiftLeft(128);
    private static final int GUARD = 64;
    private static final BigInteger MASK = BigInteger.ONE.shiftLeft(64).subtract(BigInteger.ONE);

    /** 1/3!, 1/5!, 1/7! ...: sin x = x (1 - u (s0 - u (s1 - ...))), u = x². */
    static final long[] SIN = new long[2 * 20];

    /** 1/2!, 1/4!, 1/6! ... */
    static final long[] COS = new long[2 * 20];

    /** 1/2!, 1/3!, 1/4! ... */
    static final long[] EXP = new long[2 * 40];

    /** 1/3, 1/5, 1/7 ... */
    static final long[] ODD = new long[2 * 32];

    /**
     * atan(n/8) for n = 0 to 8: high and low half and exponent are in Wide's form, of atan * 2^128.
     */
    static final long[] ATAN = new long[2 * 9];

    /** Pi * 2^126, truncated. */
    static final long PI_HI;

    static final long PI_LO;

    /** ln 2 * 2^128 and log2(e) * 2^127. */
    static final long LN2_HI;

    static final long LN2_LO;
    static final long LOG2E_HI;
    static final long LOG2E_LO;

    static {
        BigInteger factorial = BigInteger.ONE;
        for (int n = 2; n < 42; n++) {
            factorial = factorial.multiply(BigInteger.valueOf(n));
            BigInteger c = ONE.divide(factorial);
            put(EXP, n - 2, c);
            put((n & 1) == 0 ? COS : SIN, (n - 2) / 2, c);
        }
        for (int n = 0; n < 32; n++) {
            put(ODD, n, ONE.divide(BigInteger.valueOf(2L * n + 3)));
        }
        for (int n = 1; n <= 8; n++) {
            put(ATAN, n, arcTangent(n, 8, -1).shiftRight(GUARD));
        }
        BigInteger pi =
                arcTangent(1, 5, -1)
                        .shiftLeft(2)
                        .subtract(arcTangent(1, 239, -1))
                        .shiftLeft(2)
                        .shiftRight(GUARD + 2);
        PI_HI = high(pi);
        PI_LO = pi.longValue();
        BigInteger ln2 = arcTangent(1, 3, 1).shiftLeft(1);
        BigInteger scale = BigInteger.ONE.shiftLeft(128 + GUARD);
        BigInteger log2e = scale.multiply(scale).divide(ln2).shiftRight(GUARD + 1);
        ln2 = ln2.shiftRight(GUARD);
        LN2_HI = high(ln2);
        LN2_LO = ln2.longValue();
        LOG2E_HI = high(log2e);
        LOG2E_LO = log2e.longValue();
    }

    private Series() {}

    private static long high(BigInteger v) {
        return v.shiftRight(64).and(MASK).longValue();
    }

    private static void put(long[] table, int n, BigInteger v) {
        table[2 * n] = high(v);
        table[2 * n + 1] = v.longValue();
    }

    /** atan(p/q) (sign -1) or atanh(p/q) (sign 1), times 2^(128 + GUARD). */
    private static BigInteger arcTangent(int p, int q, int sign) {
        if (p == q) {
            // atan 1 = atan 1/2 + atan 1/3
            return arcTangent(1, 2, sign).add(arcTangent(1, 3, sign));
        }
        BigInteger p2 = BigInteger.valueOf((long) p * p);
        BigInteger q2 = BigInteger.valueOf((long) q * q);
        BigInteger power =
                ONE.shiftLeft(GUARD).multiply(BigInteger.valueOf(p)).divide(BigInteger.valueOf(q));
        BigInteger sum = BigInteger.ZERO;
        for (int n = 1; power.signum() != 0; n += 2) {
            BigInteger term = power.divide(BigInteger.valueOf(n));
            sum = sign < 0 && (n & 2) != 0 ? sum.subtract(term) : sum.add(term);
            power = power.multiply(p2).divide(q2);
        }
        return sum;
    }

    /**
     * Evaluates {@code u (c0 + s u (c1 + s u (c2 + ...)))} as a 128-bit fraction, s being 1 or -1.
     * The argument and the result are fractions of 2^128 in hi and lo of the number; its exponent
     * and sign are not touched.
     */
    static void evaluate(Wide u, long[] coefficients, boolean alternating) {
        long uh = u.hi;
        long ul = u.lo;
        // u^n is below 2^-128 from this n on.
        int zeros = Long.numberOfLeadingZeros(uh);
        int n = zeros == 0 ? coefficients.length / 2 - 1 : 130 / zeros;
        n = Math.min(n, coefficients.length / 2 - 1);
        u.hi = coefficients[2 * n];
        u.lo = coefficients[2 * n + 1];
        while (true) {
            u.multiplyHigh(uh, ul);
            if (--n < 0) {
                return;
            }
            long ch = coefficients[2 * n];
            long cl = coefficients[2 * n + 1];
            if (alternating) {
                long l = cl - u.lo;
                u.hi = ch - u.hi - (Long.compareUnsigned(cl, u.lo) < 0 ? 1 : 0);
                u.lo = l;
            } else {
                long l = cl + u.lo;
                u.hi = ch + u.hi + (Long.compareUnsigned(l, cl) < 0 ? 1 : 0);
                u.lo = l;
            }
        }
    }

    /** Turns a number below one into a fraction of 2^128 in hi and lo. */
    static void toFraction(Wide u) {
        int shift = -1 - u.exponent;
        if (shift >= 128) {
            u.hi = 0;
            u.lo = 0;
        } else if (shift >= 64) {
            u.lo = u.hi >>> shift;
            u.hi = 0;
        } else if (shift > 0) {
            u.lo = u.lo >>> shift | u.hi << -shift;
            u.hi >>>= shift;
        }
    }

    /**
     * 1 - f, f a fraction of 2^128; what vanishes below the last bit still makes it less than one.
     */
    static void oneMinus(Wide f) {
        f.negative = false;
        f.exponent = -1;
        f.lo = -f.lo;
        f.hi = -f.hi - (f.lo != 0 ? 1 : 0);
        if (f.hi == 0 && f.lo == 0) {
            f.hi = -1L;
            f.lo = -1L;
        } else {
            f.normalize();
        }
    }

    /** 1 + f, f a fraction of 2^128. */
    static void onePlus(Wide f) {
        f.negative = false;
        f.exponent = 0;
        f.lo = f.lo >>> 1 | f.hi << 63 | 1;
        f.hi = f.hi >>> 1 | Long.MIN_VALUE;
    }
}
