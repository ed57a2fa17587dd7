// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;
import static java.lang.constant.ConstantDescs.CD_void;

import dev.vitrine.processor.core.Tlb;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.Objects;

/** Writes memory accesses: the look into the soft TLB in line, and the way out where it misses. */
final class MemoryEmitter {
    private static final ClassDesc RAM = ClassDesc.of("dev.vitrine.memory.GuestRam");
    private static final ClassDesc SEGMENT = ClassDesc.of("java.lang.foreign.MemorySegment");
    private static final ClassDesc VAR_HANDLE = ClassDesc.of("java.lang.invoke.VarHandle");

    /** The copy of the processor that the code is for, which has its parts as constants. */
    static final ClassDesc PROCESSOR =
            ClassDesc.of("dev.vitrine.processor.translate.ProcessorAccess");

    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc MMU = ClassDesc.of("dev.vitrine.processor.core.Mmu");
    private static final ClassDesc CALLED = ClassDesc.of("dev.vitrine.processor.core.CalledAccess");
    private static final MethodTypeDesc COMPARE = MethodTypeDesc.of(CD_int, CD_long, CD_long);

    private static final MethodTypeDesc CALLED_PROBE =
            MethodTypeDesc.of(CD_boolean, CD_long, CD_int, CD_boolean);

    private final CodeBuilder code;
    private final boolean ordered;
    private final boolean calls;
    private final boolean alone;
    private final long mask;

    /** Pair of the next access, see {@link PageCaches}. */
    private int slot = PageCaches.NONE;

    private final int slots;

    /** How the next access takes part in a group, see {@link SharedChecks}. */
    private SharedChecks.@Nullable Use shared;

    /** Where the first access of a sure group goes if the group is not on one page. */
    private @Nullable Label apart;

    /** What is being written is the other copy of a window. */
    private boolean apartNow;

    /**
     * @param ordered keep x86's memory order: other processors look on
     * @param calls write calls of {@link dev.vitrine.processor.core.CalledAccess} instead of code
     *     in line
     * @param alone the domain has one processor, whose parts are constants
     * @param mask see {@link dev.vitrine.memory.GuestRam#mask}
     * @param slots how many pairs of {@link PageCaches} there are
     */
    MemoryEmitter(
            CodeBuilder code, boolean ordered, boolean calls, boolean alone, long mask, int slots) {
        this.slots = calls ? 0 : slots;
        this.code = code;
        this.ordered = ordered;
        this.calls = calls;
        this.alone = alone;
        this.mask = mask;
    }

    /** Replaces the linear address on the stack by what is there; the address is kept. */
    void load(int size, Label miss) {
        if (calls) {
            called(Access.LOAD, size, miss);
        } else {
            probe(size, false, miss);
            load(size, 0);
        }
    }

    /** As {@link #load}, for a place that {@link #storeAgain} will write to. */
    void loadForUpdate(int size, Label miss) {
        if (calls) {
            called(Access.UPDATE, size, miss);
        } else {
            probe(size, true, miss);
            load(size, 0);
        }
    }

    /** Pushes what accesses are called of, unless the code is of one processor. */
    private CodeBuilder pushCalled() {
        return alone ? code : code.aload(Locals.CPU_LOCAL).getfield(CPU, "access", CALLED);
    }

    private CodeBuilder call(Access access, int size) {
        return alone
                ? code.invokestatic(PROCESSOR, access.direct + size, access.type)
                : code.invokevirtual(CALLED, access.virtual + size, access.type);
    }

    /** Whether it calls {@link ProcessorAccess}, which knows the registers. */
    boolean callsDirectly() {
        return calls && alone;
    }

    /** Methods of {@link ProcessorAccess}, but for the size that follows their names. */
    private enum Access {
        LOAD("get", "load", MethodTypeDesc.of(CD_long, CD_long)),
        UPDATE("getForUpdate", "update", MethodTypeDesc.of(CD_long, CD_long)),
        STORE("put", "store", MethodTypeDesc.of(CD_boolean, CD_long, CD_long));

        final String direct;
        final String virtual;
        final MethodTypeDesc type;

        Access(String direct, String virtual, MethodTypeDesc type) {
            this.direct = direct;
            this.virtual = virtual;
            this.type = type;
        }
    }

    private void called(Access access, int size, Label miss) {
        code.lstore(Locals.LINEAR);
        pushCalled().lload(Locals.LINEAR);
        call(access, size).lstore(Locals.LOADED);
        code.aload(Locals.CPU_LOCAL).getfield(CPU, "missed", CD_boolean).ifne(miss);
        code.lload(Locals.LOADED);
    }

    /** Stores what the argument pushes to the linear address on the stack, which is kept. */
    void store(int size, Runnable value, Label miss) {
        if (calls) {
            code.lstore(Locals.LINEAR);
            pushCalled().lload(Locals.LINEAR);
            value.run();
            call(Access.STORE, size).ifne(miss);
        } else {
            probe(size, true, miss);
            store(size, 0, value);
        }
    }

    /** Stores to where {@link #loadForUpdate} has loaded from. */
    void storeAgain(int size, Runnable value) {
        if (calls) {
            pushCalled().lload(Locals.LINEAR);
            value.run();
            call(Access.STORE, size).pop();
        } else {
            store(size, 0, value);
        }
    }

    /**
     * The linear address on the stack becomes the machine address in {@link Locals#MACHINE}; on a
     * miss execution goes to the label.
     */
    void probe(int size, boolean write, Label miss) {
        code.lstore(Locals.LINEAR);
        int pair = slot;
        slot = PageCaches.NONE;
        SharedChecks.Use use = shared != null && size <= shared.size() ? shared : null;
        if (use != null) {
            shared = null;
        }
        Label found = code.newLabel();
        if (use != null && !use.first()) {
            Label alone = code.newLabel();
            if (!use.sure()) {
                code.lload(Locals.shared(use.slot()));
                pushHighest();
                code.lcmp().ifgt(alone);
            }
            code.lload(Locals.shared(use.slot())).loadConstant((long) use.offset()).ladd();
            code.lstore(Locals.MACHINE);
            if (!use.sure()) {
                code.goto_(found);
                code.labelBinding(alone);
                look(size, write, miss);
                code.labelBinding(found);
            }
            return;
        }
        if (pair == PageCaches.NONE) {
            look(size, write, miss);
        } else {
            Label elsewhere = code.newLabel();
            code.lload(Locals.LINEAR).lload(Locals.cachedPage(pair)).lsub();
            pushOffset(use);
            code.dup2().lstore(Locals.MACHINE);
            code.loadConstant(4096L - (use == null ? size : use.span()));
            code.invokestatic(LONG, "compareUnsigned", COMPARE);
            code.ifgt(elsewhere);
            code.lload(Locals.cachedFrame(pair)).lload(Locals.MACHINE).ladd();
            mask();
            if (use != null) {
                code.dup2().lstore(Locals.shared(use.slot()));
                code.loadConstant((long) use.offset()).ladd();
            }
            code.lstore(Locals.MACHINE);
            code.goto_(found);
            code.labelBinding(elsewhere);
            look(size, write, miss);
            code.lload(Locals.MACHINE).loadConstant(Tlb.PAGE).land();
            code.lstore(Locals.cachedFrame(pair));
            code.lload(Locals.LINEAR).loadConstant(Tlb.PAGE).land().lstore(Locals.cachedPage(pair));
        }
        if (use != null) {
            share(use);
        }
        code.labelBinding(found);
    }

    /** Where the group of the access just found is on its page: leaves it to the others. */
    private void share(SharedChecks.Use use) {
        Label elsewhere = use.sure() ? Objects.requireNonNull(apart) : code.newLabel();
        code.lload(Locals.LINEAR).loadConstant(4095L).land();
        pushOffset(use);
        code.loadConstant(4096L - use.span()).invokestatic(LONG, "compareUnsigned", COMPARE);
        code.ifgt(elsewhere);
        code.lload(Locals.MACHINE);
        pushOffset(use);
        mask();
        code.lstore(Locals.shared(use.slot()));
        if (!use.sure()) {
            Label end = code.newLabel();
            code.goto_(end);
            code.labelBinding(elsewhere);
            noShare(use);
            code.labelBinding(end);
        }
    }

    /** Has all others of the group look for themselves. */
    private void noShare(SharedChecks.Use use) {
        pushHighest();
        code.lconst_1().ladd().lstore(Locals.shared(use.slot()));
    }

    /** Pushes a number that no group's machine address is above. */
    private void pushHighest() {
        code.loadConstant(mask == -1 ? Long.MAX_VALUE - 1 : mask);
    }

    /** Subtracts what an access is behind the lowest of its group. */
    private void pushOffset(SharedChecks.@Nullable Use use) {
        if (use != null && use.offset() != 0) {
            code.loadConstant((long) use.offset()).lsub();
        }
    }

    /** Finds the access's page in the TLB: its machine address, and the index. */
    private void look(int size, boolean write, Label miss) {
        find(size, write, miss);
        pushDelta(write);
        toMachine();
    }

    /**
     * How the next access takes part in a group; null if it does not.
     *
     * @param other the same place in the other copy of a window
     */
    void take(SharedChecks.@Nullable Use use, @Nullable Label other) {
        apart = other;
        if (calls) {
            return;
        }
        if (!apartNow) {
            shared = use;
        } else if (use != null && use.first() && !use.sure()) {
            noShare(use);
        }
    }

    /** Whether what comes is the other copy of a window. */
    void apart(boolean on) {
        apartNow = on;
    }

    /** Behind a micro-operation: the group of an access that has not been made is not there. */
    void endShare() {
        SharedChecks.Use use = shared;
        shared = null;
        if (use != null && use.first()) {
            if (use.sure()) {
                throw new IllegalStateException("a group's first access makes no check");
            }
            noShare(use);
        }
    }

    /** Which pair of {@link PageCaches} the next access has. */
    void remember(int pair) {
        slot = pair;
    }

    /** Forgets all pages, at the beginning and where the TLB may have changed. */
    void forget() {
        for (int i = 0; i < slots; i++) {
            code.loadConstant(PageCaches.NOWHERE).lstore(Locals.cachedPage(i));
            code.lconst_0().lstore(Locals.cachedFrame(i));
        }
    }

    /**
     * At the beginning: finds the processor's parts. A constant is not looked at whether it is
     * null, and takes no register.
     */
    void enter() {
        if (constants()) {
            code.getstatic(PROCESSOR, "CPU", CPU).astore(Locals.CPU_LOCAL);
        }
        if (alone) {
            // HotSpot's first compiler, too, knows its length: no access is checked.
            code.getstatic(PROCESSOR, "REGISTERS", CD_long.arrayType());
        } else {
            code.aload(Locals.CPU_LOCAL).getfield(CPU, "r", CD_long.arrayType());
        }
        code.astore(Locals.REGISTERS);
        loadContext();
    }

    /** What the look into the soft TLB depends on, beside constants; it may have changed. */
    void loadContext() {
        if (constants()) {
            code.getstatic(PROCESSOR, "MMU", MMU)
                    .getfield(MMU, "tlbKey", CD_int)
                    .istore(Locals.TLB_KEY);
            code.getstatic(PROCESSOR, "MMU", MMU)
                    .getfield(MMU, "context", CD_long)
                    .lstore(Locals.CONTEXT);
        }
    }

    /** Pushes the state of the processor's mappings, which is told to regions that come next. */
    void pushFetchKey() {
        if (constants()) {
            code.getstatic(PROCESSOR, "MMU", MMU);
        } else {
            pushMmu();
        }
        code.invokevirtual(MMU, "fetchKey", MethodTypeDesc.of(CD_long));
    }

    private boolean constants() {
        return alone && !calls;
    }

    /** Looks into the TLB; {@link Locals#INDEX} is then the place of the tag. */
    private void find(int size, boolean write, Label miss) {
        // The tag as it must be comes first, so that HotSpot compares it with what is in memory.
        code.lload(Locals.LINEAR);
        if (size > 1) {
            code.loadConstant((long) size - 1).ladd();
        }
        code.loadConstant(Tlb.PAGE).land();
        if (alone) {
            code.lload(Locals.CONTEXT);
        } else {
            pushMmu();
            code.getfield(MMU, "context", CD_long);
        }
        code.lor();
        // As Tlb.index says; the bits of the index are in the lower half of the address.
        pushTlb(write);
        code.lload(Locals.LINEAR).l2i().loadConstant(11).iushr();
        if (alone) {
            code.iload(Locals.TLB_KEY);
        } else {
            pushMmu();
            code.getfield(MMU, "tlbKey", CD_int);
        }
        code.ixor();
        code.loadConstant(Tlb.INDEX_MASK).iand().dup().istore(Locals.INDEX).laload();
        code.lcmp().ifne(miss);
    }

    /**
     * What a look depends on is read anew each time if it is no constant: kept in locals it would
     * take the registers that the loop needs.
     */
    private void pushMmu() {
        code.aload(Locals.CPU_LOCAL).getfield(CPU, "mmu", MMU);
    }

    private void pushDelta(boolean write) {
        pushTlb(write);
        code.iload(Locals.INDEX).iconst_1().iadd().laload();
    }

    /** The linear address and the delta on the stack make the machine address. */
    private void toMachine() {
        code.lload(Locals.LINEAR).ladd();
        mask();
        code.lstore(Locals.MACHINE);
    }

    private void mask() {
        if (mask != -1) {
            code.loadConstant(mask).land();
        }
    }

    private void pushTlb(boolean write) {
        if (alone) {
            code.getstatic(PROCESSOR, write ? "WRITE_TLB" : "READ_TLB", CD_long.arrayType());
        } else {
            pushMmu();
            code.getfield(MMU, write ? "writeTlb" : "readTlb", CD_long.arrayType());
        }
    }

    /** Looks whether an access to the linear address on the stack hits; it is kept. */
    void probeAny(int size, boolean write, Label miss) {
        if (!calls) {
            probe(size, write, miss);
            return;
        }
        code.lstore(Locals.LINEAR);
        pushCalled().lload(Locals.LINEAR).loadConstant(size);
        code.loadConstant(write ? 1 : 0);
        if (alone) {
            code.invokestatic(PROCESSOR, "look", CALLED_PROBE);
        } else {
            code.invokevirtual(CALLED, "probe", CALLED_PROBE);
        }
        code.ifne(miss);
    }

    /** Pushes what is some bytes behind an address that {@link #probeAny} has found to hit. */
    void loadAt(int size, int offset) {
        if (!calls) {
            load(size, offset);
            return;
        }
        pushCalled().lload(Locals.LINEAR).loadConstant((long) offset).ladd();
        call(Access.LOAD, size);
    }

    /** The same behind an address that {@link #loadForUpdate} has found, on its page. */
    void updateAt(int size, int offset) {
        if (!calls) {
            load(size, offset);
            return;
        }
        pushCalled().lload(Locals.LINEAR).loadConstant((long) offset).ladd();
        call(Access.UPDATE, size);
    }

    /** Stores some bytes behind such an address. */
    void storeAt(int size, int offset, Runnable value) {
        if (!calls) {
            store(size, offset, value);
            return;
        }
        pushCalled().lload(Locals.LINEAR).loadConstant((long) offset).ladd();
        value.run();
        call(Access.STORE, size).pop();
    }

    /** Pushes what is some bytes behind the machine address, zero-extended. */
    void load(int size, int offset) {
        pushPlace(size, offset);
        code.invokeinterface(SEGMENT, "get", MethodTypeDesc.of(type(size), layout(size), CD_long));
        switch (size) {
            case 1 -> code.loadConstant(0xFF).iand().i2l();
            case 2 -> code.loadConstant(0xFFFF).iand().i2l();
            case 4 -> code.i2l().loadConstant(0xFFFFFFFFL).land();
            default -> {}
        }
        if (ordered) {
            code.invokestatic(VAR_HANDLE, "acquireFence", ConstantDescs.MTD_void);
        }
    }

    /** Stores some bytes behind the machine address what the argument pushes. */
    void store(int size, int offset, Runnable value) {
        if (ordered) {
            code.invokestatic(VAR_HANDLE, "releaseFence", ConstantDescs.MTD_void);
        }
        pushPlace(size, offset);
        value.run();
        switch (size) {
            case 1 -> code.l2i().i2b();
            case 2 -> code.l2i().i2s();
            case 4 -> code.l2i();
            default -> {}
        }
        code.invokeinterface(
                SEGMENT, "set", MethodTypeDesc.of(CD_void, layout(size), CD_long, type(size)));
    }

    private void pushPlace(int size, int offset) {
        code.getstatic(PROCESSOR, "SEGMENT", ConstantDescs.CD_Object);
        code.getstatic(RAM, LAYOUT_NAMES[size], layout(size));
        code.lload(Locals.MACHINE);
        if (offset != 0) {
            code.loadConstant((long) offset).ladd();
        }
    }

    private static final String[] LAYOUT_NAMES = {
        "", "BYTE", "SHORT", "", "INT", "", "", "", "LONG"
    };

    private static ClassDesc layout(int size) {
        return switch (size) {
            case 1 -> ClassDesc.of("java.lang.foreign.ValueLayout$OfByte");
            case 2 -> ClassDesc.of("java.lang.foreign.ValueLayout$OfShort");
            case 4 -> ClassDesc.of("java.lang.foreign.ValueLayout$OfInt");
            default -> ClassDesc.of("java.lang.foreign.ValueLayout$OfLong");
        };
    }

    private static ClassDesc type(int size) {
        return switch (size) {
            case 1 -> ConstantDescs.CD_byte;
            case 2 -> ConstantDescs.CD_short;
            case 4 -> CD_int;
            default -> CD_long;
        };
    }
}
