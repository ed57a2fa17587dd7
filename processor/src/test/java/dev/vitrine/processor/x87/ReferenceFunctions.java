// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import java.math.BigInteger;

/**
 * Transcendental functions in fixed point with 400 fractional bits, by plain Taylor series after
 * halving; shares nothing with {@link Transcendentals}.
 */
final class ReferenceFunctions {
    static final int BITS = 400;
    static final BigInteger ONE = BigInteger.ONE.shiftLeft(BITS);
    static final BigInteger PI = arcTangent(ONE).shiftLeft(2);
    static final BigInteger LN2 = logarithm(ONE.shiftLeft(1));

    private ReferenceFunctions() {}

    private static BigInteger multiply(BigInteger a, BigInteger b) {
        return a.multiply(b).shiftRight(BITS);
    }

    static BigInteger divide(BigInteger a, BigInteger b) {
        return a.shiftLeft(BITS).divide(b);
    }

    /** e^x - 1 by its series; x at most about 1. */
    static BigInteger exponentialMinusOne(BigInteger x) {
        BigInteger sum = BigInteger.ZERO;
        BigInteger term = ONE;
        for (int n = 1; n < 120; n++) {
            term = multiply(term, x).divide(BigInteger.valueOf(n));
            sum = sum.add(term);
        }
        return sum;
    }

    static BigInteger sine(BigInteger x) {
        BigInteger sum = x;
        BigInteger term = x;
        BigInteger square = multiply(x, x);
        for (int n = 2; n < 160; n += 2) {
            term = multiply(term, square).divide(BigInteger.valueOf((long) n * (n + 1))).negate();
            sum = sum.add(term);
        }
        return sum;
    }

    static BigInteger cosine(BigInteger x) {
        BigInteger sum = ONE;
        BigInteger term = ONE;
        BigInteger square = multiply(x, x);
        for (int n = 1; n < 160; n += 2) {
            term = multiply(term, square).divide(BigInteger.valueOf((long) n * (n + 1))).negate();
            sum = sum.add(term);
        }
        return sum;
    }

    /** By halving the angle eight times: atan x = 2 atan(x / (1 + sqrt(1 + x²))). */
    static BigInteger arcTangent(BigInteger x) {
        for (int n = 0; n < 8; n++) {
            BigInteger root = ONE.add(multiply(x, x)).shiftLeft(BITS).sqrt();
            x = divide(x, ONE.add(root));
        }
        BigInteger sum = BigInteger.ZERO;
        BigInteger power = x;
        BigInteger square = multiply(x, x);
        for (int n = 1; n < 80; n += 2) {
            BigInteger term = power.divide(BigInteger.valueOf(n));
            sum = (n & 2) == 0 ? sum.add(term) : sum.subtract(term);
            power = multiply(power, square);
        }
        return sum.shiftLeft(8);
    }

    /** By eight square roots: ln x = 2^8 * 2 atanh((y - 1) / (y + 1)), y = x^(2^-8). */
    static BigInteger logarithm(BigInteger x) {
        for (int n = 0; n < 8; n++) {
            x = x.shiftLeft(BITS).sqrt();
        }
        BigInteger s = divide(x.subtract(ONE), x.add(ONE));
        BigInteger sum = BigInteger.ZERO;
        BigInteger power = s;
        BigInteger square = multiply(s, s);
        for (int n = 1; n < 80; n += 2) {
            sum = sum.add(power.divide(BigInteger.valueOf(n)));
            power = multiply(power, square);
        }
        return sum.shiftLeft(9);
    }
}
