// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes the instructions of ciphers: AES, SHA-256 and products without carry. */
final class CipherEmitter {
    private static final ClassDesc AES = ClassDesc.of("dev.vitrine.processor.vector.Aes");
    private static final ClassDesc PRODUCT =
            ClassDesc.of("dev.vitrine.processor.vector.CarrylessProduct");
    private static final ClassDesc SHA = ClassDesc.of("dev.vitrine.processor.vector.Sha");
    private static final MethodTypeDesc LANE = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    private static final MethodTypeDesc FOUR =
            MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long, CD_long);
    private static final MethodTypeDesc THREE =
            MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long);

    private final LaneAccess lanes;
    private final CodeBuilder code;

    CipherEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case AESENC, AESENCLAST, AESDEC, AESDECLAST, AESIMC, AESKEYGENASSIST -> true;
            case PCLMULQDQ -> true;
            case SHA256MSG1, SHA256MSG2, SHA256RNDS2 -> true;
            default -> false;
        };
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case PCLMULQDQ -> product(i, miss);
            case AESENC, AESDEC -> round(i, miss);
            case AESENCLAST -> lastRound(i, "encryptLast", miss);
            case AESDECLAST -> lastRound(i, "decryptLast", miss);
            case AESIMC, AESKEYGENASSIST -> key(i, miss);
            case SHA256RNDS2 -> rounds(i, miss);
            default -> message(i, miss);
        }
    }

    static int weight(Instruction i) {
        return switch (i.op) {
            case AESENC, AESDEC, SHA256RNDS2 -> 20;
            default -> 12;
        };
    }

    /** A round by tables that have the contribution of each byte to its column (FIPS 197). */
    private void round(Instruction i, Label miss) {
        int n = i.operands - 1;
        lanes.fetch(i, n, 16, false, miss);
        int a = LaneAccess.firstSource(i, n);
        boolean decrypt = i.op == Op.AESDEC;
        String table = decrypt ? "DECRYPT_" : "ENCRYPT_";
        for (int k = 0; k < 2; k++) {
            for (int column = 2 * k; column < 2 * k + 2; column++) {
                for (int row = 0; row < 4; row++) {
                    // ShiftRows: the bytes of a column come from different ones.
                    int from = (decrypt ? column - row : column + row) & 3;
                    int shift = 32 * (from & 1) + 8 * row;
                    code.getstatic(AES, table + row, CD_int.arrayType());
                    lanes.push(a, from >> 1);
                    if (shift != 0) {
                        code.loadConstant(shift).lushr();
                    }
                    code.l2i().loadConstant(255).iand().iaload();
                    if (row > 0) {
                        code.ixor();
                    }
                }
                code.i2l();
                if ((column & 1) == 0) {
                    code.loadConstant(0xFFFF_FFFFL).land();
                } else {
                    code.loadConstant(32).lshl().lor();
                }
            }
            lanes.pushOperand(i, n, k);
            code.lxor();
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }

    private void lastRound(Instruction i, String name, Label miss) {
        int n = i.operands - 1;
        lanes.fetch(i, n, 16, false, miss);
        int a = LaneAccess.firstSource(i, n);
        for (int h = 0; h < 2; h++) {
            // The upper half of a round is its lower half with the state's halves exchanged.
            lanes.push(a, h);
            lanes.push(a, 1 - h);
            code.invokestatic(AES, name, LANE);
            lanes.pushOperand(i, n, h);
            code.lxor();
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }

    private void key(Instruction i, Label miss) {
        lanes.fetch(i, 1, 16, false, miss);
        for (int k = 0; k < 2; k++) {
            lanes.pushOperand(i, 1, k);
            if (i.op == Op.AESIMC) {
                code.invokestatic(AES, "inverseMix", MethodTypeDesc.of(CD_long, CD_long));
            } else {
                code.loadConstant(32).lushr().l2i().loadConstant((int) i.imm & 0xFF);
                code.invokestatic(AES, "keyAssist", MethodTypeDesc.of(CD_long, CD_int, CD_int));
            }
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }

    /** Words of SHA-256's message: a function for each half of them. */
    private void message(Instruction i, Label miss) {
        lanes.fetch(i, 1, 16, false, miss);
        String name = i.op == Op.SHA256MSG1 ? "messageOne" : "messageTwo";
        for (String half : new String[] {"Low", "High"}) {
            lanes.push(i.reg[0], 0);
            lanes.push(i.reg[0], 1);
            lanes.pushOperand(i, 1, 0);
            lanes.pushOperand(i, 1, 1);
            code.invokestatic(SHA, name + half, FOUR);
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
    }

    private void rounds(Instruction i, Label miss) {
        lanes.fetch(i, 1, 16, false, miss);
        int sums = Locals.OPERAND_TEMPS;
        lanes.push(i.reg[0], 0);
        lanes.push(i.reg[0], 1);
        lanes.pushOperand(i, 1, 0);
        lanes.push(0, 0);
        code.invokestatic(SHA, "sums", FOUR);
        lanes.popTemp(sums);
        lanes.pushTemp(sums);
        lanes.push(i.reg[0], 1);
        code.invokestatic(SHA, "roundsLow", LANE);
        lanes.pushTemp(sums);
        lanes.pushOperand(i, 1, 1);
        lanes.push(i.reg[0], 1);
        code.invokestatic(SHA, "roundsHigh", THREE);
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
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
