// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.LazyFlags;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes out micro-operations that neither end a block nor call a helper with all state. */
final class UopEmitter {
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc ALU = ClassDesc.of("dev.vitrine.processor.exec.Alu");
    private static final ClassDesc LOCKED = ClassDesc.of("dev.vitrine.processor.exec.LockedAccess");
    private static final ClassDesc SEGMENTS =
            ClassDesc.of("dev.vitrine.processor.core.SegmentCheck");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final ClassDesc MATH = ClassDesc.of("java.lang.Math");
    private static final MethodTypeDesc OPERATION =
            MethodTypeDesc.of(CD_long, CPU, CD_long, CD_long, CD_int);
    private static final MethodTypeDesc OPERATION_CARRY =
            MethodTypeDesc.of(CD_long, CPU, CD_long, CD_long, CD_long, CD_int);

    private final CodeBuilder code;
    private final Locals locals;
    private final FlagEmitter flags;
    private final MemoryEmitter memory;

    /** Bits of a micro-operation's word that make its address. */
    private static final long ADDRESS = 0xFFFF_FFFF_0000L;

    private final NumberedAccess numbered;

    /** The operand of a read-modify-write whose load has been written. */
    private long updated = -1;

    private long updatedOffset;

    /** The code can run at other addresses, see {@link Cpu#R_ORIGIN}. */
    private final boolean relocatable;

    UopEmitter(
            CodeBuilder code,
            Locals locals,
            FlagEmitter flags,
            MemoryEmitter memory,
            boolean relocatable) {
        this.relocatable = relocatable;
        this.code = code;
        this.locals = locals;
        this.flags = flags;
        this.memory = memory;
        this.numbered = new NumberedAccess(code, locals);
    }

    /** What is known at a place. */
    record State(long updated, long updatedOffset) {}

    State state() {
        return new State(updated, updatedOffset);
    }

    void restore(State state) {
        updated = state.updated;
        updatedOffset = state.updatedOffset;
    }

    /** To be called at the beginning of each guest instruction. */
    void beginInstruction() {
        updated = -1;
    }

    private boolean sameAddress(long w, long imm) {
        return (w & ADDRESS) == updated && imm == updatedOffset;
    }

    private static int d(long w) {
        return (int) (w >>> 8) & 31;
    }

    private static int a(long w) {
        return (int) (w >>> 16) & 31;
    }

    private static int b(long w) {
        return (int) (w >>> 24) & 31;
    }

    private static int c(long w) {
        return (int) (w >>> 32) & 0xFF;
    }

    /** Pushes the value of a register. */
    void push(int register) {
        if (absent(register)) {
            code.lconst_0();
        } else {
            locals.push(code, register);
        }
    }

    private boolean absent(int register) {
        return register == Cpu.R_ZERO || (register == Cpu.R_ORIGIN && !relocatable);
    }

    /** Pushes an address in the code, wherever it runs. */
    void pushRip(long rip) {
        code.loadConstant(rip);
        if (relocatable) {
            push(Cpu.R_ORIGIN);
            code.ladd();
        }
    }

    /** Pops the value of a register. */
    void pop(int register) {
        locals.pop(code, register);
    }

    /** r[b] + imm. */
    private void pushSecond(long w, long imm) {
        int b = b(w);
        if (b == Cpu.R_ZERO) {
            code.loadConstant(imm);
        } else {
            push(b);
            if (imm != 0) {
                code.loadConstant(imm).ladd();
            }
        }
    }

    /** r[a] + (r[b] << c) + r[s] + imm. */
    void pushAddress(long w, long imm) {
        boolean any = false;
        if (!absent(a(w))) {
            push(a(w));
            any = true;
        }
        if (b(w) != Cpu.R_ZERO) {
            push(b(w));
            int scale = c(w) & 3;
            if (scale != 0) {
                code.loadConstant(scale).lshl();
            }
            if (any) {
                code.ladd();
            }
            any = true;
        }
        int s = (int) (w >>> 40) & 31;
        if (s != Cpu.R_ZERO) {
            push(s);
            if (any) {
                code.ladd();
            }
            any = true;
        }
        if (imm != 0 || !any) {
            code.loadConstant(imm);
            if (any) {
                code.ladd();
            }
        }
    }

    private void mask(long mask) {
        code.loadConstant(mask).land();
    }

    private void zeroExtend32() {
        mask(0xFFFFFFFFL);
    }

    /** The long on the stack, sign-extended from 64 - shift bits. */
    private void signExtend(int shift) {
        if (shift == 32) {
            code.l2i().i2l();
        } else if (shift != 0) {
            code.loadConstant(shift).lshl().loadConstant(shift).lshr();
        }
    }

    /** Writes the value on the stack to a register as an operand of that size. */
    void merge(int d, int shift) {
        if (shift == 32) {
            zeroExtend32();
        } else if (shift != 0 && d < Cpu.R_TEMP) {
            // Nobody looks at the rest of a temporary.
            long m = -1L >>> shift;
            mask(m);
            push(d);
            mask(~m);
            code.lor();
        }
        pop(d);
    }

    /**
     * Writes out one micro-operation.
     *
     * @param seen whether the flags that it sets can be seen by anybody
     * @param miss where to go when a memory access misses the TLB
     */
    void emit(long w, long imm, boolean seen, Label miss) {
        int op = (int) w & 0xFF;
        switch (op) {
            case Uop.MOVI -> {
                code.loadConstant(imm);
                pop(d(w));
            }
            case Uop.MOV64 -> {
                push(a(w));
                pop(d(w));
            }
            case Uop.MOV32 -> {
                push(a(w));
                zeroExtend32();
                pop(d(w));
            }
            case Uop.MOV16 -> {
                push(a(w));
                merge(d(w), 48);
            }
            case Uop.MOV8 -> {
                push(a(w));
                merge(d(w), 56);
            }
            case Uop.EXTRACT_HIGH -> {
                push(a(w));
                code.loadConstant(8).lushr();
                mask(0xFF);
                pop(d(w));
            }
            case Uop.INSERT_HIGH -> {
                push(d(w));
                mask(~0xFF00L);
                push(a(w));
                mask(0xFF);
                code.loadConstant(8).lshl().lor();
                pop(d(w));
            }
            case Uop.ZX8 -> {
                push(a(w));
                mask(0xFF);
                pop(d(w));
            }
            case Uop.ZX16 -> {
                push(a(w));
                mask(0xFFFF);
                pop(d(w));
            }
            case Uop.SX8 -> {
                push(a(w));
                code.l2i().i2b().i2l();
                pop(d(w));
            }
            case Uop.SX16 -> {
                push(a(w));
                code.l2i().i2s().i2l();
                pop(d(w));
            }
            case Uop.SX32 -> {
                push(a(w));
                code.l2i().i2l();
                pop(d(w));
            }
            case Uop.LEA64 -> {
                pushAddress(w, imm);
                pop(d(w));
            }
            case Uop.LEA32 -> {
                pushAddress(w, imm);
                zeroExtend32();
                pop(d(w));
            }
            case Uop.LEA16 -> {
                pushAddress(w, imm);
                mask(0xFFFF);
                pop(d(w));
            }
            case Uop.LD8, Uop.LD16, Uop.LD32, Uop.LD64 -> {
                updated = -1;
                int size = 1 << op - Uop.LD8;
                if (memory.callsDirectly()) {
                    loadByNumbers(w, imm, size, false, miss);
                } else {
                    pushAddress(w, imm);
                    memory.load(size, miss);
                    pop(d(w));
                }
            }
            case Uop.ST8, Uop.ST16, Uop.ST32, Uop.ST64 -> {
                int size = 1 << op - Uop.ST8;
                // Behind the load of the same operand nothing may fail any more.
                NumberedAccess.Place to = memory.callsDirectly() ? place(w, imm) : null;
                if (to != null) {
                    numbered.store(d(w), to, size);
                    if (sameAddress(w, imm)) {
                        code.pop();
                    } else {
                        code.ifne(miss);
                    }
                } else if (sameAddress(w, imm)) {
                    memory.storeAgain(size, () -> push(d(w)));
                } else {
                    pushAddress(w, imm);
                    memory.store(size, () -> push(d(w)), miss);
                }
            }
            case Uop.LDW8, Uop.LDW16, Uop.LDW32, Uop.LDW64 -> {
                int size = 1 << op - Uop.LDW8;
                if (memory.callsDirectly()) {
                    loadByNumbers(w, imm, size, true, miss);
                } else {
                    pushAddress(w, imm);
                    memory.loadForUpdate(size, miss);
                    pop(d(w));
                }
                updated = w & ADDRESS;
                updatedOffset = imm;
            }
            case Uop.PUSH64 -> pushOnStack(a(w), miss);
            case Uop.POP64 -> {
                if (memory.callsDirectly()) {
                    numbered.pop(d(w), miss);
                } else {
                    popFromStack(miss);
                    pop(d(w));
                }
            }
            case Uop.ADD64 -> addOrSubtract(w, imm, seen, true, 0, true);
            case Uop.ADD32 -> addOrSubtract(w, imm, seen, true, 32, true);
            case Uop.ADDN -> addOrSubtract(w, imm, seen, true, c(w), true);
            case Uop.SUB64 -> addOrSubtract(w, imm, seen, false, 0, true);
            case Uop.SUB32 -> addOrSubtract(w, imm, seen, false, 32, true);
            case Uop.SUBN -> addOrSubtract(w, imm, seen, false, c(w), true);
            case Uop.CMP64 -> addOrSubtract(w, imm, seen, false, 0, false);
            case Uop.CMP32 -> addOrSubtract(w, imm, seen, false, 32, false);
            case Uop.CMPN -> addOrSubtract(w, imm, seen, false, c(w), false);
            case Uop.AND64 -> logic(w, imm, seen, Uop.AND64, 0, true);
            case Uop.AND32 -> logic(w, imm, seen, Uop.AND64, 32, true);
            case Uop.ANDN -> logic(w, imm, seen, Uop.AND64, c(w), true);
            case Uop.OR64 -> logic(w, imm, seen, Uop.OR64, 0, true);
            case Uop.OR32 -> logic(w, imm, seen, Uop.OR64, 32, true);
            case Uop.ORN -> logic(w, imm, seen, Uop.OR64, c(w), true);
            case Uop.XOR64 -> logic(w, imm, seen, Uop.XOR64, 0, true);
            case Uop.XOR32 -> logic(w, imm, seen, Uop.XOR64, 32, true);
            case Uop.XORN -> logic(w, imm, seen, Uop.XOR64, c(w), true);
            case Uop.TEST64 -> logic(w, imm, seen, Uop.AND64, 0, false);
            case Uop.TEST32 -> logic(w, imm, seen, Uop.AND64, 32, false);
            case Uop.TESTN -> logic(w, imm, seen, Uop.AND64, c(w), false);
            case Uop.INC64 -> step(d(w), d(w), 0, true);
            case Uop.INC32 -> step(d(w), d(w), 32, true);
            case Uop.DEC64 -> step(d(w), d(w), 0, false);
            case Uop.DEC32 -> step(d(w), d(w), 32, false);
            case Uop.INC -> step(d(w), a(w), c(w), true);
            case Uop.DEC -> step(d(w), a(w), c(w), false);
            case Uop.NEG -> {
                int shift = c(w);
                push(a(w));
                shiftUp(shift);
                code.lstore(flags.y);
                code.lconst_0().lstore(flags.x);
                flags.set(LazyFlags.SUB + LazyFlags.sizeIndex(shift));
                push(a(w));
                code.lneg();
                merge(d(w), shift);
            }
            case Uop.NOT -> {
                push(a(w));
                code.loadConstant(-1L).lxor();
                merge(d(w), c(w));
            }
            case Uop.ADC64 -> withCarry(w, imm, seen, true, 0);
            case Uop.SBB64 -> withCarry(w, imm, seen, false, 0);
            case Uop.ADC -> sizedWithCarry(w, imm, seen, true);
            case Uop.SBB -> sizedWithCarry(w, imm, seen, false);
            case Uop.SHL -> anyShift(w, imm, seen, LazyFlags.SHL, "shl");
            case Uop.SHR -> anyShift(w, imm, seen, LazyFlags.SHR, "shr");
            case Uop.SAR -> anyShift(w, imm, seen, LazyFlags.SAR, "sar");
            case Uop.ROL -> rotate(w, imm, true, seen);
            case Uop.ROR -> rotate(w, imm, false, seen);
            case Uop.IMUL -> multiply(w, imm, seen);
            case Uop.MUL64 -> {
                push(Cpu.RAX);
                push(d(w));
                code.lmul().lstore(Locals.SCRATCH);
                push(Cpu.RAX);
                push(d(w));
                code.invokestatic(
                        MATH, "unsignedMultiplyHigh", MethodTypeDesc.of(CD_long, CD_long, CD_long));
                pop(Cpu.RDX);
                code.lload(Locals.SCRATCH);
                pop(Cpu.RAX);
                if (seen) {
                    push(Cpu.RAX);
                    code.lstore(flags.x);
                    push(Cpu.RDX);
                    code.lstore(flags.y);
                    flags.set(LazyFlags.MUL);
                }
            }
            case Uop.SHL64 -> shift(w, imm, seen, LazyFlags.SHL, 0);
            case Uop.SHL32 -> shift(w, imm, seen, LazyFlags.SHL, 32);
            case Uop.SHR64 -> shift(w, imm, seen, LazyFlags.SHR, 0);
            case Uop.SHR32 -> shift(w, imm, seen, LazyFlags.SHR, 32);
            case Uop.SAR64 -> shift(w, imm, seen, LazyFlags.SAR, 0);
            case Uop.SAR32 -> shift(w, imm, seen, LazyFlags.SAR, 32);
            case Uop.SETCC -> {
                Label yes = code.newLabel();
                Label end = code.newLabel();
                if (d(w) < Cpu.R_TEMP) {
                    push(d(w));
                    mask(~0xFFL);
                } else {
                    code.lconst_0();
                }
                pop(d(w));
                flags.branch((int) imm, yes);
                code.goto_(end);
                code.labelBinding(yes);
                push(d(w));
                code.lconst_1().lor();
                pop(d(w));
                code.labelBinding(end);
            }
            case Uop.CMOV -> {
                Label no = code.newLabel();
                int shift = c(w);
                if (shift == 32) {
                    push(d(w));
                    zeroExtend32();
                    pop(d(w));
                }
                flags.branch((int) imm ^ 1, no);
                push(a(w));
                merge(d(w), shift);
                code.labelBinding(no);
            }
            case Uop.BSWAP -> {
                push(a(w));
                code.invokestatic(LONG, "reverseBytes", MethodTypeDesc.of(CD_long, CD_long));
                int shift = c(w) & 63;
                if (shift != 0) {
                    code.loadConstant(shift).lushr();
                }
                pop(d(w));
            }
            case Uop.XCHG -> exchange(w);
            default -> throw new IllegalStateException("micro-operation " + op);
        }
    }

    /** Pushes the result of an operation that may fault. */
    void checked(long w, long imm) {
        code.aload(Locals.CPU_LOCAL);
        if (((int) w & 0xFF) == Uop.LOCK_LOAD) {
            pushAddress(w, imm);
            code.loadConstant(c(w) >>> 4);
            code.invokestatic(LOCKED, "load", MethodTypeDesc.of(CD_long, CPU, CD_long, CD_int));
            return;
        }
        code.loadConstant((int) (w >>> 40) & 7);
        push(a(w));
        code.loadConstant(c(w) & 0x7F);
        code.loadConstant((c(w) & 0x80) != 0 ? 1 : 0);
        code.invokestatic(
                SEGMENTS,
                "linear",
                MethodTypeDesc.of(CD_long, CPU, CD_int, CD_long, CD_int, CD_boolean));
    }

    void popChecked(long w) {
        pop(d(w));
    }

    /** Compare-and-set of a locked operation; pushes whether it was done. */
    void lockStore(long w) {
        code.aload(Locals.CPU_LOCAL);
        code.loadConstant(c(w));
        push(a(w));
        push(d(w));
        code.invokestatic(
                LOCKED, "store", MethodTypeDesc.of(CD_boolean, CPU, CD_int, CD_long, CD_long));
    }

    /** Operands of 16 and 8 bits stand at the top of x and y. */
    private void shiftUp(int shift) {
        if (shift > 32) {
            code.loadConstant(shift).lshl();
        }
    }

    /** Pushes the value of a register of the file on the guest's stack. */
    void pushOnStack(int register, Label miss) {
        if (memory.callsDirectly()) {
            numbered.push(register, miss);
            return;
        }
        push(Cpu.RSP);
        code.loadConstant(8L).lsub();
        memory.store(8, () -> push(register), miss);
        // That address is the new stack pointer.
        code.lload(Locals.LINEAR);
        pop(Cpu.RSP);
    }

    /** How many micro-operations from one on {@link #emitRun} can write. */
    int run(long[] uops, int from) {
        return memory.callsDirectly() ? NumberedAccess.run(uops, from) : 1;
    }

    /** Writes several pushes or pops as one. */
    void emitRun(long[] uops, int from, int count, Label miss) {
        numbered.run(uops, from, count, miss);
    }

    /**
     * Pops from the guest's stack where to return to.
     *
     * @return whether that is known to be canonical
     */
    boolean popTarget(Label miss) {
        if (memory.callsDirectly()) {
            numbered.popTarget(miss);
            return true;
        }
        popFromStack(miss);
        code.lstore(Locals.TARGET);
        return false;
    }

    /** Pushes on the JVM's stack what it pops from the guest's. */
    private void popFromStack(Label miss) {
        push(Cpu.RSP);
        memory.load(8, miss);
        code.lstore(Locals.SCRATCH);
        code.lload(Locals.LINEAR).loadConstant(8L).ladd();
        pop(Cpu.RSP);
        code.lload(Locals.SCRATCH);
    }

    private void loadByNumbers(long w, long imm, int size, boolean update, Label miss) {
        NumberedAccess.Place from = place(w, imm);
        if (from != null) {
            numbered.load(from, d(w), size, update, miss);
        } else {
            pushAddress(w, imm);
            code.lstore(Locals.LINEAR);
            numbered.load(d(w), size, update, miss);
        }
    }

    /** What an address is if it has one register of the file at the most; otherwise null. */
    private NumberedAccess.@Nullable Place place(long w, long imm) {
        int a = absent(a(w)) ? Cpu.R_ZERO : a(w);
        int s = (int) (w >>> 40) & 31;
        if (b(w) != Cpu.R_ZERO || (a != Cpu.R_ZERO && s != Cpu.R_ZERO) || imm != (int) imm) {
            return null;
        }
        int base = a == Cpu.R_ZERO ? s : a;
        return Locals.inFile(base) ? new NumberedAccess.Place(base, (int) imm) : null;
    }

    private void addOrSubtract(
            long w, long imm, boolean seen, boolean add, int shift, boolean write) {
        if (!seen) {
            if (write) {
                push(a(w));
                pushSecond(w, imm);
                if (add) {
                    code.ladd();
                } else {
                    code.lsub();
                }
                merge(d(w), shift);
            }
            return;
        }
        push(a(w));
        shiftUp(shift);
        pushSecond(w, imm);
        shiftUp(shift);
        code.lstore(flags.y).lstore(flags.x);
        flags.set((add ? LazyFlags.ADD : LazyFlags.SUB) + LazyFlags.sizeIndex(shift));
        if (write) {
            code.lload(flags.x).lload(flags.y);
            if (add) {
                code.ladd();
            } else {
                code.lsub();
            }
            if (shift > 32) {
                code.loadConstant(shift).lushr();
            }
            merge(d(w), shift);
        }
    }

    private void logic(long w, long imm, boolean seen, int op, int shift, boolean write) {
        if (!seen && !write) {
            return;
        }
        push(a(w));
        pushSecond(w, imm);
        switch (op) {
            case Uop.AND64 -> code.land();
            case Uop.OR64 -> code.lor();
            default -> code.lxor();
        }
        if (!seen) {
            merge(d(w), shift);
            return;
        }
        signExtend(shift);
        code.lstore(flags.x).lconst_0().lstore(flags.y);
        flags.set(LazyFlags.LOGIC);
        if (write) {
            code.lload(flags.x);
            merge(d(w), shift);
        }
    }

    /** INC and DEC: the carry stays. */
    private void step(int d, int a, int shift, boolean up) {
        flags.pushCarry();
        push(a);
        code.lconst_1();
        if (up) {
            code.ladd();
        } else {
            code.lsub();
        }
        signExtend(shift);
        code.lstore(flags.x).lstore(flags.y);
        flags.set((up ? LazyFlags.INC : LazyFlags.DEC) + LazyFlags.sizeIndex(shift));
        code.lload(flags.x);
        merge(d, shift);
    }

    /** ADC and SBB of all sizes but 64 bits. */
    private void sizedWithCarry(long w, long imm, boolean seen, boolean add) {
        int shift = c(w) & 63;
        if (flags.small()) {
            flags.toCpu();
            code.aload(Locals.CPU_LOCAL);
            push(a(w));
            pushSecond(w, imm);
            flags.pushCarry();
            code.loadConstant(shift).invokestatic(ALU, add ? "add" : "sub", OPERATION_CARRY);
            flags.fromCpu();
            merge(d(w), shift);
            return;
        }
        withCarry(w, imm, seen, add, shift);
    }

    /** r = a + b + carry, or a - b - carry, with the operands at the top, as in Alu. */
    private void withCarry(long w, long imm, boolean seen, boolean add, int shift) {
        flags.pushCarry();
        toTop(shift);
        push(a(w));
        toTop(shift);
        pushSecond(w, imm);
        toTop(shift);
        code.lstore(Locals.SCRATCH_2).lstore(Locals.SCRATCH).lstore(flags.x);
        code.lload(Locals.SCRATCH).lload(Locals.SCRATCH_2);
        if (add) {
            code.ladd().lload(flags.x).ladd();
        } else {
            code.lsub().lload(flags.x).lsub();
        }
        code.lstore(flags.x);
        if (seen) {
            AuxiliaryFlags.pushCarries(code, add, Locals.SCRATCH, Locals.SCRATCH_2, flags.x, shift);
            code.lstore(flags.y);
        }
        if (shift != 0) {
            code.lload(flags.x).loadConstant(shift).lshr().lstore(flags.x);
        }
        if (seen) {
            flags.set(LazyFlags.RAW);
        } else {
            flags.spoil();
        }
        code.lload(flags.x);
        merge(d(w), shift);
    }

    private void toTop(int shift) {
        if (shift != 0) {
            code.loadConstant(shift).lshl();
        }
    }

    /** Calls the interpreter's own operation, which works on the processor's flags. */
    private void sized(long w, long imm, String name) {
        flags.toCpu();
        code.aload(Locals.CPU_LOCAL);
        push(a(w));
        pushSecond(w, imm);
        code.loadConstant(c(w) & 63).invokestatic(ALU, name, OPERATION);
        flags.fromCpu();
        merge(d(w), c(w) & 63);
    }

    /** Rotations by a constant in line, others by the interpreter's own operation. */
    private void rotate(long w, long imm, boolean left, boolean seen) {
        int shift = c(w) & 63;
        int count = (int) imm & (shift == 0 ? 63 : 31);
        if (shift > 32 || b(w) != Cpu.R_ZERO || count == 0 || (seen && flags.small())) {
            sized(w, imm, left ? "rol" : "ror");
            return;
        }
        if (seen) {
            flags.keepForRotation();
        }
        // Two shifts, which HotSpot knows to be a rotation.
        push(a(w));
        if (shift == 0) {
            code.loadConstant(left ? count : 64 - count).lshl();
            push(a(w));
            code.loadConstant(left ? 64 - count : count).lushr().lor();
        } else {
            code.l2i().loadConstant(left ? count : 32 - count).ishl();
            push(a(w));
            code.l2i().loadConstant(left ? 32 - count : count).iushr().ior().i2l();
            zeroExtend32();
        }
        if (seen) {
            code.lstore(flags.x);
            flags.set((left ? LazyFlags.ROL : LazyFlags.ROR) + LazyFlags.sizeIndex(shift));
            code.lload(flags.x);
        }
        pop(d(w));
    }

    /** Shifts by a register, and those of other places than whole registers. */
    private void anyShift(long w, long imm, boolean seen, int kind, String name) {
        boolean constant = b(w) == Cpu.R_ZERO && imm != 0;
        if ((c(w) & 63) <= 32) {
            variableShift(w, imm, kind);
        } else if (constant && !flags.small()) {
            narrowShift(w, (int) imm, seen, kind);
        } else {
            sized(w, imm, name);
        }
    }

    /**
     * Shifts of 8 and 16 bits.
     *
     * @param count from 1 to 31
     */
    private void narrowShift(long w, int count, boolean seen, int kind) {
        int shift = c(w) & 63;
        push(a(w));
        if (kind == LazyFlags.SHL) {
            code.loadConstant(shift).lshl();
        } else if (kind == LazyFlags.SHR) {
            mask(-1L >>> shift);
        } else {
            signExtend(shift);
        }
        code.lstore(Locals.SCRATCH);
        if (seen) {
            // As in Alu: the bit that went out last is CF, and OF follows from it.
            code.lload(Locals.SCRATCH).loadConstant(count - 1);
            shiftLong(kind);
            if (kind == LazyFlags.SHL) {
                code.loadConstant(Long.MIN_VALUE).land().lstore(flags.y);
                code.lload(Locals.SCRATCH).loadConstant(count).lshl();
                code.loadConstant(Long.MIN_VALUE).land();
            } else {
                code.loadConstant(63).lshl().lstore(flags.y);
                code.lload(flags.y);
                if (kind == LazyFlags.SHR) {
                    code.lload(Locals.SCRATCH).loadConstant(shift).lshl();
                    code.loadConstant(Long.MIN_VALUE).land().lxor();
                }
            }
            code.iconst_1().lushr().lload(flags.y).lor().lstore(flags.y);
        }
        code.lload(Locals.SCRATCH).loadConstant(count);
        shiftLong(kind);
        if (kind == LazyFlags.SHL) {
            code.loadConstant(shift).lshr();
        }
        code.lstore(flags.x);
        flags.set(LazyFlags.RAW);
        code.lload(flags.x);
        merge(d(w), shift);
    }

    /** The flags stay when the count is 0. */
    private void variableShift(long w, long imm, int kind) {
        int shift = c(w) & 63;
        Label zero = code.newLabel();
        Label end = code.newLabel();
        flags.sync();
        pushSecond(w, imm);
        code.loadConstant(shift == 0 ? 63L : 31L).land().lstore(Locals.SCRATCH);
        push(a(w));
        code.lstore(Locals.SCRATCH_2);
        code.lload(Locals.SCRATCH).lconst_0().lcmp().ifeq(zero);
        code.lload(Locals.SCRATCH_2).lstore(flags.x).lload(Locals.SCRATCH).lstore(flags.y);
        flags.set(kind + LazyFlags.sizeIndex(shift));
        flags.sync();
        code.lload(Locals.SCRATCH_2);
        if (shift == 0) {
            code.lload(Locals.SCRATCH).l2i();
            shiftLong(kind);
        } else {
            code.l2i().lload(Locals.SCRATCH).l2i();
            shiftInt(kind);
            code.i2l();
            zeroExtend32();
        }
        pop(d(w));
        code.goto_(end);
        code.labelBinding(zero);
        code.lload(Locals.SCRATCH_2);
        merge(d(w), shift);
        code.labelBinding(end);
        flags.begin(FlagEmitter.DYNAMIC);
    }

    private void shiftLong(int kind) {
        switch (kind) {
            case LazyFlags.SHL -> code.lshl();
            case LazyFlags.SHR -> code.lushr();
            default -> code.lshr();
        }
    }

    private void shiftInt(int kind) {
        switch (kind) {
            case LazyFlags.SHL -> code.ishl();
            case LazyFlags.SHR -> code.iushr();
            default -> code.ishr();
        }
    }

    private void multiply(long w, long imm, boolean seen) {
        int shift = c(w) & 63;
        if (shift > 32) {
            sized(w, imm, "imul");
            return;
        }
        push(a(w));
        pushSecond(w, imm);
        if (!seen) {
            code.lmul();
        } else {
            code.lstore(flags.y).lstore(flags.x);
            flags.set(LazyFlags.IMUL + LazyFlags.sizeIndex(shift));
            code.lload(flags.x).lload(flags.y).lmul();
        }
        merge(d(w), shift);
    }

    private void shift(long w, long imm, boolean seen, int kind, int shift) {
        int d = d(w);
        if (seen) {
            push(d);
            code.lstore(flags.x).loadConstant(imm).lstore(flags.y);
            flags.set(kind + LazyFlags.sizeIndex(shift));
        }
        push(d);
        if (shift == 0) {
            code.loadConstant((int) imm);
            shiftLong(kind);
        } else {
            code.l2i().loadConstant((int) imm);
            shiftInt(kind);
            code.i2l();
            zeroExtend32();
        }
        pop(d);
    }

    private void exchange(long w) {
        int shift = c(w) & 63;
        int d = d(w);
        int a = a(w);
        push(d);
        code.lstore(Locals.SCRATCH);
        push(a);
        merge(d, shift);
        code.lload(Locals.SCRATCH);
        merge(a, shift);
    }
}
