// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

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
 * Writes instructions on general registers and memory that have no micro-operation: bit tests,
 * compare and exchange, division and double shifts. What seldom happens (a quotient of more than 64
 * bits, a fault) is left to the interpreter. Flags that they leave undefined are as in {@link
 * dev.vitrine.processor.exec.IntegerUnit}.
 */
final class IntegerEmitter {
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final MethodTypeDesc LONGS = MethodTypeDesc.of(CD_long, CD_long, CD_long);

    private final LaneAccess access;
    private final CodeBuilder code;
    private final UopEmitter uops;
    private final FlagEmitter flags;
    private final MemoryEmitter memory;

    IntegerEmitter(LaneAccess access) {
        this.access = access;
        this.code = access.code;
        this.uops = access.uops;
        this.flags = access.flags;
        this.memory = access.memory;
    }

    static boolean supports(Instruction i) {
        if (i.lock) {
            return false;
        }
        return switch (i.op) {
            case BT, BTS, BTR, BTC, DIV, IDIV -> i.size[0] >= 4;
            case CMPXCHG -> i.size[0] >= 4 && i.kind[0] == Operand.MEM;
            case CMPXCHG16B -> true;
            case SHLD, SHRD ->
                    i.size[0] >= 4
                            && i.kind[0] == Operand.GPR
                            && i.kind[2] == Operand.IMM
                            && count(i) != 0;
            default -> false;
        };
    }

    private static int count(Instruction i) {
        return (int) i.imm & (i.size[0] == 8 ? 63 : 31);
    }

    /** Registers that it changes without naming them as operands; a mask. It also reads them. */
    static int implied(Instruction i) {
        return switch (i.op) {
            case DIV, IDIV, CMPXCHG16B -> 1 << Cpu.RAX | 1 << Cpu.RDX;
            case CMPXCHG -> 1 << Cpu.RAX;
            default -> 0;
        };
    }

    /** The same of those that it only reads. */
    static int impliedSources(Instruction i) {
        return i.op == Op.CMPXCHG16B ? 1 << Cpu.RBX | 1 << Cpu.RCX : 0;
    }

    /**
     * Writes an instruction.
     *
     * @param seen whether the flags that it sets can be seen by anybody
     */
    void emit(Instruction i, boolean seen, Label miss) {
        switch (i.op) {
            case CMPXCHG -> compareExchange(i, miss);
            case CMPXCHG16B -> wideExchange(i, miss);
            case DIV -> divide(i, miss);
            case IDIV -> divideSigned(i, miss);
            case SHLD, SHRD -> doubleShift(i, seen);
            default -> bit(i, miss);
        }
    }

    private CodeBuilder scratch() {
        return code.lload(Locals.SCRATCH);
    }

    /** Pushes a register, zero-extended from its size. */
    private void push(int register, int size) {
        uops.push(register);
        if (size == 4) {
            code.loadConstant(0xFFFF_FFFFL).land();
        }
    }

    private void pushSigned(int register, int size) {
        uops.push(register);
        if (size == 4) {
            code.l2i().i2l();
        }
    }

    private void pop(int register, int size) {
        if (size == 4) {
            code.loadConstant(0xFFFF_FFFFL).land();
        }
        uops.pop(register);
    }

    // -------------------------------------------------------------------- bits

    private void bit(Instruction i, Label miss) {
        int size = i.size[0];
        int bits = 8 * size;
        boolean inMemory = i.kind[0] == Operand.MEM;
        boolean byRegister = i.kind[1] == Operand.GPR;
        if (inMemory) {
            access.pushAddress(i);
            if (byRegister) {
                // The index reaches beyond the operand.
                pushSigned(i.reg[1], size);
                code.loadConstant(size == 8 ? 6 : 5).lshr();
                code.loadConstant(size == 8 ? 3 : 2).lshl().ladd();
            }
            if (i.op == Op.BT) {
                // What is remembered for the first operand is a page that may be written to.
                memory.remember(PageCaches.NONE);
                memory.load(size, miss);
            } else {
                if (byRegister) {
                    memory.remember(PageCaches.NONE);
                }
                memory.loadForUpdate(size, miss);
            }
        } else {
            push(i.reg[0], size);
        }
        code.lstore(Locals.SCRATCH);
        // The number of the bit, in a place that the change of flags leaves alone.
        if (byRegister) {
            uops.push(i.reg[1]);
            code.l2i().loadConstant(bits - 1).iand();
        } else {
            code.loadConstant((int) i.imm & bits - 1);
        }
        code.i2l();
        access.popTemp(0);
        scratch();
        access.pushTemp(0);
        code.l2i().lushr().lconst_1().land();
        flags.replaceCarry();
        if (i.op == Op.BT) {
            return;
        }
        Runnable changed =
                () -> {
                    scratch().lconst_1();
                    access.pushTemp(0);
                    code.l2i().lshl();
                    switch (i.op) {
                        case BTS -> code.lor();
                        case BTR -> code.loadConstant(-1L).lxor().land();
                        default -> code.lxor();
                    }
                };
        if (inMemory) {
            memory.storeAgain(size, changed);
        } else {
            changed.run();
            pop(i.reg[0], size);
        }
    }

    // ---------------------------------------------------------------- exchanges

    private void compareExchange(Instruction i, Label miss) {
        int size = i.size[0];
        access.pushAddress(i);
        memory.loadForUpdate(size, miss);
        access.popTemp(0);
        push(Cpu.RAX, size);
        code.lstore(flags.x);
        access.pushTemp(0);
        code.lstore(flags.y);
        flags.set(LazyFlags.SUB + LazyFlags.sizeIndex(64 - 8 * size));
        Label differs = code.newLabel();
        Label end = code.newLabel();
        code.lload(flags.x).lload(flags.y).lcmp().ifne(differs);
        memory.storeAgain(size, () -> uops.push(i.reg[1]));
        code.goto_(end);
        code.labelBinding(differs);
        // Nobody sees that the old value is written back.
        access.pushTemp(0);
        uops.pop(Cpu.RAX);
        code.labelBinding(end);
    }

    private void wideExchange(Instruction i, Label miss) {
        access.pushAddress(i);
        code.lstore(Locals.SCRATCH);
        scratch().l2i().loadConstant(15).iand().ifne(miss);
        scratch();
        memory.loadForUpdate(8, miss);
        access.popTemp(0);
        memory.updateAt(8, 8);
        access.popTemp(1);
        Label differs = code.newLabel();
        Label end = code.newLabel();
        flags.toCpu();
        access.pushTemp(0);
        uops.push(Cpu.RAX);
        code.lxor();
        access.pushTemp(1);
        uops.push(Cpu.RDX);
        code.lxor().lor().lstore(Locals.SCRATCH);
        scratch().lconst_0().lcmp().ifne(differs);
        memory.storeAt(8, 0, () -> uops.push(Cpu.RBX));
        memory.storeAt(8, 8, () -> uops.push(Cpu.RCX));
        code.goto_(end);
        code.labelBinding(differs);
        access.pushTemp(0);
        uops.pop(Cpu.RAX);
        access.pushTemp(1);
        uops.pop(Cpu.RDX);
        code.labelBinding(end);
        code.aload(Locals.CPU_LOCAL);
        scratch();
        code.invokevirtual(CPU, "zeroFlag", MethodTypeDesc.of(CD_void, CD_long));
        flags.fromCpu();
    }

    // ------------------------------------------------------------------ division

    /** The divisor goes to the scratch register; leaves if it is zero. */
    private void divisor(Instruction i, boolean signed, Label miss) {
        int size = i.size[0];
        if (i.kind[0] == Operand.MEM) {
            access.pushAddress(i);
            memory.remember(PageCaches.NONE);
            memory.load(size, miss);
            if (signed && size == 4) {
                code.l2i().i2l();
            }
        } else if (signed) {
            pushSigned(i.reg[0], size);
        } else {
            push(i.reg[0], size);
        }
        code.lstore(Locals.SCRATCH);
        scratch().lconst_0().lcmp().ifeq(miss);
    }

    /** Pushes EDX:EAX. */
    private void pushPair() {
        uops.push(Cpu.RDX);
        code.loadConstant(32).lshl();
        push(Cpu.RAX, 4);
        code.lor();
    }

    private void divide(Instruction i, Label miss) {
        int size = i.size[0];
        divisor(i, false, miss);
        if (size == 8) {
            uops.push(Cpu.RDX);
            code.lconst_0().lcmp().ifne(miss);
            uops.push(Cpu.RAX);
        } else {
            push(Cpu.RDX, 4);
            scratch().lcmp().ifge(miss);
            pushPair();
        }
        code.lstore(Locals.SCRATCH_2).lload(Locals.SCRATCH_2);
        scratch().invokestatic(LONG, "divideUnsigned", LONGS);
        results(size);
    }

    private void divideSigned(Instruction i, Label miss) {
        int size = i.size[0];
        divisor(i, true, miss);
        // The quotient of the least number may be too large.
        scratch().loadConstant(-1L).lcmp().ifeq(miss);
        if (size == 8) {
            uops.push(Cpu.RAX);
            code.loadConstant(63).lshr();
            uops.push(Cpu.RDX);
            code.lcmp().ifne(miss);
            uops.push(Cpu.RAX);
        } else {
            pushPair();
        }
        code.lstore(Locals.SCRATCH_2).lload(Locals.SCRATCH_2);
        scratch().ldiv();
        if (size == 4) {
            code.dup2();
            access.popTemp(0);
            access.pushTemp(0);
            code.l2i().i2l().lcmp().ifne(miss);
            access.pushTemp(0);
        }
        results(size);
    }

    /** The quotient on the stack, and what is left of the dividend in the second scratch. */
    private void results(int size) {
        access.popTemp(0);
        code.lload(Locals.SCRATCH_2);
        access.pushTemp(0);
        scratch().lmul().lsub();
        pop(Cpu.RDX, size);
        access.pushTemp(0);
        pop(Cpu.RAX, size);
    }

    // --------------------------------------------------------------- double shift

    private void doubleShift(Instruction i, boolean seen) {
        int size = i.size[0];
        int bits = 8 * size;
        int n = count(i);
        boolean left = i.op == Op.SHLD;
        push(i.reg[0], size);
        code.lstore(Locals.SCRATCH);
        scratch().loadConstant(n);
        shift(left);
        push(i.reg[1], size);
        code.loadConstant(bits - n);
        shift(!left);
        code.lor();
        if (size == 4) {
            code.l2i().i2l();
        }
        code.lstore(Locals.SCRATCH_2).lload(Locals.SCRATCH_2);
        pop(i.reg[0], size);
        if (!seen) {
            return;
        }
        // The last bit that was shifted out, and whether the sign has changed.
        scratch().loadConstant(left ? bits - n : n - 1).lushr();
        code.loadConstant(63).lshl().lstore(flags.y);
        code.lload(flags.y).lload(flags.y).lload(Locals.SCRATCH_2);
        scratch();
        if (size == 4) {
            code.l2i().i2l();
        }
        code.lxor().lxor().loadConstant(Long.MIN_VALUE).land();
        code.iconst_1().lushr().lor().lstore(flags.y);
        code.lload(Locals.SCRATCH_2).lstore(flags.x);
        flags.set(LazyFlags.RAW);
    }

    private void shift(boolean left) {
        if (left) {
            code.lshl();
        } else {
            code.lushr();
        }
    }
}
