// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Broadcasts, permutations across 128-bit lanes, insertion and extraction of such lanes. */
final class Permutes {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Permutes() {}

    /** VBROADCASTxx, VPBROADCASTx. */
    static void executeBroadcast(Cpu cpu, Instruction i) {
        long[] v = cpu.v;
        int s = source(cpu, i, 1);
        long x = v[s];
        long y;
        switch (i.op) {
            case VBROADCASTSS, VPBROADCASTD -> y = x = x & LOW32 | x << 32;
            case VPBROADCASTB -> y = x = (x & 0xFF) * 0x0101_0101_0101_0101L;
            case VPBROADCASTW -> y = x = (x & 0xFFFF) * 0x0001_0001_0001_0001L;
            case VBROADCASTF128, VBROADCASTI128 -> y = v[s + 1];
            default -> y = x;
        }
        int d = i.reg[0] << 2;
        boolean wide = i.vectorLength == 32;
        v[d] = x;
        v[d + 1] = y;
        v[d + 2] = wide ? x : 0;
        v[d + 3] = wide ? y : 0;
    }

    /** VPERM2F128, VPERM2I128. */
    static void executePerm2(Cpu cpu, Instruction i) {
        int imm = (int) i.imm;
        int s = source(cpu, i, 2);
        int a = i.reg[1] << 2;
        long[] v = cpu.v;
        int x = (imm & 2) != 0 ? s : a;
        int y = (imm & 32) != 0 ? s : a;
        x += (imm & 1) << 1;
        y += imm >> 3 & 2;
        long x0 = (imm & 8) != 0 ? 0 : v[x];
        long x1 = (imm & 8) != 0 ? 0 : v[x + 1];
        long y0 = (imm & 128) != 0 ? 0 : v[y];
        long y1 = (imm & 128) != 0 ? 0 : v[y + 1];
        set256(v, i.reg[0] << 2, x0, x1, y0, y1);
    }

    private static void set256(long[] v, int d, long r0, long r1, long r2, long r3) {
        v[d] = r0;
        v[d + 1] = r1;
        v[d + 2] = r2;
        v[d + 3] = r3;
    }

    /** VPERMQ, VPERMPD: four quadwords by an immediate. */
    static void executeQuad(Cpu cpu, Instruction i) {
        int imm = (int) i.imm;
        int s = source(cpu, i, 1);
        long[] v = cpu.v;
        set256(
                v,
                i.reg[0] << 2,
                v[s + (imm & 3)],
                v[s + (imm >> 2 & 3)],
                v[s + (imm >> 4 & 3)],
                v[s + (imm >> 6 & 3)]);
    }

    /** VPERMD, VPERMPS: eight doublewords by a vector of indexes, the first source. */
    static void executeDword(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 2);
        int a = i.reg[1] << 2;
        long[] v = cpu.v;
        set256(
                v,
                i.reg[0] << 2,
                dwords(v, s, v[a]),
                dwords(v, s, v[a + 1]),
                dwords(v, s, v[a + 2]),
                dwords(v, s, v[a + 3]));
    }

    private static long dwords(long[] v, int s, long index) {
        return dword(v, s, (int) index & 7) | dword(v, s, (int) (index >>> 32) & 7) << 32;
    }

    private static long dword(long[] v, int s, int n) {
        return v[s + (n >> 1)] >>> ((n & 1) << 5) & LOW32;
    }

    /** VEXTRACTF128, VEXTRACTI128. */
    static void executeExtract(Cpu cpu, Instruction i) {
        int s = (i.reg[1] << 2) + (((int) i.imm & 1) << 1);
        if (i.kind[0] == Operand.MEM) {
            VectorOperands.storeVector(cpu, cpu.linear(i, 16, true), 16, s);
        } else {
            set256(cpu.v, i.reg[0] << 2, cpu.v[s], cpu.v[s + 1], 0, 0);
        }
    }

    /** VINSERTF128, VINSERTI128. */
    static void executeInsert(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 2);
        int a = i.reg[1] << 2;
        long[] v = cpu.v;
        if ((i.imm & 1) != 0) {
            set256(v, i.reg[0] << 2, v[a], v[a + 1], v[s], v[s + 1]);
        } else {
            set256(v, i.reg[0] << 2, v[s], v[s + 1], v[a + 2], v[a + 3]);
        }
    }

    /** VZEROUPPER, VZEROALL: registers 8 to 15 only in 64-bit mode. */
    static void executeZero(Cpu cpu, Op op) {
        int registers = cpu.mode64() ? 16 : 8;
        for (int r = 0; r < registers; r++) {
            int d = r << 2;
            if (op == Op.VZEROALL) {
                cpu.v[d] = 0;
                cpu.v[d + 1] = 0;
            }
            cpu.v[d + 2] = 0;
            cpu.v[d + 3] = 0;
        }
    }
}
