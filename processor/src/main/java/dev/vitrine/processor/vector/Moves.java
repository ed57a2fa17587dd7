// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.TEMP;
import static dev.vitrine.processor.vector.VectorOperands.alignedAddress;
import static dev.vitrine.processor.vector.VectorOperands.clearUpper;
import static dev.vitrine.processor.vector.VectorOperands.enterMmx;
import static dev.vitrine.processor.vector.VectorOperands.loadVector;
import static dev.vitrine.processor.vector.VectorOperands.mmx;
import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;
import static dev.vitrine.processor.vector.VectorOperands.storeVector;
import static dev.vitrine.processor.vector.VectorOperands.writeMmx;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** Movement between vector registers, memory and general registers. */
final class Moves {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Moves() {}

    /**
     * Whole registers: MOVAPS, MOVUPS, MOVDQA, MOVDQU, MOVNTxx, LDDQU and their like.
     *
     * @param aligned memory has to be aligned, with VEX too
     */
    static void whole(Cpu cpu, Instruction i, boolean aligned) {
        int size = i.vectorLength;
        long[] v = cpu.v;
        if (i.kind[0] == Operand.MEM) {
            long la = aligned ? alignedAddress(cpu, i, size, true) : cpu.linear(i, size, true);
            storeVector(cpu, la, size, i.reg[1] << 2);
            return;
        }
        int d = i.reg[0] << 2;
        if (i.kind[1] == Operand.MEM) {
            long la = aligned ? alignedAddress(cpu, i, size, false) : cpu.linear(i, size, false);
            loadVector(cpu, la, size, d);
        } else {
            int s = i.reg[1] << 2;
            v[d] = v[s];
            v[d + 1] = v[s + 1];
            if (size == 32) {
                v[d + 2] = v[s + 2];
                v[d + 3] = v[s + 3];
            }
        }
        if (size == 16) {
            clearUpper(cpu, i, d);
        }
    }

    /** MOVD and MOVQ with a general register, in either direction. */
    static void general(Cpu cpu, Instruction i) {
        int to = i.kind[0];
        if (to == Operand.XMM) {
            set128(cpu, i, cpu.read(i, 1), 0);
        } else if (to == Operand.MMX) {
            long x = cpu.read(i, 1);
            writeMmx(cpu, i.reg[0], x);
        } else if (i.kind[1] == Operand.MMX) {
            // As on processors, TOP stays changed if the store faults.
            cpu.x87.top = 0;
            cpu.write(i, 0, cpu.x87.mantissa[i.reg[1] & 7]);
            enterMmx(cpu);
        } else {
            cpu.write(i, 0, cpu.v[i.reg[1] << 2]);
        }
    }

    /** MOVQ between vector or MMX registers and memory; MOVNTQ. */
    static void quad(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            long x = mmx(cpu, i, 1);
            writeMmx(cpu, i.reg[0], x);
        } else if (i.kind[1] == Operand.MMX) {
            cpu.x87.top = 0;
            cpu.store(cpu.linear(i, 8, true), 8, cpu.x87.mantissa[i.reg[1] & 7]);
            enterMmx(cpu);
        } else if (i.kind[0] == Operand.MEM) {
            cpu.store(cpu.linear(i, 8, true), 8, cpu.v[i.reg[1] << 2]);
        } else if (i.kind[1] == Operand.MEM) {
            set128(cpu, i, cpu.load(cpu.linear(i, 8, false), 8), 0);
        } else {
            set128(cpu, i, cpu.v[i.reg[1] << 2], 0);
        }
    }

    /** MOVQ2DQ and MOVDQ2Q. */
    static void crossing(Cpu cpu, Instruction i) {
        if (i.kind[0] == Operand.MMX) {
            writeMmx(cpu, i.reg[0], cpu.v[i.reg[1] << 2]);
        } else {
            set128(cpu, i, cpu.x87.mantissa[i.reg[1] & 7], 0);
            enterMmx(cpu);
        }
    }

    /** MOVSS and MOVSD: a load clears what lies above, a register move merges. */
    static void scalar(Cpu cpu, Instruction i, int size) {
        long[] v = cpu.v;
        if (i.kind[0] == Operand.MEM) {
            cpu.store(cpu.linear(i, size, true), size, v[i.reg[1] << 2]);
            return;
        }
        if (i.kind[1] == Operand.MEM) {
            set128(cpu, i, cpu.load(cpu.linear(i, size, false), size), 0);
            return;
        }
        int s = i.reg[i.operands - 1] << 2;
        int a = i.operands == 3 ? i.reg[1] << 2 : i.reg[0] << 2;
        long lo = size == 8 ? v[s] : v[a] & ~LOW32 | v[s] & LOW32;
        set128(cpu, i, lo, v[a + 1]);
    }

    /** MOVLPS, MOVLPD, MOVHPS, MOVHPD, MOVHLPS, MOVLHPS. */
    static void half(Cpu cpu, Instruction i) {
        long[] v = cpu.v;
        if (i.kind[0] == Operand.MEM) {
            int s = i.reg[1] << 2;
            switch (i.op) {
                case MOVHPS, MOVHPD -> s++;
                default -> {}
            }
            cpu.store(cpu.linear(i, 8, true), 8, v[s]);
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int a = i.operands == 3 ? i.reg[1] << 2 : i.reg[0] << 2;
        switch (i.op) {
            case MOVLPS, MOVLPD -> set128(cpu, i, v[s], v[a + 1]);
            case MOVHLPS -> set128(cpu, i, v[s + 1], v[a + 1]);
            default -> set128(cpu, i, v[a], v[s]);
        }
    }

    /** PMOVMSKB. */
    static void byteMask(Cpu cpu, Instruction i) {
        long mask;
        if (i.kind[1] == Operand.MMX) {
            mask = IntegerLanes.topBits8(cpu.x87.mantissa[i.reg[1] & 7]);
            enterMmx(cpu);
        } else {
            long[] v = cpu.v;
            int s = i.reg[1] << 2;
            mask = IntegerLanes.topBits8(v[s]) | IntegerLanes.topBits8(v[s + 1]) << 8;
            if (i.vectorLength == 32) {
                mask |= (long) IntegerLanes.topBits8(v[s + 2]) << 16;
                mask |= (long) IntegerLanes.topBits8(v[s + 3]) << 24;
            }
        }
        cpu.r[i.reg[0]] = mask;
    }

    /** MOVMSKPS, MOVMSKPD. */
    static void signMask(Cpu cpu, Instruction i, boolean single) {
        int s = i.reg[1] << 2;
        int n = i.vectorLength >> 3;
        long mask = 0;
        for (int k = n - 1; k >= 0; k--) {
            long x = cpu.v[s + k];
            mask = single ? mask << 2 | x >>> 62 & 2 | x >>> 31 & 1 : mask << 1 | x >>> 63;
        }
        cpu.r[i.reg[0]] = mask;
    }

    /** VMASKMOVPx, VPMASKMOVx: only the elements that the mask selects are accessed. */
    static void masked(Cpu cpu, Instruction i, int size) {
        long[] v = cpu.v;
        int n = i.vectorLength / size;
        boolean store = i.kind[0] == Operand.MEM;
        int m = i.reg[1] << 2;
        int any = 0;
        for (int k = 0; k < n; k++) {
            any |= selected(v, m, k, size) ? 1 << k : 0;
        }
        if (any == 0) {
            // Not even the segment is checked.
            if (!store) {
                clear(v, i.reg[0] << 2);
            }
            return;
        }
        long la = cpu.linear(i, i.vectorLength, store);
        int length = (32 - Integer.numberOfLeadingZeros(any)) * size;
        VectorOperands.checkCanonical(cpu, la, length);
        if (store) {
            int s = i.reg[2] << 2;
            // Two probes, as processors report faults: the first byte, and the last one if the
            // selected elements lie in two pages.
            long first = la + Integer.numberOfTrailingZeros(any) * size;
            long last = la + length - 1;
            cpu.mmu.probeWrite(first, 1);
            if ((first ^ last) >>> 12 != 0) {
                cpu.mmu.probeWrite(last, 1);
            }
            for (int k = 0; k < n; k++) {
                if ((any >> k & 1) != 0) {
                    int at = k * size;
                    cpu.store(la + at, size, v[s + (at >> 3)] >>> ((at & 7) << 3));
                }
            }
            return;
        }
        clear(v, TEMP);
        for (int k = 0; k < n; k++) {
            if ((any >> k & 1) != 0) {
                int at = k * size;
                v[TEMP + (at >> 3)] |= cpu.load(la + at, size) << ((at & 7) << 3);
            }
        }
        int d = i.reg[0] << 2;
        System.arraycopy(v, TEMP, v, d, 4);
    }

    private static void clear(long[] v, int d) {
        v[d] = 0;
        v[d + 1] = 0;
        v[d + 2] = 0;
        v[d + 3] = 0;
    }

    /** Top bit of element k. */
    static boolean selected(long[] v, int m, int k, int size) {
        return size == 8 ? v[m + k] < 0 : (int) (v[m + (k >> 1)] >>> ((k & 1) << 5)) < 0;
    }

    /** MASKMOVDQU and MASKMOVQ: bytes to DS:rDI where the mask's top bits are set. */
    static void maskedBytes(Cpu cpu, Instruction i) {
        boolean narrow = i.kind[0] == Operand.MMX;
        int size = narrow ? 8 : 16;
        int a = i.reg[0] << 2;
        int m = i.reg[1] << 2;
        long lo = narrow ? cpu.x87.mantissa[i.reg[0] & 7] : cpu.v[a];
        long hi = narrow ? 0 : cpu.v[a + 1];
        int mask = IntegerLanes.topBits8(narrow ? cpu.x87.mantissa[i.reg[1] & 7] : cpu.v[m]);
        if (!narrow) {
            mask |= IntegerLanes.topBits8(cpu.v[m + 1]) << 8;
        }
        if (narrow) {
            enterMmx(cpu);
        }
        long offset = cpu.r[Cpu.RDI];
        offset =
                i.addressSize == 8 ? offset : i.addressSize == 4 ? offset & LOW32 : offset & 0xFFFF;
        long la = cpu.linear(i.segment, offset, size, true);
        // As on processors: the upper half first, and faults even if no byte is selected.
        if (!narrow) {
            cpu.mmu.probeWrite(la + 8, 8);
        }
        cpu.mmu.probeWrite(la, 8);
        for (int k = 0; k < size; k++) {
            if ((mask >> k & 1) != 0) {
                cpu.mmu.store8(la + k, (byte) ((k < 8 ? lo : hi) >>> (k << 3)));
            }
        }
    }
}
