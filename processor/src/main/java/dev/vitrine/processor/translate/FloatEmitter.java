// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_double;
import static java.lang.constant.ConstantDescs.CD_float;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.translate.FloatCode.Value;
import dev.vitrine.processor.translate.FloatRange.Format;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Writes floating-point arithmetic and comparisons on the host's own numbers. Operands that are
 * NaN, infinite or denormal, and results that may set other flags than PE, are the interpreter's.
 */
final class FloatEmitter {
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");

    /** What an instruction does to numbers. */
    enum Operation {
        ADD,
        SUB,
        MUL,
        DIV,
        SQRT,
        MIN,
        MAX,
        ROUND,
        CMP
    }

    private static final int DIFFERENCE = 8;
    private static final int LEFT = 10;
    private static final int RIGHT = 11;

    private final FloatCode floats;
    private final LaneAccess lanes;
    private final CodeBuilder code;
    private final ConversionEmitter conversions;

    FloatEmitter(LaneAccess lanes) {
        this.floats = new FloatCode(lanes);
        this.lanes = lanes;
        this.code = lanes.code;
        this.conversions = new ConversionEmitter(floats);
    }

    private static @Nullable Operation operation(Op op) {
        return switch (op) {
            case ADDSD, ADDPD, ADDSS, ADDPS -> Operation.ADD;
            case SUBSD, SUBPD, SUBSS, SUBPS -> Operation.SUB;
            case MULSD, MULPD, MULSS, MULPS -> Operation.MUL;
            case DIVSD, DIVPD, DIVSS, DIVPS -> Operation.DIV;
            case SQRTSD, SQRTPD, SQRTSS, SQRTPS -> Operation.SQRT;
            case MINSD, MINPD, MINSS, MINPS -> Operation.MIN;
            case MAXSD, MAXPD, MAXSS, MAXPS -> Operation.MAX;
            case ROUNDSD, ROUNDPD, ROUNDSS, ROUNDPS -> Operation.ROUND;
            case CMPSD, CMPPD, CMPSS, CMPPS -> Operation.CMP;
            default -> null;
        };
    }

    private static boolean fused(Op op) {
        String name = op.name();
        return name.startsWith("VFM") || name.startsWith("VFNM");
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case UCOMISS, UCOMISD, COMISS, COMISD -> true;
            default -> operation(i.op) != null || fused(i.op) || ConversionEmitter.supports(i);
        };
    }

    static int weight(Instruction i) {
        return 6 * (scalar(i) ? 1 : i.vectorLength / (ofDoubles(i) ? 8 : 4));
    }

    /** Its numbers are doubles. */
    static boolean ofDoubles(Instruction i) {
        return switch (i.op) {
            case CVTSI2SD, CVTTSD2SI, CVTSD2SI, CVTSS2SD, CVTSD2SS, CVTDQ2PD, CVTPS2PD -> true;
            case CVTPD2PS, CVTPD2DQ, CVTTPD2DQ -> true;
            case CVTSI2SS, CVTTSS2SI, CVTSS2SI, CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ -> false;
            default -> i.op.name().endsWith("D");
        };
    }

    /** It has one number in its lowest lane. */
    static boolean scalar(Instruction i) {
        String name = i.op.name();
        return switch (i.op) {
            case UCOMISS, UCOMISD, COMISS, COMISD -> true;
            case CVTSI2SD, CVTTSD2SI, CVTSD2SI, CVTSS2SD, CVTSD2SS -> true;
            case CVTSI2SS, CVTTSS2SI, CVTSS2SI -> true;
            default -> name.length() > 2 && name.charAt(name.length() - 2) == 'S';
        };
    }

    void emit(Instruction i, Label miss) {
        floats.begin();
        switch (i.op) {
            case UCOMISS, COMISS -> compare(i, Format.SINGLE, miss);
            case UCOMISD, COMISD -> compare(i, Format.DOUBLE, miss);
            default -> {
                Operation operation = operation(i.op);
                if (operation != null) {
                    arithmetic(i, operation, miss);
                } else if (ConversionEmitter.supports(i)) {
                    conversions.emit(i, miss);
                } else {
                    multiplyAndAdd(i, miss);
                }
            }
        }
    }

    // -------------------------------------------------------------------- arithmetic

    private void arithmetic(Instruction i, Operation operation, Label miss) {
        Format f = ofDoubles(i) ? Format.DOUBLE : Format.SINGLE;
        boolean scalar = scalar(i);
        int bytes = f == Format.DOUBLE ? 8 : 4;
        int n = LaneAccess.lastSource(i);
        lanes.fetch(i, n, scalar ? bytes : i.vectorLength, false, miss);
        int a = LaneAccess.firstSource(i, n);
        int count = scalar ? 1 : i.vectorLength / bytes;
        FloatRange[] known = new FloatRange[count];
        for (int e = 0; e < count; e++) {
            int lane = f == Format.DOUBLE ? e : e / 2;
            int half = f == Format.DOUBLE ? 0 : e & 1;
            Value x = new Value(a, lane, half);
            Value y = FloatCode.operand(i, n, lane, half);
            known[e] =
                    switch (operation) {
                        case SQRT -> squareRoot(f, y, e, miss);
                        case MIN, MAX -> extreme(f, x, y, e, operation == Operation.MIN, miss);
                        case ROUND -> round(f, y, e, (int) i.imm, miss);
                        case CMP -> test(f, x, y, e, (int) i.imm & 7, miss);
                        default -> calculate(f, operation, x, y, e, miss);
                    };
        }
        if (operation == Operation.CMP) {
            masks(f, i, a, scalar);
        } else {
            floats.commit(f, i, a, scalar, known);
        }
    }

    /** A sum, difference, product or quotient, into a temporary. */
    private FloatRange calculate(
            Format f, Operation operation, Value x, Value y, int temp, Label miss) {
        FloatRange a = floats.number(f, x, miss);
        FloatRange b = floats.number(f, y, miss);
        if (operation == Operation.DIV) {
            floats.notZero(f, y, miss);
        }
        floats.push(f, x);
        floats.push(f, y);
        operate(f, operation);
        floats.storeTemp(f, temp);
        FloatRange range =
                switch (operation) {
                    case MUL -> floats.result(f, temp, a.times(b), miss, x, y);
                    case DIV -> floats.result(f, temp, a.by(b), miss, x);
                    default -> floats.result(f, temp, a.plus(b, f), miss);
                };
        floats.exact(
                () -> {
                    switch (operation) {
                        case MUL -> productError(f, x, y, temp, a.lo() + b.lo() < -900, miss);
                        case DIV -> quotientError(f, x, y, temp, a.lo() < -900, miss);
                        default -> sumError(f, x, y, temp, operation == Operation.SUB);
                    }
                },
                miss);
        return range;
    }

    private void operate(Format f, Operation operation) {
        boolean wide = f == Format.DOUBLE;
        switch (operation) {
            case ADD -> {
                if (wide) {
                    code.dadd();
                } else {
                    code.fadd();
                }
            }
            case SUB -> {
                if (wide) {
                    code.dsub();
                } else {
                    code.fsub();
                }
            }
            case MUL -> {
                if (wide) {
                    code.dmul();
                } else {
                    code.fmul();
                }
            }
            default -> {
                if (wide) {
                    code.ddiv();
                } else {
                    code.fdiv();
                }
            }
        }
    }

    /** Pushes an int that is not zero if the number on the stack is not. */
    private void isNotZero(Format f) {
        if (f == Format.DOUBLE) {
            code.dconst_0().dcmpl();
        } else {
            code.fconst_0().fcmpl();
        }
    }

    /** What a sum lacks (O. Møller, D. E. Knuth): nothing, if it is exact. */
    private void sumError(Format f, Value x, Value y, int temp, boolean difference) {
        floats.pushTemp(f, temp);
        floats.push(f, x);
        operate(f, Operation.SUB);
        floats.storeTemp(f, DIFFERENCE);
        floats.push(f, x);
        floats.pushTemp(f, temp);
        floats.pushTemp(f, DIFFERENCE);
        operate(f, Operation.SUB);
        operate(f, Operation.SUB);
        floats.push(f, y);
        floats.pushTemp(f, DIFFERENCE);
        operate(f, difference ? Operation.ADD : Operation.SUB);
        operate(f, difference ? Operation.SUB : Operation.ADD);
        isNotZero(f);
    }

    /**
     * @param small the product may be so small that its error is not a number of the format
     */
    private void productError(Format f, Value x, Value y, int temp, boolean small, Label miss) {
        if (f == Format.SINGLE) {
            floats.pushWide(f, x);
            floats.pushWide(f, y);
            code.dmul();
            floats.pushWideTemp(f, temp);
            code.dcmpl();
            return;
        }
        if (small) {
            Label zero = code.newLabel();
            floats.pushTemp(f, temp);
            code.dconst_0().dcmpl().ifeq(zero);
            floats.pushTemp(f, temp);
            floats.notTiny(miss);
            code.labelBinding(zero);
        }
        floats.push(f, x);
        floats.push(f, y);
        floats.pushTemp(f, temp);
        code.dneg();
        fma(Format.DOUBLE);
        isNotZero(f);
    }

    private void quotientError(Format f, Value x, Value y, int temp, boolean small, Label miss) {
        if (f == Format.SINGLE) {
            floats.pushWideTemp(f, temp);
            floats.pushWide(f, y);
            code.dmul();
            floats.pushWide(f, x);
            code.dcmpl();
            return;
        }
        if (small) {
            notTinyOrZero(x, miss);
        }
        floats.pushTemp(f, temp);
        code.dneg();
        floats.push(f, y);
        floats.push(f, x);
        fma(Format.DOUBLE);
        isNotZero(f);
    }

    private void notTinyOrZero(Value x, Label miss) {
        Label zero = code.newLabel();
        floats.push(Format.DOUBLE, x);
        code.dconst_0().dcmpl().ifeq(zero);
        floats.push(Format.DOUBLE, x);
        floats.notTiny(miss);
        code.labelBinding(zero);
    }

    private void fma(Format f) {
        ClassDesc type = f == Format.DOUBLE ? CD_double : CD_float;
        code.invokestatic(MATH, "fma", MethodTypeDesc.of(type, type, type, type));
    }

    private FloatRange squareRoot(Format f, Value y, int temp, Label miss) {
        FloatRange b = floats.number(f, y, miss);
        floats.notNegative(f, y, miss);
        floats.pushWide(f, y);
        code.invokestatic(MATH, "sqrt", MethodTypeDesc.of(CD_double, CD_double));
        if (f == Format.SINGLE) {
            // Rounded twice, which does no harm with more than twice the digits.
            code.d2f();
        }
        floats.storeTemp(f, temp);
        floats.exact(
                () -> {
                    if (f == Format.SINGLE) {
                        floats.pushWideTemp(f, temp);
                        code.dup2().dmul();
                        floats.pushWide(f, y);
                        code.dcmpl();
                        return;
                    }
                    if (b.lo() < -900) {
                        notTinyOrZero(y, miss);
                    }
                    floats.pushTemp(f, temp);
                    code.dneg();
                    floats.pushTemp(f, temp);
                    floats.push(f, y);
                    fma(f);
                    isNotZero(f);
                },
                miss);
        return b.squareRoot();
    }

    /** The second operand is the result where neither is less: of zeros with any signs, too. */
    private FloatRange extreme(Format f, Value x, Value y, int temp, boolean least, Label miss) {
        FloatRange range = floats.ordered(f, x, miss).or(floats.ordered(f, y, miss));
        Label second = code.newLabel();
        Label end = code.newLabel();
        compare(f, x, y);
        if (least) {
            code.ifge(second);
        } else {
            code.ifle(second);
        }
        floats.push(f, x);
        code.goto_(end);
        code.labelBinding(second);
        floats.push(f, y);
        code.labelBinding(end);
        floats.storeTemp(f, temp);
        return range;
    }

    /** Pushes an int: less than zero, zero, or greater. */
    private void compare(Format f, Value x, Value y) {
        floats.push(f, x);
        floats.push(f, y);
        if (f == Format.DOUBLE) {
            code.dcmpg();
        } else {
            code.fcmpg();
        }
    }

    private FloatRange round(Format f, Value y, int temp, int imm, Label miss) {
        FloatRange range = floats.finite(f, y, miss);
        floats.usable(miss);
        floats.pushWide(f, y);
        String how =
                // Bit 2: as MXCSR says, which is to nearest.
                switch ((imm & 4) != 0 ? 0 : imm & 3) {
                    case 1 -> "floor";
                    case 2 -> "ceil";
                    case 3 -> "";
                    default -> "rint";
                };
        MethodTypeDesc type = MethodTypeDesc.of(CD_double, CD_double);
        if (how.isEmpty()) {
            Label negative = code.newLabel();
            Label end = code.newLabel();
            code.dup2().dconst_0().dcmpg().iflt(negative);
            code.invokestatic(MATH, "floor", type).goto_(end);
            code.labelBinding(negative);
            code.invokestatic(MATH, "ceil", type);
            code.labelBinding(end);
        } else {
            code.invokestatic(MATH, how, type);
        }
        if (f == Format.SINGLE) {
            code.d2f();
        }
        floats.storeTemp(f, temp);
        if ((imm & 8) == 0) {
            floats.exact(
                    () -> {
                        floats.pushWideTemp(f, temp);
                        floats.pushWide(f, y);
                        code.dcmpl();
                    },
                    miss);
        }
        return new FloatRange(0, Math.max(0, range.hi() + 1));
    }

    // -------------------------------------------------------------------- comparisons

    /**
     * CMPxx: a mask as an int in a temporary. No operand is NaN, so that the sixteen upper
     * predicates and whether an exception would be signalled make no difference.
     */
    private FloatRange test(Format f, Value x, Value y, int temp, int predicate, Label miss) {
        floats.ordered(f, x, miss);
        floats.ordered(f, y, miss);
        if ((predicate & 3) == 3) {
            // UNORD and its contrary.
            code.loadConstant(predicate == 3 ? 0 : -1);
        } else {
            compare(f, x, y);
            switch (predicate & 3) {
                case 0 -> code.iconst_1().iand().iconst_1().isub();
                case 1 -> code.loadConstant(31).ishr();
                default -> code.ineg().loadConstant(31).ishr().iconst_m1().ixor();
            }
            if (predicate >= 4) {
                code.iconst_m1().ixor();
            }
        }
        code.istore(Locals.floatTemp(temp));
        return FloatRange.ZERO;
    }

    private void masks(Format f, Instruction i, int a, boolean scalar) {
        int d = i.reg[0];
        int count = scalar ? 1 : i.vectorLength / 8;
        for (int k = 0; k < count; k++) {
            if (f == Format.DOUBLE) {
                code.iload(Locals.floatTemp(k)).i2l();
            } else {
                code.iload(Locals.floatTemp(scalar ? 0 : 2 * k)).i2l();
                code.loadConstant(0xFFFF_FFFFL).land();
                if (scalar) {
                    lanes.push(a, 0);
                    code.loadConstant(~0xFFFF_FFFFL).land();
                } else {
                    code.iload(Locals.floatTemp(2 * k + 1)).i2l().loadConstant(32).lshl();
                }
                code.lor();
            }
            lanes.pop(d, k);
        }
        if (scalar) {
            lanes.copy(d, 1, a, 1);
            count = 2;
        }
        lanes.clearAbove(i, count);
    }

    /** UCOMISx, COMISx: flags, for which a branch behind compares again. */
    private void compare(Instruction i, Format f, Label miss) {
        lanes.fetch(i, 1, f == Format.DOUBLE ? 8 : 4, false, miss);
        Value x = new Value(i.reg[0], 0, 0);
        Value y = FloatCode.operand(i, 1, 0, 0);
        floats.ordered(f, x, miss);
        floats.ordered(f, y, miss);
        floats.push(f, x);
        floats.storeTemp(f, LEFT);
        floats.push(f, y);
        floats.storeTemp(f, RIGHT);
        Runnable again =
                () -> {
                    floats.pushTemp(f, LEFT);
                    floats.pushTemp(f, RIGHT);
                    if (f == Format.DOUBLE) {
                        code.dcmpg();
                    } else {
                        code.fcmpg();
                    }
                };
        again.run();
        code.istore(Locals.SCRATCH);
        // Zero if they are equal; bit 8 makes the parity odd (Cpu.flagAux).
        code.iload(Locals.SCRATCH).iconst_1().iand().loadConstant(8).ishl().i2l();
        code.lstore(lanes.flags.x);
        code.iload(Locals.SCRATCH).loadConstant(31).ishr().i2l().loadConstant(62).lshl();
        code.loadConstant(0x100L).lor().lstore(lanes.flags.y);
        lanes.flags.setComparison(again);
    }

    // ----------------------------------------------------------- products and sums

    private void multiplyAndAdd(Instruction i, Label miss) {
        Format f = ofDoubles(i) ? Format.DOUBLE : Format.SINGLE;
        boolean scalar = scalar(i);
        int bytes = f == Format.DOUBLE ? 8 : 4;
        lanes.fetch(i, 2, scalar ? bytes : i.vectorLength, false, miss);
        String name = i.op.name();
        String order = name.substring(name.length() - 5, name.length() - 2);
        boolean negated = name.startsWith("VFNM");
        String kind = name.substring(negated ? 3 : 2, name.length() - 5);
        int count = scalar ? 1 : i.vectorLength / bytes;
        FloatRange[] known = new FloatRange[count];
        floats.exact(null, miss);
        for (int e = 0; e < count; e++) {
            int lane = f == Format.DOUBLE ? e : e / 2;
            int half = f == Format.DOUBLE ? 0 : e & 1;
            Value x = new Value(i.reg[0], lane, half);
            Value y = new Value(i.reg[1], lane, half);
            Value z = FloatCode.operand(i, 2, lane, half);
            boolean subtract =
                    switch (kind) {
                        case "MSUB" -> true;
                        case "MADDSUB" -> (e & 1) == 0;
                        case "MSUBADD" -> (e & 1) != 0;
                        default -> false;
                    };
            known[e] =
                    switch (order) {
                        case "132" -> fused(f, x, z, y, negated, subtract, e, miss);
                        case "213" -> fused(f, y, x, z, negated, subtract, e, miss);
                        default -> fused(f, y, z, x, negated, subtract, e, miss);
                    };
        }
        floats.commit(f, i, i.reg[0], scalar, known);
    }

    private FloatRange fused(
            Format f,
            Value factor,
            Value other,
            Value addend,
            boolean negated,
            boolean subtract,
            int temp,
            Label miss) {
        FloatRange a = floats.number(f, factor, miss);
        FloatRange b = floats.number(f, other, miss);
        FloatRange c = floats.number(f, addend, miss);
        floats.push(f, factor);
        if (negated) {
            negate(f);
        }
        floats.push(f, other);
        floats.push(f, addend);
        if (subtract) {
            negate(f);
        }
        fma(f);
        floats.storeTemp(f, temp);
        // A zero is exact where a factor and the addend are zeros, and else hardly worth a look.
        return floats.result(f, temp, a.fused(b, c, f), miss, factor);
    }

    private void negate(Format f) {
        if (f == Format.DOUBLE) {
            code.dneg();
        } else {
            code.fneg();
        }
    }
}
