// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigInteger;

class Float80RemainderTest {
    private static final int CASES = 12_000;
    private final RandomOperands a = new RandomOperands(7);
    private final RandomOperands b = new RandomOperands(8);
    private final Float80 r = new Float80();

    /** Runs partial remainders until C2 is clear; the last one's quotient bits count. */
    private int reduce(boolean nearest) {
        long m = a.mantissa;
        int e = a.exponent;
        int rounds = 0;
        do {
            Float80Remainder.remainder(r, m, e, b.mantissa, b.exponent, 0x37F, nearest);
            if ((r.flags & Float80.C2) != 0) {
                int before = ReferenceFloat80.scaled(m, e).bitLength();
                int after = ReferenceFloat80.scaled(r.mantissa, r.exponent).bitLength();
                assertThat(before - after)
                        .as("bits gone in a partial step")
                        .isGreaterThanOrEqualTo(31);
            }
            m = r.mantissa;
            e = r.exponent;
            assertThat(++rounds).isLessThan(1100);
        } while ((r.flags & Float80.C2) != 0);
        return ((r.flags & Float80.C0) != 0 ? 4 : 0)
                | ((r.flags & Float80.C3) != 0 ? 2 : 0)
                | ((r.flags & Float80.C1) != 0 ? 1 : 0);
    }

    @Test
    void truncatesTheQuotient() {
        for (int n = 0; n < CASES; n++) {
            operands();
            int bits = reduce(false);
            BigInteger x = ReferenceFloat80.scaled(a.mantissa, a.exponent);
            BigInteger y = ReferenceFloat80.scaled(b.mantissa, b.exponent);
            BigInteger[] qr = x.divideAndRemainder(y);
            check(qr[1], qr[0].abs(), bits, "FPREM");
        }
    }

    @Test
    void roundsTheQuotientToNearestEven() {
        for (int n = 0; n < CASES; n++) {
            operands();
            int bits = reduce(true);
            BigInteger x = ReferenceFloat80.scaled(a.mantissa, a.exponent);
            BigInteger y = ReferenceFloat80.scaled(b.mantissa, b.exponent).abs();
            BigInteger[] qr = x.abs().divideAndRemainder(y);
            int c = qr[1].shiftLeft(1).compareTo(y);
            if (c > 0 || (c == 0 && qr[0].testBit(0))) {
                qr[0] = qr[0].add(BigInteger.ONE);
                qr[1] = qr[1].subtract(y);
            }
            check(x.signum() < 0 ? qr[1].negate() : qr[1], qr[0], bits, "FPREM1");
        }
    }

    private void operands() {
        a.finite();
        b.finite();
        if (a.random.nextInt(4) != 0) {
            int e = (a.exponent & 0x7FFF) - a.random.nextInt(-2, 70);
            if (e > 0 && e < 0x7FFF) {
                b.exponent = b.exponent & 0x8000 | e;
                b.mantissa |= Long.MIN_VALUE;
            }
        }
    }

    private void check(BigInteger remainder, BigInteger quotient, int bits, String operation) {
        String what =
                String.format(
                        "%s of %016x:%04x and %016x:%04x",
                        operation, a.mantissa, a.exponent, b.mantissa, b.exponent);
        if (remainder.signum() == 0) {
            assertThat(r.mantissa).as(what).isZero();
            assertThat(r.exponent).as(what).isEqualTo(a.exponent & 0x8000);
        } else {
            assertThat(ReferenceFloat80.scaled(r.mantissa, r.exponent))
                    .as(what)
                    .isEqualTo(remainder);
        }
        assertThat(bits).as(what).isEqualTo(quotient.intValue() & 7);
    }

    @Test
    void scalesByPowersOfTwo() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            b.finite();
            int control = a.control() | 0x300;
            int power = (b.exponent & 0x7FFF) - 16383;
            if (power > 14) {
                continue;
            }
            int k = power < 0 ? 0 : (int) (b.mantissa >>> (63 - power));
            if ((b.exponent & 0x8000) != 0) {
                k = -k;
            }
            Float80Remainder.scale(r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            int x = Math.max(a.exponent & 0x7FFF, 1) - 16383 - 63 + k;
            int top = x + 64 - Long.numberOfLeadingZeros(a.mantissa);
            if (top < -16382 - 24500 || top > 16383 + 24500) {
                continue;
            }
            BigInteger m = ReferenceFloat80.unsigned(a.mantissa);
            ReferenceFloat80 expected =
                    ReferenceFloat80.round(
                            (a.exponent & 0x8000) != 0 ? m.negate() : m,
                            BigInteger.ONE,
                            x,
                            control,
                            64);
            assertThat(r.mantissa).isEqualTo(expected.mantissa);
            assertThat(r.exponent).isEqualTo(expected.exponent);
            assertThat(r.flags & ~Float80.DE).isEqualTo(expected.flags);
        }
    }

    @Test
    void splitsValues() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            Float80Remainder.exponentOf(r, a.mantissa, a.exponent);
            long exponent =
                    Float80Conversions.toInteger(new Float80(), r.mantissa, r.exponent, 0, 32);
            Float80Remainder.significandOf(r, a.mantissa, a.exponent);
            assertThat(r.exponent & 0x7FFF).isEqualTo(16383);
            BigInteger value = ReferenceFloat80.scaled(a.mantissa, a.exponent);
            BigInteger m = ReferenceFloat80.unsigned(r.mantissa);
            assertThat(m.shiftLeft((int) exponent + ReferenceFloat80.SCALE).shiftRight(63))
                    .isEqualTo(value.abs());
        }
    }
}
