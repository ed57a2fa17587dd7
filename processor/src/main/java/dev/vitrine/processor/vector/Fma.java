// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.begin;
import static dev.vitrine.processor.vector.VectorOperands.commit;
import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.fp.Float32;
import dev.vitrine.processor.fp.Float64;
import dev.vitrine.processor.fp.FpEnv;

/** Fused multiply-add in all its forms. */
final class Fma {
    /** By ordinal: bits 0 to 1 the order; 2 to 3 negation of even and 4 to 5 of odd elements. */
    private static final byte[] SHAPE = shapes();

    private static final int ORDER_132 = 0;
    private static final int ORDER_213 = 1;

    private Fma() {}

    private static byte[] shapes() {
        Op[] all = Op.values();
        byte[] shapes = new byte[all.length];
        for (Op op : all) {
            String name = op.name();
            if (!name.startsWith("VFM") && !name.startsWith("VFNM")) {
                continue;
            }
            String order = name.substring(name.length() - 5, name.length() - 2);
            int shape = order.equals("132") ? ORDER_132 : order.equals("213") ? ORDER_213 : 2;
            // Bit 0 negates the product, bit 1 the addend.
            int product = name.startsWith("VFNM") ? 1 : 0;
            String kind = name.substring(product == 1 ? 3 : 2, name.length() - 5);
            int even = kind.equals("MSUB") || kind.equals("MADDSUB") ? 2 : 0;
            int odd = kind.equals("MSUB") || kind.equals("MSUBADD") ? 2 : 0;
            shapes[op.ordinal()] = (byte) (shape | (even | product) << 2 | (odd | product) << 4);
        }
        return shapes;
    }

    /** The NaN that wins depends on the order, so the operands have to be in it. */
    private static long doubleLane(int shape, int odd, long x, long y, long z, FpEnv e) {
        int negate = shape >> (2 + odd * 2) & 3;
        return switch (shape & 3) {
            case ORDER_132 -> Float64.fusedMultiplyAdd(x, z, y, negate, e);
            case ORDER_213 -> Float64.fusedMultiplyAdd(y, x, z, negate, e);
            default -> Float64.fusedMultiplyAdd(y, z, x, negate, e);
        };
    }

    private static int singleLane(int shape, int odd, int x, int y, int z, FpEnv e) {
        int negate = shape >> (2 + odd * 2) & 3;
        return switch (shape & 3) {
            case ORDER_132 -> Float32.fusedMultiplyAdd(x, z, y, negate, e);
            case ORDER_213 -> Float32.fusedMultiplyAdd(y, x, z, negate, e);
            default -> Float32.fusedMultiplyAdd(y, z, x, negate, e);
        };
    }

    static void packedDouble(Cpu cpu, Instruction i) {
        int shape = SHAPE[i.op.ordinal()];
        int s = source(cpu, i, 2);
        int d = i.reg[0] << 2;
        int a = i.reg[1] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int longs = i.vectorLength >> 3;
        for (int k = 0; k < longs; k++) {
            v[VectorOperands.TEMP + k] = doubleLane(shape, k & 1, v[d + k], v[a + k], v[s + k], e);
        }
        FloatOps.finishTemporary(cpu, i, e, longs);
    }

    static void packedSingle(Cpu cpu, Instruction i) {
        int shape = SHAPE[i.op.ordinal()];
        int s = source(cpu, i, 2);
        int d = i.reg[0] << 2;
        int a = i.reg[1] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int longs = i.vectorLength >> 3;
        for (int k = 0; k < longs; k++) {
            long x = v[d + k];
            long y = v[a + k];
            long z = v[s + k];
            int lo = singleLane(shape, 0, (int) x, (int) y, (int) z, e);
            int hi = singleLane(shape, 1, (int) (x >>> 32), (int) (y >>> 32), (int) (z >>> 32), e);
            v[VectorOperands.TEMP + k] = IntegerLanes.join(lo, hi);
        }
        FloatOps.finishTemporary(cpu, i, e, longs);
    }

    static void scalarDouble(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 2);
        int d = i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        long r = doubleLane(SHAPE[i.op.ordinal()], 0, v[d], v[i.reg[1] << 2], v[s], e);
        commit(cpu, e);
        set128(cpu, i, r, v[d + 1]);
    }

    static void scalarSingle(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 2);
        int d = i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int shape = SHAPE[i.op.ordinal()];
        int r = singleLane(shape, 0, (int) v[d], (int) v[i.reg[1] << 2], (int) v[s], e);
        commit(cpu, e);
        set128(cpu, i, v[d] & ~0xFFFF_FFFFL | r & 0xFFFF_FFFFL, v[d + 1]);
    }
}
