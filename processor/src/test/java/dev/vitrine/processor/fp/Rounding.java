// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/**
 * A slow, independent model of rounding: the exact value is a decimal fraction, its neighbours in
 * the format are found by comparison.
 */
final class Rounding {
    private static final MathContext DIGITS = new MathContext(900, RoundingMode.DOWN);

    /** Moves tiny values to where the exponent does not bound the precision. */
    private static final int SCALE = 250;

    private final boolean single;
    private final int mode;

    /** The result's bits, after {@link #round}. */
    long bits;

    /** The flags OE, UE and PE, with everything masked. */
    int flags;

    Rounding(boolean single, int mode) {
        this.single = single;
        this.mode = mode;
    }

    private double maximum() {
        return single ? Float.MAX_VALUE : Double.MAX_VALUE;
    }

    private double leastNormal() {
        return single ? Float.MIN_NORMAL : Double.MIN_NORMAL;
    }

    /** Greatest value of the format that is not above x, or minus infinity. */
    private double below(BigDecimal x) {
        double d = single ? x.floatValue() : x.doubleValue();
        if (Double.isInfinite(d)) {
            return d > 0 ? maximum() : d;
        }
        if (new BigDecimal(d).compareTo(x) > 0) {
            d = single ? Math.nextDown((float) d) : Math.nextDown(d);
        }
        return d;
    }

    private double next(double d) {
        return single ? Math.nextUp((float) d) : Math.nextUp(d);
    }

    private double nearest(BigDecimal x) {
        return single ? x.floatValue() : x.doubleValue();
    }

    private double rounded(BigDecimal x) {
        double down = below(x);
        boolean exact = !Double.isInfinite(down) && new BigDecimal(down).compareTo(x) == 0;
        if (exact) {
            return down;
        }
        return switch (mode) {
            case 0 -> nearest(x);
            case 1 -> down;
            case 2 -> next(down);
            default -> x.signum() > 0 ? down : next(down);
        };
    }

    /** Rounds a value other than zero. */
    void round(BigDecimal x) {
        double r = rounded(x);
        flags = 0;
        boolean overflow = Double.isInfinite(r) || (Math.abs(r) == maximum() && beyondMaximum(x));
        if (overflow) {
            flags = FpEnv.OE | FpEnv.PE;
        } else if (new BigDecimal(r).compareTo(x) != 0) {
            flags = FpEnv.PE;
            if (x.abs().compareTo(new BigDecimal(leastNormal())) < 0) {
                // Tiny if so after rounding with an unbounded exponent.
                BigDecimal scale = BigDecimal.TWO.pow(single ? 60 : SCALE);
                double scaled = rounded(x.multiply(scale));
                if (new BigDecimal(scaled)
                                .abs()
                                .compareTo(new BigDecimal(leastNormal()).multiply(scale))
                        < 0) {
                    flags |= FpEnv.UE;
                }
            }
        }
        if (r == 0 && x.signum() < 0) {
            r = -0.0;
        }
        bits =
                single
                        ? Float.floatToRawIntBits((float) r) & 0xFFFF_FFFFL
                        : Double.doubleToRawLongBits(r);
    }

    /** Whether rounding with an unbounded exponent leaves the format: tried on half the value. */
    private boolean beyondMaximum(BigDecimal x) {
        return Math.abs(rounded(x.divide(BigDecimal.TWO))) > maximum() / 2;
    }

    /** Quotient with a digit below that is not zero if it is not exact. */
    static BigDecimal divide(BigDecimal a, BigDecimal b) {
        BigDecimal q = a.divide(b, DIGITS);
        return sticky(q, q.multiply(b).compareTo(a) == 0);
    }

    /** Root with more than 100 bits, by whole numbers. */
    static BigDecimal squareRoot(double a) {
        int exponent = Math.getExponent(a) - 200 & -2;
        BigInteger scaled = new BigDecimal(a).multiply(power(-exponent)).toBigIntegerExact();
        BigInteger root = scaled.sqrt();
        boolean exact = root.multiply(root).equals(scaled);
        BigInteger twice = root.shiftLeft(1);
        return new BigDecimal(exact ? twice : twice.setBit(0)).multiply(power(exponent / 2 - 1));
    }

    private static BigDecimal power(int n) {
        BigDecimal p = BigDecimal.TWO.pow(Math.abs(n));
        return n >= 0 ? p : BigDecimal.ONE.divide(p);
    }

    private static BigDecimal sticky(BigDecimal q, boolean exact) {
        if (exact) {
            return q;
        }
        BigDecimal tail = new BigDecimal(BigInteger.ONE, q.scale() + 1);
        return q.signum() < 0 ? q.subtract(tail) : q.add(tail);
    }
}
