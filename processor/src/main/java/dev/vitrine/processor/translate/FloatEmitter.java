// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.exec.LazyFlags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes floating-point instructions on the host's own numbers, see {@link FastFloat}. */
final class FloatEmitter {
    private static final ClassDesc FLOAT =
            ClassDesc.of("dev.vitrine.processor.translate.FastFloat");
    private static final MethodTypeDesc LANE = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    private static final MethodTypeDesc UNARY = MethodTypeDesc.of(CD_long, CD_long);
    private static final MethodTypeDesc SLOW =
            MethodTypeDesc.of(CD_boolean, CD_int, CD_long, CD_long);
    private static final MethodTypeDesc SLOW_UNARY = MethodTypeDesc.of(CD_boolean, CD_int, CD_long);
    private static final MethodTypeDesc PREDICATE = MethodTypeDesc.of(CD_boolean, CD_long, CD_long);

    private final LaneAccess lanes;
    private final CodeBuilder code;

    FloatEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case UCOMISS, UCOMISD, COMISS, COMISD, CVTSI2SD, CVTTSD2SI, CVTSS2SD, CVTSD2SS -> true;
            default -> floatName(i.op) != null;
        };
    }

    static int weight(Instruction i) {
        int lanes = Math.max(1, i.vectorLength / 8);
        return floatName(i.op) != null ? 6 * lanes : 2 * lanes;
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case UCOMISS, COMISS -> compare(i, 4, miss);
            case UCOMISD, COMISD -> compare(i, 8, miss);
            case CVTSI2SD -> fromGeneral(i, miss);
            case CVTTSD2SI -> toGeneral(i, miss);
            case CVTSS2SD -> convert(i, 4, miss);
            case CVTSD2SS -> convert(i, 8, miss);
            default -> arithmetic(i, miss);
        }
    }

    private static @org.jspecify.annotations.Nullable String floatName(Op op) {
        return switch (op) {
            case ADDSD, ADDPD, ADDSS, ADDPS -> "Add";
            case SUBSD, SUBPD, SUBSS, SUBPS -> "Sub";
            case MULSD, MULPD, MULSS, MULPS -> "Mul";
            case DIVSD, DIVPD, DIVSS, DIVPS -> "Div";
            case SQRTSD, SQRTPD, SQRTSS, SQRTPS -> "Sqrt";
            case MINSD, MINPD, MINSS, MINPS -> "Min";
            case MAXSD, MAXPD, MAXSS, MAXPS -> "Max";
            default -> null;
        };
    }

    // ------------------------------------------------------------- floating point

    private void arithmetic(Instruction i, Label miss) {
        String form = i.op.name();
        boolean wide = form.endsWith("D");
        boolean scalar = form.charAt(form.length() - 2) == 'S';
        int n = i.operands - 1;
        int size = scalar ? (wide ? 8 : 4) : i.vectorLength;
        lanes.fetch(i, n, size, false, miss);
        int a = n == 2 ? i.reg[1] : i.reg[0];
        int count = scalar ? 1 : i.vectorLength / 8;
        String name = floatName(i.op);
        for (int k = 0; k < count; k++) {
            if (wide) {
                slow(i, n, a, k, 0, "slow" + name + "64", miss);
            } else {
                slow(i, n, a, k, 0, "slow" + name + "32", miss);
                if (!scalar) {
                    slow(i, n, a, k, 32, "slow" + name + "32", miss);
                }
            }
        }
        String function = java.util.Objects.requireNonNull(name).toLowerCase(java.util.Locale.ROOT);
        for (int k = 0; k < count; k++) {
            if (wide) {
                operands(i, n, a, k, 0);
                code.invokestatic(FLOAT, function + "64", LANE);
            } else {
                operands(i, n, a, k, 0);
                code.invokestatic(FLOAT, function + "32", LANE);
                if (scalar) {
                    lanes.push(a, 0);
                    code.loadConstant(~0xFFFFFFFFL).land().lor();
                } else {
                    operands(i, n, a, k, 32);
                    code.invokestatic(FLOAT, function + "32", LANE);
                    code.loadConstant(32).lshl().lor();
                }
            }
            lanes.pop(i.reg[0], k);
        }
        if (scalar) {
            lanes.push(a, 1);
            lanes.pop(i.reg[0], 1);
            lanes.clearAbove(i, 2);
        } else {
            lanes.clearAbove(i, count);
        }
    }

    private void operands(Instruction i, int n, int a, int k, int shift) {
        lanes.push(a, k);
        if (shift != 0) {
            code.loadConstant(shift).lushr();
        }
        lanes.pushOperand(i, n, k);
        if (shift != 0) {
            code.loadConstant(shift).lushr();
        }
    }

    private void slow(Instruction i, int n, int a, int k, int shift, String name, Label miss) {
        code.iload(Locals.FLOAT_MODE);
        operands(i, n, a, k, shift);
        code.invokestatic(FLOAT, name, SLOW).ifne(miss);
    }

    private void compare(Instruction i, int size, Label miss) {
        String bits = size == 8 ? "64" : "32";
        lanes.fetch(i, 1, size, false, miss);
        lanes.push(i.reg[0], 0);
        lanes.pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "slowCompare" + bits, PREDICATE).ifne(miss);
        lanes.push(i.reg[0], 0);
        lanes.pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "equal" + bits, LANE).lstore(lanes.flags.x);
        lanes.push(i.reg[0], 0);
        lanes.pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "less" + bits, LANE).lstore(lanes.flags.y);
        lanes.flags.set(LazyFlags.RAW);
    }

    private void fromGeneral(Instruction i, Label miss) {
        int n = i.operands - 1;
        int size = i.size[n];
        if (lanes.fetch(i, n, size, false, miss)) {
            lanes.pushTemp(0);
        } else {
            lanes.uops.push(i.reg[n]);
        }
        if (size == 4) {
            code.l2i().i2l();
        }
        code.lstore(Locals.SCRATCH);
        if (size == 8) {
            code.iload(Locals.FLOAT_MODE).lload(Locals.SCRATCH);
            code.invokestatic(FLOAT, "slowFromLong64", SLOW_UNARY).ifne(miss);
        }
        int a = n == 2 ? i.reg[1] : i.reg[0];
        lanes.push(a, 1);
        code.lload(Locals.SCRATCH).invokestatic(FLOAT, "fromLong64", UNARY);
        lanes.pop(i.reg[0], 0);
        lanes.pop(i.reg[0], 1);
        lanes.clearAbove(i, 2);
    }

    private void toGeneral(Instruction i, Label miss) {
        lanes.fetch(i, 1, 8, false, miss);
        String name = i.size[0] == 8 ? "Long64" : "Int64";
        code.iload(Locals.FLOAT_MODE);
        lanes.pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "slowTo" + name, SLOW_UNARY).ifne(miss);
        lanes.pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "to" + name, UNARY);
        lanes.uops.pop(i.reg[0]);
    }

    /** CVTSS2SD, CVTSD2SS. */
    private void convert(Instruction i, int from, Label miss) {
        int n = i.operands - 1;
        lanes.fetch(i, n, from, false, miss);
        int a = n == 2 ? i.reg[1] : i.reg[0];
        if (from == 4) {
            lanes.pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "slowWiden", MethodTypeDesc.of(CD_boolean, CD_long));
            code.ifne(miss);
            lanes.pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "widen", UNARY);
        } else {
            code.iload(Locals.FLOAT_MODE);
            lanes.pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "slowNarrow", SLOW_UNARY).ifne(miss);
            lanes.pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "narrow", UNARY);
            lanes.push(a, 0);
            code.loadConstant(~0xFFFFFFFFL).land().lor();
        }
        lanes.push(a, 1);
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }
}
