// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.lift.Uop;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.MethodTypeDesc;

/**
 * Writes accesses of the first stage, where the domain has one processor: calls of {@link
 * ProcessorAccess} that are given the numbers of registers, not their values, and return whether
 * they missed.
 */
final class NumberedAccess {
    /** Registers, or a place and what is added to one. */
    private static final MethodTypeDesc BY_NUMBERS =
            MethodTypeDesc.of(CD_boolean, CD_int, CD_int, CD_int);

    private static final MethodTypeDesc BY_ADDRESS = MethodTypeDesc.of(CD_boolean, CD_long, CD_int);
    private static final MethodTypeDesc OF_VALUE =
            MethodTypeDesc.of(CD_boolean, CD_long, CD_int, CD_int);
    private static final MethodTypeDesc NUMBER = MethodTypeDesc.of(CD_boolean, CD_int);
    private static final MethodTypeDesc NUMBERS = MethodTypeDesc.of(CD_boolean, CD_int, CD_int);
    private static final MethodTypeDesc VALUE = MethodTypeDesc.of(CD_boolean, CD_long);
    private static final MethodTypeDesc TARGET = MethodTypeDesc.of(CD_long);

    private final CodeBuilder code;
    private final Locals locals;

    NumberedAccess(CodeBuilder code, Locals locals) {
        this.code = code;
        this.locals = locals;
    }

    /** An address that is one register and a number; no register is {@link Cpu#R_ZERO}. */
    record Place(int register, int offset) {}

    /** Loads from a place into a register. */
    void load(Place from, int to, int size, boolean update, Label miss) {
        code.loadConstant(to);
        push(from);
        call(loading(size, update), BY_NUMBERS).ifne(miss);
        taken(to);
    }

    /** Loads from {@link Locals#LINEAR} into a register. */
    void load(int to, int size, boolean update, Label miss) {
        code.lload(Locals.LINEAR).loadConstant(to);
        call(loading(size, update), BY_ADDRESS).ifne(miss);
        taken(to);
    }

    private static String loading(int size, boolean update) {
        return (update ? "fetchForUpdate" : "fetch") + size;
    }

    /** Stores a register at a place; pushes whether it missed. */
    void store(int from, Place to, int size) {
        if (Locals.inFile(from)) {
            code.loadConstant(from);
            push(to);
            call("put" + size, BY_NUMBERS);
        } else {
            locals.push(code, from);
            push(to);
            call("put" + size, OF_VALUE);
        }
    }

    /** Pushes a register on the guest's stack. */
    void push(int register, Label miss) {
        if (Locals.inFile(register)) {
            code.loadConstant(register);
            call("push", NUMBER).ifne(miss);
        } else {
            locals.push(code, register);
            call("push", VALUE).ifne(miss);
        }
    }

    /** Pops from the guest's stack to a register. */
    void pop(int register, Label miss) {
        code.loadConstant(register);
        call("pop", NUMBER).ifne(miss);
        taken(register);
    }

    /** So many registers are pushed or popped by one call at the most. */
    private static final int MOST = 8;

    /**
     * How many micro-operations from one on are pushes, or pops, of registers that one call can do:
     * at the beginning of a function, and at its end.
     */
    static int run(long[] uops, int from) {
        int op = (int) uops[from] & 0xFF;
        int count = 0;
        if (op == Uop.PUSH64 || op == Uop.POP64) {
            for (int u = from; u < uops.length && count < MOST; u += 2, count++) {
                int r = register(uops[u]);
                if (((int) uops[u] & 0xFF) != op || r >= 16 || r == Cpu.RSP) {
                    break;
                }
            }
        }
        return count;
    }

    /** What is pushed, or popped to. */
    private static int register(long w) {
        return (int) (w >>> (((int) w & 0xFF) == Uop.PUSH64 ? 16 : 8)) & 31;
    }

    /** Writes so many pushes or pops as one, see {@link #run}. */
    void run(long[] uops, int from, int count, Label miss) {
        int registers = 0;
        for (int i = 0; i < count; i++) {
            registers |= register(uops[from + 2 * i]) << 4 * i;
        }
        boolean push = ((int) uops[from] & 0xFF) == Uop.PUSH64;
        code.loadConstant(registers).loadConstant(count);
        call(push ? "push" : "pop", NUMBERS).ifne(miss);
    }

    /** Pops from the guest's stack to {@link Locals#TARGET}, which is canonical then. */
    void popTarget(Label miss) {
        call("ret", TARGET).lstore(Locals.TARGET);
        code.lload(Locals.TARGET).loadConstant(ProcessorAccess.NOWHERE).lcmp().ifeq(miss);
    }

    private void push(Place p) {
        code.loadConstant(p.register).loadConstant(p.offset);
    }

    /** What a temporary is worked with is its local. */
    private void taken(int register) {
        if (!Locals.inFile(register)) {
            locals.take(code, register);
        }
    }

    private CodeBuilder call(String method, MethodTypeDesc type) {
        return code.invokestatic(MemoryEmitter.PROCESSOR, method, type);
    }
}
