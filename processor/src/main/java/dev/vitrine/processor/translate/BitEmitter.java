// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.exec.LazyFlags;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/**
 * Writes the instructions on bits of general registers of 32 and 64 bits that have no
 * micro-operation: scans and counts, BMI, and the signs that CDQ and CQO make. Flags that they
 * leave undefined are as in {@link dev.vitrine.processor.exec.IntegerUnit}.
 */
final class BitEmitter {
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final MethodTypeDesc COUNT = MethodTypeDesc.of(CD_int, CD_long);

    private final LaneAccess access;
    private final CodeBuilder code;

    BitEmitter(LaneAccess access) {
        this.access = access;
        this.code = access.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case BSF, BSR, TZCNT, LZCNT, POPCNT, ANDN, BLSI, BLSR, BLSMSK, RORX, SARX, SHLX, SHRX ->
                    i.size[0] >= 4;
            case CWD -> i.operandSize >= 4;
            default -> false;
        };
    }

    /** The general register that it changes without naming it as an operand, as a mask. */
    static int impliedDestination(Instruction i) {
        return i.op == Op.CWD ? 1 << Cpu.RDX : 0;
    }

    /** The one that it reads so. */
    static int impliedSource(Instruction i) {
        return i.op == Op.CWD ? 1 << Cpu.RAX : 0;
    }

    void emit(Instruction i, Label miss) {
        if (i.op == Op.CWD) {
            access.uops.push(Cpu.RAX);
            if (i.operandSize == 4) {
                code.l2i().i2l();
            }
            code.loadConstant(63).lshr();
            pop(Cpu.RDX, i.operandSize);
            return;
        }
        int size = i.size[0];
        int memory = i.memoryOperand();
        if (memory >= 0) {
            access.fetch(i, memory, size, false, miss);
        }
        // The operand that is worked on: zero-extended, or as it is if it has 64 bits.
        int n = i.op == Op.ANDN ? 2 : 1;
        push(i, n, size);
        code.lstore(Locals.SCRATCH);
        switch (i.op) {
            case BSF, BSR -> scan(i, size);
            case TZCNT, LZCNT -> count(i, size);
            case POPCNT -> {
                value().invokestatic(LONG, "bitCount", COUNT).i2l();
                pop(i.reg[0], size);
                value().lneg();
                value().lor().loadConstant(63).lushr().loadConstant(8).lshl();
                code.lstore(access.flags.x).loadConstant(0x100L).lstore(access.flags.y);
                access.flags.set(LazyFlags.RAW);
            }
            case ANDN -> {
                push(i, 1, size);
                code.loadConstant(-1L).lxor();
                value().land();
                logic(i, size);
            }
            case BLSI, BLSR, BLSMSK -> lowest(i, size);
            case RORX -> rotate(i, size);
            default -> {
                if (i.op == Op.SARX && size == 4) {
                    value().l2i().i2l();
                } else {
                    value();
                }
                push(i, 2, size);
                code.l2i().loadConstant(8 * size - 1).iand();
                switch (i.op) {
                    case SARX -> code.lshr();
                    case SHLX -> code.lshl();
                    default -> code.lushr();
                }
                pop(i.reg[0], size);
            }
        }
    }

    private void push(Instruction i, int n, int size) {
        if (i.kind[n] == Operand.MEM) {
            access.pushTemp(0);
            return;
        }
        access.uops.push(i.reg[n]);
        if (size == 4) {
            code.loadConstant(0xFFFF_FFFFL).land();
        }
    }

    private void pop(int register, int size) {
        if (size == 4) {
            code.loadConstant(0xFFFF_FFFFL).land();
        }
        access.uops.pop(register);
    }

    private CodeBuilder value() {
        return code.lload(Locals.SCRATCH);
    }

    private void signExtend(int size) {
        if (size == 4) {
            code.l2i().i2l();
        }
    }

    /** Where nothing is found the destination stays as it is. */
    private void scan(Instruction i, int size) {
        Label none = code.newLabel();
        value().lconst_0().lcmp().ifeq(none);
        if (i.op == Op.BSF) {
            value().invokestatic(LONG, "numberOfTrailingZeros", COUNT).i2l();
        } else {
            code.loadConstant(63);
            value().invokestatic(LONG, "numberOfLeadingZeros", COUNT).isub().i2l();
        }
        access.uops.pop(i.reg[0]);
        code.labelBinding(none);
        value();
        signExtend(size);
        code.lstore(access.flags.x);
        access.flags.set(LazyFlags.LOGIC);
    }

    private void count(Instruction i, int size) {
        if (i.op == Op.TZCNT) {
            value();
            if (size == 4) {
                // A bit above the operand stops the count.
                code.loadConstant(1L << 32).lor();
            }
            code.invokestatic(LONG, "numberOfTrailingZeros", COUNT).i2l();
        } else {
            value().invokestatic(LONG, "numberOfLeadingZeros", COUNT);
            code.loadConstant(64 - 8 * size).isub().i2l();
        }
        code.dup2().lstore(access.flags.x);
        pop(i.reg[0], size);
        pushCarryIfZero(true);
        code.lstore(access.flags.y);
        access.flags.set(LazyFlags.RAW);
    }

    /**
     * Pushes what of {@link Cpu#flagAux} says that there is a carry, if the operand is zero or not.
     */
    private void pushCarryIfZero(boolean zero) {
        value().lneg();
        value().lor().loadConstant(63).lshr();
        if (zero) {
            code.loadConstant(-1L).lxor();
        }
        code.loadConstant(62).lshl();
    }

    /** The result on the stack goes to the destination and makes the flags. */
    private void logic(Instruction i, int size) {
        code.dup2();
        signExtend(size);
        code.lstore(access.flags.x);
        pop(i.reg[0], size);
        access.flags.set(LazyFlags.LOGIC);
    }

    private void lowest(Instruction i, int size) {
        value();
        switch (i.op) {
            case BLSI -> value().lneg().land();
            case BLSR -> value().lconst_1().lsub().land();
            default -> value().lconst_1().lsub().lxor();
        }
        logic(i, size);
        pushCarryIfZero(i.op != Op.BLSI);
        code.lstore(access.flags.y);
        access.flags.set(LazyFlags.RAW);
    }

    private void rotate(Instruction i, int size) {
        int bits = 8 * size;
        int n = (int) i.imm & bits - 1;
        value();
        if (n != 0) {
            code.loadConstant(n).lushr();
            value().loadConstant(bits - n).lshl().lor();
        }
        pop(i.reg[0], size);
    }
}
