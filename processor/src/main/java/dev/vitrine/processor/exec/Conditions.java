// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/**
 * Conditions of branches as tables, without a jump of our own for each condition: which one comes
 * next cannot be foreseen in code that executes seldom. Each has for each condition (SDM volume 1,
 * appendix B) a bit for each state that it is true in.
 */
final class Conditions {
    private Conditions() {}

    private static final int CARRY = 1;
    private static final int ZERO = 2;
    private static final int SIGN = 4;
    private static final int OVERFLOW = 8;

    /** Half the number of the condition that the parity is even. */
    private static final int PARITY = 5;

    /** By {@link #flags}; those of the parity are not in it. */
    static final long[] BY_FLAGS = new long[16];

    /** By {@link #order}; those of overflow, sign and parity are not in it. */
    static final long[] BY_ORDER = new long[16];

    /** By {@link #sign}; only those of the zero and the sign flag are in it. */
    static final long[] BY_SIGN = new long[16];

    static {
        for (int flags = 0; flags < 16; flags++) {
            boolean carry = (flags & CARRY) != 0;
            boolean zero = (flags & ZERO) != 0;
            boolean less = (flags & SIGN) != 0 != ((flags & OVERFLOW) != 0);
            fill(BY_FLAGS, 0, flags, (flags & OVERFLOW) != 0);
            fill(BY_FLAGS, 2, flags, carry);
            fill(BY_FLAGS, 4, flags, zero);
            fill(BY_FLAGS, 6, flags, carry || zero);
            fill(BY_FLAGS, 8, flags, (flags & SIGN) != 0);
            fill(BY_FLAGS, 12, flags, less);
            fill(BY_FLAGS, 14, flags, less || zero);
        }
        for (int order = 0; order < 8; order++) {
            boolean below = (order & 1) != 0;
            boolean equal = (order & 2) != 0;
            boolean less = (order & 4) != 0;
            fill(BY_ORDER, 2, order, below);
            fill(BY_ORDER, 4, order, equal);
            fill(BY_ORDER, 6, order, below || equal);
            fill(BY_ORDER, 12, order, less);
            fill(BY_ORDER, 14, order, less || equal);
        }
        for (int sign = 0; sign < 4; sign++) {
            fill(BY_SIGN, 4, sign, (sign & 1) != 0);
            fill(BY_SIGN, 8, sign, (sign & 2) != 0);
        }
    }

    /** The condition and the next one, which is its opposite. */
    private static void fill(long[] table, int condition, int state, boolean holds) {
        table[condition + (holds ? 0 : 1)] |= 1L << state;
    }

    /** Whether a condition is true, by number. */
    static boolean holds(Cpu cpu, int condition) {
        return condition >>> 1 == PARITY
                ? cpu.parityEven() == ((condition & 1) == 0)
                : (BY_FLAGS[condition] >>> flags(cpu) & 1) != 0;
    }

    /** The state of the flags but that of the parity. */
    static int flags(Cpu cpu) {
        long aux = cpu.flagAux;
        long result = cpu.flagResult;
        return (int) (aux >>> 63)
                | (result == 0 ? ZERO : 0)
                | (int) ((result ^ aux << 63) >>> 63) << 2
                | (int) ((aux ^ aux << 1) >>> 63) << 3;
    }

    /** How two operands compare: unsigned, equal, signed. */
    static int order(long x, long y) {
        return (Long.compareUnsigned(x, y) < 0 ? 1 : 0) | (x == y ? 2 : 0) | (x < y ? 4 : 0);
    }

    /** Of the result of a logical operation. */
    static int sign(long x) {
        return (x == 0 ? 1 : 0) | (int) (x >>> 63) << 1;
    }
}
