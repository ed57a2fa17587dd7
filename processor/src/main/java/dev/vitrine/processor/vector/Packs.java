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

/**
 * Packing, horizontal integer sums and interleaving. Packs and horizontal operations turn two longs
 * into one; in a 128-bit lane the low result comes from the first source and the high result from
 * the second.
 */
public final class Packs {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Packs() {}

    /** PACKxx, PHADDx, PHSUBx. */
    static void execute(Cpu cpu, Instruction i) {
        Op op = i.op;
        if (i.kind[0] == Operand.MMX) {
            long b = mmx(cpu, i, 1);
            int r = i.reg[0] & 7;
            writeMmx(cpu, r, apply(op, cpu.x87.mantissa[r], b));
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int d = i.reg[0] << 2;
        int a = i.operands == 3 ? i.reg[1] << 2 : d;
        long[] v = cpu.v;
        for (int k = 0; k < i.vectorLength >> 3; k += 2) {
            long lo = apply(op, v[a + k], v[a + k + 1]);
            long hi = apply(op, v[s + k], v[s + k + 1]);
            v[d + k] = lo;
            v[d + k + 1] = hi;
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** Packs or adds x (the lower elements) and y into one long. */
    public static long apply(Op op, long x, long y) {
        return switch (op) {
            case PACKSSWB -> packBytes(x, -128, 127) | packBytes(y, -128, 127) << 32;
            case PACKUSWB -> packBytes(x, 0, 255) | packBytes(y, 0, 255) << 32;
            case PACKSSDW -> packWords(x, -0x8000, 0x7FFF) | packWords(y, -0x8000, 0x7FFF) << 32;
            case PACKUSDW -> packWords(x, 0, 0xFFFF) | packWords(y, 0, 0xFFFF) << 32;
            case PHADDW -> IntegerLanes.paddw(evenWords(x, y), oddWords(x, y));
            case PHSUBW -> IntegerLanes.psubw(evenWords(x, y), oddWords(x, y));
            case PHADDSW -> IntegerLanes.paddsw(evenWords(x, y), oddWords(x, y));
            case PHSUBSW -> IntegerLanes.psubsw(evenWords(x, y), oddWords(x, y));
            case PHADDD -> x + (x >>> 32) & LOW32 | y + (y >>> 32) << 32;
            case PHSUBD -> x - (x >>> 32) & LOW32 | y - (y >>> 32) << 32;
            default -> throw new IllegalStateException(op.name());
        };
    }

    private static long evenWords(long x, long y) {
        return x & 0xFFFF | x >>> 16 & 0xFFFF_0000L | (y & 0xFFFF | y >>> 16 & 0xFFFF_0000L) << 32;
    }

    private static long oddWords(long x, long y) {
        return evenWords(x >>> 16, y >>> 16);
    }

    private static long packBytes(long x, int least, int most) {
        long r = 0;
        for (int k = 0; k < 4; k++) {
            int w = (short) (x >>> (k << 4));
            r |= (Math.max(least, Math.min(most, w)) & 0xFFL) << (k << 3);
        }
        return r;
    }

    private static long packWords(long x, int least, int most) {
        int a = Math.max(least, Math.min(most, (int) x));
        int b = Math.max(least, Math.min(most, (int) (x >>> 32)));
        return a & 0xFFFFL | (b & 0xFFFFL) << 16;
    }

    /** PUNPCKxx and UNPCKxPx. */
    static void executeInterleave(Cpu cpu, Instruction i) {
        Op op = i.op;
        boolean high =
                switch (op) {
                    case PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, PUNPCKHQDQ, UNPCKHPS, UNPCKHPD -> true;
                    default -> false;
                };
        if (i.kind[0] == Operand.MMX) {
            long b = mmx(cpu, i, 1);
            int r = i.reg[0] & 7;
            int n = high ? 32 : 0;
            writeMmx(cpu, r, interleave(op, cpu.x87.mantissa[r] >>> n, b >>> n));
            return;
        }
        int s = source(cpu, i, i.operands - 1);
        int d = i.reg[0] << 2;
        int a = i.operands == 3 ? i.reg[1] << 2 : d;
        long[] v = cpu.v;
        int from = high ? 1 : 0;
        boolean quad =
                op == Op.PUNPCKLQDQ
                        || op == Op.PUNPCKHQDQ
                        || op == Op.UNPCKLPD
                        || op == Op.UNPCKHPD;
        for (int k = 0; k < i.vectorLength >> 3; k += 2) {
            long x = v[a + k + from];
            long y = v[s + k + from];
            v[d + k] = quad ? x : interleave(op, x, y);
            v[d + k + 1] = quad ? y : interleave(op, x >>> 32, y >>> 32);
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** Interleaves the elements of the low halves of x and y. */
    public static long interleave(Op op, long x, long y) {
        return switch (op) {
            case PUNPCKLBW, PUNPCKHBW -> spreadBytes(x) | spreadBytes(y) << 8;
            case PUNPCKLWD, PUNPCKHWD -> spreadWords(x) | spreadWords(y) << 16;
            default -> x & LOW32 | y << 32;
        };
    }

    /** The low four bytes, zero-extended to words. */
    static long spreadBytes(long x) {
        x = spreadWords(x);
        return (x | x << 8) & 0x00FF_00FF_00FF_00FFL;
    }

    /** The low two words, zero-extended to doublewords. */
    static long spreadWords(long x) {
        x &= LOW32;
        return (x | x << 16) & 0x0000_FFFF_0000_FFFFL;
    }
}
