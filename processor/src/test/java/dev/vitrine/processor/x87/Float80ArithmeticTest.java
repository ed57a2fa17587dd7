// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.math.BigInteger;

/** Every rounding and precision mode against {@link ReferenceFloat80}. */
class Float80ArithmeticTest {
    private static final int CASES = 60_000;
    private static final BigInteger ONE = BigInteger.ONE;

    private final RandomOperands a = new RandomOperands(87);
    private final RandomOperands b = new RandomOperands(88);
    private final Float80 r = new Float80();

    private void check(ReferenceFloat80 expected, int control, String operation) {
        boolean denormal = isDenormal(a) || isDenormal(b);
        checkOne(expected, control, operation, denormal);
    }

    private void checkOne(
            ReferenceFloat80 expected, int control, String operation, boolean denormal) {
        int flags = expected.flags | (denormal ? Float80.DE : 0);
        if (r.mantissa != expected.mantissa
                || r.exponent != expected.exponent
                || r.flags != flags) {
            assertThat(text(r.mantissa, r.exponent, r.flags))
                    .as(
                            "%s of %016x:%04x and %016x:%04x, control %03x",
                            operation, a.mantissa, a.exponent, b.mantissa, b.exponent, control)
                    .isEqualTo(text(expected.mantissa, expected.exponent, flags));
        }
    }

    private static String text(long m, int e, int flags) {
        return String.format("%016x:%04x flags %03x", m, e, flags);
    }

    private static boolean isDenormal(RandomOperands v) {
        return (v.exponent & 0x7FFF) == 0;
    }

    @Test
    void addsAndSubtracts() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            b.finite();
            if (n % 4 == 0) {
                // Close neighbours cancel.
                b.exponent = (a.exponent + a.random.nextInt(-1, 2)) & 0x7FFF | b.exponent & 0x8000;
                b.mantissa = a.mantissa ^ a.random.nextInt(4);
                if ((b.exponent & 0x7FFF) == 0x7FFF
                        || (b.exponent & 0x7FFF) != 0 && b.mantissa >= 0
                        || b.mantissa == 0) {
                    continue;
                }
            }
            int control = a.control();
            boolean subtract = (n & 1) != 0;
            Float80Arithmetic.add(
                    r, a.mantissa, a.exponent, b.mantissa, b.exponent, control, subtract);
            BigInteger x = ReferenceFloat80.scaled(a.mantissa, a.exponent);
            BigInteger y = ReferenceFloat80.scaled(b.mantissa, b.exponent);
            BigInteger sum = subtract ? x.subtract(y) : x.add(y);
            if (sum.signum() == 0) {
                assertThat(r.mantissa).isZero();
                assertThat(r.exponent).isEqualTo((control >>> 10 & 3) == 1 ? 0x8000 : 0);
                continue;
            }
            check(
                    ReferenceFloat80.round(
                            sum,
                            ONE,
                            -ReferenceFloat80.SCALE,
                            control,
                            ReferenceFloat80.precision(control)),
                    control,
                    subtract ? "difference" : "sum");
        }
    }

    @Test
    void multiplies() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            b.finite();
            int control = a.control();
            Float80Arithmetic.multiply(r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            BigInteger product = product();
            if (isOutOfReach(product.bitLength() + powerOf(a) + powerOf(b), control)) {
                continue;
            }
            check(
                    ReferenceFloat80.round(
                            product,
                            ONE,
                            powerOf(a) + powerOf(b),
                            control,
                            ReferenceFloat80.precision(control)),
                    control,
                    "product");
        }
    }

    @Test
    void divides() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            b.finite();
            int control = a.control();
            Float80Arithmetic.divide(r, a.mantissa, a.exponent, b.mantissa, b.exponent, control);
            BigInteger x = ReferenceFloat80.unsigned(a.mantissa);
            if (((a.exponent ^ b.exponent) & 0x8000) != 0) {
                x = x.negate();
            }
            check(
                    ReferenceFloat80.round(
                            x,
                            ReferenceFloat80.unsigned(b.mantissa),
                            powerOf(a) - powerOf(b),
                            control,
                            ReferenceFloat80.precision(control)),
                    control,
                    "quotient");
        }
    }

    @Test
    void extractsSquareRoots() {
        for (int n = 0; n < CASES; n++) {
            a.finite();
            a.exponent &= 0x7FFF;
            if (n % 4 == 0) {
                long root = a.mantissa >>> 32;
                a.mantissa = root * root;
                if ((a.exponent & 0x7FFF) == 0 || a.mantissa >= 0) {
                    continue;
                }
            }
            int control = a.control();
            Float80Arithmetic.squareRoot(r, a.mantissa, a.exponent, control);
            int power = powerOf(a);
            BigInteger radicand =
                    ReferenceFloat80.unsigned(a.mantissa).shiftLeft(200 + (power & 1));
            power -= 200 + (power & 1);
            BigInteger[] root = radicand.sqrtAndRemainder();
            BigInteger twice = root[0].shiftLeft(1);
            if (root[1].signum() != 0) {
                twice = twice.add(ONE);
            }
            checkOne(
                    ReferenceFloat80.round(
                            twice,
                            ONE,
                            power / 2 - 1,
                            control,
                            ReferenceFloat80.precision(control)),
                    control,
                    "root",
                    isDenormal(a));
        }
    }

    private BigInteger product() {
        BigInteger p =
                ReferenceFloat80.unsigned(a.mantissa)
                        .multiply(ReferenceFloat80.unsigned(b.mantissa));
        return ((a.exponent ^ b.exponent) & 0x8000) != 0 ? p.negate() : p;
    }

    /** Value = mantissa * 2^power. */
    private static int powerOf(RandomOperands v) {
        return Math.max(v.exponent & 0x7FFF, 1) - 16383 - 63;
    }

    /**
     * Results of two denormals that even the biased exponent cannot hold never come up in products.
     */
    private static boolean isOutOfReach(int log, int control) {
        return (control & Float80.UE) == 0 && log < -16382 - 24576;
    }

    @ParameterizedTest
    @CsvSource({
        // a, b, sum, flags: infinities, NaNs, unsupported values
        "8000000000000000:7fff, 8000000000000000:7fff, 8000000000000000:7fff, 0",
        "8000000000000000:7fff, 8000000000000000:ffff, c000000000000000:ffff, 1",
        "c000000000000001:7fff, c000000000000002:ffff, c000000000000002:ffff, 0",
        "c000000000000001:ffff, c000000000000001:7fff, c000000000000001:7fff, 0",
        "8000000000000005:7fff, c000000000000001:7fff, c000000000000001:7fff, 1",
        "8000000000000005:7fff, 8000000000000006:ffff, c000000000000006:ffff, 1",
        "8000000000000005:7fff, 8000000000000000:3fff, c000000000000005:7fff, 1",
        "4000000000000000:4000, 8000000000000000:3fff, c000000000000000:ffff, 1",
        "0000000000000000:7fff, c000000000000001:7fff, c000000000000000:ffff, 1",
        "0000000000000001:0000, c000000000000001:7fff, c000000000000001:7fff, 0",
        "0000000000000001:0000, 8000000000000000:7fff, 8000000000000000:7fff, 2"
    })
    void addsWhatIsNoNumber(String first, String second, String sum, int flags) {
        Float80Arithmetic.add(
                r,
                mantissa(first),
                exponent(first),
                mantissa(second),
                exponent(second),
                0x37F,
                false);
        assertThat(String.format("%016x:%04x", r.mantissa, r.exponent)).isEqualTo(sum);
        assertThat(r.flags).isEqualTo(flags);
    }

    private static long mantissa(String v) {
        return Long.parseUnsignedLong(v.substring(0, 16), 16);
    }

    private static int exponent(String v) {
        return Integer.parseInt(v.substring(17), 16);
    }
}
