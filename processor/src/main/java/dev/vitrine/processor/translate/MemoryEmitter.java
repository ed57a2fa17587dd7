// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
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

    private final CodeBuilder code;
    private final ClassDesc access;

    /**
     * @param ordered keep x86's memory order: other processors look on
     */
    MemoryEmitter(CodeBuilder code, boolean ordered) {
        this.code = code;
        this.access = ordered ? ORDERED : PLAIN;
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

    /** Pushes what is at the machine address, zero-extended. */
    void load(int size) {
        load(size, 0);
    }

    /** Pushes what is some bytes behind the machine address, zero-extended. */
    void load(int size, int offset) {
        code.ldc(DOMAIN_RAM).lload(Locals.MACHINE);
        if (offset != 0) {
            code.loadConstant((long) offset).ladd();
        }
        code.invokestatic(access, "load" + size, LOAD);
    }

    /** Stores to the machine address the low bytes of a long that the argument pushes. */
    void store(int size, Runnable value) {
        store(size, 0, value);
    }

    void store(int size, int offset, Runnable value) {
        code.ldc(DOMAIN_RAM).lload(Locals.MACHINE);
        if (offset != 0) {
            code.loadConstant((long) offset).ladd();
        }
        value.run();
        code.invokestatic(access, "store" + size, STORE);
    }
}
