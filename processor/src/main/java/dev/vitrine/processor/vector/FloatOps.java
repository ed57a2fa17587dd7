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
import dev.vitrine.processor.fp.SoftFloat;

/**
 * Floating-point arithmetic and comparison, packed and scalar. Results are computed first, then
 * flags are merged (which may raise #XM), then the destination is written.
 */
public final class FloatOps {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private FloatOps() {}

    /** Packed double precision: two sources or one. */
    static void packedDouble(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        Op op = i.op;
        int imm = immediate(i);
        long r0 = doubleLane(op, v[a], v[s], imm, e);
        long r1 = doubleLane(op, v[a + 1], v[s + 1], imm, e);
        if (i.vectorLength == 32) {
            long r2 = doubleLane(op, v[a + 2], v[s + 2], imm, e);
            long r3 = doubleLane(op, v[a + 3], v[s + 3], imm, e);
            commit(cpu, e);
            int d = i.reg[0] << 2;
            v[d] = r0;
            v[d + 1] = r1;
            v[d + 2] = r2;
            v[d + 3] = r3;
        } else {
            commit(cpu, e);
            set128(cpu, i, r0, r1);
        }
    }

    /** Scalar double precision; the upper half comes from the first source. */
    static void scalarDouble(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long r = doubleLane(i.op, cpu.v[a], cpu.v[s], immediate(i), e);
        commit(cpu, e);
        set128(cpu, i, r, cpu.v[a + 1]);
    }

    /** Packed single precision: two sources or one. */
    static void packedSingle(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        Op op = i.op;
        int imm = immediate(i);
        long r0 = singleLanes(op, v[a], v[s], imm, e);
        long r1 = singleLanes(op, v[a + 1], v[s + 1], imm, e);
        if (i.vectorLength == 32) {
            long r2 = singleLanes(op, v[a + 2], v[s + 2], imm, e);
            long r3 = singleLanes(op, v[a + 3], v[s + 3], imm, e);
            commit(cpu, e);
            int d = i.reg[0] << 2;
            v[d] = r0;
            v[d + 1] = r1;
            v[d + 2] = r2;
            v[d + 3] = r3;
        } else {
            commit(cpu, e);
            set128(cpu, i, r0, r1);
        }
    }

    /** Scalar single precision; what lies above comes from the first source. */
    static void scalarSingle(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int r = singleLane(i.op, (int) v[a], (int) v[s], immediate(i), e);
        commit(cpu, e);
        set128(cpu, i, v[a] & ~LOW32 | r & LOW32, v[a + 1]);
    }

    /** Legacy comparisons have 8 predicates, VEX-encoded ones 32. */
    private static int immediate(Instruction i) {
        return switch (i.op) {
            case CMPPS, CMPPD, CMPSS, CMPSD -> (int) i.imm & (i.vex ? 31 : 7);
            default -> (int) i.imm;
        };
    }

    static long singleLanes(Op op, long a, long b, int imm, FpEnv e) {
        int lo = singleLane(op, (int) a, (int) b, imm, e);
        int hi = singleLane(op, (int) (a >>> 32), (int) (b >>> 32), imm, e);
        return lo & LOW32 | (long) hi << 32;
    }

    /** One element in double precision; b is the only source of unary operations. */
    public static long doubleLane(Op op, long a, long b, int imm, FpEnv e) {
        return switch (op) {
            case ADDSD, ADDPD -> Float64.add(a, b, e);
            case SUBSD, SUBPD -> Float64.subtract(a, b, e);
            case MULSD, MULPD -> Float64.multiply(a, b, e);
            case DIVSD, DIVPD -> Float64.divide(a, b, e);
            case MINSD, MINPD -> Float64.minimum(a, b, e);
            case MAXSD, MAXPD -> Float64.maximum(a, b, e);
            case SQRTSD, SQRTPD -> Float64.squareRoot(b, e);
            case ROUNDSD, ROUNDPD -> Float64.roundToIntegral(b, imm, e);
            case CMPSD, CMPPD -> Float64.test(a, b, imm, e);
            default -> throw new IllegalStateException(op.name());
        };
    }

    /** One element in single precision; b is the only source of unary operations. */
    public static int singleLane(Op op, int a, int b, int imm, FpEnv e) {
        return switch (op) {
            case ADDSS, ADDPS -> Float32.add(a, b, e);
            case SUBSS, SUBPS -> Float32.subtract(a, b, e);
            case MULSS, MULPS -> Float32.multiply(a, b, e);
            case DIVSS, DIVPS -> Float32.divide(a, b, e);
            case MINSS, MINPS -> Float32.minimum(a, b, e);
            case MAXSS, MAXPS -> Float32.maximum(a, b, e);
            case SQRTSS, SQRTPS -> Float32.squareRoot(b, e);
            case RCPSS, RCPPS -> Float32.reciprocal(b);
            case RSQRTSS, RSQRTPS -> Float32.reciprocalSquareRoot(b);
            case ROUNDSS, ROUNDPS -> Float32.roundToIntegral(b, imm, e);
            case CMPSS, CMPPS -> Float32.test(a, b, imm, e);
            default -> throw new IllegalStateException(op.name());
        };
    }

    /** ADDSUBPS, ADDSUBPD: even elements are subtracted, odd ones added. */
    static void executeAddSub(Cpu cpu, Instruction i) {
        int s = source(cpu, i, i.operands - 1);
        int a = i.operands == 3 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int t = VectorOperands.TEMP;
        int longs = i.vectorLength >> 3;
        for (int k = 0; k < longs; k++) {
            long x = v[a + k];
            long y = v[s + k];
            if (i.op == Op.ADDSUBPD) {
                v[t + k] = (k & 1) == 0 ? Float64.subtract(x, y, e) : Float64.add(x, y, e);
            } else {
                int lo = Float32.subtract((int) x, (int) y, e);
                int hi = Float32.add((int) (x >>> 32), (int) (y >>> 32), e);
                v[t + k] = lo & LOW32 | (long) hi << 32;
            }
        }
        finishTemporary(cpu, i, e, longs);
    }

    /** HADDPx, HSUBPx. */
    static void executeHorizontal(Cpu cpu, Instruction i) {
        int s = source(cpu, i, i.operands - 1);
        int a = i.operands == 3 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int t = VectorOperands.TEMP;
        int longs = i.vectorLength >> 3;
        for (int k = 0; k < longs; k += 2) {
            long hi = horizontal(i.op, v[s + k], v[s + k + 1], e);
            v[t + k] = horizontal(i.op, v[a + k], v[a + k + 1], e);
            v[t + k + 1] = hi;
        }
        finishTemporary(cpu, i, e, longs);
    }

    private static long horizontal(Op op, long x, long y, FpEnv e) {
        return switch (op) {
            case HADDPD -> Float64.add(x, y, e);
            case HSUBPD -> Float64.subtract(x, y, e);
            case HADDPS ->
                    IntegerLanes.join(
                            Float32.add((int) x, (int) (x >>> 32), e),
                            Float32.add((int) y, (int) (y >>> 32), e));
            default ->
                    IntegerLanes.join(
                            Float32.subtract((int) x, (int) (x >>> 32), e),
                            Float32.subtract((int) y, (int) (y >>> 32), e));
        };
    }

    /** Writes what was computed into the temporary register. */
    static void finishTemporary(Cpu cpu, Instruction i, FpEnv e, int longs) {
        commit(cpu, e);
        long[] v = cpu.v;
        int d = i.reg[0] << 2;
        int t = VectorOperands.TEMP;
        v[d] = v[t];
        v[d + 1] = v[t + 1];
        if (longs == 4) {
            v[d + 2] = v[t + 2];
            v[d + 3] = v[t + 3];
        } else {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /**
     * DPPS, DPPD: products, then sums in a tree; each step may raise its own exceptions. Each
     * result is summed in an order of its own, which decides between NaNs; the order is that of
     * Intel's processors.
     */
    static void executeDotProduct(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        int imm = (int) i.imm;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        int t = VectorOperands.TEMP;
        int longs = i.vectorLength >> 3;
        if (i.op == Op.DPPD) {
            long p0 = (imm & 16) != 0 ? Float64.multiply(v[a], v[s], e) : 0;
            long p1 = (imm & 32) != 0 ? Float64.multiply(v[a + 1], v[s + 1], e) : 0;
            commit(cpu, e);
            long sum0 = Float64.add(p0, p1, e);
            long sum1 = Float64.add(p1, p0, e);
            v[t] = (imm & 1) != 0 ? sum0 : 0;
            v[t + 1] = (imm & 2) != 0 ? sum1 : 0;
            finishTemporary(cpu, i, e, 2);
            return;
        }
        for (int k = 0; k < longs; k++) {
            int select = imm >> (4 + (k & 1) * 2);
            long x = v[a + k];
            long y = v[s + k];
            int lo = (select & 1) != 0 ? Float32.multiply((int) x, (int) y, e) : 0;
            int hi =
                    (select & 2) != 0 ? Float32.multiply((int) (x >>> 32), (int) (y >>> 32), e) : 0;
            v[t + k] = IntegerLanes.join(lo, hi);
        }
        commit(cpu, e);
        for (int k = 0; k < longs; k++) {
            int lo = (int) v[t + k];
            int hi = (int) (v[t + k] >>> 32);
            v[t + k] = IntegerLanes.join(Float32.add(hi, lo, e), Float32.add(lo, hi, e));
        }
        commit(cpu, e);
        for (int k = 0; k < longs; k += 2) {
            long x = v[t + k];
            long y = v[t + k + 1];
            v[t + k] = sums(x, y, imm, e);
            v[t + k + 1] = sums(y, x, imm >> 2, e);
        }
        finishTemporary(cpu, i, e, longs);
    }

    private static long sums(long x, long y, int select, FpEnv e) {
        int lo = Float32.add((int) x, (int) y, e);
        int hi = Float32.add((int) (x >>> 32), (int) (y >>> 32), e);
        return IntegerLanes.join((select & 1) != 0 ? lo : 0, (select & 2) != 0 ? hi : 0);
    }

    /** COMISx and UCOMISx. */
    static void executeCompare(Cpu cpu, Instruction i, boolean wide, boolean signalling) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        long a = cpu.v[i.reg[0] << 2];
        long b = cpu.v[s];
        int relation =
                wide
                        ? Float64.compare(a, b, signalling, e)
                        : Float32.compare((int) a, (int) b, signalling, e);
        commit(cpu, e);
        cpu.setArithmeticFlags(
                switch (relation) {
                    case SoftFloat.LESS -> Cpu.CF;
                    case SoftFloat.EQUAL -> Cpu.ZF;
                    case SoftFloat.GREATER -> 0;
                    default -> Cpu.ZF | Cpu.PF | Cpu.CF;
                });
    }

    /** PTEST, VTESTPS, VTESTPD: ZF from and, CF from and-not of the bits that count. */
    static void executeTest(Cpu cpu, Instruction i, long mask) {
        int s = source(cpu, i, 1);
        int d = i.reg[0] << 2;
        long and = 0;
        long andNot = 0;
        for (int k = 0; k < i.vectorLength >> 3; k++) {
            long a = cpu.v[d + k];
            long b = cpu.v[s + k];
            and |= a & b & mask;
            andNot |= ~a & b & mask;
        }
        cpu.setArithmeticFlags((and == 0 ? Cpu.ZF : 0) | (andNot == 0 ? Cpu.CF : 0));
    }
}
