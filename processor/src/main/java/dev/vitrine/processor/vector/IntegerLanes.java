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
 * Packed integer arithmetic, comparison and logic whose result in each 64-bit lane depends on the
 * same lane of the sources only. Bytes and words are computed side by side in a long wherever
 * carries can be kept apart.
 */
public final class IntegerLanes {
    private static final long HIGH8 = 0x8080_8080_8080_8080L;
    private static final long LOW7 = ~HIGH8;
    private static final long HIGH16 = 0x8000_8000_8000_8000L;
    private static final long HIGH32 = 0x8000_0000_8000_0000L;
    private static final long EVEN8 = 0x00FF_00FF_00FF_00FFL;
    private static final long EVEN16 = 0x0000_FFFF_0000_FFFFL;
    private static final long ONE16 = 0x0001_0001_0001_0001L;
    private static final long ONE32 = 0x0000_0001_0000_0001L;
    private static final long LOW32 = 0xFFFF_FFFFL;

    private IntegerLanes() {}

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
        v[d] = apply(op, v[a], v[s]);
        v[d + 1] = apply(op, v[a + 1], v[s + 1]);
        if (i.vectorLength == 32) {
            v[d + 2] = apply(op, v[a + 2], v[s + 2]);
            v[d + 3] = apply(op, v[a + 3], v[s + 3]);
        } else {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** One 64-bit lane of the instruction: a the first source, b the second (or only) one. */
    public static long apply(Op op, long a, long b) {
        return switch (op) {
            case PAND, ANDPS, ANDPD -> a & b;
            case PANDN, ANDNPS, ANDNPD -> ~a & b;
            case POR, ORPS, ORPD -> a | b;
            case PXOR, XORPS, XORPD -> a ^ b;
            case PADDB -> paddb(a, b);
            case PADDW -> paddw(a, b);
            case PADDD -> paddd(a, b);
            case PADDQ -> a + b;
            case PSUBB -> psubb(a, b);
            case PSUBW -> psubw(a, b);
            case PSUBD -> psubd(a, b);
            case PSUBQ -> a - b;
            case PCMPEQB -> pcmpeqb(a, b);
            case PCMPEQW -> pcmpeqw(a, b);
            case PCMPEQD -> pcmpeqd(a, b);
            case PCMPEQQ -> a == b ? -1L : 0;
            case PCMPGTB -> ~notBelowB(b ^ HIGH8, a ^ HIGH8);
            case PCMPGTW -> ~notBelowW(b ^ HIGH16, a ^ HIGH16);
            case PCMPGTD -> pcmpgtd(a, b);
            case PCMPGTQ -> a > b ? -1L : 0;
            case PMINUB -> pminub(a, b);
            case PMINUW -> select(notBelowW(a, b), b, a);
            case PMINUD -> select(pcmpgtd(a ^ HIGH32, b ^ HIGH32), b, a);
            case PMINSB -> select(notBelowB(a ^ HIGH8, b ^ HIGH8), b, a);
            case PMINSW -> select(notBelowW(a ^ HIGH16, b ^ HIGH16), b, a);
            case PMINSD -> select(pcmpgtd(a, b), b, a);
            case PMAXUB -> select(notBelowB(a, b), a, b);
            case PMAXUW -> select(notBelowW(a, b), a, b);
            case PMAXUD -> select(pcmpgtd(a ^ HIGH32, b ^ HIGH32), a, b);
            case PMAXSB -> select(notBelowB(a ^ HIGH8, b ^ HIGH8), a, b);
            case PMAXSW -> select(notBelowW(a ^ HIGH16, b ^ HIGH16), a, b);
            case PMAXSD -> select(pcmpgtd(a, b), a, b);
            default -> applyRarer(op, a, b);
        };
    }

    private static long applyRarer(Op op, long a, long b) {
        return switch (op) {
            case PADDSB -> paddsb(a, b);
            case PADDSW -> paddsw(a, b);
            case PADDUSB -> paddusb(a, b);
            case PADDUSW -> paddusw(a, b);
            case PSUBSB -> psubsb(a, b);
            case PSUBSW -> psubsw(a, b);
            case PSUBUSB -> psubb(a, b) & notBelowB(a, b);
            case PSUBUSW -> psubw(a, b) & notBelowW(a, b);
            case PMULLW -> pmullw(a, b);
            case PMULHW -> pmulhw(a, b);
            case PMULHUW -> pmulhuw(a, b);
            case PMULHRSW -> pmulhrsw(a, b);
            case PMULUDQ -> (a & LOW32) * (b & LOW32);
            case PMULDQ -> (long) (int) a * (int) b;
            case PMULLD -> join((int) a * (int) b, (int) (a >>> 32) * (int) (b >>> 32));
            case PMADDWD -> pmaddwd(a, b);
            case PMADDUBSW -> pmaddubsw(a, b);
            case PAVGB -> (a | b) - ((a ^ b) >>> 1 & LOW7);
            case PAVGW -> (a | b) - ((a ^ b) >>> 1 & ~HIGH16);
            case PSADBW -> psadbw(a, b);
            case PABSB -> pabsb(b);
            case PABSW -> pabsw(b);
            case PABSD -> join(Math.abs((int) b), Math.abs((int) (b >>> 32)));
            case PSIGNB -> psignb(a, b);
            case PSIGNW -> psignw(a, b);
            case PSIGND -> psignd(a, b);
            case VPSLLVD -> join(shl((int) a, (int) b), shl((int) (a >>> 32), (int) (b >>> 32)));
            case VPSRLVD -> join(shr((int) a, (int) b), shr((int) (a >>> 32), (int) (b >>> 32)));
            case VPSRAVD -> join(sar((int) a, (int) b), sar((int) (a >>> 32), (int) (b >>> 32)));
            case VPSLLVQ -> (b & -64) != 0 ? 0 : a << b;
            case VPSRLVQ -> (b & -64) != 0 ? 0 : a >>> b;
            case MOVSLDUP -> b & LOW32 | b << 32;
            case MOVSHDUP -> b >>> 32 | b & ~LOW32;
            default -> throw new IllegalStateException(op.name());
        };
    }

    static long join(int low, int high) {
        return low & LOW32 | (long) high << 32;
    }

    private static long select(long mask, long ifSet, long ifClear) {
        return ifSet & mask | ifClear & ~mask;
    }

    // ---------------------------------------------------- modular sums, comparison

    public static long paddb(long a, long b) {
        return (a & LOW7) + (b & LOW7) ^ (a ^ b) & HIGH8;
    }

    public static long paddw(long a, long b) {
        return (a & ~HIGH16) + (b & ~HIGH16) ^ (a ^ b) & HIGH16;
    }

    public static long paddd(long a, long b) {
        return a + b & LOW32 | (a & ~LOW32) + (b & ~LOW32);
    }

    public static long psubb(long a, long b) {
        return (a | HIGH8) - (b & LOW7) ^ (a ^ ~b) & HIGH8;
    }

    public static long psubw(long a, long b) {
        return (a | HIGH16) - (b & ~HIGH16) ^ (a ^ ~b) & HIGH16;
    }

    public static long psubd(long a, long b) {
        return a - b & LOW32 | (a & ~LOW32) - (b & ~LOW32);
    }

    public static long pcmpeqb(long a, long b) {
        long x = a ^ b;
        long differs = ((x & LOW7) + LOW7 | x) & HIGH8;
        return spread8(~differs & HIGH8);
    }

    public static long pcmpeqw(long a, long b) {
        long x = a ^ b;
        long differs = ((x & ~HIGH16) + ~HIGH16 | x) & HIGH16;
        return spread16(~differs & HIGH16);
    }

    public static long pcmpeqd(long a, long b) {
        return join((int) a == (int) b ? -1 : 0, (int) (a >>> 32) == (int) (b >>> 32) ? -1 : 0);
    }

    public static long pcmpgtd(long a, long b) {
        return join((int) a > (int) b ? -1 : 0, a >> 32 > b >> 32 ? -1 : 0);
    }

    /** Makes each byte's top bit fill the byte; all other bits must be zero. */
    /** The top bits of the eight bytes, as PMOVMSKB gathers them. */
    public static long mask8(long x) {
        return topBits8(x) & 0xFFL;
    }

    private static long spread8(long top) {
        return (top >>> 7) * 0xFF;
    }

    private static long spread16(long top) {
        return (top >>> 15) * 0xFFFF;
    }

    /** Bytes of ones where a is at least b, unsigned. */
    static long notBelowB(long a, long b) {
        long even = ((a & EVEN8 | ONE16 << 8) - (b & EVEN8)) >>> 8 & ONE16;
        long odd = ((a >>> 8 & EVEN8 | ONE16 << 8) - (b >>> 8 & EVEN8)) >>> 8 & ONE16;
        return even * 0xFF | odd * 0xFF << 8;
    }

    public static long pminub(long a, long b) {
        return select(notBelowB(a, b), b, a);
    }

    /** Words of ones where a is at least b, unsigned. */
    static long notBelowW(long a, long b) {
        long even = ((a & EVEN16 | ONE32 << 16) - (b & EVEN16)) >>> 16 & ONE32;
        long odd = ((a >>> 16 & EVEN16 | ONE32 << 16) - (b >>> 16 & EVEN16)) >>> 16 & ONE32;
        return even * 0xFFFF | odd * 0xFFFF << 16;
    }

    // ------------------------------------------------------------- saturated sums

    public static long paddusb(long a, long b) {
        long even = (a & EVEN8) + (b & EVEN8);
        long odd = (a >>> 8 & EVEN8) + (b >>> 8 & EVEN8);
        even |= (even >>> 8 & ONE16) * 0xFF;
        odd |= (odd >>> 8 & ONE16) * 0xFF;
        return even & EVEN8 | (odd & EVEN8) << 8;
    }

    public static long paddusw(long a, long b) {
        long even = (a & EVEN16) + (b & EVEN16);
        long odd = (a >>> 16 & EVEN16) + (b >>> 16 & EVEN16);
        even |= (even >>> 16 & ONE32) * 0xFFFF;
        odd |= (odd >>> 16 & ONE32) * 0xFFFF;
        return even & EVEN16 | (odd & EVEN16) << 16;
    }

    public static long paddsb(long a, long b) {
        long r = paddb(a, b);
        return saturate8(r, ~(a ^ b) & (a ^ r), a);
    }

    public static long psubsb(long a, long b) {
        long r = psubb(a, b);
        return saturate8(r, (a ^ b) & (a ^ r), a);
    }

    /** Where the top bit says overflow: 7F or 80 by the sign of a. */
    private static long saturate8(long r, long overflow, long a) {
        long mask = spread8(overflow & HIGH8);
        return select(mask, LOW7 + (a >>> 7 & 0x0101_0101_0101_0101L), r);
    }

    public static long paddsw(long a, long b) {
        long r = paddw(a, b);
        return saturate16(r, ~(a ^ b) & (a ^ r), a);
    }

    public static long psubsw(long a, long b) {
        long r = psubw(a, b);
        return saturate16(r, (a ^ b) & (a ^ r), a);
    }

    private static long saturate16(long r, long overflow, long a) {
        long mask = spread16(overflow & HIGH16);
        return select(mask, ~HIGH16 + (a >>> 15 & ONE16), r);
    }

    // -------------------------------------------------------------------- products

    /** Word n of x, sign-extended. */
    private static int word(long x, int n) {
        return (short) (x >>> (n << 4));
    }

    private static int unsignedWord(long x, int n) {
        return (int) (x >>> (n << 4)) & 0xFFFF;
    }

    private static int signedByte(long x, int n) {
        return (byte) (x >>> (n << 3));
    }

    private static int unsignedByte(long x, int n) {
        return (int) (x >>> (n << 3)) & 0xFF;
    }

    static long words(int w0, int w1, int w2, int w3) {
        return w0 & 0xFFFFL | (w1 & 0xFFFFL) << 16 | (w2 & 0xFFFFL) << 32 | (long) w3 << 48;
    }

    public static long pmullw(long a, long b) {
        return words(
                word(a, 0) * word(b, 0),
                word(a, 1) * word(b, 1),
                word(a, 2) * word(b, 2),
                word(a, 3) * word(b, 3));
    }

    public static long pmulhw(long a, long b) {
        return words(
                word(a, 0) * word(b, 0) >> 16,
                word(a, 1) * word(b, 1) >> 16,
                word(a, 2) * word(b, 2) >> 16,
                word(a, 3) * word(b, 3) >> 16);
    }

    public static long pmulhuw(long a, long b) {
        return words(
                unsignedWord(a, 0) * unsignedWord(b, 0) >>> 16,
                unsignedWord(a, 1) * unsignedWord(b, 1) >>> 16,
                unsignedWord(a, 2) * unsignedWord(b, 2) >>> 16,
                unsignedWord(a, 3) * unsignedWord(b, 3) >>> 16);
    }

    public static long pmulhrsw(long a, long b) {
        return words(
                (word(a, 0) * word(b, 0) >> 14) + 1 >> 1,
                (word(a, 1) * word(b, 1) >> 14) + 1 >> 1,
                (word(a, 2) * word(b, 2) >> 14) + 1 >> 1,
                (word(a, 3) * word(b, 3) >> 14) + 1 >> 1);
    }

    public static long pmaddwd(long a, long b) {
        return join(
                word(a, 0) * word(b, 0) + word(a, 1) * word(b, 1),
                word(a, 2) * word(b, 2) + word(a, 3) * word(b, 3));
    }

    private static int clampWord(int x) {
        return Math.max(-0x8000, Math.min(0x7FFF, x));
    }

    public static long pmaddubsw(long a, long b) {
        return words(maddubs(a, b, 0), maddubs(a, b, 2), maddubs(a, b, 4), maddubs(a, b, 6));
    }

    private static int maddubs(long a, long b, int n) {
        return clampWord(
                unsignedByte(a, n) * signedByte(b, n)
                        + unsignedByte(a, n + 1) * signedByte(b, n + 1));
    }

    // ------------------------------------------------------------------- the rest

    public static long psadbw(long a, long b) {
        long high = select(notBelowB(a, b), a, b);
        long low = a ^ b ^ high;
        // No byte of the difference borrows.
        long d = high - low;
        long sums = (d & EVEN8) + (d >>> 8 & EVEN8);
        return sums * ONE16 >>> 48;
    }

    public static long pabsb(long b) {
        long negative = spread8(b & HIGH8);
        return psubb(b ^ negative, negative);
    }

    public static long pabsw(long b) {
        long negative = spread16(b & HIGH16);
        return psubw(b ^ negative, negative);
    }

    public static long psignb(long a, long b) {
        long negative = spread8(b & HIGH8);
        return psubb(a ^ negative, negative) & ~pcmpeqb(b, 0);
    }

    public static long psignw(long a, long b) {
        long negative = spread16(b & HIGH16);
        return psubw(a ^ negative, negative) & ~pcmpeqw(b, 0);
    }

    public static long psignd(long a, long b) {
        return join(
                (int) a * Integer.signum((int) b),
                (int) (a >>> 32) * Integer.signum((int) (b >>> 32)));
    }

    private static int shl(int x, int n) {
        return (n & -32) != 0 ? 0 : x << n;
    }

    private static int shr(int x, int n) {
        return (n & -32) != 0 ? 0 : x >>> n;
    }

    private static int sar(int x, int n) {
        return x >> ((n & -32) != 0 ? 31 : n);
    }

    /** Top bits of the 8 bytes, as PMOVMSKB gathers them. */
    public static int topBits8(long x) {
        return (int) ((x & HIGH8) * 0x0002_0408_1020_4081L >>> 56);
    }
}
