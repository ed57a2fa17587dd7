// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

/**
 * Operations on binary32 values held as bits: on the host where {@link FpEnv#fast} says that no
 * flag can change and operands and result are normal or zero, else by {@link SoftFloat}.
 */
public final class Float32 {
    private static final int F = SoftFloat.SINGLE;
    private static final int EXPONENT = 0x7F80_0000;
    private static final int LEAST = 0x0080_0000;

    private Float32() {}

    /**
     * Neither zero, denormal, infinite nor NaN. The least normal exponent is left out as well:
     * there a result may have been rounded up from a tiny one.
     */
    private static boolean isPlain(int r) {
        int e = r & EXPONENT;
        return e > LEAST && e != EXPONENT;
    }

    private static boolean isDenormal(int a) {
        return (a & EXPONENT) == 0 && a << 1 != 0;
    }

    private static boolean isZero(int a) {
        return a << 1 == 0;
    }

    private static boolean isNormalOrZero(int a) {
        int e = a & EXPONENT;
        return e != EXPONENT && (e != 0 || a << 1 == 0);
    }

    private static long wide(int a) {
        return a & 0xFFFF_FFFFL;
    }

    public static int add(int a, int b, FpEnv e) {
        if (e.fast) {
            int r = Float.floatToRawIntBits(Float.intBitsToFloat(a) + Float.intBitsToFloat(b));
            if ((isPlain(r) || isZero(r)) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return (int) SoftFloat.add(wide(a), wide(b), F, e);
    }

    public static int subtract(int a, int b, FpEnv e) {
        if (e.fast) {
            int r = Float.floatToRawIntBits(Float.intBitsToFloat(a) - Float.intBitsToFloat(b));
            if ((isPlain(r) || isZero(r)) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return (int) SoftFloat.subtract(wide(a), wide(b), F, e);
    }

    public static int multiply(int a, int b, FpEnv e) {
        if (e.fast) {
            int r = Float.floatToRawIntBits(Float.intBitsToFloat(a) * Float.intBitsToFloat(b));
            if (isPlain(r) ? !isDenormal(a) && !isDenormal(b) : isZeroProduct(a, b)) {
                return r;
            }
        }
        return (int) SoftFloat.multiply(wide(a), wide(b), F, e);
    }

    private static boolean isZeroProduct(int a, int b) {
        return (isZero(a) && isNormalOrZero(b)) || (isZero(b) && isNormalOrZero(a));
    }

    public static int divide(int a, int b, FpEnv e) {
        if (e.fast) {
            int r = Float.floatToRawIntBits(Float.intBitsToFloat(a) / Float.intBitsToFloat(b));
            if (isPlain(r) && !isDenormal(a) && !isDenormal(b)) {
                return r;
            }
        }
        return (int) SoftFloat.divide(wide(a), wide(b), F, e);
    }

    public static int squareRoot(int a, FpEnv e) {
        if (e.fast && a >= LEAST && a < EXPONENT) {
            return Float.floatToRawIntBits((float) Math.sqrt(Float.intBitsToFloat(a)));
        }
        return (int) SoftFloat.squareRoot(wide(a), F, e);
    }

    /** a * b + c; negate as in {@link SoftFloat#fusedMultiplyAdd}. */
    public static int fusedMultiplyAdd(int a, int b, int c, int negate, FpEnv e) {
        if (e.fast && isNormalOrZero(a) && isNormalOrZero(b) && isNormalOrZero(c)) {
            int r =
                    Float.floatToRawIntBits(
                            Math.fma(
                                    Float.intBitsToFloat(a ^ negate << 31),
                                    Float.intBitsToFloat(b),
                                    Float.intBitsToFloat(c ^ negate >>> 1 << 31)));
            if (isPlain(r)) {
                return r;
            }
        }
        return (int) SoftFloat.fusedMultiplyAdd(wide(a), wide(b), wide(c), negate, F, e);
    }

    public static int minimum(int a, int b, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            return Float.intBitsToFloat(a) < Float.intBitsToFloat(b) ? a : b;
        }
        return (int) SoftFloat.minimum(wide(a), wide(b), F, e);
    }

    public static int maximum(int a, int b, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            return Float.intBitsToFloat(a) > Float.intBitsToFloat(b) ? a : b;
        }
        return (int) SoftFloat.maximum(wide(a), wide(b), F, e);
    }

    /** Relation of a to b, as {@link SoftFloat#compare} gives it. */
    public static int compare(int a, int b, boolean signalling, FpEnv e) {
        if (isNormalOrZero(a) && isNormalOrZero(b)) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            return x < y ? SoftFloat.LESS : x == y ? SoftFloat.EQUAL : SoftFloat.GREATER;
        }
        return SoftFloat.compare(wide(a), wide(b), signalling, F, e);
    }

    /** All ones if the predicate holds, else zero. */
    public static int test(int a, int b, int predicate, FpEnv e) {
        return SoftFloat.test(wide(a), wide(b), predicate, F, e) ? -1 : 0;
    }

    /** To a signed 32-bit integer; rc is the rounding control. */
    public static int toInt(int a, int rc, FpEnv e) {
        if (e.fast && (a & EXPONENT) != 0 && (rc == 0 || rc == SoftFloat.TRUNCATE)) {
            double d = Float.intBitsToFloat(a);
            d = rc == 0 ? Math.rint(d) : d;
            if (d > -0x1p31 && d < 0x1p31) {
                return (int) d;
            }
        }
        return (int) SoftFloat.toInteger(wide(a), rc, 32, F, e);
    }

    /** To a signed 64-bit integer; rc is the rounding control. */
    public static long toLong(int a, int rc, FpEnv e) {
        return SoftFloat.toInteger(wide(a), rc, 64, F, e);
    }

    public static int fromInt(int value, FpEnv e) {
        if (e.fast) {
            return Float.floatToRawIntBits((float) value);
        }
        return (int) SoftFloat.fromInteger(value, F, e);
    }

    public static int fromLong(long value, FpEnv e) {
        if (e.fast) {
            return Float.floatToRawIntBits((float) value);
        }
        return (int) SoftFloat.fromInteger(value, F, e);
    }

    public static int roundToIntegral(int a, int imm, FpEnv e) {
        return (int) SoftFloat.roundToIntegral(wide(a), imm, F, e);
    }

    /** From binary64. */
    public static int fromDouble(long a, FpEnv e) {
        if (e.fast) {
            int r = Float.floatToRawIntBits((float) Double.longBitsToDouble(a));
            if (isPlain(r)) {
                return r;
            }
        }
        return (int) SoftFloat.convert(a, SoftFloat.DOUBLE, F, e);
    }

    /**
     * RCPSS: 12 bits of the reciprocal. Denormal operands are zeros and denormal results become
     * zero; no flags. The value is the one of Intel's processors: the correctly rounded reciprocal
     * of the middle of the interval that the operand's first 11 fraction bits name.
     */
    public static int reciprocal(int a) {
        int m = a & 0x7FFF_FFFF;
        int sign = a & 0x8000_0000;
        if (m >= EXPONENT) {
            return m > EXPONENT ? a | 0x40_0000 : sign;
        }
        if (m < LEAST) {
            return sign | EXPONENT;
        }
        double middle = 1 + ((m >>> 12 & 0x7FF) + 0.5) / 2048;
        // 4097 to 8190, in units of 2^-13: the result's exponent is one less than the negated one.
        int q = (int) (8192 / middle + 0.5);
        int exponent = 253 - (m >>> 23);
        return exponent < 1 ? sign : sign | exponent << 23 | (q & 0xFFF) << 11;
    }

    /** RSQRTSS: 12 bits of the reciprocal square root; as {@link #reciprocal}, with 10 bits. */
    public static int reciprocalSquareRoot(int a) {
        int m = a & 0x7FFF_FFFF;
        int sign = a & 0x8000_0000;
        if (m > EXPONENT) {
            return a | 0x40_0000;
        }
        if (m < LEAST) {
            return sign | EXPONENT;
        }
        if (sign != 0) {
            return (int) SoftFloat.indefinite(F);
        }
        if (m == EXPONENT) {
            return 0;
        }
        int exponent = (m >>> 23) - 127;
        double middle = 1 + ((m >>> 13 & 0x3FF) + 0.5) / 1024;
        if ((exponent & 1) != 0) {
            middle *= 2;
        }
        int q = (int) (8192 / Math.sqrt(middle) + 0.5);
        return (126 - (exponent >> 1)) << 23 | (q & 0xFFF) << 11;
    }
}
