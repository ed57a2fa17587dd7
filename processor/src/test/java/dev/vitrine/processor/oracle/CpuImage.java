// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import java.util.Arrays;

/**
 * All the user-visible state of a processor: general registers, flags, segments and the XSAVE image
 * (standard format, components x87, SSE and AVX; SDM volume 1, 13.4). Mutable, so that suites of
 * millions of cases reuse a few of them.
 */
public final class CpuImage {
    public static final int RAX = 0;
    public static final int RCX = 1;
    public static final int RDX = 2;
    public static final int RBX = 3;
    public static final int RSP = 4;
    public static final int RBP = 5;
    public static final int RSI = 6;
    public static final int RDI = 7;

    /** The value of MXCSR after reset: all exceptions masked. */
    public static final int MXCSR_INIT = 0x1f80;

    /** The x87 control word after FNINIT. */
    public static final int FCW_INIT = 0x037f;

    static final int XSAVE_LONGS = OracleLayout.XSAVE_SIZE / 8;
    private static final int ST = 4;
    private static final int XMM = 20;
    private static final int XSTATE_BV = 64;
    private static final int YMM_HIGH = 72;

    /** General registers in encoding order. */
    public final long[] gpr = new long[16];

    public long rip;
    public long rflags;
    public long fsBase;
    public long gsBase;
    public int cs;
    public int ss;
    public int ds;
    public int es;
    public int fs;
    public int gs;

    /** The XSAVE image as 64-bit words. */
    public final long[] xsave = new long[XSAVE_LONGS];

    /**
     * Sets the state that a 64-bit Linux process starts with: everything zero, FPU and SSE
     * initialised.
     */
    public void reset() {
        Arrays.fill(gpr, 0);
        rip = OracleLayout.CODE;
        rflags = 0x202;
        fsBase = 0;
        gsBase = 0;
        cs = OracleLayout.CODE64_SELECTOR;
        ss = OracleLayout.DATA_SELECTOR;
        ds = OracleLayout.DATA_SELECTOR;
        es = OracleLayout.DATA_SELECTOR;
        fs = OracleLayout.DATA_SELECTOR;
        gs = OracleLayout.DATA_SELECTOR;
        gpr[RSP] = OracleLayout.STACK + OracleLayout.STACK_SIZE / 2;
        Arrays.fill(xsave, 0);
        fcw(FCW_INIT);
        mxcsr(MXCSR_INIT);
        xsave[XSTATE_BV] = 7;
    }

    /** Copies everything from another image. */
    public void copyFrom(CpuImage o) {
        System.arraycopy(o.gpr, 0, gpr, 0, 16);
        System.arraycopy(o.xsave, 0, xsave, 0, XSAVE_LONGS);
        rip = o.rip;
        rflags = o.rflags;
        fsBase = o.fsBase;
        gsBase = o.gsBase;
        cs = o.cs;
        ss = o.ss;
        ds = o.ds;
        es = o.es;
        fs = o.fs;
        gs = o.gs;
    }

    public int fcw() {
        return (int) xsave[0] & 0xffff;
    }

    public void fcw(int value) {
        xsave[0] = xsave[0] & ~0xffffL | value & 0xffff;
    }

    public int fsw() {
        return (int) (xsave[0] >>> 16) & 0xffff;
    }

    public void fsw(int value) {
        xsave[0] = xsave[0] & ~0xffff_0000L | (value & 0xffffL) << 16;
    }

    /** The abridged tag word: bit n set if physical register n is in use. */
    public int ftw() {
        return (int) (xsave[0] >>> 32) & 0xff;
    }

    public void ftw(int value) {
        xsave[0] = xsave[0] & ~0xffff_0000_0000L | (value & 0xffL) << 32;
    }

    /** The opcode of the last x87 instruction that raised an unmasked exception, 11 bits. */
    public int fop() {
        return (int) (xsave[0] >>> 48) & 0x7ff;
    }

    void fop(int value) {
        xsave[0] = xsave[0] & ~(0x7ffL << 48) | (value & 0x7ffL) << 48;
    }

    public long fip() {
        return xsave[1];
    }

    public long fdp() {
        return xsave[2];
    }

    /**
     * The significand of ST(i), counted from the top of the stack, or all of MMi's physical
     * neighbour.
     */
    public long stMantissa(int i) {
        return xsave[ST + 2 * i];
    }

    /** Sign and exponent of ST(i). */
    public int stExponent(int i) {
        return (int) xsave[ST + 2 * i + 1] & 0xffff;
    }

    public void st(int i, int exponent, long mantissa) {
        xsave[ST + 2 * i] = mantissa;
        xsave[ST + 2 * i + 1] = exponent & 0xffff;
    }

    public int mxcsr() {
        return (int) xsave[3];
    }

    public void mxcsr(int value) {
        xsave[3] = 0xffff_0000_0000L | value & 0xffff_ffffL;
    }

    /** A 64-bit lane of a vector register: lanes 0 and 1 are XMM, 2 and 3 the upper half of YMM. */
    public long lane(int register, int lane) {
        return xsave[(lane < 2 ? XMM : YMM_HIGH) + 2 * register + (lane & 1)];
    }

    public void lane(int register, int lane, long value) {
        xsave[(lane < 2 ? XMM : YMM_HIGH) + 2 * register + (lane & 1)] = value;
    }

    /**
     * Gives every component its values: XSAVE marks a component in its initial state by a clear bit
     * of XSTATE_BV. Drops what carries no state: reserved bytes and the upper bytes of the x87
     * registers.
     */
    void normalize() {
        long present = xsave[XSTATE_BV];
        if ((present & 1) == 0) {
            xsave[0] = FCW_INIT;
            Arrays.fill(xsave, 1, 3, 0);
            Arrays.fill(xsave, ST, XMM, 0);
        }
        if ((present & 2) == 0) {
            Arrays.fill(xsave, XMM, XMM + 32, 0);
        }
        if ((present & 4) == 0) {
            Arrays.fill(xsave, YMM_HIGH, YMM_HIGH + 32, 0);
        }
        xsave[0] &= 0x07ff_00ff_ffff_ffffL;
        for (int i = 0; i < 8; i++) {
            xsave[ST + 2 * i + 1] &= 0xffff;
        }
        mxcsr((int) xsave[3]);
        Arrays.fill(xsave, XMM + 32, YMM_HIGH, 0);
        xsave[XSTATE_BV] = 7;
    }
}
