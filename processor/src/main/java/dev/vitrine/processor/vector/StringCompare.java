// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM volume 1, 12.7 and volume 2, 4.1). */
final class StringCompare {
    private StringCompare() {}

    static void execute(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        int imm = (int) i.imm & 0x7F;
        boolean words = (imm & 1) != 0;
        int n = words ? 8 : 16;
        boolean explicit = i.op == Op.PCMPESTRI || i.op == Op.PCMPESTRM;
        int length1;
        int length2;
        if (explicit) {
            length1 = length(cpu.r[Cpu.RAX], i.operandSize == 8, n);
            length2 = length(cpu.r[Cpu.RDX], i.operandSize == 8, n);
        } else {
            length1 = terminated(v[d], v[d + 1], words);
            length2 = terminated(v[s], v[s + 1], words);
        }
        int result = aggregate(v, d, s, imm, n, length1, length2);
        int all = (1 << n) - 1;
        switch (imm >> 4 & 3) {
            case 1 -> result ^= all;
            case 3 -> result ^= (1 << length2) - 1;
            default -> {}
        }
        if (i.op == Op.PCMPESTRI || i.op == Op.PCMPISTRI) {
            int index;
            if (result == 0) {
                index = n;
            } else if ((imm & 0x40) != 0) {
                index = 31 - Integer.numberOfLeadingZeros(result);
            } else {
                index = Integer.numberOfTrailingZeros(result);
            }
            cpu.r[Cpu.RCX] = index;
        } else {
            writeMask(cpu, i, result, (imm & 0x40) != 0, words);
        }
        cpu.setArithmeticFlags(
                (result != 0 ? Cpu.CF : 0)
                        | (length2 < n ? Cpu.ZF : 0)
                        | (length1 < n ? Cpu.SF : 0)
                        | ((result & 1) != 0 ? Cpu.OF : 0));
    }

    private static void writeMask(Cpu cpu, Instruction i, int mask, boolean expand, boolean words) {
        long[] v = cpu.v;
        v[0] = mask;
        v[1] = 0;
        if (expand) {
            v[0] = 0;
            for (int k = 0; k < 16; k++) {
                if ((mask >> (words ? k >> 1 : k) & 1) != 0) {
                    v[k >> 3] |= 0xFFL << ((k & 7) << 3);
                }
            }
        }
        VectorOperands.clearUpper(cpu, i, 0);
    }

    /** Magnitude of an explicit length, at most n. */
    private static int length(long register, boolean wide, int n) {
        long x = Math.abs(wide ? register : (int) register);
        return x < 0 || x > n ? n : (int) x;
    }

    /** Elements before the first zero. */
    private static int terminated(long lo, long hi, boolean words) {
        if (words) {
            long low = IntegerLanes.pcmpeqw(lo, 0);
            long high = IntegerLanes.pcmpeqw(hi, 0);
            return low != 0
                    ? Long.numberOfTrailingZeros(low) >> 4
                    : 4 + (Long.numberOfTrailingZeros(high) >> 4);
        }
        long low = IntegerLanes.pcmpeqb(lo, 0);
        long high = IntegerLanes.pcmpeqb(hi, 0);
        return low != 0
                ? Long.numberOfTrailingZeros(low) >> 3
                : 8 + (Long.numberOfTrailingZeros(high) >> 3);
    }

    private static int element(long[] v, int at, int k, int format) {
        return switch (format) {
            case 0 -> (int) (v[at + (k >> 3)] >>> ((k & 7) << 3)) & 0xFF;
            case 1 -> (int) (v[at + (k >> 2)] >>> ((k & 3) << 4)) & 0xFFFF;
            case 2 -> (byte) (v[at + (k >> 3)] >>> ((k & 7) << 3));
            default -> (short) (v[at + (k >> 2)] >>> ((k & 3) << 4));
        };
    }

    private static int aggregate(long[] v, int d, int s, int imm, int n, int length1, int length2) {
        int format = imm & 3;
        int result = 0;
        switch (imm >> 2 & 3) {
            case 0 -> {
                for (int j = 0; j < length2; j++) {
                    int x = element(v, s, j, format);
                    for (int k = 0; k < length1; k++) {
                        if (x == element(v, d, k, format)) {
                            result |= 1 << j;
                            break;
                        }
                    }
                }
            }
            case 1 -> {
                for (int j = 0; j < length2; j++) {
                    int x = element(v, s, j, format);
                    for (int k = 0; k + 1 < length1; k += 2) {
                        if (x >= element(v, d, k, format) && x <= element(v, d, k + 1, format)) {
                            result |= 1 << j;
                            break;
                        }
                    }
                }
            }
            case 2 -> {
                for (int k = 0; k < n; k++) {
                    boolean equal =
                            k < length1 && k < length2
                                    ? element(v, d, k, format) == element(v, s, k, format)
                                    : k >= length1 && k >= length2;
                    result |= equal ? 1 << k : 0;
                }
            }
            default -> {
                for (int j = 0; j < n; j++) {
                    boolean equal = true;
                    for (int k = 0; k < length1 && j + k < n && equal; k++) {
                        equal =
                                j + k < length2
                                        && element(v, d, k, format) == element(v, s, j + k, format);
                    }
                    result |= equal ? 1 << j : 0;
                }
            }
        }
        return result;
    }
}
