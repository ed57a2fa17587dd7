// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes the instructions of ciphers: AES and products without carry. */
final class CipherEmitter {
    private static final ClassDesc AES = ClassDesc.of("dev.vitrine.processor.vector.Aes");
    private static final ClassDesc PRODUCT =
            ClassDesc.of("dev.vitrine.processor.vector.CarrylessProduct");
    private static final ClassDesc OP = ClassDesc.of("dev.vitrine.processor.decode.Op");
    private static final MethodTypeDesc LANE = MethodTypeDesc.of(CD_long, CD_long, CD_long);

    private final LaneAccess lanes;
    private final CodeBuilder code;

    CipherEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case AESENC, AESENCLAST, AESDEC, AESDECLAST, PCLMULQDQ -> true;
            default -> false;
        };
    }

    void emit(Instruction i, Label miss) {
        if (i.op == Op.PCLMULQDQ) {
            product(i, miss);
        } else {
            round(i, miss);
        }
    }

    private void round(Instruction i, Label miss) {
        int n = i.operands - 1;
        lanes.fetch(i, n, 16, false, miss);
        int a = LaneAccess.firstSource(i, n);
        for (int h = 0; h < 2; h++) {
            code.getstatic(OP, i.op.name(), OP);
            // The upper half of a round is its lower half with the state's halves exchanged.
            lanes.push(a, h);
            lanes.push(a, 1 - h);
            lanes.pushOperand(i, n, h);
            code.invokestatic(
                    AES, "half", MethodTypeDesc.of(CD_long, OP, CD_long, CD_long, CD_long));
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }

    private void product(Instruction i, Label miss) {
        int n = LaneAccess.lastSource(i);
        lanes.fetch(i, n, 16, false, miss);
        int a = LaneAccess.firstSource(i, n);
        for (String half : new String[] {"low", "high"}) {
            lanes.push(a, (int) i.imm & 1);
            lanes.pushOperand(i, n, (int) i.imm >> 4 & 1);
            code.invokestatic(PRODUCT, half, LANE);
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }
}
