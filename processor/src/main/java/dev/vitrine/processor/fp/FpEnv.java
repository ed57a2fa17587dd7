// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

/**
 * What a floating-point operation needs besides its operands, and the flags that it raises. One
 * object per processor is reused for every instruction: {@link #begin} copies the control bits and
 * clears the flags, operations add flags, and the instruction merges them into MXCSR at its end.
 */
public final class FpEnv {
    /** Invalid operation: flag bit of MXCSR; its mask is 7 bits higher, as for all flags. */
    public static final int IE = 1;

    /** Denormal operand. */
    public static final int DE = 1 << 1;

    /** Division by zero. */
    public static final int ZE = 1 << 2;

    /** Overflow. */
    public static final int OE = 1 << 3;

    /** Underflow. */
    public static final int UE = 1 << 4;

    /** Inexact result. */
    public static final int PE = 1 << 5;

    /** All six flags. */
    public static final int FLAGS = 0x3F;

    /** Flags that are found before the computation; they suppress the others when unmasked. */
    public static final int BEFORE = IE | DE | ZE;

    /** Denormal operands are zeros. */
    public static final int DAZ = 1 << 6;

    /** Mask bit of underflow. */
    public static final int UM = 1 << 11;

    /** Mask bit of overflow. */
    public static final int OM = 1 << 10;

    /** All six masks. */
    public static final int MASKS = 0x1F80;

    /** Shift of the two bits of rounding control. */
    public static final int RC_SHIFT = 13;

    /** Rounding control. */
    public static final int RC = 3 << RC_SHIFT;

    /** Tiny results become zeros, if underflow is masked. */
    public static final int FTZ = 1 << 15;

    /** MXCSR's bits as the instruction found them. */
    public int mxcsr = MASKS;

    /** Flags raised since {@link #begin}. */
    public int flags;

    /**
     * Rounding is to nearest, everything is masked and PE is set already: an operation on normal
     * operands (or zeros) with a normal result changes no flag, whatever DAZ and FTZ say.
     */
    public boolean fast;

    /** Starts an instruction. */
    public void begin(int mxcsr) {
        this.mxcsr = mxcsr;
        this.flags = 0;
        this.fast = (mxcsr & (MASKS | RC | PE)) == (MASKS | PE);
    }
}
