// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_double;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.translate.FloatCode.Value;
import dev.vitrine.processor.translate.FloatRange.Format;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes conversions between floating-point formats, and from and to integers. */
final class ConversionEmitter {
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");

    private final FloatCode floats;
    private final LaneAccess lanes;
    private final CodeBuilder code;

    ConversionEmitter(FloatCode floats) {
        this.floats = floats;
        this.lanes = floats.lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case CVTSI2SD,
                    CVTSI2SS,
                    CVTTSD2SI,
                    CVTSD2SI,
                    CVTTSS2SI,
                    CVTSS2SI,
                    CVTSS2SD,
                    CVTSD2SS,
                    CVTDQ2PD,
                    CVTDQ2PS,
                    CVTPS2PD,
                    CVTPD2PS,
                    CVTPS2DQ,
                    CVTTPS2DQ,
                    CVTPD2DQ,
                    CVTTPD2DQ ->
                    true;
            default -> false;
        };
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case CVTSI2SD -> fromGeneral(i, Format.DOUBLE, miss);
            case CVTSI2SS -> fromGeneral(i, Format.SINGLE, miss);
            case CVTTSD2SI -> toGeneral(i, Format.DOUBLE, true, miss);
            case CVTSD2SI -> toGeneral(i, Format.DOUBLE, false, miss);
            case CVTTSS2SI -> toGeneral(i, Format.SINGLE, true, miss);
            case CVTSS2SI -> toGeneral(i, Format.SINGLE, false, miss);
            case CVTSS2SD, CVTSD2SS -> scalar(i, miss);
            case CVTDQ2PD, CVTDQ2PS -> fromIntegers(i, miss);
            case CVTPS2PD, CVTPD2PS -> packed(i, miss);
            default -> toIntegers(i, miss);
        }
    }

    // ------------------------------------------------------------- general registers

    private void fromGeneral(Instruction i, Format f, Label miss) {
        int n = i.operands - 1;
        int size = i.size[n];
        if (lanes.fetch(i, n, size, false, miss)) {
            lanes.pushTemp(0);
        } else {
            lanes.uops.push(i.reg[n]);
        }
        if (size == 4) {
            code.l2i();
            if (f == Format.DOUBLE) {
                code.i2d();
            } else {
                code.dup().istore(Locals.INDEX).i2f();
            }
        } else {
            code.dup2().lstore(Locals.SCRATCH);
            if (f == Format.DOUBLE) {
                code.l2d();
            } else {
                code.l2f();
            }
        }
        floats.storeTemp(f, 0);
        if (size == 4 && f == Format.SINGLE) {
            floats.exact(
                    () -> {
                        floats.pushWideTemp(f, 0);
                        code.iload(Locals.INDEX).i2d().dcmpl();
                    },
                    miss);
        } else if (size == 8) {
            // As many digits as there are, with a sign.
            int spare = 64 - f.digits;
            floats.exact(
                    () -> {
                        code.lload(Locals.SCRATCH).lload(Locals.SCRATCH);
                        code.loadConstant(spare).lshl().loadConstant(spare).lshr().lcmp();
                    },
                    miss);
        }
        FloatRange range = FloatRange.integers(8 * size);
        floats.commit(f, i, LaneAccess.firstSource(i, n), true, new FloatRange[] {range});
    }

    private void toGeneral(Instruction i, Format f, boolean truncate, Label miss) {
        lanes.fetch(i, 1, f == Format.DOUBLE ? 8 : 4, false, miss);
        Value x = FloatCode.operand(i, 1, 0, 0);
        toInteger(f, x, i.size[0], truncate, miss);
        if (i.size[0] == 4) {
            code.i2l().loadConstant(0xFFFF_FFFFL).land();
        }
        lanes.uops.pop(i.reg[0]);
    }

    /** Pushes a number as an int or long; leaves if it is none. */
    private void toInteger(Format f, Value x, int size, boolean truncate, Label miss) {
        FloatRange known = floats.range(f, x);
        if (known == null || known.hi() > 8 * size - 3) {
            double limit = size == 4 ? 0x1p31 - 1 : 0x1p63 - 1024;
            floats.pushWide(f, x);
            code.loadConstant(-limit).dcmpl().ifle(miss);
            floats.pushWide(f, x);
            code.loadConstant(limit).dcmpg().ifge(miss);
        }
        // A denormal sets PE and not DE.
        floats.exact(
                () -> {
                    floats.pushWide(f, x);
                    rint();
                    floats.pushWide(f, x);
                    code.dcmpl();
                },
                miss);
        floats.pushWide(f, x);
        if (!truncate) {
            rint();
        }
        if (size == 4) {
            code.d2i();
        } else {
            code.d2l();
        }
    }

    private void rint() {
        code.invokestatic(MATH, "rint", MethodTypeDesc.of(CD_double, CD_double));
    }

    // ------------------------------------------------------------------------ formats

    private void scalar(Instruction i, Label miss) {
        int n = i.operands - 1;
        boolean widen = i.op == Op.CVTSS2SD;
        lanes.fetch(i, n, widen ? 4 : 8, false, miss);
        Value x = FloatCode.operand(i, n, 0, 0);
        FloatRange range = widen ? widen(x, 0, miss) : narrow(x, 0, miss);
        Format to = widen ? Format.DOUBLE : Format.SINGLE;
        floats.commit(to, i, LaneAccess.firstSource(i, n), true, new FloatRange[] {range});
    }

    /** A single-precision number as a double in a temporary. */
    private FloatRange widen(Value x, int temp, Label miss) {
        FloatRange range = floats.finite(Format.SINGLE, x, miss);
        floats.pushWide(Format.SINGLE, x);
        floats.storeTemp(Format.DOUBLE, temp);
        return range;
    }

    private FloatRange narrow(Value x, int temp, Label miss) {
        FloatRange range = floats.finite(Format.DOUBLE, x, miss);
        floats.push(Format.DOUBLE, x);
        code.d2f();
        floats.storeTemp(Format.SINGLE, temp);
        FloatRange found = new FloatRange(range.lo(), range.hi() + 1);
        if (!Format.SINGLE.plain(found)) {
            found = floats.narrowed(temp, x, miss);
        }
        floats.exact(
                () -> {
                    floats.pushWideTemp(Format.SINGLE, temp);
                    floats.push(Format.DOUBLE, x);
                    code.dcmpl();
                },
                miss);
        return found;
    }

    private void packed(Instruction i, Label miss) {
        boolean widen = i.op == Op.CVTPS2PD;
        int longs = i.vectorLength / 8;
        lanes.fetch(i, 1, widen ? 4 * longs : 8 * longs, false, miss);
        FloatRange[] known = new FloatRange[longs];
        for (int e = 0; e < longs; e++) {
            known[e] =
                    widen
                            ? widen(FloatCode.operand(i, 1, e / 2, e & 1), e, miss)
                            : narrow(FloatCode.operand(i, 1, e, 0), e, miss);
        }
        if (widen) {
            floats.commit(Format.DOUBLE, i, i.reg[0], false, known);
            return;
        }
        for (int k = 0; k < longs / 2; k++) {
            floats.commitPair(i.reg[0], k, 2 * k, known[2 * k], known[2 * k + 1]);
        }
        if (longs == 2) {
            lanes.clear(i.reg[0], 1);
        }
        lanes.clearAbove(i, 2);
    }

    // ----------------------------------------------------------------------- integers

    private void fromIntegers(Instruction i, Label miss) {
        boolean wide = i.op == Op.CVTDQ2PD;
        Format f = wide ? Format.DOUBLE : Format.SINGLE;
        int count = i.vectorLength / (wide ? 8 : 4);
        lanes.fetch(i, 1, 4 * count, false, miss);
        FloatRange[] known = new FloatRange[count];
        for (int e = 0; e < count; e++) {
            pushInteger(i, e);
            if (wide) {
                code.i2d();
            } else {
                code.i2f();
            }
            floats.storeTemp(f, e);
            if (!wide) {
                int element = e;
                floats.exact(
                        () -> {
                            floats.pushWideTemp(f, element);
                            pushInteger(i, element);
                            code.i2d().dcmpl();
                        },
                        miss);
            }
            known[e] = FloatRange.integers(32);
        }
        floats.commit(f, i, i.reg[0], false, known);
    }

    private void pushInteger(Instruction i, int element) {
        lanes.pushOperand(i, 1, element / 2);
        if ((element & 1) != 0) {
            code.loadConstant(32).lushr();
        }
        code.l2i();
    }

    private void toIntegers(Instruction i, Label miss) {
        Format f = i.op == Op.CVTPS2DQ || i.op == Op.CVTTPS2DQ ? Format.SINGLE : Format.DOUBLE;
        boolean truncate = i.op == Op.CVTTPS2DQ || i.op == Op.CVTTPD2DQ;
        lanes.fetch(i, 1, i.vectorLength, false, miss);
        int count = i.vectorLength / (f == Format.DOUBLE ? 8 : 4);
        for (int e = 0; e < count; e++) {
            Value x =
                    f == Format.DOUBLE
                            ? FloatCode.operand(i, 1, e, 0)
                            : FloatCode.operand(i, 1, e / 2, e & 1);
            toInteger(f, x, 4, truncate, miss);
            code.istore(Locals.floatTemp(e));
        }
        for (int k = 0; k < count / 2; k++) {
            code.iload(Locals.floatTemp(2 * k)).i2l().loadConstant(0xFFFF_FFFFL).land();
            code.iload(Locals.floatTemp(2 * k + 1)).i2l().loadConstant(32).lshl().lor();
            lanes.pop(i.reg[0], k);
        }
        if (count == 2) {
            lanes.clear(i.reg[0], 1);
        }
        lanes.clearAbove(i, Math.max(2, count / 2));
    }
}
