// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.DynamicConstantDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes memory accesses: the look into the soft TLB in line, and the way out where it misses. */
final class MemoryEmitter {
    private static final ClassDesc RAM = ClassDesc.of("dev.vitrine.memory.GuestRam");
    private static final ClassDesc PLAIN =
            ClassDesc.of("dev.vitrine.processor.translate.PlainAccess");
    private static final ClassDesc ORDERED =
            ClassDesc.of("dev.vitrine.processor.translate.OrderedAccess");
    private static final MethodTypeDesc MISS =
            MethodTypeDesc.of(CD_boolean, CD_long.arrayType(), CD_long, CD_long);
    private static final MethodTypeDesc MACHINE =
            MethodTypeDesc.of(CD_long, CD_long.arrayType(), CD_long);
    private static final MethodTypeDesc LOAD = MethodTypeDesc.of(CD_long, RAM, CD_long);
    private static final MethodTypeDesc STORE = MethodTypeDesc.of(CD_void, RAM, CD_long, CD_long);

    /** The domain's RAM, a constant of the generated class. */
    private static final DynamicConstantDesc<?> DOMAIN_RAM =
            DynamicConstantDesc.ofNamed(
                    ConstantDescs.ofConstantBootstrap(
                            ClassDesc.of("java.lang.invoke.MethodHandles"),
                            "classData",
                            ConstantDescs.CD_Object),
                    ConstantDescs.DEFAULT_NAME,
                    RAM);

    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc CALLED =
            ClassDesc.of("dev.vitrine.processor.translate.CalledAccess");
    private static final MethodTypeDesc CALLED_LOAD = MethodTypeDesc.of(CD_long, CPU, CD_long);
    private static final MethodTypeDesc CALLED_STORE =
            MethodTypeDesc.of(CD_void, CPU, CD_long, CD_long);

    private static final MethodTypeDesc CALLED_PROBE =
            MethodTypeDesc.of(CD_void, CPU, CD_long, CD_int, CD_boolean);

    private final CodeBuilder code;
    private final ClassDesc access;
    private final boolean calls;

    /**
     * @param ordered keep x86's memory order: other processors look on
     * @param calls write calls of {@link CalledAccess} instead of code in line
     */
    MemoryEmitter(CodeBuilder code, boolean ordered, boolean calls) {
        this.code = code;
        this.access = ordered ? ORDERED : PLAIN;
        this.calls = calls;
    }

    /** Replaces the linear address on the stack by what is there; the address is kept. */
    void load(int size, Label miss) {
        if (calls) {
            called("load", size, miss);
        } else {
            probe(size, false, miss);
            load(size, 0);
        }
    }

    /** As {@link #load}, for a place that {@link #storeAgain} will write to. */
    void loadForUpdate(int size, Label miss) {
        if (calls) {
            called("update", size, miss);
        } else {
            probe(size, true, miss);
            load(size, 0);
        }
    }

    private void called(String what, int size, Label miss) {
        code.lstore(Locals.LINEAR);
        code.aload(Locals.CPU_LOCAL).lload(Locals.LINEAR);
        code.invokestatic(CALLED, what + size, CALLED_LOAD).lstore(Locals.LOADED);
        code.aload(Locals.CPU_LOCAL).getfield(CPU, "missed", CD_boolean).ifne(miss);
        code.lload(Locals.LOADED);
    }

    /** Stores what the argument pushes to the linear address on the stack, which is kept. */
    void store(int size, Runnable value, Label miss) {
        if (calls) {
            code.lstore(Locals.LINEAR);
            storeAgain(size, value);
            code.aload(Locals.CPU_LOCAL).getfield(CPU, "missed", CD_boolean).ifne(miss);
        } else {
            probe(size, true, miss);
            store(size, 0, value);
        }
    }

    /** Stores to where {@link #loadForUpdate} has loaded from. */
    void storeAgain(int size, Runnable value) {
        if (calls) {
            code.aload(Locals.CPU_LOCAL).lload(Locals.LINEAR);
            value.run();
            code.invokestatic(CALLED, "store" + size, CALLED_STORE);
        } else {
            store(size, 0, value);
        }
    }

    /**
     * The linear address on the stack becomes the machine address in {@link Locals#MACHINE}; on a
     * miss execution goes to the label.
     */
    void probe(int size, boolean write, Label miss) {
        int tlb = write ? Locals.WRITE_TLB : Locals.READ_TLB;
        code.lstore(Locals.LINEAR);
        code.aload(tlb).lload(Locals.CONTEXT).lload(Locals.LINEAR);
        code.invokestatic(PLAIN, "miss" + size, MISS).ifne(miss);
        code.aload(tlb).lload(Locals.LINEAR).invokestatic(PLAIN, "machine", MACHINE);
        code.lstore(Locals.MACHINE);
    }

    /** Looks whether an access to the linear address on the stack hits; it is kept. */
    void probeAny(int size, boolean write, Label miss) {
        if (!calls) {
            probe(size, write, miss);
            return;
        }
        code.lstore(Locals.LINEAR);
        code.aload(Locals.CPU_LOCAL).lload(Locals.LINEAR).loadConstant(size);
        code.loadConstant(write ? 1 : 0).invokestatic(CALLED, "probe", CALLED_PROBE);
        code.aload(Locals.CPU_LOCAL).getfield(CPU, "missed", CD_boolean).ifne(miss);
    }

    /** Pushes what is some bytes behind an address that {@link #probeAny} has found to hit. */
    void loadAt(int size, int offset) {
        if (!calls) {
            load(size, offset);
            return;
        }
        code.aload(Locals.CPU_LOCAL).lload(Locals.LINEAR).loadConstant((long) offset).ladd();
        code.invokestatic(CALLED, "load" + size, CALLED_LOAD);
    }

    /** Stores some bytes behind such an address. */
    void storeAt(int size, int offset, Runnable value) {
        if (!calls) {
            store(size, offset, value);
            return;
        }
        code.aload(Locals.CPU_LOCAL).lload(Locals.LINEAR).loadConstant((long) offset).ladd();
        value.run();
        code.invokestatic(CALLED, "store" + size, CALLED_STORE);
    }

    /** Pushes what is some bytes behind the machine address, zero-extended. */
    void load(int size, int offset) {
        code.ldc(DOMAIN_RAM).lload(Locals.MACHINE);
        if (offset != 0) {
            code.loadConstant((long) offset).ladd();
        }
        code.invokestatic(access, "load" + size, LOAD);
    }

    /** Stores some bytes behind the machine address what the argument pushes. */
    void store(int size, int offset, Runnable value) {
        code.ldc(DOMAIN_RAM).lload(Locals.MACHINE);
        if (offset != 0) {
            code.loadConstant((long) offset).ladd();
        }
        value.run();
        code.invokestatic(access, "store" + size, STORE);
    }
}
