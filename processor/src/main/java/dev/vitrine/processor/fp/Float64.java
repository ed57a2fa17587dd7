// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

/**
 * Operations on binary64 values held as bits: on the host where {@link FpEnv#fast} says that no
 * flag can change and operands and result are normal or zero, else by {@link SoftFloat}.
 */
public final class Float64 {
    private static final int F = SoftFloat.DOUBLE;
    private static final long EXPONENT = 0x7FF0_0000_0000_0000L;
    private static final long LEAST = 0x0010_0000_0000_0000L;

    private Float64() {}

    /**
     * Neither zero, denormal, infinite nor NaN. The least normal exponent is left out as well:
     * there a result may have been rounded up from a tiny one.
     */
    private static boolean isPlain(long r) {
        long e = r & EXPONENT;
        return e > LEAST && e != EXPONENT;
    }

    private static boolean isDenormal(long a) {
        return (a & EXPONENT) == 0 && a << 1 != 0;
    }

    private static boolean isZero(long a) {
        return a << 1 == 0;
    }

    private static boolean isNormalOrZero(long a) {
        long e = a & EXPONENT;
        return e != EXPONENT && (e != 0 || a << 1 == 0);
    }

    public static long add(long a, long b, FpEnv e) {
        if (e.fast) {
            long r =
                    Double.doubleToRawLongBits(
                            Double.longBitsToDouble(a) + Double.longBitsToDouble(b));
            if ((isPlain(r) || isZero(r)) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return SoftFloat.add(a, b, F, e);
    }

    public static long subtract(long a, long b, FpEnv e) {
        if (e.fast) {
            long r =
                    Double.doubleToRawLongBits(
                            Double.longBitsToDouble(a) - Double.longBitsToDouble(b));
            if ((isPlain(r) || isZero(r)) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return SoftFloat.subtract(a, b, F, e);
    }

    public static long multiply(long a, long b, FpEnv e) {
        if (e.fast) {
            long r =
                    Double.doubleToRawLongBits(
                            Double.longBitsToDouble(a) * Double.longBitsToDouble(b));
            if (isPlain(r) ? !isDenormal(a) && !isDenormal(b) : isZeroProduct(a, b)) {
                return r;
            }
        }
        return SoftFloat.multiply(a, b, F, e);
    }

    private static boolean isZeroProduct(long a, long b) {
        return (isZero(a) && isNormalOrZero(b)) || (isZero(b) && isNormalOrZero(a));
    }

    public static long divide(long a, long b, FpEnv e) {
        if (e.fast) {
            long r =
                    Double.doubleToRawLongBits(
                            Double.longBitsToDouble(a) / Double.longBitsToDouble(b));
            if (isPlain(r) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return SoftFloat.divide(a, b, F, e);
    }

    public static long squareRoot(long a, FpEnv e) {
        if (e.fast && a >= LEAST && a < EXPONENT) {
            return Double.doubleToRawLongBits(Math.sqrt(Double.longBitsToDouble(a)));
        }
        return SoftFloat.squareRoot(a, F, e);
    }

    /** a * b + c; negate as in {@link SoftFloat#fusedMultiplyAdd}. */
    public static long fusedMultiplyAdd(long a, long b, long c, int negate, FpEnv e) {
        if (e.fast && isNormalOrZero(a) && isNormalOrZero(b) && isNormalOrZero(c)) {
            long r =
                    Double.doubleToRawLongBits(
                            Math.fma(
                                    Double.longBitsToDouble(a ^ (long) negate << 63),
                                    Double.longBitsToDouble(b),
                                    Double.longBitsToDouble(c ^ (long) (negate >>> 1) << 63)));
            if (isPlain(r)) {
                return r;
            }
        }
        return SoftFloat.fusedMultiplyAdd(a, b, c, negate, F, e);
    }

    public static long minimum(long a, long b, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            return Double.longBitsToDouble(a) < Double.longBitsToDouble(b) ? a : b;
        }
        return SoftFloat.minimum(a, b, F, e);
    }

    public static long maximum(long a, long b, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            return Double.longBitsToDouble(a) > Double.longBitsToDouble(b) ? a : b;
        }
        return SoftFloat.maximum(a, b, F, e);
    }

    /** Relation of a to b, as {@link SoftFloat#compare} gives it. */
    public static int compare(long a, long b, boolean signalling, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            double x = Double.longBitsToDouble(a);
            double y = Double.longBitsToDouble(b);
            return x < y ? SoftFloat.LESS : x == y ? SoftFloat.EQUAL : SoftFloat.GREATER;
        }
        return SoftFloat.compare(a, b, signalling, F, e);
    }

    /** All ones if the predicate holds, else zero. */
    public static long test(long a, long b, int predicate, FpEnv e) {
        return SoftFloat.test(a, b, predicate, F, e) ? -1L : 0;
    }

    /** To a signed 32-bit integer; rc is the rounding control. */
    public static int toInt(long a, int rc, FpEnv e) {
        if (e.fast && (a & EXPONENT) != 0 && (rc == 0 || rc == SoftFloat.TRUNCATE)) {
            double d = Double.longBitsToDouble(a);
            d = rc == 0 ? Math.rint(d) : d;
            if (d > -0x1p31 && d < 0x1p31) {
                return (int) d;
            }
        }
        return (int) SoftFloat.toInteger(a, rc, 32, F, e);
    }

    /** To a signed 64-bit integer; rc is the rounding control. */
    public static long toLong(long a, int rc, FpEnv e) {
        if (e.fast && (a & EXPONENT) != 0 && (rc == 0 || rc == SoftFloat.TRUNCATE)) {
            double d = Double.longBitsToDouble(a);
            d = rc == 0 ? Math.rint(d) : d;
            if (d > -0x1p63 && d < 0x1p63) {
                return (long) d;
            }
        }
        return SoftFloat.toInteger(a, rc, 64, F, e);
    }

    /** Always exact. */
    public static long fromInt(int value) {
        return Double.doubleToRawLongBits(value);
    }

    public static long fromLong(long value, FpEnv e) {
        if (e.fast) {
            return Double.doubleToRawLongBits((double) value);
        }
        return SoftFloat.fromInteger(value, F, e);
    }

    public static long roundToIntegral(long a, int imm, FpEnv e) {
        return SoftFloat.roundToIntegral(a, imm, F, e);
    }

    /** From binary32. */
    public static long fromSingle(int a, FpEnv e) {
        int exponent = a & 0x7F80_0000;
        if (exponent != 0 && exponent != 0x7F80_0000) {
            return Double.doubleToRawLongBits(Float.intBitsToFloat(a));
        }
        return SoftFloat.convert(a & 0xFFFF_FFFFL, SoftFloat.SINGLE, F, e);
    }
}
