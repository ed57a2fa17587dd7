// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.translate.FloatRange.Format;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Floating-point numbers of either format in translated code: how they are pushed, and the looks at
 * them that tell whether the host's arithmetic may be used, see {@link FastFloat}.
 */
final class FloatCode {
    private static final ClassDesc DOUBLE = ClassDesc.of("java.lang.Double");
    private static final ClassDesc FLOAT = ClassDesc.of("java.lang.Float");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final ClassDesc INTEGER = ClassDesc.of("java.lang.Integer");
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final MethodTypeDesc COMPARE_INTS = MethodTypeDesc.of(CD_int, CD_int, CD_int);
    private static final MethodTypeDesc COMPARE_LONGS = MethodTypeDesc.of(CD_int, CD_long, CD_long);

    /** A number: half a lane of a register or of a fetched operand, or a whole lane. */
    record Value(int register, int lane, int half) {
        static final int FETCHED = -1;
    }

    final LaneAccess lanes;
    private final CodeBuilder code;

    /** What is known of the fetched operand, by half a lane. */
    private final @Nullable FloatRange[] fetched = new FloatRange[8];

    FloatCode(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    /** A new instruction begins. */
    void begin() {
        java.util.Arrays.fill(fetched, null);
    }

    /** A number of operand n. */
    static Value operand(Instruction i, int n, int lane, int half) {
        return new Value(i.kind[n] == Operand.MEM ? Value.FETCHED : i.reg[n], lane, half);
    }

    // ----------------------------------------------------------------- what is known

    @Nullable FloatRange range(Format f, Value v) {
        return v.register == Value.FETCHED
                ? fetched[2 * v.lane + v.half]
                : lanes.known.range(f, 4 * v.register + v.lane, v.half);
    }

    void range(Format f, Value v, FloatRange range) {
        if (v.register == Value.FETCHED) {
            fetched[2 * v.lane + v.half] = range;
        } else {
            lanes.known.range(f, 4 * v.register + v.lane, v.half, range);
        }
    }

    // ------------------------------------------------------------------------ pushing

    private void pushLane(Value v) {
        if (v.register == Value.FETCHED) {
            lanes.pushTemp(v.lane);
        } else {
            lanes.push(v.register, v.lane);
        }
    }

    /** Pushes the bits of a number: a long or an int. */
    void pushBits(Format f, Value v) {
        pushLane(v);
        if (f == Format.SINGLE) {
            if (v.half != 0) {
                code.loadConstant(32).lushr();
            }
            code.l2i();
        }
    }

    /** Pushes a number as a double or float. */
    void push(Format f, Value v) {
        if (f == Format.DOUBLE) {
            if (v.register == Value.FETCHED) {
                lanes.pushTemp(v.lane);
                code.invokestatic(
                        DOUBLE, "longBitsToDouble", MethodTypeDesc.of(CD_double, CD_long));
            } else {
                lanes.pushDouble(v.register, v.lane);
            }
        } else if (v.register != Value.FETCHED
                && lanes.known.held(4 * v.register + v.lane, v.half)) {
            code.fload(Locals.single(v.register, v.lane, v.half));
        } else {
            pushBits(f, v);
            code.invokestatic(FLOAT, "intBitsToFloat", MethodTypeDesc.of(CD_float, CD_int));
        }
    }

    /** Pushes a number as a double. */
    void pushWide(Format f, Value v) {
        push(f, v);
        if (f == Format.SINGLE) {
            code.f2d();
        }
    }

    void storeTemp(Format f, int n) {
        if (f == Format.DOUBLE) {
            code.dstore(Locals.floatTemp(n));
        } else {
            code.fstore(Locals.floatTemp(n));
        }
    }

    void pushTemp(Format f, int n) {
        if (f == Format.DOUBLE) {
            code.dload(Locals.floatTemp(n));
        } else {
            code.fload(Locals.floatTemp(n));
        }
    }

    void pushWideTemp(Format f, int n) {
        pushTemp(f, n);
        if (f == Format.SINGLE) {
            code.f2d();
        }
    }

    private void pushTempBits(Format f, int n) {
        pushTemp(f, n);
        toBits(f);
    }

    private void toBits(Format f) {
        if (f == Format.DOUBLE) {
            code.invokestatic(DOUBLE, "doubleToRawLongBits", MethodTypeDesc.of(CD_long, CD_double));
        } else {
            code.invokestatic(FLOAT, "floatToRawIntBits", MethodTypeDesc.of(CD_int, CD_float));
        }
    }

    // ------------------------------------------------------------------- looking at them

    /** Leaves if a number is not known and not found to be zero or in the range. */
    private void look(
            Format f, Runnable bits, FloatRange range, @Nullable Runnable zero, Label miss) {
        Label found = code.newLabel();
        int bias = f.most;
        bits.run();
        if (f == Format.DOUBLE) {
            // The upper half is enough, and its numbers fit into instructions.
            code.loadConstant(32).lushr().l2i();
        }
        int exponent = f == Format.DOUBLE ? 21 : 24;
        code.iconst_1().ishl().loadConstant(range.lo() + bias << exponent).isub();
        code.loadConstant(range.hi() - range.lo() + 1 << exponent);
        code.invokestatic(INTEGER, "compareUnsigned", COMPARE_INTS).iflt(found);
        if (zero != null) {
            zero.run();
        } else {
            pushZeroTest(f, bits);
            code.ifne(miss);
        }
        code.labelBinding(found);
    }

    /** Pushes an int that is zero if a number is. */
    private void pushZeroTest(Format f, Runnable bits) {
        bits.run();
        if (f == Format.DOUBLE) {
            code.iconst_1().lshl().lconst_0().lcmp();
        } else {
            code.iconst_1().ishl();
        }
    }

    /** Sees to it that an operand can be calculated with: of usual size, or known otherwise. */
    FloatRange number(Format f, Value v, Label miss) {
        return within(f, v, f.usual, miss);
    }

    /** Sees to it that an operand is not infinite, NaN or denormal. */
    FloatRange finite(Format f, Value v, Label miss) {
        return within(f, v, f.finite, miss);
    }

    private FloatRange within(Format f, Value v, FloatRange range, Label miss) {
        FloatRange known = range(f, v);
        if (known != null && f.finite(known)) {
            return known;
        }
        look(f, () -> pushBits(f, v), range, null, miss);
        range(f, v, range);
        return range;
    }

    /** Sees to it that an operand is neither NaN nor denormal: it can be compared. */
    FloatRange ordered(Format f, Value v, Label miss) {
        FloatRange known = range(f, v);
        if (known != null) {
            return known;
        }
        // Infinity is in, NaN whose only bits are low ones are not.
        Label found = code.newLabel();
        pushBits(f, v);
        if (f == Format.DOUBLE) {
            code.iconst_1().lshl().loadConstant(1L << 53).lsub();
            code.loadConstant((0x7FFL << 53) - (1L << 53));
            code.invokestatic(LONG, "compareUnsigned", COMPARE_LONGS).ifle(found);
        } else {
            code.iconst_1().ishl().loadConstant(1 << 24).isub();
            code.loadConstant((0xFF << 24) - (1 << 24));
            code.invokestatic(INTEGER, "compareUnsigned", COMPARE_INTS).ifle(found);
        }
        pushZeroTest(f, () -> pushBits(f, v));
        code.ifne(miss);
        code.labelBinding(found);
        range(f, v, f.ordered);
        return f.ordered;
    }

    /** Leaves if a number is negative, but for minus zero. */
    void notNegative(Format f, Value v, Label miss) {
        Label found = code.newLabel();
        pushBits(f, v);
        if (f == Format.DOUBLE) {
            code.lconst_0().lcmp();
        }
        code.ifge(found);
        pushZeroTest(f, () -> pushBits(f, v));
        code.ifne(miss);
        code.labelBinding(found);
    }

    /** Leaves if a number is zero. */
    void notZero(Format f, Value v, Label miss) {
        pushZeroTest(f, () -> pushBits(f, v));
        code.ifeq(miss);
    }

    /**
     * Looks at the result in temporary n if its range wants it; returns what is known then.
     *
     * @param zero a result of zero is exact if one of these is zero; if there are none it is always
     */
    FloatRange result(Format f, int n, FloatRange range, Label miss, Value... zero) {
        if (f.plain(range)) {
            return range;
        }
        Runnable test = null;
        if (zero.length > 0) {
            test =
                    () -> {
                        Label exact = code.newLabel();
                        for (int k = 0; k < zero.length; k++) {
                            Value v = zero[k];
                            pushZeroTest(f, () -> pushBits(f, v));
                            if (k == zero.length - 1) {
                                code.ifne(miss);
                            } else {
                                code.ifeq(exact);
                            }
                        }
                        code.labelBinding(exact);
                    };
        }
        look(f, () -> pushTempBits(f, n), f.plain, test, miss);
        return f.plain;
    }

    /** Looks at what in temporary n a double has been rounded to: zero only from zero. */
    FloatRange narrowed(int n, Value x, Label miss) {
        look(
                Format.SINGLE,
                () -> pushTempBits(Format.SINGLE, n),
                Format.SINGLE.plain,
                () -> {
                    pushZeroTest(Format.DOUBLE, () -> pushBits(Format.DOUBLE, x));
                    code.ifne(miss);
                },
                miss);
        return Format.SINGLE.plain;
    }

    /**
     * Writes what has to be seen to while PE is clear: the argument pushes an int that is not zero
     * if the result is not exact. Leaves if it is not or the mode is another.
     */
    void exact(@Nullable Runnable inexact, Label miss) {
        Label sticky = code.newLabel();
        code.iload(Locals.FLOAT_MODE).loadConstant(FastFloat.STICKY).if_icmpeq(sticky);
        if (inexact == null) {
            code.goto_(miss);
        } else {
            code.iload(Locals.FLOAT_MODE).ifeq(miss);
            inexact.run();
            code.ifne(miss);
        }
        code.labelBinding(sticky);
    }

    /** Leaves unless rounding is to nearest and all exceptions are masked. */
    void usable(Label miss) {
        code.iload(Locals.FLOAT_MODE).ifeq(miss);
    }

    /** Leaves if the number on the stack, a double, is so small that its last digits vanish. */
    void notTiny(Label miss) {
        code.invokestatic(MATH, "abs", MethodTypeDesc.of(CD_double, CD_double));
        code.loadConstant(0x1p-900).dcmpl().iflt(miss);
    }

    // ------------------------------------------------------------------------- results

    /** Moves the results in the temporaries into the destination, with what is known of them. */
    void commit(Format f, Instruction i, int a, boolean scalar, FloatRange[] known) {
        int d = i.reg[0];
        if (scalar) {
            if (f == Format.DOUBLE) {
                commitDouble(d, 0, 0, known[0]);
            } else {
                pushTempBits(f, 0);
                code.i2l().loadConstant(0xFFFF_FFFFL).land();
                lanes.push(a, 0);
                code.loadConstant(~0xFFFF_FFFFL).land().lor();
                FloatRange upper = lanes.known.range(f, 4 * a, 1);
                lanes.pop(d, 0);
                hold(d, 0, 0, 0, known[0]);
                if (upper != null) {
                    lanes.known.range(f, 4 * d, 1, upper);
                }
            }
            lanes.copy(d, 1, a, 1);
            lanes.clearAbove(i, 2);
            return;
        }
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k++) {
            if (f == Format.DOUBLE) {
                commitDouble(d, k, k, known[k]);
            } else {
                commitPair(d, k, 2 * k, known[2 * k], known[2 * k + 1]);
            }
        }
        lanes.clearAbove(i, count);
    }

    void commitDouble(int d, int lane, int temp, FloatRange range) {
        code.dload(Locals.floatTemp(temp));
        lanes.popDouble(d, lane);
        lanes.known.range(Format.DOUBLE, 4 * d + lane, 0, range);
    }

    /** Two single-precision results, in the temporary and the next. */
    void commitPair(int d, int lane, int temp, FloatRange low, FloatRange high) {
        pushTempBits(Format.SINGLE, temp);
        code.i2l().loadConstant(0xFFFF_FFFFL).land();
        pushTempBits(Format.SINGLE, temp + 1);
        code.i2l().loadConstant(32).lshl().lor();
        lanes.pop(d, lane);
        hold(d, lane, 0, temp, low);
        hold(d, lane, 1, temp + 1, high);
    }

    private void hold(int d, int lane, int half, int temp, FloatRange range) {
        code.fload(Locals.floatTemp(temp)).fstore(Locals.single(d, lane, half));
        lanes.known.hold(4 * d + lane, half);
        lanes.known.range(Format.SINGLE, 4 * d + lane, half, range);
    }
}
