// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

/**
 * The result of one operation in the double extended-precision format (SDM volume 1, 4.2.2): a
 * value and the status bits that its computation raised. One instance per processor serves as
 * accumulator, so that no operation allocates.
 *
 * <p>Everywhere in this package a value is a pair: a 64-bit significand with its explicit integer
 * bit, and an int with the sign in bit 15 and the biased exponent in bits 0 to 14.
 */
public final class Float80 {
    // Status word.
    public static final int IE = 1;
    public static final int DE = 1 << 1;
    public static final int ZE = 1 << 2;
    public static final int OE = 1 << 3;
    public static final int UE = 1 << 4;
    public static final int PE = 1 << 5;

    /** Stack fault. */
    public static final int SF = 1 << 6;

    /** Exception summary: an unmasked exception is pending. */
    public static final int ES = 1 << 7;

    public static final int C0 = 1 << 8;
    public static final int C1 = 1 << 9;
    public static final int C2 = 1 << 10;
    public static final int C3 = 1 << 14;

    /** Busy: a copy of ES. */
    public static final int BUSY = 1 << 15;

    public static final int EXCEPTIONS = 0x3F;

    // Rounding control, shifted down.
    public static final int NEAREST = 0;
    public static final int DOWN = 1;
    public static final int UP = 2;
    public static final int ZERO = 3;

    public static final int SIGN = 0x8000;
    public static final int MAX_EXPONENT = 0x7FFF;
    public static final int BIAS = 16383;

    /**
     * Added to the exponent of a tiny result, taken from a huge one, when the exception is
     * unmasked.
     */
    public static final int WRAP = 24576;

    public static final long INTEGER_BIT = 1L << 63;
    public static final long QUIET_BIT = 1L << 62;

    /** The QNaN real indefinite. */
    public static final long INDEFINITE = 3L << 62;

    public static final int INDEFINITE_EXPONENT = SIGN | MAX_EXPONENT;

    // Classes of values.
    public static final int CLASS_ZERO = 0;
    public static final int CLASS_NORMAL = 1;

    /** Denormal or pseudo-denormal. */
    public static final int CLASS_DENORMAL = 2;

    public static final int CLASS_INFINITY = 3;
    public static final int CLASS_QNAN = 4;
    public static final int CLASS_SNAN = 5;

    /** Unnormal, pseudo-infinity or pseudo-NaN: not valid operands since the 387. */
    public static final int CLASS_UNSUPPORTED = 6;

    /** Significand of the result. */
    public long mantissa;

    /** Sign and biased exponent of the result. */
    public int exponent;

    /** Exceptions raised (IE to PE), and C1 if the result was rounded up. */
    public int flags;

    /** Scratch: a 128-bit value, and a remainder or quotient. */
    long hi;

    long lo;
    long rest;
    int scale;

    /** Working values of the transcendental functions. */
    final Wide x = new Wide();

    final Wide y = new Wide();
    final Wide z = new Wide();
    final Wide t = new Wide();
    final Wide w = new Wide();

    /** Kind of a value, one of the CLASS constants. */
    public static int classify(long mantissa, int exponent) {
        int e = exponent & MAX_EXPONENT;
        if (e == 0) {
            return mantissa == 0 ? CLASS_ZERO : CLASS_DENORMAL;
        }
        if (mantissa >= 0) {
            return CLASS_UNSUPPORTED;
        }
        if (e != MAX_EXPONENT) {
            return CLASS_NORMAL;
        }
        if (mantissa == INTEGER_BIT) {
            return CLASS_INFINITY;
        }
        return (mantissa & QUIET_BIT) != 0 ? CLASS_QNAN : CLASS_SNAN;
    }

    /** Finite, normalised and not zero. */
    static boolean isNormal(long mantissa, int exponent) {
        int e = exponent & MAX_EXPONENT;
        return mantissa < 0 && e != 0 && e != MAX_EXPONENT;
    }

    void set(long mantissa, int exponent) {
        this.mantissa = mantissa;
        this.exponent = exponent;
    }

    /** The default answer to an invalid operation. */
    void invalid() {
        mantissa = INDEFINITE;
        exponent = INDEFINITE_EXPONENT;
        flags |= IE;
    }

    /**
     * Answer of a one-operand operation to a NaN or an unsupported value.
     *
     * @param kind class of the operand, CLASS_QNAN or above
     */
    void propagate(long m, int e, int kind) {
        if (kind == CLASS_UNSUPPORTED) {
            invalid();
            return;
        }
        if (kind == CLASS_SNAN) {
            flags |= IE;
        }
        mantissa = m | QUIET_BIT;
        exponent = e;
    }

    /**
     * Answer of a two-operand operation when at least one operand is a NaN or unsupported (SDM
     * volume 1, table 4-7): a QNaN wins over an SNaN, else the larger significand, else the
     * positive sign.
     */
    void propagate(long ma, int ea, int ka, long mb, int eb, int kb) {
        if (ka == CLASS_UNSUPPORTED || kb == CLASS_UNSUPPORTED) {
            invalid();
            return;
        }
        if (ka == CLASS_SNAN || kb == CLASS_SNAN) {
            flags |= IE;
        }
        boolean first;
        if (ka < CLASS_QNAN) {
            first = false;
        } else if (kb < CLASS_QNAN) {
            first = true;
        } else if (ka != kb) {
            first = ka == CLASS_QNAN;
        } else if (ma != mb) {
            first = Long.compareUnsigned(ma, mb) > 0;
        } else {
            first = (ea & SIGN) == 0;
        }
        mantissa = (first ? ma : mb) | QUIET_BIT;
        exponent = first ? ea : eb;
    }
}
