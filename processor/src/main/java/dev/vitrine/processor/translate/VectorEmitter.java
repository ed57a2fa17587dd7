// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.exec.LazyFlags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Writes the vector instructions that programs execute most, on 64-bit lanes in local variables.
 * What a lane's result is, the vector unit's own functions say. For everything else, and for
 * operands that want the exact path, the unit itself is called or the region left.
 */
final class VectorEmitter {
    private static final ClassDesc LANES =
            ClassDesc.of("dev.vitrine.processor.vector.IntegerLanes");
    private static final ClassDesc SHIFTS = ClassDesc.of("dev.vitrine.processor.vector.Shifts");
    private static final ClassDesc PACKS = ClassDesc.of("dev.vitrine.processor.vector.Packs");
    private static final ClassDesc SHUFFLES = ClassDesc.of("dev.vitrine.processor.vector.Shuffles");
    private static final ClassDesc AES = ClassDesc.of("dev.vitrine.processor.vector.Aes");
    private static final ClassDesc FLOAT =
            ClassDesc.of("dev.vitrine.processor.translate.FastFloat");
    private static final ClassDesc OP = ClassDesc.of("dev.vitrine.processor.decode.Op");
    private static final MethodTypeDesc LANE = MethodTypeDesc.of(CD_long, CD_long, CD_long);
    private static final MethodTypeDesc LANE_OF_OP =
            MethodTypeDesc.of(CD_long, OP, CD_long, CD_long);
    private static final MethodTypeDesc UNARY = MethodTypeDesc.of(CD_long, CD_long);
    private static final MethodTypeDesc SLOW =
            MethodTypeDesc.of(CD_boolean, CD_int, CD_long, CD_long);
    private static final MethodTypeDesc SLOW_UNARY = MethodTypeDesc.of(CD_boolean, CD_int, CD_long);
    private static final MethodTypeDesc PREDICATE = MethodTypeDesc.of(CD_boolean, CD_long, CD_long);
    private static final MethodTypeDesc PAIR = MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_int);

    private static final String OPERATOR = "operator";

    private final CodeBuilder code;
    private final UopEmitter uops;
    private final MemoryEmitter memory;
    private final FlagEmitter flags;

    VectorEmitter(CodeBuilder code, UopEmitter uops, MemoryEmitter memory, FlagEmitter flags) {
        this.code = code;
        this.uops = uops;
        this.memory = memory;
        this.flags = flags;
    }

    /** Whether an instruction can be written in line. */
    static boolean supports(Instruction i, int modeKey) {
        if (i.op.group != Op.Group.VECTOR || (modeKey & Cpu.MODE_64) == 0) {
            return false;
        }
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.MMX || (i.kind[n] == Operand.MEM && i.addressSize != 8)) {
                return false;
            }
        }
        boolean memory = i.memoryOperand() >= 0;
        return switch (i.op) {
            case MOVUPS,
                    MOVUPD,
                    MOVDQU,
                    LDDQU,
                    MOVAPS,
                    MOVAPD,
                    MOVDQA,
                    MOVNTPS,
                    MOVNTPD,
                    MOVNTDQ,
                    MOVSS,
                    MOVSD,
                    MOVD,
                    MOVQ,
                    MOVLPS,
                    MOVLPD,
                    MOVHPS,
                    MOVHPD,
                    MOVHLPS,
                    MOVLHPS,
                    PMOVMSKB,
                    VZEROUPPER,
                    PSHUFD,
                    SHUFPS,
                    PSHUFB,
                    PUNPCKLBW,
                    PUNPCKLWD,
                    PUNPCKLDQ,
                    PUNPCKLQDQ,
                    PUNPCKHBW,
                    PUNPCKHWD,
                    PUNPCKHDQ,
                    PUNPCKHQDQ,
                    UNPCKLPS,
                    UNPCKLPD,
                    UNPCKHPS,
                    UNPCKHPD,
                    AESENC,
                    AESENCLAST,
                    AESDEC,
                    AESDECLAST,
                    UCOMISS,
                    UCOMISD,
                    COMISS,
                    COMISD,
                    CVTSI2SD,
                    CVTTSD2SI,
                    CVTSS2SD,
                    CVTSD2SS ->
                    true;
            case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD ->
                    i.kind[i.operands - 1] == Operand.IMM;
            case PSLLDQ, PSRLDQ -> !memory && i.vectorLength == 16;
            case VPBROADCASTB, VPBROADCASTD, VPBROADCASTQ -> !memory;
            default -> laneMethod(i.op) != null || floatName(i.op) != null;
        };
    }

    /**
     * Name of the function of a lane-wise integer instruction; "" for the general one, OPERATOR
     * where the JVM has an instruction.
     */
    private static @org.jspecify.annotations.Nullable String laneMethod(Op op) {
        return switch (op) {
            case PADDB -> "paddb";
            case PADDW -> "paddw";
            case PADDD -> "paddd";
            case PSUBB -> "psubb";
            case PSUBW -> "psubw";
            case PSUBD -> "psubd";
            case PCMPEQB -> "pcmpeqb";
            case PCMPEQW -> "pcmpeqw";
            case PCMPEQD -> "pcmpeqd";
            case PCMPGTD -> "pcmpgtd";
            case PMINUB -> "pminub";
            case PADDUSB -> "paddusb";
            case PADDUSW -> "paddusw";
            case PADDSB -> "paddsb";
            case PSUBSB -> "psubsb";
            case PADDSW -> "paddsw";
            case PSUBSW -> "psubsw";
            case PMULLW -> "pmullw";
            case PMULHW -> "pmulhw";
            case PMULHUW -> "pmulhuw";
            case PMADDWD -> "pmaddwd";
            case PMADDUBSW -> "pmaddubsw";
            case PSADBW -> "psadbw";
            case PAND,
                    ANDPS,
                    ANDPD,
                    PANDN,
                    ANDNPS,
                    ANDNPD,
                    POR,
                    ORPS,
                    ORPD,
                    PXOR,
                    XORPS,
                    XORPD,
                    PADDQ,
                    PSUBQ ->
                    OPERATOR;
            case PCMPEQQ,
                    PCMPGTB,
                    PCMPGTW,
                    PCMPGTQ,
                    PMINUW,
                    PMINUD,
                    PMINSB,
                    PMINSW,
                    PMINSD,
                    PMAXUB,
                    PMAXUW,
                    PMAXUD,
                    PMAXSB,
                    PMAXSW,
                    PMAXSD,
                    PSUBUSB,
                    PSUBUSW,
                    PMULUDQ,
                    PMULDQ,
                    PMULLD,
                    PAVGB,
                    PAVGW ->
                    "";
            default -> null;
        };
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

    /** As {@link RegionShape#weight}. */
    static int weight(Instruction i) {
        int n = i.memoryOperand();
        int lanes = Math.max(1, i.vectorLength / 8);
        int memory = n < 0 ? 0 : RegionShape.MEMORY_WEIGHT + 5 * Math.max(0, i.size[n] / 8 - 1);
        return memory + (floatName(i.op) != null ? 6 * lanes : 2 * lanes);
    }

    /** Lanes that an instruction reads or writes; bit 4r + k is lane k of register r. */
    static long lanes(Instruction i) {
        long mask = 0;
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.XMM) {
                mask |= (i.vex || i.vectorLength == 32 ? 15L : 3L) << 4 * i.reg[n];
            }
        }
        if (i.op == Op.VZEROUPPER) {
            mask = 0xCCCC_CCCC_CCCC_CCCCL;
        }
        return mask;
    }

    /** Lanes that it changes. */
    static long changedLanes(Instruction i) {
        if (i.op == Op.VZEROUPPER) {
            return lanes(i);
        }
        return i.operands > 0 && i.kind[0] == Operand.XMM
                ? (i.vex || i.vectorLength == 32 ? 15L : 3L) << 4 * i.reg[0]
                : 0;
    }

    /** General registers that it names; a mask. */
    static int registers(Instruction i) {
        int mask = generalDestination(i);
        for (int n = 0; n < i.operands; n++) {
            if (i.kind[n] == Operand.GPR) {
                mask |= 1 << i.reg[n];
            }
        }
        if (i.memoryOperand() >= 0) {
            if (i.base >= 0 && i.base != Instruction.RIP_BASE) {
                mask |= 1 << i.base;
            }
            if (i.index >= 0) {
                mask |= 1 << i.index;
            }
            if (i.segment >= Cpu.FS) {
                mask |= 1 << Cpu.R_SEG_BASE + i.segment;
            }
        }
        return mask;
    }

    /** The general register that it changes, as a mask. */
    static int generalDestination(Instruction i) {
        return i.operands > 0 && i.kind[0] == Operand.GPR ? 1 << i.reg[0] : 0;
    }

    // ------------------------------------------------------------------ operands

    private void push(int register, int lane) {
        code.lload(Locals.lane(register, lane));
    }

    private void pop(int register, int lane) {
        code.lstore(Locals.lane(register, lane));
    }

    private void pushTemp(int n) {
        code.lload(Locals.vectorTemp(n));
    }

    private void popTemp(int n) {
        code.lstore(Locals.vectorTemp(n));
    }

    private void pushAddress(Instruction i) {
        long disp = i.disp;
        if (i.base == Instruction.RIP_BASE) {
            disp += i.nextRip();
        }
        code.loadConstant(disp);
        if (i.base >= 0 && i.base != Instruction.RIP_BASE) {
            uops.push(i.base);
            code.ladd();
        }
        if (i.index >= 0) {
            uops.push(i.index);
            if (i.scale != 0) {
                code.loadConstant(i.scale).lshl();
            }
            code.ladd();
        }
        if (i.segment >= Cpu.FS) {
            uops.push(Cpu.R_SEG_BASE + i.segment);
            code.ladd();
        }
    }

    private void probe(Instruction i, int size, boolean write, boolean always, Label miss) {
        pushAddress(i);
        boolean legacy = size == 16 && !i.vex && (i.form.attributes & Form.UNALIGNED) == 0;
        if (always || legacy) {
            code.lstore(Locals.LINEAR);
            code.lload(Locals.LINEAR).loadConstant((long) size - 1).land();
            code.lconst_0().lcmp().ifne(miss);
            code.lload(Locals.LINEAR);
        }
        memory.probeAny(size, write, miss);
    }

    /** Loads a memory operand into the temporaries; register operands stay where they are. */
    private boolean fetch(Instruction i, int n, int size, boolean aligned, Label miss) {
        if (i.kind[n] != Operand.MEM) {
            return false;
        }
        probe(i, size, false, aligned, miss);
        if (size < 8) {
            memory.loadAt(size, 0);
            popTemp(0);
        } else {
            for (int k = 0; k < size / 8; k++) {
                memory.loadAt(8, 8 * k);
                popTemp(k);
            }
        }
        return true;
    }

    /** Pushes lane k of operand n. */
    private void pushOperand(Instruction i, int n, int k) {
        if (i.kind[n] == Operand.MEM) {
            pushTemp(k);
        } else {
            push(i.reg[n], k);
        }
    }

    /** With VEX what lies above is cleared. */
    private void clearAbove(Instruction i, int lanes) {
        if (i.vex) {
            for (int k = lanes; k < 4; k++) {
                code.lconst_0();
                pop(i.reg[0], k);
            }
        }
    }

    // ---------------------------------------------------------------- instructions

    /**
     * Writes an instruction.
     *
     * @param first it is the first of its block for which the unit must be found enabled
     */
    void emit(Instruction i, boolean first, Label miss) {
        if (first) {
            code.iload(Locals.VECTOR_STATE).loadConstant(i.vex ? 2 : 1).iand().ifeq(miss);
        }
        switch (i.op) {
            case MOVUPS, MOVUPD, MOVDQU, LDDQU -> whole(i, false, miss);
            case MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ -> whole(i, true, miss);
            case MOVSS -> scalarMove(i, 4, miss);
            case MOVSD -> scalarMove(i, 8, miss);
            case MOVD -> general(i, miss);
            case MOVQ -> quad(i, miss);
            case MOVLPS, MOVLPD, MOVHPS, MOVHPD, MOVHLPS, MOVLHPS -> half(i, miss);
            case PMOVMSKB -> byteMask(i);
            case VZEROUPPER -> {
                for (int r = 0; r < 16; r++) {
                    code.lconst_0();
                    pop(r, 2);
                    code.lconst_0();
                    pop(r, 3);
                }
            }
            case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD -> shift(i);
            case PSLLDQ, PSRLDQ -> byteShift(i);
            case PSHUFD, SHUFPS, PSHUFB -> shuffle(i, miss);
            case PUNPCKLBW,
                    PUNPCKLWD,
                    PUNPCKLDQ,
                    PUNPCKLQDQ,
                    PUNPCKHBW,
                    PUNPCKHWD,
                    PUNPCKHDQ,
                    PUNPCKHQDQ,
                    UNPCKLPS,
                    UNPCKLPD,
                    UNPCKHPS,
                    UNPCKHPD ->
                    interleave(i, miss);
            case VPBROADCASTB, VPBROADCASTD, VPBROADCASTQ -> broadcast(i);
            case AESENC, AESENCLAST, AESDEC, AESDECLAST -> aes(i, miss);
            case UCOMISS, COMISS -> compare(i, 4, miss);
            case UCOMISD, COMISD -> compare(i, 8, miss);
            case CVTSI2SD -> fromGeneral(i, miss);
            case CVTTSD2SI -> toGeneral(i, miss);
            case CVTSS2SD -> convert(i, 4, miss);
            case CVTSD2SS -> convert(i, 8, miss);
            default -> {
                if (floatName(i.op) != null) {
                    arithmetic(i, miss);
                } else {
                    laneWise(i, miss);
                }
            }
        }
    }

    private void whole(Instruction i, boolean aligned, Label miss) {
        int size = i.vectorLength;
        int n = size / 8;
        if (i.kind[0] == Operand.MEM) {
            probe(i, size, true, aligned, miss);
            for (int k = 0; k < n; k++) {
                int lane = k;
                memory.storeAt(8, 8 * k, () -> push(i.reg[1], lane));
            }
            return;
        }
        fetch(i, 1, size, aligned, miss);
        for (int k = 0; k < n; k++) {
            pushOperand(i, 1, k);
            pop(i.reg[0], k);
        }
        clearAbove(i, n);
    }

    private void scalarMove(Instruction i, int size, Label miss) {
        if (i.kind[0] == Operand.MEM) {
            probe(i, size, true, false, miss);
            memory.storeAt(size, 0, () -> push(i.reg[1], 0));
            return;
        }
        if (fetch(i, 1, size, false, miss)) {
            pushTemp(0);
            pop(i.reg[0], 0);
            code.lconst_0();
            pop(i.reg[0], 1);
        } else {
            int s = i.reg[i.operands - 1];
            int a = i.operands == 3 ? i.reg[1] : i.reg[0];
            mergeLow(a, size, () -> push(s, 0));
            pop(i.reg[0], 0);
            push(a, 1);
            pop(i.reg[0], 1);
        }
        clearAbove(i, 2);
    }

    /** Pushes lane 0 of register a with its low bytes replaced by what the argument pushes. */
    private void mergeLow(int a, int size, Runnable low) {
        low.run();
        if (size == 4) {
            code.loadConstant(0xFFFFFFFFL).land();
            push(a, 0);
            code.loadConstant(~0xFFFFFFFFL).land().lor();
        }
    }

    private void general(Instruction i, Label miss) {
        int other = i.kind[0] == Operand.XMM ? 1 : 0;
        int size = i.size[other];
        if (other == 1) {
            if (!fetch(i, 1, size, false, miss)) {
                uops.push(i.reg[1]);
                if (size == 4) {
                    code.loadConstant(0xFFFFFFFFL).land();
                }
            } else {
                pushTemp(0);
            }
            pop(i.reg[0], 0);
            code.lconst_0();
            pop(i.reg[0], 1);
            clearAbove(i, 2);
        } else if (i.kind[0] == Operand.MEM) {
            probe(i, size, true, false, miss);
            memory.storeAt(size, 0, () -> push(i.reg[1], 0));
        } else {
            push(i.reg[1], 0);
            if (size == 4) {
                code.loadConstant(0xFFFFFFFFL).land();
            }
            uops.pop(i.reg[0]);
        }
    }

    private void quad(Instruction i, Label miss) {
        if (i.kind[0] == Operand.MEM) {
            probe(i, 8, true, false, miss);
            memory.storeAt(8, 0, () -> push(i.reg[1], 0));
            return;
        }
        fetch(i, 1, 8, false, miss);
        pushOperand(i, 1, 0);
        pop(i.reg[0], 0);
        code.lconst_0();
        pop(i.reg[0], 1);
        clearAbove(i, 2);
    }

    private void half(Instruction i, Label miss) {
        boolean high = i.op == Op.MOVHPS || i.op == Op.MOVHPD;
        if (i.kind[0] == Operand.MEM) {
            probe(i, 8, true, false, miss);
            memory.storeAt(8, 0, () -> push(i.reg[1], high ? 1 : 0));
            return;
        }
        int n = i.operands - 1;
        fetch(i, n, 8, false, miss);
        int a = i.operands == 3 ? i.reg[1] : i.reg[0];
        switch (i.op) {
            case MOVLPS, MOVLPD -> {
                pushOperand(i, n, 0);
                push(a, 1);
            }
            case MOVHLPS -> {
                pushOperand(i, n, 1);
                push(a, 1);
            }
            default -> {
                push(a, 0);
                pushOperand(i, n, 0);
            }
        }
        pop(i.reg[0], 1);
        pop(i.reg[0], 0);
        clearAbove(i, 2);
    }

    private void byteMask(Instruction i) {
        for (int k = 0; k < i.vectorLength / 8; k++) {
            push(i.reg[1], k);
            code.invokestatic(LANES, "mask8", UNARY);
            if (k > 0) {
                code.loadConstant(8 * k).lshl().lor();
            }
        }
        uops.pop(i.reg[0]);
    }

    private void shift(Instruction i) {
        int s = i.operands == 3 ? i.reg[1] : i.reg[0];
        int n = i.vectorLength / 8;
        for (int k = 0; k < n; k++) {
            pushOp(i.op);
            push(s, k);
            code.loadConstant(i.imm & 0xFF);
            code.invokestatic(SHIFTS, "apply", LANE_OF_OP);
            pop(i.reg[0], k);
        }
        clearAbove(i, n);
    }

    private void pushOp(Op op) {
        code.getstatic(OP, op.name(), OP);
    }

    private void byteShift(Instruction i) {
        int s = i.operands == 3 ? i.reg[1] : i.reg[0];
        int bits = Math.min(16, (int) i.imm & 0xFF) * 8;
        boolean left = i.op == Op.PSLLDQ;
        int near = left ? 0 : 1;
        int far = left ? 1 : 0;
        // far is the half that bits move into.
        if (bits >= 64) {
            push(s, near);
            shiftBy(bits - 64, left);
            code.lconst_0();
        } else {
            push(s, far);
            shiftBy(bits, left);
            if (bits > 0) {
                push(s, near);
                shiftBy(64 - bits, !left);
                code.lor();
            }
            push(s, near);
            shiftBy(bits, left);
        }
        pop(i.reg[0], near);
        pop(i.reg[0], far);
        clearAbove(i, 2);
    }

    private void shiftBy(int bits, boolean left) {
        if (bits >= 64) {
            code.pop2().lconst_0();
        } else if (bits > 0) {
            code.loadConstant(bits);
            if (left) {
                code.lshl();
            } else {
                code.lushr();
            }
        }
    }

    private void shuffle(Instruction i, Label miss) {
        int n = i.op == Op.PSHUFB ? i.operands - 1 : i.operands - 2;
        fetch(i, n, i.vectorLength, false, miss);
        int a = n == 2 ? i.reg[1] : i.reg[0];
        int imm = (int) i.imm & 0xFF;
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k += 2) {
            switch (i.op) {
                case PSHUFD -> {
                    pair(i, n, k, imm);
                    pair(i, n, k, imm >> 4);
                }
                case SHUFPS -> {
                    push(a, k);
                    push(a, k + 1);
                    code.loadConstant(imm).invokestatic(SHUFFLES, "pair", PAIR);
                    pair(i, n, k, imm >> 4);
                }
                default -> {
                    for (int h = 0; h < 2; h++) {
                        push(a, k);
                        push(a, k + 1);
                        pushOperand(i, n, k + h);
                        code.invokestatic(
                                SHUFFLES,
                                "pshufb",
                                MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long));
                    }
                }
            }
            pop(i.reg[0], k + 1);
            pop(i.reg[0], k);
        }
        clearAbove(i, count);
    }

    private void pair(Instruction i, int n, int k, int selector) {
        pushOperand(i, n, k);
        pushOperand(i, n, k + 1);
        code.loadConstant(selector).invokestatic(SHUFFLES, "pair", PAIR);
    }

    private void interleave(Instruction i, Label miss) {
        int n = i.operands - 1;
        fetch(i, n, i.vectorLength, false, miss);
        int a = i.operands == 3 ? i.reg[1] : i.reg[0];
        boolean high = i.op.name().startsWith("PUNPCKH") || i.op.name().startsWith("UNPCKH");
        boolean quad =
                switch (i.op) {
                    case PUNPCKLQDQ, PUNPCKHQDQ, UNPCKLPD, UNPCKHPD -> true;
                    default -> false;
                };
        int from = high ? 1 : 0;
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k += 2) {
            if (quad) {
                push(a, k + from);
                pushOperand(i, n, k + from);
            } else {
                for (int h = 0; h < 2; h++) {
                    pushOp(i.op);
                    push(a, k + from);
                    if (h == 1) {
                        code.loadConstant(32).lushr();
                    }
                    pushOperand(i, n, k + from);
                    if (h == 1) {
                        code.loadConstant(32).lushr();
                    }
                    code.invokestatic(PACKS, "interleave", LANE_OF_OP);
                }
            }
            pop(i.reg[0], k + 1);
            pop(i.reg[0], k);
        }
        clearAbove(i, count);
    }

    private void broadcast(Instruction i) {
        push(i.reg[1], 0);
        switch (i.op) {
            case VPBROADCASTB ->
                    code.loadConstant(0xFFL).land().loadConstant(0x0101010101010101L).lmul();
            case VPBROADCASTD ->
                    code.loadConstant(0xFFFFFFFFL).land().loadConstant(0x100000001L).lmul();
            default -> {}
        }
        popTemp(0);
        int n = i.vectorLength / 8;
        for (int k = 0; k < n; k++) {
            pushTemp(0);
            pop(i.reg[0], k);
        }
        clearAbove(i, n);
    }

    private void aes(Instruction i, Label miss) {
        int n = i.operands - 1;
        fetch(i, n, 16, false, miss);
        int a = i.operands == 3 ? i.reg[1] : i.reg[0];
        for (int h = 0; h < 2; h++) {
            pushOp(i.op);
            // The upper half of a round is its lower half with the state's halves exchanged.
            push(a, h);
            push(a, 1 - h);
            pushOperand(i, n, h);
            code.invokestatic(
                    AES, "half", MethodTypeDesc.of(CD_long, OP, CD_long, CD_long, CD_long));
        }
        pop(i.reg[0], 1);
        pop(i.reg[0], 0);
        clearAbove(i, 2);
    }

    private void laneWise(Instruction i, Label miss) {
        int n = i.operands - 1;
        fetch(i, n, i.vectorLength, false, miss);
        int a = i.operands == 3 ? i.reg[1] : i.reg[0];
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k++) {
            String name = laneMethod(i.op);
            if ("".equals(name)) {
                pushOp(i.op);
            }
            push(a, k);
            if (i.op == Op.PANDN || i.op == Op.ANDNPS || i.op == Op.ANDNPD) {
                code.loadConstant(-1L).lxor();
            }
            pushOperand(i, n, k);
            switch (i.op) {
                case PAND, ANDPS, ANDPD, PANDN, ANDNPS, ANDNPD -> code.land();
                case POR, ORPS, ORPD -> code.lor();
                case PXOR, XORPS, XORPD -> code.lxor();
                case PADDQ -> code.ladd();
                case PSUBQ -> code.lsub();
                default -> {
                    if ("".equals(name)) {
                        code.invokestatic(LANES, "apply", LANE_OF_OP);
                    } else {
                        code.invokestatic(LANES, name, LANE);
                    }
                }
            }
            pop(i.reg[0], k);
        }
        clearAbove(i, count);
    }

    // ------------------------------------------------------------- floating point

    private void arithmetic(Instruction i, Label miss) {
        String form = i.op.name();
        boolean wide = form.endsWith("D");
        boolean scalar = form.charAt(form.length() - 2) == 'S';
        int n = i.operands - 1;
        int size = scalar ? (wide ? 8 : 4) : i.vectorLength;
        fetch(i, n, size, false, miss);
        int a = n == 2 ? i.reg[1] : i.reg[0];
        int lanes = scalar ? 1 : i.vectorLength / 8;
        String name = floatName(i.op);
        for (int k = 0; k < lanes; k++) {
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
        for (int k = 0; k < lanes; k++) {
            if (wide) {
                operands(i, n, a, k, 0);
                code.invokestatic(FLOAT, function + "64", LANE);
            } else {
                operands(i, n, a, k, 0);
                code.invokestatic(FLOAT, function + "32", LANE);
                if (scalar) {
                    push(a, 0);
                    code.loadConstant(~0xFFFFFFFFL).land().lor();
                } else {
                    operands(i, n, a, k, 32);
                    code.invokestatic(FLOAT, function + "32", LANE);
                    code.loadConstant(32).lshl().lor();
                }
            }
            pop(i.reg[0], k);
        }
        if (scalar) {
            push(a, 1);
            pop(i.reg[0], 1);
            clearAbove(i, 2);
        } else {
            clearAbove(i, lanes);
        }
    }

    private void operands(Instruction i, int n, int a, int k, int shift) {
        push(a, k);
        if (shift != 0) {
            code.loadConstant(shift).lushr();
        }
        pushOperand(i, n, k);
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
        fetch(i, 1, size, false, miss);
        push(i.reg[0], 0);
        pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "slowCompare" + bits, PREDICATE).ifne(miss);
        push(i.reg[0], 0);
        pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "equal" + bits, LANE).lstore(flags.x);
        push(i.reg[0], 0);
        pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "less" + bits, LANE).lstore(flags.y);
        flags.set(LazyFlags.RAW);
    }

    private void fromGeneral(Instruction i, Label miss) {
        int n = i.operands - 1;
        int size = i.size[n];
        if (fetch(i, n, size, false, miss)) {
            pushTemp(0);
        } else {
            uops.push(i.reg[n]);
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
        push(a, 1);
        code.lload(Locals.SCRATCH).invokestatic(FLOAT, "fromLong64", UNARY);
        pop(i.reg[0], 0);
        pop(i.reg[0], 1);
        clearAbove(i, 2);
    }

    private void toGeneral(Instruction i, Label miss) {
        fetch(i, 1, 8, false, miss);
        String name = i.size[0] == 8 ? "Long64" : "Int64";
        code.iload(Locals.FLOAT_MODE);
        pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "slowTo" + name, SLOW_UNARY).ifne(miss);
        pushOperand(i, 1, 0);
        code.invokestatic(FLOAT, "to" + name, UNARY);
        uops.pop(i.reg[0]);
    }

    /** CVTSS2SD, CVTSD2SS. */
    private void convert(Instruction i, int from, Label miss) {
        int n = i.operands - 1;
        fetch(i, n, from, false, miss);
        int a = n == 2 ? i.reg[1] : i.reg[0];
        if (from == 4) {
            pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "slowWiden", MethodTypeDesc.of(CD_boolean, CD_long));
            code.ifne(miss);
            pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "widen", UNARY);
        } else {
            code.iload(Locals.FLOAT_MODE);
            pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "slowNarrow", SLOW_UNARY).ifne(miss);
            pushOperand(i, n, 0);
            code.invokestatic(FLOAT, "narrow", UNARY);
            push(a, 0);
            code.loadConstant(~0xFFFFFFFFL).land().lor();
        }
        push(a, 1);
        pop(i.reg[0], 1);
        pop(i.reg[0], 0);
        clearAbove(i, 2);
    }
}
