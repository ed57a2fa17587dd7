// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.X87State;

import java.util.Arrays;

/** All state of a processor that instructions within blocks can change, as a row of longs. */
final class StateImage {
    private static final int R = 0;
    private static final int V = R + Cpu.R_TEMP;
    private static final int VECTORS = 16 * 4;
    private static final int MANTISSA = V + VECTORS;
    private static final int EXPONENT = MANTISSA + 8;
    private static final int REST = EXPONENT + 8;

    /** Names of what is behind {@link #REST}, in order. */
    private static final String[] NAMES = {
        "RIP",
        "instructions retired",
        "arithmetic flags",
        "other flags",
        "MXCSR",
        "x87 control word",
        "x87 status word",
        "x87 top",
        "x87 tags",
        "x87 opcode",
        "x87 instruction selector",
        "x87 instruction pointer",
        "x87 data selector",
        "x87 data pointer",
        "CR2",
        "KERNEL_GS_BASE",
        "FS base in the segment register",
        "GS base in the segment register",
        "interrupt shadow",
        "pending debug traps",
        "halted",
        "mode"
    };

    private static final int RIP = REST;
    private static final int RETIRED = REST + 1;
    static final int FLAGS = REST + 2;
    static final int SIZE = REST + NAMES.length;

    private static final String[] GENERAL = {
        "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"
    };
    private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};

    final long[] values = new long[SIZE];
    private int flagKind;
    private long flagResult;
    private long flagAux;

    long rip() {
        return values[RIP];
    }

    long retired() {
        return values[RETIRED];
    }

    void setPosition(long rip, long retired) {
        values[RIP] = rip;
        values[RETIRED] = retired;
    }

    /** What stands at an index. */
    static String name(int i) {
        if (i < 8) {
            return GENERAL[i];
        } else if (i < 16) {
            return "R" + i;
        } else if (i < Cpu.R_SEG_BASE) {
            return "the register that is zero";
        } else if (i < V) {
            return SEGMENTS[i - Cpu.R_SEG_BASE] + " base";
        } else if (i < MANTISSA) {
            int lane = i - V;
            return "YMM" + lane / 4 + " bits " + lane % 4 * 64 + " to " + (lane % 4 * 64 + 63);
        } else if (i < EXPONENT) {
            return "x87 register " + (i - MANTISSA) + " mantissa";
        } else if (i < REST) {
            return "x87 register " + (i - EXPONENT) + " exponent";
        }
        return NAMES[i - REST];
    }

    /** Takes the state, and leaves it as it is, flags that are not worked out included. */
    void save(Cpu cpu) {
        long[] to = values;
        System.arraycopy(cpu.r, 0, to, R, Cpu.R_TEMP);
        System.arraycopy(cpu.v, 0, to, V, VECTORS);
        X87State x = cpu.x87;
        System.arraycopy(x.mantissa, 0, to, MANTISSA, 8);
        for (int i = 0; i < 8; i++) {
            to[EXPONENT + i] = x.exponent[i];
        }
        flagKind = cpu.flagKind;
        flagResult = cpu.flagResult;
        flagAux = cpu.flagAux;
        LazyFlags.settle(cpu);
        int n = REST;
        to[n++] = cpu.rip;
        to[n++] = cpu.retired;
        to[n++] = cpu.arithmeticFlags();
        to[n++] = cpu.eflags;
        to[n++] = cpu.mxcsr;
        to[n++] = x.control;
        to[n++] = x.status;
        to[n++] = x.top;
        to[n++] = x.valid;
        to[n++] = x.opcode;
        to[n++] = x.instructionSelector;
        to[n++] = x.instructionPointer;
        to[n++] = x.dataSelector;
        to[n++] = x.dataPointer;
        to[n++] = cpu.cr2;
        to[n++] = cpu.kernelGsBase;
        to[n++] = cpu.segment[Cpu.FS].base;
        to[n++] = cpu.segment[Cpu.GS].base;
        to[n++] = cpu.shadow;
        to[n++] = cpu.pendingDebug;
        to[n++] = cpu.halted ? 1 : 0;
        to[n] = cpu.modeKey;
        restoreFlags(cpu);
    }

    /** Puts the flags back in the form that they had. */
    void restoreFlags(Cpu cpu) {
        cpu.flagKind = flagKind;
        cpu.flagResult = flagResult;
        cpu.flagAux = flagAux;
    }

    /** Puts the state back. */
    void restore(Cpu cpu) {
        long[] from = values;
        System.arraycopy(from, R, cpu.r, 0, Cpu.R_TEMP);
        System.arraycopy(from, V, cpu.v, 0, VECTORS);
        X87State x = cpu.x87;
        System.arraycopy(from, MANTISSA, x.mantissa, 0, 8);
        for (int i = 0; i < 8; i++) {
            x.exponent[i] = (int) from[EXPONENT + i];
        }
        restoreFlags(cpu);
        int flags = cpu.eflags;
        int n = REST;
        cpu.rip = from[n++];
        cpu.retired = from[n++];
        n++;
        cpu.eflags = (int) from[n++];
        cpu.mxcsr = (int) from[n++];
        x.control = (int) from[n++];
        x.status = (int) from[n++];
        x.top = (int) from[n++];
        x.valid = (int) from[n++];
        x.opcode = (int) from[n++];
        x.instructionSelector = (int) from[n++];
        x.instructionPointer = from[n++];
        x.dataSelector = (int) from[n++];
        x.dataPointer = from[n++];
        cpu.cr2 = from[n++];
        cpu.kernelGsBase = from[n++];
        cpu.segment[Cpu.FS].base = from[n++];
        cpu.segment[Cpu.GS].base = from[n++];
        cpu.shadow = (int) from[n++];
        cpu.pendingDebug = (int) from[n++];
        cpu.halted = from[n++] != 0;
        if (cpu.eflags != flags || cpu.modeKey != (int) from[n]) {
            cpu.modeChanged();
        }
    }

    /** The first index from one on at which another image differs, or -1. */
    int mismatch(StateImage other, int from) {
        int i = Arrays.mismatch(values, from, SIZE, other.values, from, SIZE);
        return i < 0 ? -1 : from + i;
    }
}
