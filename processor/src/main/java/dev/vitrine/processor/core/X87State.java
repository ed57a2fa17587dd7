// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.processor.x87.Float80;

/**
 * The x87 registers (SDM volume 1, 8.1). Registers are held by physical number; ST(i) is physical
 * register (top + i) & 7. MMX register i is the mantissa of physical register i.
 */
public final class X87State {
    /** 64-bit significands, with the explicit integer bit. */
    public final long[] mantissa = new long[8];

    /** Sign in bit 15, biased exponent in bits 0 to 14. */
    public final int[] exponent = new int[8];

    /** Control word. */
    public int control;

    /** Status word without TOP (bits 11 to 13 are zero here). */
    public int status;

    public int top;

    /** Bit i set: physical register i is not empty (the abridged tag word of FXSAVE). */
    public int valid;

    /** Last non-control instruction: 11-bit opcode, selectors and pointers. */
    public int opcode;

    public int instructionSelector;
    public long instructionPointer;
    public int dataSelector;
    public long dataPointer;

    /** Where the arithmetic leaves results and their exceptions; dead between instructions. */
    public final Float80 result = new Float80();

    /** As after FNINIT. */
    public void init() {
        control = 0x37F;
        status = 0;
        top = 0;
        valid = 0;
        opcode = 0;
        instructionSelector = 0;
        instructionPointer = 0;
        dataSelector = 0;
        dataPointer = 0;
    }

    /** As after power-up. */
    public void reset() {
        init();
        control = 0x40;
        valid = 0xFF;
        java.util.Arrays.fill(mantissa, 0);
        java.util.Arrays.fill(exponent, 0);
    }
}
