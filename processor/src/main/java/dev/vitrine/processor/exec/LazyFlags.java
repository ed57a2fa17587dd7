// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/**
 * The arithmetic flags inside of a region: the kind of operation that set them last and two of its
 * operands. Nothing is worked out until it is asked for.
 *
 * <p>Where a kind exists for several sizes they follow each other in the order 64, 32, 16, 8. The
 * operands of 16 and 8 bits of {@link #ADD} and {@link #SUB} are shifted to the top of the long.
 */
public final class LazyFlags {
    /** x and y are {@link Cpu#flagResult} and {@link Cpu#flagAux}. */
    public static final int RAW = 0;

    /** x is the result, sign-extended; carry and overflow are clear. */
    public static final int LOGIC = 1;

    /** x + y. */
    public static final int ADD = 4;

    /** x - y. */
    public static final int SUB = 8;

    /** x is the result, sign-extended; y the carry of before, 0 or 1. */
    public static final int INC = 12;

    public static final int DEC = 16;

    /** x shifted by y, which is not 0; sizes 64 and 32 only. */
    public static final int SHL = 20;

    public static final int SHR = 22;
    public static final int SAR = 24;

    /** x is the low half of an unsigned product, y the high one; 64 bits. */
    public static final int MUL = 26;

    /** Signed x * y; sizes 64 and 32. */
    public static final int IMUL = 27;

    /**
     * Rotations by a constant that is not 0; sizes 64 and 32. x is the result. They set CF and OF;
     * the other flags are those of an older operation, whose kind and operands are kept beside.
     */
    public static final int ROL = 29;

    public static final int ROR = 31;

    /** The bits of {@link Cpu#flagAux} that carry and overflow are in. */
    public static final long CARRIES = 3L << 62;

    private LazyFlags() {}

    public static boolean isRotation(int kind) {
        return kind >= ROL;
    }

    /** {@link Cpu#flagAux} behind a rotation, from what it was before. */
    private static long rotated(int kind, long x, long before) {
        long top = (kind - ROL & 1) == 0 ? x : x << 32;
        long carry;
        long overflow;
        if (kind < ROR) {
            carry = x << 63;
            overflow = (top ^ carry) & Long.MIN_VALUE;
        } else {
            carry = top & Long.MIN_VALUE;
            overflow = (top ^ top << 1) & Long.MIN_VALUE;
        }
        return before & ~CARRIES | carry | (carry ^ overflow) >>> 1;
    }

    /**
     * {@link Cpu#flagAux} with another carry, and the overflow of before.
     *
     * @param carry in the top bit; the others are 0
     */
    public static long withCarry(long aux, long carry) {
        return aux & ~CARRIES | carry | ((carry ^ aux ^ aux << 1) & Long.MIN_VALUE) >>> 1;
    }

    /** As {@link #store(Cpu, int, long, long)}, for all kinds. */
    public static void store(Cpu cpu, int kind, long x, long y, int oldKind, long oldX, long oldY) {
        if (isRotation(kind)) {
            cpu.flagResult = result(oldKind, oldX, oldY);
            cpu.flagAux = rotated(kind, x, aux(oldKind, oldX, oldY));
        } else {
            store(cpu, kind, x, y);
        }
    }

    /** Number of a size among those of a kind, for a shift of 64 less the size in bits. */
    public static int sizeIndex(int shift) {
        return switch (shift) {
            case 0 -> 0;
            case 32 -> 1;
            case 48 -> 2;
            default -> 3;
        };
    }

    private static final int[] SHIFT = {0, 32, 48, 56};

    /** 64 less the size in bits, by its number among those of a kind. */
    public static int shift(int sizeIndex) {
        return SHIFT[sizeIndex];
    }

    /** {@link Cpu#flagResult}. */
    public static long result(int kind, long x, long y) {
        return switch (kind) {
            case RAW, LOGIC, INC, INC + 1, INC + 2, INC + 3, DEC, DEC + 1, DEC + 2, DEC + 3, MUL ->
                    x;
            case ADD -> x + y;
            case ADD + 1 -> (int) (x + y);
            case ADD + 2 -> x + y >> 48;
            case ADD + 3 -> x + y >> 56;
            case SUB -> x - y;
            case SUB + 1 -> (int) (x - y);
            case SUB + 2 -> x - y >> 48;
            case SUB + 3 -> x - y >> 56;
            case SHL -> x << y;
            case SHL + 1 -> (int) x << (int) y;
            case SHR -> x >>> y;
            case SHR + 1 -> (int) x >>> (int) y;
            case SAR -> x >> y;
            case SAR + 1 -> (int) x >> (int) y;
            case IMUL -> x * y;
            case IMUL + 1 -> (int) x * (int) y;
            default -> throw new IllegalStateException("flags of kind " + kind);
        };
    }

    /** {@link Cpu#flagAux}. */
    public static long aux(int kind, long x, long y) {
        switch (kind) {
            case RAW:
                return y;
            case LOGIC:
                return 0;
            case ADD, ADD + 1, ADD + 2, ADD + 3:
                {
                    int s = SHIFT[kind - ADD];
                    long a = s == 32 ? x << 32 : x;
                    long b = s == 32 ? y << 32 : y;
                    long c = (a & b) | ((a | b) & ~(a + b));
                    return (c & CARRIES) | (c >>> s & 8);
                }
            case SUB, SUB + 1, SUB + 2, SUB + 3:
                {
                    int s = SHIFT[kind - SUB];
                    long a = s == 32 ? x << 32 : x;
                    long b = s == 32 ? y << 32 : y;
                    long c = (~a & b) | ((~a | b) & (a - b));
                    return (c & CARRIES) | (c >>> s & 8);
                }
            case INC, INC + 1, INC + 2, INC + 3:
                {
                    long carry = y << 63;
                    long overflow = x == Long.MIN_VALUE >> SHIFT[kind - INC] ? Long.MIN_VALUE : 0;
                    return carry | (carry ^ overflow) >>> 1 | ((x & 15) == 0 ? 8 : 0);
                }
            case DEC, DEC + 1, DEC + 2, DEC + 3:
                {
                    long carry = y << 63;
                    long overflow = x == Long.MAX_VALUE >> SHIFT[kind - DEC] ? Long.MIN_VALUE : 0;
                    return carry | (carry ^ overflow) >>> 1 | ((x & 15) == 15 ? 8 : 0);
                }
            case SHL:
                return shifted(x << y - 1, x << y);
            case SHL + 1:
                return shifted(x << y + 31, x << y + 32);
            case SHR:
                return shiftedRight(x >>> y - 1, x);
            case SHR + 1:
                return shiftedRight((int) x >>> (int) y - 1, x << 32);
            case SAR:
                {
                    long carry = x >> y - 1 << 63;
                    return carry | carry >>> 1;
                }
            case SAR + 1:
                {
                    long carry = (long) ((int) x >> (int) y - 1) << 63;
                    return carry | carry >>> 1;
                }
            case MUL:
                return y != 0 ? Long.MIN_VALUE : 0;
            case IMUL:
                return Math.multiplyHigh(x, y) != x * y >> 63 ? Long.MIN_VALUE : 0;
            case IMUL + 1:
                {
                    long p = (long) (int) x * (int) y;
                    return p != (int) p ? Long.MIN_VALUE : 0;
                }
            default:
                throw new IllegalStateException("flags of kind " + kind);
        }
    }

    /** Carry in the sign of the first argument, result's sign in that of the second. */
    private static long shifted(long last, long result) {
        long carry = last & Long.MIN_VALUE;
        long overflow = (result ^ carry) & Long.MIN_VALUE;
        return carry | (carry ^ overflow) >>> 1;
    }

    private static long shiftedRight(long last, long operand) {
        long carry = last << 63;
        long overflow = operand & Long.MIN_VALUE;
        return carry | (carry ^ overflow) >>> 1;
    }

    /** CF, 0 or 1. */
    public static long carry(int kind, long x, long y) {
        return aux(kind, x, y) >>> 63;
    }

    /** CF of the processor's flags, of whatever kind. */
    public static long carry(Cpu cpu) {
        return carry(cpu.flagKind, cpu.flagResult, cpu.flagAux);
    }

    /** The same for a condition. */
    public static boolean condition(Cpu cpu, int cc) {
        return condition(cpu.flagKind, cpu.flagResult, cpu.flagAux, cc);
    }

    /** Condition cc, the low four bits of Jcc's opcode. */
    public static boolean condition(int kind, long x, long y, int cc) {
        long res = result(kind, x, y);
        long aux = aux(kind, x, y);
        boolean c =
                switch (cc >>> 1) {
                    case 0 -> (aux ^ (aux << 1)) < 0;
                    case 1 -> aux < 0;
                    case 2 -> res == 0;
                    case 3 -> aux < 0 || res == 0;
                    case 4 -> (res ^ (aux << 63)) < 0;
                    case 5 -> (Integer.bitCount((int) (res ^ (aux >>> 8)) & 0xFF) & 1) == 0;
                    case 6 -> (res ^ (aux << 63) ^ aux ^ (aux << 1)) < 0;
                    default -> res == 0 || (res ^ (aux << 63) ^ aux ^ (aux << 1)) < 0;
                };
        return c ^ ((cc & 1) != 0);
    }

    /** Works out the flags that a region has left behind as kind and operands. */
    public static void settle(Cpu cpu) {
        int kind = cpu.flagKind;
        if (kind != RAW) {
            cpu.flagKind = RAW;
            store(cpu, kind, cpu.flagResult, cpu.flagAux);
        }
    }

    /** Puts the flags into the processor. */
    public static void store(Cpu cpu, int kind, long x, long y) {
        cpu.flagResult = result(kind, x, y);
        cpu.flagAux = aux(kind, x, y);
    }
}
