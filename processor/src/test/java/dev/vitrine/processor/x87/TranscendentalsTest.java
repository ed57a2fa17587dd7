// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigInteger;

/** Results against 400-bit fixed point: correctly rounded in all four modes. */
class TranscendentalsTest {
    private static final int CASES = 800;

    /** The processor's pi for argument reduction, 66 bits. */
    private static final BigInteger PI_66 =
            new BigInteger("3243F6A8885A308D3", 16).shiftLeft(ReferenceFunctions.BITS - 64);

    private final RandomOperands a = new RandomOperands(5);
    private final RandomOperands b = new RandomOperands(6);
    private final Float80 r = new Float80();

    private static void draw(RandomOperands v, int low, int high) {
        v.finite();
        v.mantissa |= Long.MIN_VALUE;
        v.exponent = v.exponent & 0x8000 | 16383 + v.random.nextInt(low, high);
    }

    /** The value with BITS fractional bits; exponents must not be too low. */
    private static BigInteger fixed(RandomOperands v) {
        int shift = (v.exponent & 0x7FFF) - 16383 - 63 + ReferenceFunctions.BITS;
        BigInteger m = ReferenceFloat80.unsigned(v.mantissa);
        m = shift >= 0 ? m.shiftLeft(shift) : m.shiftRight(-shift);
        return (v.exponent & 0x8000) != 0 ? m.negate() : m;
    }

    private void check(String function, BigInteger numerator, BigInteger denominator, int control) {
        ReferenceFloat80 expected = ReferenceFloat80.round(numerator, denominator, 0, control, 64);
        assertThat(String.format("%016x:%04x flags %03x", r.mantissa, r.exponent, r.flags))
                .as(
                        "%s of %016x:%04x (and %016x:%04x), control %03x",
                        function, a.mantissa, a.exponent, b.mantissa, b.exponent, control)
                .isEqualTo(
                        String.format(
                                "%016x:%04x flags %03x",
                                expected.mantissa, expected.exponent, expected.flags));
    }

    private void check(String function, BigInteger value, int control) {
        check(function, value, ReferenceFunctions.ONE, control);
    }

    @Test
    void sinesCosinesAndTangents() {
        for (int n = 0; n < CASES; n++) {
            draw(a, -30, n % 3 == 0 ? 63 : 4);
            int control = 0x7F | (n & 3) << 10;
            BigInteger x = fixed(a);
            // Nearest multiple of half of pi, by the processor's pi.
            BigInteger half = PI_66.shiftRight(1);
            BigInteger[] qr = x.abs().divideAndRemainder(half);
            if (qr[1].shiftLeft(1).compareTo(half) > 0) {
                qr[0] = qr[0].add(BigInteger.ONE);
                qr[1] = qr[1].subtract(half);
            }
            BigInteger sine = ReferenceFunctions.sine(qr[1]);
            BigInteger cosine = ReferenceFunctions.cosine(qr[1]);
            int quadrant = qr[0].intValue() & 3;
            BigInteger s = (quadrant & 1) == 0 ? sine : cosine;
            BigInteger c = (quadrant & 1) == 0 ? cosine : sine.negate();
            if ((quadrant & 2) != 0) {
                s = s.negate();
                c = c.negate();
            }
            if (x.signum() < 0) {
                s = s.negate();
            }
            Transcendentals.sine(r, a.mantissa, a.exponent, control);
            check("sine", s, control);
            Transcendentals.cosine(r, a.mantissa, a.exponent, control);
            check("cosine", c, control);
            Transcendentals.tangent(r, a.mantissa, a.exponent, control);
            check("tangent", c.signum() < 0 ? s.negate() : s, c.abs(), control);
        }
    }

    @Test
    void powersOfTwoLessOne() {
        for (int n = 0; n < CASES; n++) {
            draw(a, -60, 0);
            int control = 0x7F | (n & 3) << 10;
            BigInteger y =
                    fixed(a).multiply(ReferenceFunctions.LN2).shiftRight(ReferenceFunctions.BITS);
            Transcendentals.exponentialMinusOne(r, a.mantissa, a.exponent, control);
            check("2^x - 1", ReferenceFunctions.exponentialMinusOne(y), control);
        }
    }

    @Test
    void logarithms() {
        for (int n = 0; n < CASES; n++) {
            draw(a, n % 2 == 0 ? -1 : -60, n % 2 == 0 ? 1 : 60);
            a.exponent &= 0x7FFF;
            if (a.mantissa == Long.MIN_VALUE) {
                continue;
            }
            draw(b, -20, 20);
            int control = 0x7F | (n & 3) << 10;
            BigInteger log = ReferenceFunctions.logarithm(fixed(a)).multiply(fixed(b));
            Transcendentals.logarithm(r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            check(
                    "y log2(x)",
                    log,
                    ReferenceFunctions.LN2.shiftLeft(ReferenceFunctions.BITS),
                    control);
        }
    }

    @Test
    void logarithmsNearOne() {
        for (int n = 0; n < CASES; n++) {
            draw(a, -60, -1);
            draw(b, -20, 20);
            int control = 0x7F | (n & 3) << 10;
            BigInteger x = fixed(a).add(ReferenceFunctions.ONE);
            BigInteger log = ReferenceFunctions.logarithm(x).multiply(fixed(b));
            Transcendentals.logarithmPlusOne(
                    r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            check(
                    "y log2(x + 1)",
                    log,
                    ReferenceFunctions.LN2.shiftLeft(ReferenceFunctions.BITS),
                    control);
        }
    }

    @Test
    void arcTangents() {
        for (int n = 0; n < CASES; n++) {
            draw(a, -16, 16);
            draw(b, -16, 16);
            if (n % 5 == 0) {
                b.mantissa = a.mantissa;
                b.exponent = a.exponent ^ a.random.nextInt(2) << 15;
            }
            int control = 0x7F | (n & 3) << 10;
            BigInteger x = fixed(a);
            BigInteger y = fixed(b);
            BigInteger angle =
                    ReferenceFunctions.arcTangent(ReferenceFunctions.divide(y.abs(), x.abs()));
            if (x.signum() < 0) {
                angle = ReferenceFunctions.PI.subtract(angle);
            }
            Transcendentals.arcTangent(r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            check("arc tangent", y.signum() < 0 ? angle.negate() : angle, control);
        }
    }

    @Test
    void specialAngles() {
        // The angle of (-0, 0) is pi, of (0, -infinity) minus half of it, of two infinities a
        // quarter.
        Transcendentals.arcTangent(r, 0, 0x8000, 0, 0, 0x37F);
        assertThat(r.mantissa).isEqualTo(0xC90FDAA22168C235L);
        assertThat(r.exponent).isEqualTo(0x4000);
        Transcendentals.arcTangent(r, 0, 0, Long.MIN_VALUE, 0xFFFF, 0x37F);
        assertThat(r.mantissa).isEqualTo(0xC90FDAA22168C235L);
        assertThat(r.exponent).isEqualTo(0xBFFF);
        Transcendentals.arcTangent(r, Long.MIN_VALUE, 0x7FFF, Long.MIN_VALUE, 0x7FFF, 0x37F);
        assertThat(r.mantissa).isEqualTo(0xC90FDAA22168C235L);
        assertThat(r.exponent).isEqualTo(0x3FFE);
    }
}
