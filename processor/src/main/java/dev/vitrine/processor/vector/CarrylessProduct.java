// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/** PCLMULQDQ. */
public final class CarrylessProduct {
    private static final long M0 = 0x1111_1111_1111_1111L;
    private static final long M1 = M0 << 1;
    private static final long M2 = M0 << 2;
    private static final long M3 = M0 << 3;

    private CarrylessProduct() {}

    static void execute(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        long x = cpu.v[a + ((int) i.imm & 1)];
        long y = cpu.v[s + ((int) i.imm >> 4 & 1)];
        set128(cpu, i, low(x, y), high(x, y));
    }

    /**
     * Low 64 bits of the product. Every fourth bit is multiplied at a time: sums of up to 16 ones
     * stay within the gap, but for the lowest bit, which is all that counts.
     */
    public static long low(long x, long y) {
        long x0 = x & M0;
        long x1 = x & M1;
        long x2 = x & M2;
        long x3 = x & M3;
        long y0 = y & M0;
        long y1 = y & M1;
        long y2 = y & M2;
        long y3 = y & M3;
        long z0 = x0 * y0 ^ x1 * y3 ^ x2 * y2 ^ x3 * y1;
        long z1 = x0 * y1 ^ x1 * y0 ^ x2 * y3 ^ x3 * y2;
        long z2 = x0 * y2 ^ x1 * y1 ^ x2 * y0 ^ x3 * y3;
        long z3 = x0 * y3 ^ x1 * y2 ^ x2 * y1 ^ x3 * y0;
        return z0 & M0 | z1 & M1 | z2 & M2 | z3 & M3;
    }

    /** High 64 bits of the product: the mirrored product of the mirrored factors. */
    public static long high(long x, long y) {
        return Long.reverse(low(Long.reverse(x), Long.reverse(y))) >>> 1;
    }
}
