// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.fp.FpEnv;

/**
 * Operands of vector instructions. A register or memory operand is named by the index of its lowest
 * long in {@link Cpu#v}; memory is first read into a temporary register there.
 */
final class VectorOperands {
    /** Index of the temporary that memory operands are read into. */
    static final int TEMP = 64;

    private static final int PAGE_MASK = 0xFFF;

    private VectorOperands() {}

    /** Index of operand n's longs; memory is read into {@link #TEMP}, zero-extended to 16 bytes. */
    static int source(Cpu cpu, Instruction i, int n) {
        if (i.kind[n] != Operand.MEM) {
            return i.reg[n] << 2;
        }
        load(cpu, i, i.size[n], TEMP);
        return TEMP;
    }

    /** Number of the last operand that is not an immediate. */
    static int lastSource(Instruction i) {
        int n = i.operands - 1;
        return i.kind[n] == Operand.IMM ? n - 1 : n;
    }

    /** Whether the instruction's memory operand has to be aligned to 16 bytes. */
    private static boolean mustAlign(Instruction i, int size) {
        return size == 16 && !i.vex && (i.form.attributes & Form.UNALIGNED) == 0;
    }

    /** Linear address of the memory operand; checks what legacy instructions demand. */
    static long address(Cpu cpu, Instruction i, int size, boolean write) {
        long la = cpu.linear(i, size, write);
        if (mustAlign(i, size) && (la & 15) != 0) {
            throw cpu.gp(0);
        }
        return la;
    }

    /** As {@link #address}, for instructions whose operand has to be aligned with VEX, too. */
    static long alignedAddress(Cpu cpu, Instruction i, int size, boolean write) {
        long la = cpu.linear(i, size, write);
        if ((la & (size - 1)) != 0) {
            throw cpu.gp(0);
        }
        return la;
    }

    private static void load(Cpu cpu, Instruction i, int size, int at) {
        long la = address(cpu, i, size, false);
        long[] v = cpu.v;
        if (size < 16) {
            v[at] = cpu.load(la, size);
            v[at + 1] = 0;
        } else {
            loadVector(cpu, la, size, at);
        }
    }

    /**
     * Reads 16 or 32 bytes; nothing changes if any of them faults, unless at is a guest register.
     */
    static void loadVector(Cpu cpu, long la, int size, int at) {
        long[] v = cpu.v;
        if ((la & PAGE_MASK) > PAGE_MASK + 1 - size) {
            checkCanonical(cpu, la, size);
        }
        long a = cpu.mmu.load64(la);
        long b = cpu.mmu.load64(la + 8);
        if (size == 32) {
            long c = cpu.mmu.load64(la + 16);
            long d = cpu.mmu.load64(la + 24);
            v[at + 2] = c;
            v[at + 3] = d;
        }
        v[at] = a;
        v[at + 1] = b;
    }

    /** An operand that leaves the canonical addresses gives #GP before any page fault. */
    static void checkCanonical(Cpu cpu, long la, int size) {
        long last = la + size - 1;
        if (cpu.mode64() && last << 16 >> 16 != last) {
            cpu.mmu.load8(last);
        }
    }

    /** Writes 16 or 32 bytes, all or none of them. */
    static void storeVector(Cpu cpu, long la, int size, int at) {
        long[] v = cpu.v;
        if ((la & PAGE_MASK) > PAGE_MASK + 1 - size) {
            checkCanonical(cpu, la, size);
            cpu.mmu.probeWrite(la, size);
        }
        cpu.mmu.store64(la, v[at]);
        cpu.mmu.store64(la + 8, v[at + 1]);
        if (size == 32) {
            cpu.mmu.store64(la + 16, v[at + 2]);
            cpu.mmu.store64(la + 24, v[at + 3]);
        }
    }

    /** Clears bits 128 to 255 of a register after a VEX-encoded 128-bit instruction. */
    static void clearUpper(Cpu cpu, Instruction i, int d) {
        if (i.vex) {
            cpu.v[d + 2] = 0;
            cpu.v[d + 3] = 0;
        }
    }

    /** Sets a 128-bit result: bits above are cleared by VEX, kept by legacy instructions. */
    static void set128(Cpu cpu, Instruction i, long lo, long hi) {
        int d = i.reg[0] << 2;
        cpu.v[d] = lo;
        cpu.v[d + 1] = hi;
        clearUpper(cpu, i, d);
    }

    /** Value of an MMX register or memory operand. */
    static long mmx(Cpu cpu, Instruction i, int n) {
        if (i.kind[n] == Operand.MMX) {
            return cpu.x87.mantissa[i.reg[n] & 7];
        }
        return cpu.load(cpu.linear(i, i.size[n], false), i.size[n]);
    }

    /** What every MMX instruction does to the x87 state (SDM volume 1, 9.6.2). */
    static void enterMmx(Cpu cpu) {
        cpu.x87.top = 0;
        cpu.x87.valid = 0xFF;
    }

    static void writeMmx(Cpu cpu, int register, long value) {
        X87State x = cpu.x87;
        x.top = 0;
        x.valid = 0xFF;
        x.mantissa[register & 7] = value;
        x.exponent[register & 7] = 0xFFFF;
    }

    /** Starts a floating-point instruction. */
    static FpEnv begin(Cpu cpu) {
        FpEnv e = cpu.fp;
        e.begin(cpu.mxcsr);
        return e;
    }

    /**
     * Merges the flags that an instruction raised into MXCSR; raises #XM (or #UD) if one is not
     * masked. Must be called before a result is written. An unmasked flag of those that are found
     * before the computation keeps the others from being raised (SDM volume 1, 11.5.2).
     */
    static void commit(Cpu cpu, FpEnv e) {
        int flags = e.flags;
        if (flags == 0) {
            return;
        }
        int unmasked = flags & ~(cpu.mxcsr >>> 7);
        if (unmasked != 0) {
            if ((unmasked & FpEnv.BEFORE) != 0) {
                flags &= FpEnv.BEFORE;
            }
            cpu.mxcsr |= flags;
            throw cpu.fault((cpu.cr4 & Cpu.CR4_OSXMMEXCPT) != 0 ? Vector.XM : Vector.UD);
        }
        cpu.mxcsr |= flags;
    }
}
