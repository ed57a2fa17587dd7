// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.IntegerLanes.join;
import static dev.vitrine.processor.vector.VectorOperands.begin;
import static dev.vitrine.processor.vector.VectorOperands.commit;
import static dev.vitrine.processor.vector.VectorOperands.mmx;
import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;
import static dev.vitrine.processor.vector.VectorOperands.writeMmx;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.fp.Float32;
import dev.vitrine.processor.fp.Float64;
import dev.vitrine.processor.fp.FpEnv;
import dev.vitrine.processor.fp.SoftFloat;

/** Conversions between integers and floating point, and between the sizes of the latter. */
final class Conversions {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Conversions() {}

    private static int rounding(FpEnv e) {
        return e.mxcsr >>> FpEnv.RC_SHIFT & 3;
    }

    /** CVTSI2SS, CVTSI2SD. */
    static void fromGeneral(Cpu cpu, Instruction i) {
        int n = i.operands - 1;
        long x = Cpu.extend(cpu.read(i, n), i.size[n]);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long lo;
        if (i.op == Op.CVTSI2SS) {
            lo = cpu.v[a] & ~LOW32 | Float32.fromLong(x, e) & LOW32;
        } else {
            lo = i.size[n] == 4 ? Float64.fromInt((int) x) : Float64.fromLong(x, e);
        }
        commit(cpu, e);
        set128(cpu, i, lo, cpu.v[a + 1]);
    }

    /** CVTSS2SI, CVTSD2SI and the truncating forms. */
    static void toGeneral(Cpu cpu, Instruction i, boolean wide, boolean truncate) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        int rc = truncate ? SoftFloat.TRUNCATE : rounding(e);
        long x = cpu.v[s];
        long r;
        if (i.size[0] == 8) {
            r = wide ? Float64.toLong(x, rc, e) : Float32.toLong((int) x, rc, e);
        } else {
            r = wide ? Float64.toInt(x, rc, e) : Float32.toInt((int) x, rc, e);
        }
        commit(cpu, e);
        cpu.writeRegister(i.reg[0], i.size[0], r);
    }

    /** CVTSS2SD, CVTSD2SS. */
    static void scalar(Cpu cpu, Instruction i) {
        int n = i.operands - 1;
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        long lo =
                i.op == Op.CVTSS2SD
                        ? Float64.fromSingle((int) v[s], e)
                        : v[a] & ~LOW32 | Float32.fromDouble(v[s], e) & LOW32;
        commit(cpu, e);
        set128(cpu, i, lo, v[a + 1]);
    }

    /** CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ: elements keep their size. */
    static void same(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        int longs = i.vectorLength >> 3;
        long[] v = cpu.v;
        for (int k = 0; k < longs; k++) {
            long x = v[s + k];
            v[VectorOperands.TEMP + k] =
                    join(same(i.op, (int) x, e), same(i.op, (int) (x >>> 32), e));
        }
        FloatOps.finishTemporary(cpu, i, e, longs);
    }

    private static int same(Op op, int x, FpEnv e) {
        return switch (op) {
            case CVTDQ2PS -> Float32.fromInt(x, e);
            case CVTPS2DQ -> Float32.toInt(x, rounding(e), e);
            default -> Float32.toInt(x, SoftFloat.TRUNCATE, e);
        };
    }

    /** CVTPS2PD, CVTDQ2PD: two or four 32-bit elements to 64 bits. */
    static void widen(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        int longs = i.vectorLength >> 3;
        long[] v = cpu.v;
        boolean integers = i.op == Op.CVTDQ2PD;
        long x0 = v[s];
        long x1 = v[s + 1];
        for (int k = 0; k < longs; k++) {
            int x = (int) ((k < 2 ? x0 : x1) >>> ((k & 1) << 5));
            v[VectorOperands.TEMP + k] = integers ? Float64.fromInt(x) : Float64.fromSingle(x, e);
        }
        FloatOps.finishTemporary(cpu, i, e, longs);
    }

    /** CVTPD2PS, CVTPD2DQ, CVTTPD2DQ: two or four 64-bit elements to 32 bits. */
    static void narrow(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        long[] v = cpu.v;
        Op op = i.op;
        long lo = join(narrow(op, v[s], e), narrow(op, v[s + 1], e));
        long hi = 0;
        if (i.vectorLength == 32) {
            hi = join(narrow(op, v[s + 2], e), narrow(op, v[s + 3], e));
        }
        commit(cpu, e);
        set128(cpu, i, lo, hi);
    }

    private static int narrow(Op op, long x, FpEnv e) {
        return switch (op) {
            case CVTPD2PS -> Float32.fromDouble(x, e);
            case CVTPD2DQ, CVTPD2PI -> Float64.toInt(x, rounding(e), e);
            default -> Float64.toInt(x, SoftFloat.TRUNCATE, e);
        };
    }

    /** CVTPI2PS, CVTPI2PD, CVTPS2PI, CVTPD2PI, CVTTPS2PI, CVTTPD2PI. */
    static void withMmx(Cpu cpu, Instruction i) {
        FpEnv e = cpu.fp;
        long[] v = cpu.v;
        Op op = i.op;
        if (i.kind[0] == Operand.MMX) {
            int s = source(cpu, i, 1);
            // Processors change to MMX before the conversion can fail.
            VectorOperands.enterMmx(cpu);
            begin(cpu);
            long r;
            switch (op) {
                case CVTPD2PI, CVTTPD2PI -> r = join(narrow(op, v[s], e), narrow(op, v[s + 1], e));
                default -> {
                    Op same = op == Op.CVTPS2PI ? Op.CVTPS2DQ : Op.CVTTPS2DQ;
                    r = join(same(same, (int) v[s], e), same(same, (int) (v[s] >>> 32), e));
                }
            }
            commit(cpu, e);
            writeMmx(cpu, i.reg[0], r);
            return;
        }
        long x = mmx(cpu, i, 1);
        begin(cpu);
        int d = i.reg[0] << 2;
        if (i.kind[1] == Operand.MMX) {
            VectorOperands.enterMmx(cpu);
        }
        if (op == Op.CVTPI2PD) {
            v[d] = Float64.fromInt((int) x);
            v[d + 1] = Float64.fromInt((int) (x >>> 32));
        } else {
            long r = join(Float32.fromInt((int) x, e), Float32.fromInt((int) (x >>> 32), e));
            commit(cpu, e);
            v[d] = r;
        }
    }

    /** VCVTPH2PS. */
    static void fromHalf(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        FpEnv e = begin(cpu);
        int longs = i.vectorLength >> 3;
        long[] v = cpu.v;
        long x0 = v[s];
        long x1 = v[s + 1];
        for (int k = 0; k < longs; k++) {
            int x = (int) ((k < 2 ? x0 : x1) >>> ((k & 1) << 5));
            v[VectorOperands.TEMP + k] =
                    join(SoftFloat.halfToSingle(x, e), SoftFloat.halfToSingle(x >>> 16, e));
        }
        FloatOps.finishTemporary(cpu, i, e, longs);
    }

    /** VCVTPS2PH. */
    static void toHalf(Cpu cpu, Instruction i) {
        FpEnv e = begin(cpu);
        int s = i.reg[1] << 2;
        int imm = (int) i.imm;
        long[] v = cpu.v;
        long lo = halves(v[s], imm, e) | halves(v[s + 1], imm, e) << 32;
        long hi = 0;
        if (i.vectorLength == 32) {
            hi = halves(v[s + 2], imm, e) | halves(v[s + 3], imm, e) << 32;
        }
        if (i.kind[0] != Operand.MEM) {
            commit(cpu, e);
            set128(cpu, i, lo, hi);
            return;
        }
        int size = i.size[0];
        // As on processors, flags are set before the store can fault.
        commit(cpu, e);
        long la = cpu.linear(i, size, true);
        cpu.mmu.probeWrite(la, size);
        if (size == 16) {
            cpu.mmu.storePart64(la, lo);
            cpu.mmu.storePart64(la + 8, hi);
        } else {
            cpu.mmu.store64(la, lo);
        }
    }

    private static long halves(long x, int imm, FpEnv e) {
        int lo = SoftFloat.singleToHalf((int) x, imm, e);
        int hi = SoftFloat.singleToHalf((int) (x >>> 32), imm, e);
        return lo & 0xFFFFL | (hi & 0xFFFFL) << 16;
    }
}
