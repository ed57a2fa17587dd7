// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.mmx;
import static dev.vitrine.processor.vector.VectorOperands.source;
import static dev.vitrine.processor.vector.VectorOperands.writeMmx;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Packed shifts by one count, and shifts of whole 128-bit lanes by bytes. */
public final class Shifts {
    private static final long LOW32 = 0xFFFF_FFFFL;
    private static final long ONE16 = 0x0001_0001_0001_0001L;

    private Shifts() {}

    static void execute(Cpu cpu, Instruction i) {
        Op op = i.op;
        int last = i.operands - 1;
        long[] v = cpu.v;
        if (i.kind[0] == Operand.MMX) {
            long count = i.kind[1] == Operand.IMM ? i.imm & 0xFF : mmx(cpu, i, 1);
            int r = i.reg[0] & 7;
            writeMmx(cpu, r, apply(op, cpu.x87.mantissa[r], count));
            return;
        }
        long count = i.kind[last] == Operand.IMM ? i.imm & 0xFF : v[source(cpu, i, last)];
        int d = i.reg[0] << 2;
        int a = i.operands == 3 ? i.reg[1] << 2 : d;
        v[d] = apply(op, v[a], count);
        v[d + 1] = apply(op, v[a + 1], count);
        if (i.vectorLength == 32) {
            v[d + 2] = apply(op, v[a + 2], count);
            v[d + 3] = apply(op, v[a + 3], count);
        } else {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** One 64-bit lane; the count is unsigned and may exceed the width of the elements. */
    public static long apply(Op op, long x, long count) {
        int n = (count & -64) != 0 ? 64 : (int) count;
        return switch (op) {
            case PSLLW -> n > 15 ? 0 : x << n & (0xFFFFL << n & 0xFFFF) * ONE16;
            case PSRLW -> n > 15 ? 0 : x >>> n & (0xFFFFL >>> n) * ONE16;
            case PSRAW -> psraw(x, Math.min(n, 15));
            case PSLLD -> n > 31 ? 0 : x << n & ~LOW32 & -1L << 32 + n | (x & LOW32) << n & LOW32;
            case PSRLD -> n > 31 ? 0 : x >>> n & (LOW32 >>> n) * 0x1_0000_0001L;
            case PSRAD -> psrad(x, Math.min(n, 31));
            case PSLLQ -> n > 63 ? 0 : x << n;
            case PSRLQ -> n > 63 ? 0 : x >>> n;
            default -> throw new IllegalStateException(op.name());
        };
    }

    private static long psraw(long x, int n) {
        return IntegerLanes.words(
                (short) x >> n,
                (short) (x >>> 16) >> n,
                (short) (x >>> 32) >> n,
                (int) (x >> 48) >> n);
    }

    private static long psrad(long x, int n) {
        return (int) x >> n & LOW32 | x >> n & ~LOW32;
    }

    /** PSLLDQ and PSRLDQ: bytes, in each 128-bit lane. */
    static void executeBytes(Cpu cpu, Instruction i) {
        int n = Math.min((int) i.imm & 0xFF, 16) * 8;
        boolean left = i.op == Op.PSLLDQ;
        int d = i.reg[0] << 2;
        int a = i.operands == 3 ? i.reg[1] << 2 : d;
        long[] v = cpu.v;
        for (int k = 0; k < i.vectorLength >> 3; k += 2) {
            long lo = v[a + k];
            long hi = v[a + k + 1];
            if (left) {
                v[d + k] = n < 64 ? lo << n : 0;
                v[d + k + 1] = leftHigh(lo, hi, n);
            } else {
                v[d + k] = n == 0 ? lo : n < 64 ? lo >>> n | hi << -n : n < 128 ? hi >>> n - 64 : 0;
                v[d + k + 1] = n < 64 ? hi >>> n : 0;
            }
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** High half of hi:lo shifted left by n bits, 0 to 128. */
    private static long leftHigh(long lo, long hi, int n) {
        return n == 0 ? hi : n < 64 ? hi << n | lo >>> -n : n < 128 ? lo << n - 64 : 0;
    }
}
