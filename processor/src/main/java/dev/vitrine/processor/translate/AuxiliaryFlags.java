// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.exec.LazyFlags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;

/**
 * Writes what {@link LazyFlags#aux} does for one kind of flags. In the middle of a large region
 * HotSpot takes no method in line any more, and a call with its switch over the kinds costs as much
 * as the rest of some runs.
 */
final class AuxiliaryFlags {
    private AuxiliaryFlags() {}

    /** Whether a kind can be written out; not rotations, which need an older operation as well. */
    static boolean knows(int kind) {
        return kind >= LazyFlags.RAW && kind <= LazyFlags.MUL && (kind < 2 || kind >= 4);
    }

    /** Pushes the word, a long, of flags of a kind that it {@link #knows}. */
    static void push(CodeBuilder code, int kind, int x, int y) {
        switch (kind) {
            case LazyFlags.RAW -> code.lload(y);
            case LazyFlags.LOGIC -> code.lconst_0();
            case LazyFlags.ADD, LazyFlags.ADD + 1, LazyFlags.ADD + 2, LazyFlags.ADD + 3 ->
                    sum(code, x, y, LazyFlags.shift(kind - LazyFlags.ADD));
            case LazyFlags.SUB, LazyFlags.SUB + 1, LazyFlags.SUB + 2, LazyFlags.SUB + 3 ->
                    difference(code, x, y, LazyFlags.shift(kind - LazyFlags.SUB));
            case LazyFlags.INC, LazyFlags.INC + 1, LazyFlags.INC + 2, LazyFlags.INC + 3 ->
                    step(code, x, y, Long.MIN_VALUE >> LazyFlags.shift(kind - LazyFlags.INC), 0);
            case LazyFlags.DEC, LazyFlags.DEC + 1, LazyFlags.DEC + 2, LazyFlags.DEC + 3 ->
                    step(code, x, y, Long.MAX_VALUE >> LazyFlags.shift(kind - LazyFlags.DEC), 15);
            case LazyFlags.SHL -> {
                less(code, y, -1);
                leftShift(code, x, y, 0);
            }
            case LazyFlags.SHL + 1 -> {
                less(code, y, 31);
                leftShift(code, x, y, 32);
            }
            case LazyFlags.SHR -> {
                code.lload(x);
                less(code, y, -1);
                code.lushr().loadConstant(63).lshl().lstore(Locals.CARRIES);
                code.lload(x);
                overflowAsSignOf(code);
            }
            case LazyFlags.SHR + 1 -> {
                code.lload(x).l2i();
                less(code, y, -1);
                code.iushr().i2l().loadConstant(63).lshl().lstore(Locals.CARRIES);
                code.lload(x).loadConstant(32).lshl();
                overflowAsSignOf(code);
            }
            case LazyFlags.SAR -> {
                code.lload(x);
                less(code, y, -1);
                code.lshr().loadConstant(63).lshl();
                noOverflow(code);
            }
            case LazyFlags.SAR + 1 -> {
                code.lload(x).l2i();
                less(code, y, -1);
                code.ishr().i2l().loadConstant(63).lshl();
                noOverflow(code);
            }
            case LazyFlags.MUL -> {
                // The sign of what is or has the sign: set but for 0.
                code.lload(y).lload(y).lneg().lor().loadConstant(Long.MIN_VALUE).land();
            }
            default -> throw new IllegalArgumentException("flags of kind " + kind);
        }
    }

    /** Pushes the count of a shift and some more, an int. */
    private static void less(CodeBuilder code, int y, int more) {
        code.lload(y).l2i().loadConstant(more).iadd();
    }

    private static void operand(CodeBuilder code, int local, int shift) {
        code.lload(local);
        if (shift == 32) {
            // The others lie at the top already.
            code.loadConstant(32).lshl();
        }
    }

    /** Carries out of each bit: (a & b) | ((a | b) & ~(a + b)). */
    private static void sum(CodeBuilder code, int x, int y, int shift) {
        operand(code, x, shift);
        operand(code, y, shift);
        code.land();
        operand(code, x, shift);
        operand(code, y, shift);
        code.lor();
        operand(code, x, shift);
        operand(code, y, shift);
        code.ladd().loadConstant(-1L).lxor().land().lor();
        carries(code, shift);
    }

    /** Borrows out of each bit: (~a & b) | ((~a | b) & (a - b)). */
    private static void difference(CodeBuilder code, int x, int y, int shift) {
        operand(code, x, shift);
        code.loadConstant(-1L).lxor();
        operand(code, y, shift);
        code.land();
        operand(code, x, shift);
        code.loadConstant(-1L).lxor();
        operand(code, y, shift);
        code.lor();
        operand(code, x, shift);
        operand(code, y, shift);
        code.lsub().land().lor();
        carries(code, shift);
    }

    /**
     * Pushes the word of a sum or difference with or without a carry, all with the operands' lowest
     * bit at {@code shift}.
     *
     * @param result local of the sum or difference
     */
    static void pushCarries(CodeBuilder code, boolean sum, int a, int b, int result, int shift) {
        code.lload(a);
        if (!sum) {
            code.loadConstant(-1L).lxor();
        }
        code.lload(b).land();
        code.lload(a);
        if (!sum) {
            code.loadConstant(-1L).lxor();
        }
        code.lload(b).lor().lload(result);
        if (sum) {
            code.loadConstant(-1L).lxor();
        }
        code.land().lor();
        carries(code, shift);
    }

    /** Of the carries on the stack leaves those out of the top bits and out of the fourth. */
    private static void carries(CodeBuilder code, int shift) {
        code.lstore(Locals.CARRIES);
        code.lload(Locals.CARRIES).loadConstant(LazyFlags.CARRIES).land();
        code.lload(Locals.CARRIES);
        if (shift != 0) {
            code.loadConstant(shift).lushr();
        }
        code.loadConstant(8L).land().lor();
    }

    /**
     * INC and DEC: the carry is that of before.
     *
     * @param overflowed the result that overflows
     * @param digit low digit of the result behind a carry out of it
     */
    private static void step(CodeBuilder code, int x, int y, long overflowed, int digit) {
        code.lload(y).loadConstant(63).lshl();
        code.dup2().iconst_1().lushr().lor();
        Label same = code.newLabel();
        code.lload(x).loadConstant(overflowed).lcmp().ifne(same);
        code.loadConstant(1L << 62).lxor();
        code.labelBinding(same);
        // 8 if the low digit is that one: of digits only 0 has a borrow when it is less one.
        code.lload(x).loadConstant((long) digit).lxor().loadConstant(15L).land();
        code.lconst_1().lsub().loadConstant(60).lushr().loadConstant(8L).land().lor();
    }

    /** Behind the count less one on the stack, of the operand at the top of the word. */
    private static void leftShift(CodeBuilder code, int x, int y, int up) {
        code.istore(Locals.CARRIES);
        code.lload(x).iload(Locals.CARRIES).lshl();
        code.loadConstant(Long.MIN_VALUE).land().lstore(Locals.CARRIES);
        code.lload(x);
        less(code, y, up);
        code.lshl().lload(Locals.CARRIES).lxor();
        overflowAsSignOf(code);
    }

    /** The sign of what is on the stack is the overflow, and the local holds the carry. */
    private static void overflowAsSignOf(CodeBuilder code) {
        code.loadConstant(Long.MIN_VALUE).land().lload(Locals.CARRIES).lxor();
        code.iconst_1().lushr().lload(Locals.CARRIES).lor();
    }

    /** The carry on the stack, alone in the sign, without overflow. */
    private static void noOverflow(CodeBuilder code) {
        code.dup2().iconst_1().lushr().lor();
    }
}
