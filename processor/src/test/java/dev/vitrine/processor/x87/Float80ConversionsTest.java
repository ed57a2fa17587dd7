// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;

class Float80ConversionsTest {
    private static final int CASES = 40_000;
    private static final RoundingMode[] MODES = {
        RoundingMode.HALF_EVEN, RoundingMode.FLOOR, RoundingMode.CEILING, RoundingMode.DOWN
    };
    private final RandomOperands a = new RandomOperands(21);
    private final Float80 r = new Float80();

    @Test
    void singlesAndDoublesSurviveTheWayThereAndBack() {
        for (int n = 0; n < CASES; n++) {
            long bits = a.random.nextLong();
            if (n % 3 == 0) {
                bits &= 0x800FFFFFFFFFFFFFL;
            }
            double d = Double.longBitsToDouble(bits);
            Float80Conversions.fromDouble(r, bits);
            boolean denormal = d != 0 && Math.abs(d) < Double.MIN_NORMAL;
            assertThat((r.flags & Float80.DE) != 0).isEqualTo(denormal);
            if (!Double.isNaN(d)) {
                assertThat(
                                Float80Conversions.toDouble(
                                        new Float80(), r.mantissa, r.exponent, 0x37F))
                        .isEqualTo(bits);
            }
            int word = (int) (bits >>> 32) & (n % 3 == 0 ? 0x807FFFFF : -1);
            Float80Conversions.fromSingle(r, word);
            if (!Float.isNaN(Float.intBitsToFloat(word))) {
                assertThat(
                                Float80Conversions.toSingle(
                                        new Float80(), r.mantissa, r.exponent, 0x37F))
                        .isEqualTo(word);
            }
        }
    }

    /** The exact value as a decimal; only for exponents near those of doubles. */
    private static BigDecimal value(long m, int e) {
        int power = Math.max(e & 0x7FFF, 1) - 16383 - 63;
        BigDecimal v = new BigDecimal(ReferenceFloat80.unsigned(m));
        BigDecimal two = BigDecimal.valueOf(2);
        v = power >= 0 ? v.multiply(two.pow(power)) : v.divide(two.pow(-power));
        return (e & 0x8000) != 0 ? v.negate() : v;
    }

    @Test
    void narrowsToDoubleAndSingleAsTheHostDoes() {
        for (int n = 0; n < CASES / 8; n++) {
            a.finite();
            a.mantissa |= Long.MIN_VALUE;
            int range = n % 2 == 0 ? 1090 : 160;
            a.exponent = a.exponent & 0x8000 | 16383 + a.random.nextInt(-range, range);
            BigDecimal v = value(a.mantissa, a.exponent);
            long d = Float80Conversions.toDouble(r, a.mantissa, a.exponent, 0x37F);
            assertThat(d)
                    .as("%016x:%04x", a.mantissa, a.exponent)
                    .isEqualTo(Double.doubleToRawLongBits(v.doubleValue()));
            boolean infinite = Double.isInfinite(Double.longBitsToDouble(d));
            boolean inexact =
                    infinite || new BigDecimal(Double.longBitsToDouble(d)).compareTo(v) != 0;
            assertThat((r.flags & Float80.PE) != 0).isEqualTo(inexact);
            int f = Float80Conversions.toSingle(r, a.mantissa, a.exponent, 0x37F);
            assertThat(f)
                    .as("%016x:%04x", a.mantissa, a.exponent)
                    .isEqualTo(Float.floatToRawIntBits(v.floatValue()));
        }
    }

    @Test
    void narrowsInTheOtherRoundingModes() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            a.mantissa |= Long.MIN_VALUE;
            a.exponent = a.exponent & 0x8000 | 16383 + a.random.nextInt(-1000, 1000);
            int rounding = 1 + n % 3;
            long bits =
                    Float80Conversions.toDouble(r, a.mantissa, a.exponent, 0x37F | rounding << 10);
            boolean away = a.exponent >= 0x8000 ? rounding == 1 : rounding == 2;
            long truncated =
                    (a.exponent & 0x8000L) << 48
                            | (long) ((a.exponent & 0x7FFF) - 16383 + 1023) << 52
                            | (a.mantissa & Long.MAX_VALUE) >>> 11;
            boolean inexact = (a.mantissa & 0x7FF) != 0;
            assertThat(bits).isEqualTo(truncated + (away && inexact ? 1 : 0));
            assertThat((r.flags & Float80.C1) != 0).isEqualTo(away && inexact);
        }
    }

    @Test
    void roundsToIntegers() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            int rounding = n & 3;
            int power = a.random.nextInt(-3, 66);
            if ((a.exponent & 0x7FFF) != 0) {
                a.exponent = a.exponent & 0x8000 | 16383 + power;
            }
            int bits = 16 << a.random.nextInt(3);
            BigInteger expected = rounded(rounding);
            long got = Float80Conversions.toInteger(r, a.mantissa, a.exponent, rounding, bits);
            if (expected.bitLength() >= bits) {
                assertThat(r.flags).isEqualTo(Float80.IE);
                assertThat(got).isEqualTo(1L << (bits - 1));
            } else {
                assertThat(BigInteger.valueOf(got))
                        .as("%016x:%04x rounding %d", a.mantissa, a.exponent, rounding)
                        .isEqualTo(expected);
                assertThat(r.flags & Float80.IE).isZero();
            }
            Float80Conversions.roundToInteger(r, a.mantissa, a.exponent, rounding << 10 | 0x37F);
            assertThat(
                            ReferenceFloat80.scaled(r.mantissa, r.exponent)
                                    .shiftRight(ReferenceFloat80.SCALE))
                    .isEqualTo(expected);
        }
    }

    private BigInteger rounded(int rounding) {
        if ((a.exponent & 0x7FFF) == 0) {
            // Tiny: only directed rounding leaves zero.
            boolean negative = a.exponent != 0;
            return rounding == 1 && negative
                    ? BigInteger.ONE.negate()
                    : rounding == 2 && !negative ? BigInteger.ONE : BigInteger.ZERO;
        }
        return value(a.mantissa, a.exponent).setScale(0, MODES[rounding]).toBigIntegerExact();
    }

    @Test
    void integersAreExact() {
        for (int n = 0; n < CASES; n++) {
            long i = a.random.nextLong() >> a.random.nextInt(64);
            Float80Conversions.fromInteger(r, i);
            assertThat(r.flags).isZero();
            assertThat(Float80Conversions.toInteger(new Float80(), r.mantissa, r.exponent, 0, 64))
                    .isEqualTo(i);
        }
    }

    @Test
    void convertsPackedDecimals() {
        for (int n = 0; n < CASES; n++) {
            long i = a.random.nextLong(1_000_000_000_000_000_000L) >> a.random.nextInt(60);
            boolean negative = a.random.nextBoolean();
            BigInteger bcd = new BigInteger(Long.toString(i), 16);
            int high = bcd.shiftRight(64).intValue() | (negative ? 0x8000 : 0);
            Float80Conversions.fromDecimal(r, bcd.longValue(), high);
            long m = r.mantissa;
            int e = r.exponent;
            assertThat(ReferenceFloat80.scaled(m, e))
                    .isEqualTo(
                            BigInteger.valueOf(negative ? -i : i)
                                    .shiftLeft(ReferenceFloat80.SCALE));
            assertThat(Float80Conversions.toDecimal(r, m, e, 0)).isEqualTo(bcd.longValue());
            assertThat(r.exponent).isEqualTo(high);
            assertThat(r.flags).isZero();
        }
    }

    @Test
    void decimalsThatDoNotFitAreIndefinite() {
        Float80Conversions.fromInteger(r, 1_000_000_000_000_000_000L);
        long low = Float80Conversions.toDecimal(r, r.mantissa, r.exponent, 0);
        assertThat(r.flags).isEqualTo(Float80.IE);
        assertThat(r.exponent).isEqualTo(0xFFFF);
        assertThat(low).isEqualTo(0xC000000000000000L);
    }
}
