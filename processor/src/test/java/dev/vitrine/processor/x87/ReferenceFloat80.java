// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import java.math.BigInteger;

/**
 * A slow, plain model of rounding to the 80-bit format: exact rationals of big integers. It shares
 * no code with {@link Float80Arithmetic}.
 */
final class ReferenceFloat80 {
    private static final int PRECISION_EXPONENT_BIAS = 16383;

    long mantissa;
    int exponent;
    int flags;

    private ReferenceFloat80() {}

    /** Integer n with value(m, e) = n * 2^-16445, sign included. */
    static BigInteger scaled(long m, int e) {
        int x = Math.max(e & 0x7FFF, 1);
        BigInteger n = unsigned(m).shiftLeft(x - 1);
        return (e & 0x8000) != 0 ? n.negate() : n;
    }

    /** The unit of {@link #scaled} is 2^-SCALE. */
    static final int SCALE = 16445;

    static BigInteger unsigned(long m) {
        return new BigInteger(Long.toUnsignedString(m));
    }

    static int precision(int control) {
        return switch (control >>> 8 & 3) {
            case 0 -> 24;
            case 2 -> 53;
            default -> 64;
        };
    }

    /**
     * Rounds a non-zero rational.
     *
     * @param numerator sign and magnitude
     * @param denominator positive
     * @param power value = numerator / denominator * 2^power
     */
    static ReferenceFloat80 round(
            BigInteger numerator, BigInteger denominator, int power, int control, int precision) {
        ReferenceFloat80 r = new ReferenceFloat80();
        boolean negative = numerator.signum() < 0;
        BigInteger n = numerator.abs();
        // floor(log2(n / denominator)) + power
        int log = n.bitLength() - denominator.bitLength();
        if (compareScaled(n, denominator, log) < 0) {
            log--;
        }
        int exponent = log + power;
        boolean[] state = new boolean[2];
        BigInteger unbounded =
                quantize(n, denominator, power, exponent - precision + 1, negative, control, state);
        int rounded = unbounded.bitLength() > precision ? exponent + 1 : exponent;
        int sign = negative ? 0x8000 : 0;
        if (rounded > 16383) {
            boolean masked = (control & Float80.OE) != 0;
            if (masked) {
                int rc = control >>> 10 & 3;
                boolean infinite = rc == 0 || (rc == 2 && !negative) || (rc == 1 && negative);
                r.flags = Float80.OE | Float80.PE | (infinite ? Float80.C1 : 0);
                r.mantissa = infinite ? Long.MIN_VALUE : -1L << (64 - precision);
                r.exponent = sign | (infinite ? 0x7FFF : 0x7FFE);
                return r;
            }
            r.flags = Float80.OE | inexact(state);
            r.store(unbounded, sign, rounded - 24576);
            return r;
        }
        if (rounded < -16382) {
            if ((control & Float80.UE) == 0) {
                r.flags = Float80.UE | inexact(state);
                r.store(unbounded, sign, rounded + 24576);
                return r;
            }
            // The register's significand at exponent 1, cut to the precision from its top.
            BigInteger q =
                    quantize(
                            n,
                            denominator,
                            power,
                            -16382 - precision + 1,
                            negative,
                            control,
                            state);
            r.flags = inexact(state) | (state[0] ? Float80.UE : 0);
            r.mantissa = q.shiftLeft(64 - precision).longValue();
            r.exponent = sign | (r.mantissa < 0 ? 1 : 0);
            return r;
        }
        r.flags = inexact(state);
        r.store(unbounded, sign, rounded);
        return r;
    }

    private static int inexact(boolean[] state) {
        return (state[0] ? Float80.PE : 0) | (state[1] ? Float80.C1 : 0);
    }

    private void store(BigInteger significand, int sign, int unbiased) {
        mantissa = significand.shiftLeft(64 - significand.bitLength()).longValue();
        exponent = sign | (unbiased + PRECISION_EXPONENT_BIAS);
    }

    private static int compareScaled(BigInteger n, BigInteger d, int log) {
        return log >= 0 ? n.compareTo(d.shiftLeft(log)) : n.shiftLeft(-log).compareTo(d);
    }

    /** n/d * 2^power in units of 2^unit, rounded; state: inexact, rounded up. */
    private static BigInteger quantize(
            BigInteger n,
            BigInteger d,
            int power,
            int unit,
            boolean negative,
            int control,
            boolean[] state) {
        int shift = power - unit;
        BigInteger a = shift >= 0 ? n.shiftLeft(shift) : n;
        BigInteger b = shift >= 0 ? d : d.shiftLeft(-shift);
        BigInteger[] qr = a.divideAndRemainder(b);
        state[0] = qr[1].signum() != 0;
        int c = qr[1].shiftLeft(1).compareTo(b);
        boolean up =
                state[0]
                        && switch (control >>> 10 & 3) {
                            case 0 -> c > 0 || (c == 0 && qr[0].testBit(0));
                            case 1 -> negative;
                            case 2 -> !negative;
                            default -> false;
                        };
        state[1] = up;
        return up ? qr[0].add(BigInteger.ONE) : qr[0];
    }
}
