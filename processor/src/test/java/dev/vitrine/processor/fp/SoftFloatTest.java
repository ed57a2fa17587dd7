// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigDecimal;

class SoftFloatTest {
    private static final int ROUNDS = 400_000;
    private final FpEnv env = new FpEnv();

    private static String hex(long... values) {
        StringBuilder s = new StringBuilder();
        for (long v : values) {
            s.append(Long.toHexString(v)).append(' ');
        }
        return s.toString();
    }

    private static void checkDouble(String what, long got, double host, long... operands) {
        long want = Double.doubleToRawLongBits(host);
        if (Double.isNaN(host) ? Double.isNaN(Double.longBitsToDouble(got)) : got == want) {
            return;
        }
        assertThat(hex(got)).as("%s of %s", what, hex(operands)).isEqualTo(hex(want));
    }

    private static void checkFloat(String what, long got, float host, long... operands) {
        int want = Float.floatToRawIntBits(host);
        if (Float.isNaN(host) ? Float.isNaN(Float.intBitsToFloat((int) got)) : (int) got == want) {
            return;
        }
        assertThat(hex((int) got)).as("%s of %s", what, hex(operands)).isEqualTo(hex(want));
    }

    @Test
    void doublesAgreeWithTheHostInTheDefaultMode() {
        Operands random = new Operands(1);
        for (int n = 0; n < ROUNDS; n++) {
            long a = random.wide();
            long b = random.wide();
            long c = random.wide();
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            double z = Double.longBitsToDouble(c);
            env.begin(FpEnv.MASKS);
            int f = SoftFloat.DOUBLE;
            checkDouble("sum", SoftFloat.add(a, b, f, env), x + y, a, b);
            checkDouble("difference", SoftFloat.subtract(a, b, f, env), x - y, a, b);
            checkDouble("product", SoftFloat.multiply(a, b, f, env), x * y, a, b);
            checkDouble("quotient", SoftFloat.divide(a, b, f, env), x / y, a, b);
            checkDouble("root", SoftFloat.squareRoot(a, f, env), Math.sqrt(x), a);
            checkDouble(
                    "fma",
                    SoftFloat.fusedMultiplyAdd(a, b, c, 0, f, env),
                    Math.fma(x, y, z),
                    a,
                    b,
                    c);
            checkDouble(
                    "fnmsub",
                    SoftFloat.fusedMultiplyAdd(a, b, c, 3, f, env),
                    Math.fma(-x, y, -z),
                    a,
                    b,
                    c);
            checkDouble("rint", SoftFloat.roundToIntegral(a, 0, f, env), Math.rint(x), a);
            checkDouble("floor", SoftFloat.roundToIntegral(a, 1, f, env), Math.floor(x), a);
            checkDouble("ceil", SoftFloat.roundToIntegral(a, 2, f, env), Math.ceil(x), a);
            checkFloat("to single", SoftFloat.convert(a, f, SoftFloat.SINGLE, env), (float) x, a);
            checkDouble("from long", SoftFloat.fromInteger(a, f, env), (double) a, a);
        }
    }

    @Test
    void floatsAgreeWithTheHostInTheDefaultMode() {
        Operands random = new Operands(2);
        for (int n = 0; n < ROUNDS; n++) {
            int ai = random.narrow();
            int bi = random.narrow();
            int ci = random.narrow();
            long a = Integer.toUnsignedLong(ai);
            long b = Integer.toUnsignedLong(bi);
            long c = Integer.toUnsignedLong(ci);
            float x = Float.intBitsToFloat(ai);
            float y = Float.intBitsToFloat(bi);
            float z = Float.intBitsToFloat(ci);
            env.begin(FpEnv.MASKS);
            int f = SoftFloat.SINGLE;
            checkFloat("sum", SoftFloat.add(a, b, f, env), x + y, a, b);
            checkFloat("difference", SoftFloat.subtract(a, b, f, env), x - y, a, b);
            checkFloat("product", SoftFloat.multiply(a, b, f, env), x * y, a, b);
            checkFloat("quotient", SoftFloat.divide(a, b, f, env), x / y, a, b);
            checkFloat("root", SoftFloat.squareRoot(a, f, env), (float) Math.sqrt(x), a);
            checkFloat(
                    "fma",
                    SoftFloat.fusedMultiplyAdd(a, b, c, 0, f, env),
                    Math.fma(x, y, z),
                    a,
                    b,
                    c);
            checkDouble("to double", SoftFloat.convert(a, f, SoftFloat.DOUBLE, env), (double) x, a);
            checkFloat("from int", SoftFloat.fromInteger(ai, f, env), (float) ai, a);
            if (!Float.isNaN(x)) {
                assertThat((short) SoftFloat.singleToHalf(ai, 0, env))
                        .isEqualTo(Float.floatToFloat16(x));
            }
            short half = (short) ci;
            checkFloat("half", SoftFloat.halfToSingle(half, env), Float.float16ToFloat(half), ci);
        }
    }

    /** The host's arithmetic may only be used where no bit and no flag differs. */
    @Test
    void theFastPathGivesTheSameBitsAndRaisesNoFlag() {
        Operands random = new Operands(3);
        int mxcsr = FpEnv.MASKS | FpEnv.PE;
        FpEnv exact = new FpEnv();
        for (int n = 0; n < ROUNDS; n++) {
            int control = mxcsr | (n & 3) * FpEnv.DAZ & FpEnv.DAZ | ((n & 4) != 0 ? FpEnv.FTZ : 0);
            long a = random.wide();
            long b = random.wide();
            long c = random.wide();
            int p = random.narrow();
            int q = random.narrow();
            int r = random.narrow();
            int f = SoftFloat.DOUBLE;
            int s = SoftFloat.SINGLE;
            long pl = Integer.toUnsignedLong(p);
            long ql = Integer.toUnsignedLong(q);
            long rl = Integer.toUnsignedLong(r);
            for (int op = 0; op < 9; op++) {
                env.begin(control);
                exact.begin(control);
                assertThat(env.fast).isTrue();
                long got =
                        switch (op) {
                            case 0 -> Float64.add(a, b, env);
                            case 1 -> Float64.subtract(a, b, env);
                            case 2 -> Float64.multiply(a, b, env);
                            case 3 -> Float64.divide(a, b, env);
                            case 4 -> Float64.squareRoot(a, env);
                            case 5 -> Float64.fusedMultiplyAdd(a, b, c, n & 3, env);
                            case 6 -> Float64.minimum(a, b, env);
                            case 7 -> Float64.toLong(a, n & 3, env);
                            default -> Float64.compare(a, b, true, env);
                        };
                long want =
                        switch (op) {
                            case 0 -> SoftFloat.add(a, b, f, exact);
                            case 1 -> SoftFloat.subtract(a, b, f, exact);
                            case 2 -> SoftFloat.multiply(a, b, f, exact);
                            case 3 -> SoftFloat.divide(a, b, f, exact);
                            case 4 -> SoftFloat.squareRoot(a, f, exact);
                            case 5 -> SoftFloat.fusedMultiplyAdd(a, b, c, n & 3, f, exact);
                            case 6 -> SoftFloat.minimum(a, b, f, exact);
                            case 7 -> SoftFloat.toInteger(a, n & 3, 64, f, exact);
                            default -> SoftFloat.compare(a, b, true, f, exact);
                        };
                same("double", op, got, want, exact, a, b, c);
                env.begin(control);
                exact.begin(control);
                got =
                        switch (op) {
                            case 0 -> Float32.add(p, q, env);
                            case 1 -> Float32.subtract(p, q, env);
                            case 2 -> Float32.multiply(p, q, env);
                            case 3 -> Float32.divide(p, q, env);
                            case 4 -> Float32.squareRoot(p, env);
                            case 5 -> Float32.fusedMultiplyAdd(p, q, r, n & 3, env);
                            case 6 -> Float32.maximum(p, q, env);
                            case 7 -> Float32.toInt(p, n & 3, env);
                            default -> Float32.fromDouble(a, env);
                        };
                want =
                        switch (op) {
                            case 0 -> SoftFloat.add(pl, ql, s, exact);
                            case 1 -> SoftFloat.subtract(pl, ql, s, exact);
                            case 2 -> SoftFloat.multiply(pl, ql, s, exact);
                            case 3 -> SoftFloat.divide(pl, ql, s, exact);
                            case 4 -> SoftFloat.squareRoot(pl, s, exact);
                            case 5 -> SoftFloat.fusedMultiplyAdd(pl, ql, rl, n & 3, s, exact);
                            case 6 -> SoftFloat.maximum(pl, ql, s, exact);
                            case 7 -> SoftFloat.toInteger(pl, n & 3, 32, s, exact);
                            default -> SoftFloat.convert(a, f, s, exact);
                        };
                same("float", op, (int) got, (int) want, exact, pl, ql, rl, a);
            }
        }
    }

    private void same(String type, int op, long got, long want, FpEnv exact, long... operands) {
        // PE is set before, so it does not matter whether it is raised again.
        int difference = (env.flags ^ exact.flags) & ~FpEnv.PE;
        if (got != want || difference != 0) {
            assertThat(hex(got, env.flags))
                    .as("%s operation %d of %s", type, op, hex(operands))
                    .isEqualTo(hex(want, exact.flags));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 2, 3})
    void everyRoundingModeAndFlagAgreesWithExactArithmetic(int mode) {
        Operands random = new Operands(10 + mode);
        Rounding wide = new Rounding(false, mode);
        Rounding narrow = new Rounding(true, mode);
        for (int n = 0; n < 1500; n++) {
            reference(random.wide(), random.wide(), random.wide(), SoftFloat.DOUBLE, mode, wide);
            for (int k = 0; k < 4; k++) {
                long a = Integer.toUnsignedLong(random.narrow());
                long b = Integer.toUnsignedLong(random.narrow());
                long c = Integer.toUnsignedLong(random.narrow());
                reference(a, b, c, SoftFloat.SINGLE, mode, narrow);
            }
        }
    }

    private static double value(long bits, int f) {
        return f == SoftFloat.DOUBLE
                ? Double.longBitsToDouble(bits)
                : Float.intBitsToFloat((int) bits);
    }

    private void reference(long a, long b, long c, int f, int mode, Rounding model) {
        double x = value(a, f);
        double y = value(b, f);
        double z = value(c, f);
        if (!Double.isFinite(x) || !Double.isFinite(y) || !Double.isFinite(z)) {
            return;
        }
        BigDecimal p = new BigDecimal(x);
        BigDecimal q = new BigDecimal(y);
        BigDecimal r = new BigDecimal(z);
        env.begin(FpEnv.MASKS | mode << FpEnv.RC_SHIFT);
        expect("sum", SoftFloat.add(a, b, f, env), p.add(q), model, a, b);
        expect("product", SoftFloat.multiply(a, b, f, env), p.multiply(q), model, a, b);
        if (q.signum() != 0) {
            expect("quotient", SoftFloat.divide(a, b, f, env), Rounding.divide(p, q), model, a, b);
        }
        if (p.signum() > 0) {
            expect("root", SoftFloat.squareRoot(a, f, env), Rounding.squareRoot(x), model, a);
        }
        BigDecimal fused = p.multiply(q).add(r);
        expect("fma", SoftFloat.fusedMultiplyAdd(a, b, c, 0, f, env), fused, model, a, b, c);
    }

    private void expect(String what, long got, BigDecimal exact, Rounding model, long... operands) {
        int flags = env.flags & ~FpEnv.DE;
        env.begin(env.mxcsr);
        if (exact.signum() == 0) {
            assertThat(got << 1 & 0xFFFF_FFFFL).as(what).isZero();
            assertThat(flags).isZero();
            return;
        }
        model.round(exact);
        assertThat(hex(got, flags))
                .as("%s of %s", what, hex(operands))
                .isEqualTo(hex(model.bits, model.flags));
    }

    /** Rows seen on a processor: operation, operands, MXCSR before, result, flags raised. */
    @ParameterizedTest
    @CsvSource({
        "div, 00000001, 00000000, 1f80, 7f800000, 04", // a denormal over zero is no denormal
        // operand
        "div, 00000001, 00000000, 1fc0, ffc00000, 01",
        "add, 7f800000, 00000001, 1f80, 7f800000, 02",
        "mul, 7f800000, 00000001, 1f80, 7f800000, 02",
        "div, 00000001, 7f800000, 1f80, 00000000, 02",
        "add, 7fc00000, 00000001, 1f80, 7fc00000, 00", // a quiet NaN hides the denormal
        "add, 7f800001, 00000001, 1f80, 7fc00001, 01",
        "add, 7fc00001, 7f800002, 1f80, 7fc00001, 01", // the first NaN wins, the second signals
        "add, 3f800000, ff800002, 1f80, ffc00002, 01",
        "max, 7fc00000, 00000001, 1f80, 00000001, 01",
        "max, 00000000, 80000000, 1f80, 80000000, 00", // of zeros the second
        "mul, 00800001, 3f000000, 1f80, 00400000, 30",
        "mul, 00800001, 3f000000, 1780, 00000000, 10", // unmasked: exact with unbounded exponent
        "mul, 00800001, 3f000000, 9f80, 00000000, 30",
        "mul, 00800000, 3f000000, 1f80, 00400000, 00",
        "mul, 00800000, 3f000000, 1780, 00000000, 10",
        "mul, 00800000, 3f000000, 9f80, 00000000, 30",
        "mul, 00800001, 3f7fffff, 1f80, 00800000, 20", // tininess is detected after rounding
        "mul, 7f000000, 40000000, 1f80, 7f800000, 28",
        "mul, 7f000000, 40000000, 1b80, 7f800000, 08", // unmasked and exact
        "mul, 7f7fffff, 40000001, 1b80, 7f800000, 28",
        "mul, 7f7fffff, 40000001, 7f80, 7f7fffff, 28",
        "sqrt, 80000001, 00000000, 1f80, ffc00000, 01",
        "sqrt, 80000001, 00000000, 1fc0, 80000000, 00",
        "sqrt, 80000000, 00000000, 1f80, 80000000, 00",
    })
    void specialCasesAreIntels(
            String operation, String a, String b, String mxcsr, String result, String flags) {
        int x = Integer.parseUnsignedInt(a, 16);
        int y = Integer.parseUnsignedInt(b, 16);
        env.begin(Integer.parseInt(mxcsr, 16));
        int got =
                switch (operation) {
                    case "add" -> Float32.add(x, y, env);
                    case "mul" -> Float32.multiply(x, y, env);
                    case "div" -> Float32.divide(x, y, env);
                    case "max" -> Float32.maximum(x, y, env);
                    default -> Float32.squareRoot(x, env);
                };
        assertThat(hex(got & 0xFFFF_FFFFL, env.flags))
                .isEqualTo(hex(Long.parseLong(result, 16), Integer.parseInt(flags, 16)));
    }

    @Test
    void conversionToIntegersKnowsTheEdges() {
        int f = SoftFloat.DOUBLE;
        double[] values = {
            0x1p31, -0x1p31, 0x1p31 - 0.5, -0x1p31 - 0.5, -0x1p31 - 1, 0x1p63, -0x1p63, 1e300
        };
        for (double d : values) {
            env.begin(FpEnv.MASKS);
            long bits = Double.doubleToRawLongBits(d);
            boolean fits32 = d > -0x1p31 - 1 && d < 0x1p31;
            assertThat(SoftFloat.toInteger(bits, SoftFloat.TRUNCATE, 32, f, env))
                    .as("%s", d)
                    .isEqualTo(fits32 ? (int) d : Integer.MIN_VALUE);
            assertThat((env.flags & FpEnv.IE) == 0).as("%s", d).isEqualTo(fits32);
            env.begin(FpEnv.MASKS);
            boolean fits64 = d >= -0x1p63 && d < 0x1p63;
            assertThat(SoftFloat.toInteger(bits, SoftFloat.TRUNCATE, 64, f, env))
                    .as("%s", d)
                    .isEqualTo(fits64 ? (long) d : Long.MIN_VALUE);
            assertThat((env.flags & FpEnv.IE) == 0).as("%s", d).isEqualTo(fits64);
        }
    }

    @Test
    void aPredicateAndItsNegationAreOpposites() {
        Operands random = new Operands(7);
        int[] opposite = {4, 5, 6, 7};
        for (int n = 0; n < 10_000; n++) {
            long a = random.wide();
            long b = n % 5 == 0 ? a : random.wide();
            env.begin(FpEnv.MASKS);
            for (int p = 0; p < 4; p++) {
                boolean yes = SoftFloat.test(a, b, p, SoftFloat.DOUBLE, env);
                boolean no = SoftFloat.test(a, b, opposite[p], SoftFloat.DOUBLE, env);
                assertThat(yes).isNotEqualTo(no);
            }
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            assertThat(SoftFloat.test(a, b, 1, SoftFloat.DOUBLE, env)).isEqualTo(x < y);
            assertThat(SoftFloat.test(a, b, 0x1D, SoftFloat.DOUBLE, env)).isEqualTo(x >= y);
            assertThat(SoftFloat.test(a, b, 0x0C, SoftFloat.DOUBLE, env)).isEqualTo(x < y || x > y);
        }
    }

    /** SDM: relative error at most 1.5 * 2^-12. */
    @Test
    void approximationsAreWithinTheirBound() {
        double bound = 1.5 * 0x1p-12;
        for (int m = 0; m < 1 << 23; m += 251) {
            for (int e = 1; e < 0xFE; e += 31) {
                int a = e << 23 | m;
                double x = Float.intBitsToFloat(a);
                double r = Float.intBitsToFloat(Float32.reciprocal(a));
                if (1 / x >= Float.MIN_NORMAL * 1.001) {
                    assertThat(Math.abs(r * x - 1)).as(hex(a)).isLessThanOrEqualTo(bound);
                }
                double s = Float.intBitsToFloat(Float32.reciprocalSquareRoot(a));
                assertThat(Math.abs(s * Math.sqrt(x) - 1)).as(hex(a)).isLessThanOrEqualTo(bound);
            }
        }
    }
}
