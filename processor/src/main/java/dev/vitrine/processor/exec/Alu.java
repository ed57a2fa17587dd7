// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/**
 * Integer operations with flags, for all operand sizes. A size is given as the shift {@code 64 -
 * bits}: operands are moved to the top of a long, so that carries and signs of every size stand at
 * the same bits. Results come back sign-extended; {@link #merge} puts them into a register.
 */
public final class Alu {
    /** The two bits of flagAux that hold CF and CF xor OF. */
    public static final long CARRIES = 3L << 62;

    private static final long AUX = CARRIES | 8;

    private Alu() {}

    /** Register value after writing a result of the given size. */
    public static long merge(long old, long result, int shift) {
        if (shift == 0) {
            return result;
        }
        if (shift == 32) {
            return result & 0xFFFFFFFFL;
        }
        long mask = -1L >>> shift;
        return (old & ~mask) | (result & mask);
    }

    public static long add64(Cpu cpu, long a, long b) {
        long r = a + b;
        cpu.flagResult = r;
        cpu.flagAux = ((a & b) | ((a | b) & ~r)) & AUX;
        return r;
    }

    public static long sub64(Cpu cpu, long a, long b) {
        long r = a - b;
        cpu.flagResult = r;
        cpu.flagAux = ((~a & b) | ((~a | b) & r)) & AUX;
        return r;
    }

    public static int add32(Cpu cpu, int a, int b) {
        int r = a + b;
        int c = (a & b) | ((a | b) & ~r);
        cpu.flagResult = r;
        cpu.flagAux = ((long) c << 32 & CARRIES) | (c & 8);
        return r;
    }

    public static int sub32(Cpu cpu, int a, int b) {
        int r = a - b;
        int c = (~a & b) | ((~a | b) & r);
        cpu.flagResult = r;
        cpu.flagAux = ((long) c << 32 & CARRIES) | (c & 8);
        return r;
    }

    public static long adc64(Cpu cpu, long a, long b) {
        long r = a + b + (cpu.flagAux >>> 63);
        cpu.flagResult = r;
        cpu.flagAux = carriesOfSum(a, b, r);
        return r;
    }

    public static long sbb64(Cpu cpu, long a, long b) {
        long r = a - b - (cpu.flagAux >>> 63);
        cpu.flagResult = r;
        cpu.flagAux = carriesOfDifference(a, b, r);
        return r;
    }

    /** flagAux of a 64-bit sum with or without a carry. */
    private static long carriesOfSum(long a, long b, long r) {
        return ((a & b) | ((a | b) & ~r)) & AUX;
    }

    /** flagAux of a 64-bit difference with or without a borrow. */
    private static long carriesOfDifference(long a, long b, long r) {
        return ((~a & b) | ((~a | b) & r)) & AUX;
    }

    /** RDX:RAX = RAX * b. */
    public static void mul64(Cpu cpu, long b) {
        long a = cpu.r[Cpu.RAX];
        long low = a * b;
        long high = Math.unsignedMultiplyHigh(a, b);
        cpu.r[Cpu.RAX] = low;
        cpu.r[Cpu.RDX] = high;
        cpu.flagResult = low;
        cpu.flagAux = high != 0 ? Long.MIN_VALUE : 0;
    }

    public static void logic(Cpu cpu, long signExtended) {
        cpu.flagResult = signExtended;
        cpu.flagAux = 0;
    }

    public static long add(Cpu cpu, long a, long b, long carry, int shift) {
        a <<= shift;
        b <<= shift;
        long r = a + b + (carry << shift);
        long c = (a & b) | ((a | b) & ~r);
        cpu.flagResult = r >> shift;
        cpu.flagAux = (c & CARRIES) | (c >>> shift & 8);
        return r >> shift;
    }

    public static long sub(Cpu cpu, long a, long b, long borrow, int shift) {
        a <<= shift;
        b <<= shift;
        long r = a - b - (borrow << shift);
        long c = (~a & b) | ((~a | b) & r);
        cpu.flagResult = r >> shift;
        cpu.flagAux = (c & CARRIES) | (c >>> shift & 8);
        return r >> shift;
    }

    private static void keepCarry(Cpu cpu, long oldAux) {
        // CF stays; bit 62 is CF xor OF, and OF is the new one.
        long aux = cpu.flagAux;
        long overflow = (aux ^ (aux << 1)) & Long.MIN_VALUE;
        long carry = oldAux & Long.MIN_VALUE;
        cpu.flagAux = (aux & ~CARRIES) | carry | ((carry ^ overflow) >>> 1);
    }

    public static long inc(Cpu cpu, long a, int shift) {
        long old = cpu.flagAux;
        long r = add(cpu, a, 1, 0, shift);
        keepCarry(cpu, old);
        return r;
    }

    public static long dec(Cpu cpu, long a, int shift) {
        long old = cpu.flagAux;
        long r = sub(cpu, a, 1, 0, shift);
        keepCarry(cpu, old);
        return r;
    }

    private static int countMask(int shift) {
        return shift == 0 ? 63 : 31;
    }

    public static long shl(Cpu cpu, long a, long count, int shift) {
        int n = (int) count & countMask(shift);
        if (n == 0) {
            return a << shift >> shift;
        }
        long top = a << shift;
        long r = top << n;
        long carry = top << (n - 1) & Long.MIN_VALUE;
        long overflow = (r ^ carry) & Long.MIN_VALUE;
        cpu.flagResult = r >> shift;
        cpu.flagAux = carry | ((carry ^ overflow) >>> 1);
        return r >> shift;
    }

    public static long shr(Cpu cpu, long a, long count, int shift) {
        int n = (int) count & countMask(shift);
        if (n == 0) {
            return a << shift >> shift;
        }
        long v = a << shift >>> shift;
        long carry = v >>> (n - 1) << 63;
        long overflow = a << shift & Long.MIN_VALUE;
        long r = v >>> n << shift >> shift;
        cpu.flagResult = r;
        cpu.flagAux = carry | ((carry ^ overflow) >>> 1);
        return r;
    }

    public static long sar(Cpu cpu, long a, long count, int shift) {
        int n = (int) count & countMask(shift);
        long v = a << shift >> shift;
        if (n == 0) {
            return v;
        }
        long carry = v >> (n - 1) << 63;
        long r = v >> n;
        cpu.flagResult = r;
        cpu.flagAux = carry | carry >>> 1;
        return r;
    }

    /** CF and OF only: for rotates. Arguments are in bit 63. */
    public static void carryOverflow(Cpu cpu, long carry, long overflow) {
        cpu.flagAux =
                (cpu.flagAux & ~CARRIES)
                        | (carry & Long.MIN_VALUE)
                        | ((carry ^ overflow) & Long.MIN_VALUE) >>> 1;
    }

    public static long rol(Cpu cpu, long a, long count, int shift) {
        int n = (int) count & countMask(shift);
        if (n == 0) {
            return a << shift >> shift;
        }
        int bits = 64 - shift;
        int k = n & (bits - 1);
        long v = a << shift >>> shift;
        long r = k == 0 ? v : (v << k) | (v >>> (bits - k));
        long top = r << shift;
        carryOverflow(cpu, r << 63, top ^ (r << 63));
        return top >> shift;
    }

    public static long ror(Cpu cpu, long a, long count, int shift) {
        int n = (int) count & countMask(shift);
        if (n == 0) {
            return a << shift >> shift;
        }
        int bits = 64 - shift;
        int k = n & (bits - 1);
        long v = a << shift >>> shift;
        long r = k == 0 ? v : (v >>> k) | (v << (bits - k));
        long top = r << shift;
        carryOverflow(cpu, top, top ^ (top << 1));
        return top >> shift;
    }

    /** Rotate left through carry. */
    public static long rcl(Cpu cpu, long a, long count, int shift) {
        int bits = 64 - shift;
        int n = ((int) count & countMask(shift)) % (bits + 1);
        long v = a << shift >>> shift;
        long carry = cpu.flagAux >>> 63;
        if (((int) count & countMask(shift)) == 0) {
            return a << shift >> shift;
        }
        for (int i = 0; i < n; i++) {
            long out = v >>> (bits - 1) & 1;
            v = (v << 1 | carry) << shift >>> shift;
            carry = out;
        }
        long top = v << shift;
        carryOverflow(cpu, carry << 63, top ^ (carry << 63));
        return top >> shift;
    }

    /**
     * Rotate right through carry. OF as for a count of one: from the value before the last step.
     */
    public static long rcr(Cpu cpu, long a, long count, int shift) {
        int bits = 64 - shift;
        int n = ((int) count & countMask(shift)) % (bits + 1);
        if (((int) count & countMask(shift)) == 0) {
            return a << shift >> shift;
        }
        long v = a << shift >>> shift;
        long carry = cpu.flagAux >>> 63;
        for (int i = 0; i < n; i++) {
            long out = v & 1;
            v = v >>> 1 | carry << (bits - 1);
            carry = out;
        }
        long top = v << shift;
        carryOverflow(cpu, carry << 63, top ^ (top << 1));
        return top >> shift;
    }

    public static long imul(Cpu cpu, long a, long b, int shift) {
        long r;
        boolean over;
        if (shift == 0) {
            r = a * b;
            over = Math.multiplyHigh(a, b) != r >> 63;
        } else {
            long p = (a << shift >> shift) * (b << shift >> shift);
            r = p << shift >> shift;
            over = p != r;
        }
        cpu.flagResult = r;
        cpu.flagAux = over ? Long.MIN_VALUE : 0;
        return r;
    }
}
