// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_boolean;
import static java.lang.constant.ConstantDescs.CD_int;
import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.exec.LazyFlags;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;

/**
 * The flags of a region in three locals of its method, see {@link LazyFlags}. While code is being
 * written the kind is mostly known, and then conditions become comparisons of the operands.
 *
 * <p>In the first stage the processor has them as well, always: what sets flags writes kind and
 * operands there, so that there is nothing to be read at an entry, nothing to be kept across the
 * call of an access, and nothing to be written on the many ways out. The locals are good only where
 * the kind is known.
 */
final class FlagEmitter {
    /** The kind is known at run time only; in the first stage it is in the processor then. */
    static final int DYNAMIC = -1;

    private static final ClassDesc CPU = ClassDesc.of("dev.vitrine.processor.core.Cpu");
    private static final ClassDesc FLAGS = ClassDesc.of("dev.vitrine.processor.exec.LazyFlags");
    private static final ClassDesc LONG = ClassDesc.of("java.lang.Long");
    private static final ClassDesc INTEGER = ClassDesc.of("java.lang.Integer");
    private static final MethodTypeDesc VALUE =
            MethodTypeDesc.of(CD_long, CD_int, CD_long, CD_long);
    private static final MethodTypeDesc CONDITION =
            MethodTypeDesc.of(CD_boolean, CD_int, CD_long, CD_long, CD_int);
    private static final MethodTypeDesc STORE =
            MethodTypeDesc.of(ConstantDescs.CD_void, CPU, CD_int, CD_long, CD_long);
    private static final MethodTypeDesc STORE_ALL =
            MethodTypeDesc.of(
                    ConstantDescs.CD_void, CPU, CD_int, CD_long, CD_long, CD_int, CD_long, CD_long);
    private static final MethodTypeDesc SETTLE = MethodTypeDesc.of(ConstantDescs.CD_void, CPU);
    private static final MethodTypeDesc VALUE_NOW = MethodTypeDesc.of(CD_long, CPU);
    private static final MethodTypeDesc CONDITION_NOW = MethodTypeDesc.of(CD_boolean, CPU, CD_int);
    private static final MethodTypeDesc COMPARE_LONG = MethodTypeDesc.of(CD_int, CD_long, CD_long);
    private static final MethodTypeDesc COMPARE_INT = MethodTypeDesc.of(CD_int, CD_int, CD_int);

    private final CodeBuilder code;
    private final int cpu;
    private final int kindLocal;

    /** Locals of the operands. */
    final int x;

    final int y;

    private int kind = DYNAMIC;

    /** The local holds the kind. */
    private boolean stored = true;

    /** The region has rotations. */
    private final boolean rotations;

    /** For the first stage: flags are worked out by calls, which is less code. */
    private final boolean small;

    FlagEmitter(
            CodeBuilder code,
            int cpu,
            int kindLocal,
            int x,
            int y,
            boolean rotations,
            boolean small) {
        this.small = small;
        // The processor has no note of two kinds of flags.
        this.rotations = rotations && !small;
        this.code = code;
        this.cpu = cpu;
        this.kindLocal = kindLocal;
        this.x = x;
        this.y = y;
    }

    /** What is known at a place. */
    record State(int kind, boolean stored, @Nullable Runnable comparison) {
        /** Whether the flags are in the same locals in the same way. */
        boolean sameAs(State s) {
            return kind == s.kind
                    && stored == s.stored
                    && (comparison == null) == (s.comparison == null);
        }
    }

    State state() {
        return new State(kind, stored, comparison);
    }

    void restore(State state) {
        kind = state.kind;
        stored = state.stored;
        comparison = state.comparison;
    }

    int kind() {
        return kind;
    }

    /** At the beginning of a block: what all ways to it agree on. */
    void begin(int known) {
        kind = known;
        stored = true;
        comparison = null;
    }

    /** Compares again what flags of kind RAW come from: pushes an int. */
    private @Nullable Runnable comparison;

    /**
     * The operands have been stored, of a comparison of numbers: a branch can do that again.
     *
     * @param again pushes less than zero, zero or more as the first is less than the second or not
     */
    void setComparison(Runnable again) {
        set(LazyFlags.RAW);
        comparison = again;
    }

    /** The operands have been stored. */
    void set(int newKind) {
        comparison = null;
        stored = stored && kind == newKind;
        kind = newKind;
        if (small) {
            code.aload(cpu).lload(x).putfield(CPU, "flagResult", CD_long);
            if (kind != LazyFlags.LOGIC) {
                code.aload(cpu).lload(y).putfield(CPU, "flagAux", CD_long);
            }
            code.aload(cpu).loadConstant(kind).putfield(CPU, "flagKind", CD_int);
        }
    }

    /** The locals were used for something else; nobody sees the flags before they are set anew. */
    void spoil() {
        comparison = null;
        if (small) {
            kind = DYNAMIC;
        } else {
            set(LazyFlags.RAW);
        }
    }

    /** Makes the local hold the kind, for whoever may look at it there. */
    void sync() {
        if (!stored && !small) {
            code.loadConstant(kind).istore(kindLocal);
            stored = true;
        }
    }

    private void pushOld() {
        code.iload(Locals.OLD_KIND).lload(Locals.OLD_X).lload(Locals.OLD_Y);
    }

    /**
     * To be called before the operands of a rotation are stored: keeps what it leaves of the flags.
     */
    void keepForRotation() {
        if (LazyFlags.isRotation(kind)) {
            // What that one has changed this one changes too.
            return;
        }
        Label kept = code.newLabel();
        if (kind == DYNAMIC) {
            code.iload(kindLocal).loadConstant(LazyFlags.ROL).if_icmpge(kept);
            code.iload(kindLocal).istore(Locals.OLD_KIND);
        } else {
            code.loadConstant(kind).istore(Locals.OLD_KIND);
        }
        code.lload(x).lstore(Locals.OLD_X).lload(y).lstore(Locals.OLD_Y);
        code.labelBinding(kept);
    }

    /** Where the kind may be that of a rotation: works the flags out, so that it is not. */
    private void settle() {
        if (inLine()) {
            AuxiliaryFlags.push(code, kind, x, y);
            pushWholeResult();
            code.lstore(x).lstore(y);
            set(LazyFlags.RAW);
        } else {
            toCpu();
            load();
            if (small) {
                kind = LazyFlags.RAW;
            } else {
                set(LazyFlags.RAW);
            }
        }
    }

    /** Whether calls are preferred to code in line. */
    boolean small() {
        return small;
    }

    /** Whether the flags are of a kind that is worked out in line. */
    private boolean inLine() {
        return !small && AuxiliaryFlags.knows(kind);
    }

    /** What is on the stack, a long of 0 or 1, becomes the carry; the other flags stay. */
    void replaceCarry() {
        code.loadConstant(63).lshl();
        if (kind == LazyFlags.LOGIC) {
            code.dup2().iconst_1().lushr().lor().lstore(y);
        } else {
            if (kind != LazyFlags.RAW) {
                settle();
            }
            code.lstore(Locals.SCRATCH_2);
            code.lload(y).lload(Locals.SCRATCH_2);
            code.invokestatic(FLAGS, "withCarry", MethodTypeDesc.of(CD_long, CD_long, CD_long));
            code.lstore(y);
        }
        set(LazyFlags.RAW);
    }

    private boolean mayBeRotation() {
        return LazyFlags.isRotation(kind) || (kind == DYNAMIC && rotations);
    }

    private void pushAll() {
        if (kind == DYNAMIC) {
            code.iload(kindLocal);
        } else {
            code.loadConstant(kind);
        }
        code.lload(x).lload(y);
    }

    /** Sets the kind to RAW with what the processor holds. */
    void fromCpu() {
        if (small) {
            begin(DYNAMIC);
        } else {
            load();
            set(LazyFlags.RAW);
        }
    }

    private void load() {
        code.aload(cpu).getfield(CPU, "flagResult", CD_long).lstore(x);
        code.aload(cpu).getfield(CPU, "flagAux", CD_long).lstore(y);
    }

    /** Puts the flags into the processor, as of kind RAW. */
    void toCpu() {
        if (small) {
            if (kind != LazyFlags.RAW) {
                code.aload(cpu).invokestatic(FLAGS, "settle", SETTLE);
            }
        } else if (kind == LazyFlags.RAW) {
            code.aload(cpu).lload(x).putfield(CPU, "flagResult", CD_long);
            code.aload(cpu).lload(y).putfield(CPU, "flagAux", CD_long);
        } else if (inLine()) {
            code.aload(cpu);
            pushWholeResult();
            code.putfield(CPU, "flagResult", CD_long);
            code.aload(cpu);
            AuxiliaryFlags.push(code, kind, x, y);
            code.putfield(CPU, "flagAux", CD_long);
        } else {
            code.aload(cpu);
            pushAll();
            if (mayBeRotation()) {
                pushOld();
                code.invokestatic(FLAGS, "store", STORE_ALL);
            } else {
                code.invokestatic(FLAGS, "store", STORE);
            }
        }
    }

    /** Takes over what the region before has left, at the beginning. */
    void enter() {
        begin(DYNAMIC);
        if (small) {
            return;
        }
        load();
        code.aload(cpu).getfield(CPU, "flagKind", CD_int).istore(kindLocal);
        code.aload(cpu).iconst_0().putfield(CPU, "flagKind", CD_int);
    }

    /** Keeps the flags aside. */
    void save() {
        toCpu();
        if (small) {
            load();
        } else {
            fromCpu();
            sync();
            code.iload(kindLocal).istore(Locals.SAVED_KIND);
        }
        code.lload(x).lstore(Locals.SAVED_X);
        code.lload(y).lstore(Locals.SAVED_Y);
        if (small) {
            begin(DYNAMIC);
        }
    }

    /** Has them again as they were at {@link #save}. */
    void restore() {
        code.lload(Locals.SAVED_X).lstore(x);
        code.lload(Locals.SAVED_Y).lstore(y);
        if (small) {
            set(LazyFlags.RAW);
        } else {
            code.iload(Locals.SAVED_KIND).istore(kindLocal);
        }
        begin(DYNAMIC);
    }

    /** Leaves the flags to whatever comes next, at the end that many ways lead to. */
    void leave() {
        if (small) {
            return;
        }
        Label left = code.newLabel();
        if (rotations) {
            // Of two kinds of flags there is no note in the processor.
            Label plain = code.newLabel();
            code.iload(kindLocal).loadConstant(LazyFlags.ROL).if_icmplt(plain);
            code.aload(cpu).iload(kindLocal).lload(x).lload(y);
            pushOld();
            code.invokestatic(FLAGS, "store", STORE_ALL);
            code.goto_(left);
            code.labelBinding(plain);
        }
        code.aload(cpu).lload(x).putfield(CPU, "flagResult", CD_long);
        code.aload(cpu).lload(y).putfield(CPU, "flagAux", CD_long);
        code.aload(cpu).iload(kindLocal).putfield(CPU, "flagKind", CD_int);
        code.labelBinding(left);
    }

    private static boolean is(int kind, int base) {
        return kind >= base && kind < base + 4;
    }

    /** Pushes CF as a long, 0 or 1. */
    void pushCarry() {
        if (kind == LazyFlags.RAW) {
            code.lload(y).loadConstant(63).lushr();
        } else if (kind == LazyFlags.LOGIC) {
            code.lconst_0();
        } else if (kind == LazyFlags.ADD) {
            // Carry out of the top: (x & y) | ((x | y) & ~(x + y)).
            code.lload(x).lload(y).land().lload(x).lload(y).lor();
            code.lload(x).lload(y).ladd().loadConstant(-1L).lxor().land().lor();
            code.loadConstant(63).lushr();
        } else if (kind == LazyFlags.SUB) {
            code.lload(x).loadConstant(-1L).lxor().lload(y).land();
            code.lload(x).loadConstant(-1L).lxor().lload(y).lor();
            code.lload(x).lload(y).lsub().land().lor();
            code.loadConstant(63).lushr();
        } else if (is(kind, LazyFlags.INC) || is(kind, LazyFlags.DEC)) {
            code.lload(y);
        } else if (inLine()) {
            AuxiliaryFlags.push(code, kind, x, y);
            code.loadConstant(63).lushr();
        } else if (mayBeRotation()) {
            settle();
            pushCarry();
        } else if (small) {
            code.aload(cpu).invokestatic(FLAGS, "carry", VALUE_NOW);
        } else {
            pushAll();
            code.invokestatic(FLAGS, "carry", VALUE);
        }
    }

    /** As {@link #pushResult}, with all bits where {@link LazyFlags#result} has them. */
    private void pushWholeResult() {
        pushResult();
        if (kind == LazyFlags.ADD + 2 || kind == LazyFlags.SUB + 2) {
            code.loadConstant(48).lshr();
        } else if (kind == LazyFlags.ADD + 3 || kind == LazyFlags.SUB + 3) {
            code.loadConstant(56).lshr();
        }
    }

    /**
     * Pushes the result as a long: its sign, and whether it is 0, are right. The kind must be one
     * of those below.
     */
    private boolean pushResult() {
        switch (kind) {
            case LazyFlags.RAW,
                    LazyFlags.LOGIC,
                    LazyFlags.INC,
                    LazyFlags.INC + 1,
                    LazyFlags.INC + 2,
                    LazyFlags.INC + 3,
                    LazyFlags.DEC,
                    LazyFlags.DEC + 1,
                    LazyFlags.DEC + 2,
                    LazyFlags.DEC + 3,
                    LazyFlags.MUL ->
                    code.lload(x);
            case LazyFlags.ADD, LazyFlags.ADD + 2, LazyFlags.ADD + 3 ->
                    code.lload(x).lload(y).ladd();
            case LazyFlags.ADD + 1 -> code.lload(x).lload(y).ladd().l2i().i2l();
            case LazyFlags.SUB, LazyFlags.SUB + 2, LazyFlags.SUB + 3 ->
                    code.lload(x).lload(y).lsub();
            case LazyFlags.SUB + 1 -> code.lload(x).lload(y).lsub().l2i().i2l();
            case LazyFlags.SHL -> code.lload(x).lload(y).l2i().lshl();
            case LazyFlags.SHR -> code.lload(x).lload(y).l2i().lushr();
            case LazyFlags.SAR -> code.lload(x).lload(y).l2i().lshr();
            case LazyFlags.SHL + 1 -> code.lload(x).l2i().lload(y).l2i().ishl().i2l();
            case LazyFlags.SHR + 1 -> code.lload(x).l2i().lload(y).l2i().iushr().i2l();
            case LazyFlags.SAR + 1 -> code.lload(x).l2i().lload(y).l2i().ishr().i2l();
            case LazyFlags.IMUL -> code.lload(x).lload(y).lmul();
            case LazyFlags.IMUL + 1 -> code.lload(x).l2i().lload(y).l2i().imul().i2l();
            default -> {
                return false;
            }
        }
        return true;
    }

    /** Goes to the label if condition cc holds. */
    void branch(int cc, Label to) {
        boolean not = (cc & 1) != 0;
        if (mayBeRotation()) {
            settle();
            sync();
        }
        if (comparison != null && compared(cc, not, to)) {
            return;
        }
        if (kind == LazyFlags.SUB || kind == LazyFlags.SUB + 2 || kind == LazyFlags.SUB + 3) {
            switch (cc >>> 1) {
                case 1 -> {
                    pushUnsigned();
                    less(not, to);
                    return;
                }
                case 2 -> {
                    code.lload(x).lload(y).lcmp();
                    equal(not, to);
                    return;
                }
                case 3 -> {
                    pushUnsigned();
                    lessOrEqual(not, to);
                    return;
                }
                case 6 -> {
                    code.lload(x).lload(y).lcmp();
                    less(not, to);
                    return;
                }
                case 7 -> {
                    code.lload(x).lload(y).lcmp();
                    lessOrEqual(not, to);
                    return;
                }
                default -> {}
            }
        } else if (kind == LazyFlags.SUB + 1) {
            switch (cc >>> 1) {
                case 1 -> {
                    pushUnsignedInts();
                    less(not, to);
                    return;
                }
                case 2 -> {
                    code.lload(x).l2i().lload(y).l2i();
                    if (not) {
                        code.if_icmpne(to);
                    } else {
                        code.if_icmpeq(to);
                    }
                    return;
                }
                case 3 -> {
                    pushUnsignedInts();
                    lessOrEqual(not, to);
                    return;
                }
                case 6 -> {
                    code.lload(x).l2i().lload(y).l2i();
                    if (not) {
                        code.if_icmpge(to);
                    } else {
                        code.if_icmplt(to);
                    }
                    return;
                }
                case 7 -> {
                    code.lload(x).l2i().lload(y).l2i();
                    if (not) {
                        code.if_icmpgt(to);
                    } else {
                        code.if_icmple(to);
                    }
                    return;
                }
                default -> {}
            }
        } else if (kind == LazyFlags.LOGIC) {
            switch (cc >>> 1) {
                case 0, 1 -> {
                    if (not) {
                        code.goto_(to);
                    }
                    return;
                }
                case 2, 3 -> {
                    code.lload(x).lconst_0().lcmp();
                    equal(not, to);
                    return;
                }
                case 4, 6 -> {
                    code.lload(x).lconst_0().lcmp();
                    less(not, to);
                    return;
                }
                case 7 -> {
                    code.lload(x).lconst_0().lcmp();
                    lessOrEqual(not, to);
                    return;
                }
                default -> {}
            }
        } else if (kind == LazyFlags.RAW && cc >>> 1 == 1) {
            code.lload(y).lconst_0().lcmp();
            less(not, to);
            return;
        } else if ((kind == LazyFlags.ADD || kind == LazyFlags.ADD + 2 || kind == LazyFlags.ADD + 3)
                && cc >>> 1 == 1) {
            if (small) {
                code.lload(x).lload(y).ladd().loadConstant(Long.MIN_VALUE).lxor();
                code.lload(x).loadConstant(Long.MIN_VALUE).lxor().lcmp();
            } else {
                code.lload(x).lload(y).ladd().lload(x);
                code.invokestatic(LONG, "compareUnsigned", COMPARE_LONG);
            }
            less(not, to);
            return;
        } else if (kind == LazyFlags.ADD + 1 && cc >>> 1 == 1) {
            if (small) {
                code.lload(x).lload(y).ladd().loadConstant(0xFFFF_FFFFL).land();
                code.lload(x).loadConstant(0xFFFF_FFFFL).land().lcmp();
            } else {
                code.lload(x).lload(y).ladd().l2i().lload(x).l2i();
                code.invokestatic(INTEGER, "compareUnsigned", COMPARE_INT);
            }
            less(not, to);
            return;
        }
        boolean sign = cc >>> 1 == 4 && kind != LazyFlags.RAW;
        if ((cc >>> 1 == 2 || sign) && pushResult()) {
            code.lconst_0().lcmp();
            if (sign) {
                less(not, to);
            } else {
                equal(not, to);
            }
            return;
        }
        if (inLine() && byAuxiliary(cc >>> 1, not, to)) {
            return;
        }
        if (small) {
            code.aload(cpu).loadConstant(cc).invokestatic(FLAGS, "condition", CONDITION_NOW);
        } else {
            pushAll();
            code.loadConstant(cc).invokestatic(FLAGS, "condition", CONDITION);
        }
        code.ifne(to);
    }

    /**
     * Pushes how the operands compare as unsigned numbers, as lcmp does. HotSpot's first compiler
     * makes a call of what is an instruction for the second.
     */
    private void pushUnsigned() {
        if (small) {
            code.lload(x).loadConstant(Long.MIN_VALUE).lxor();
            code.lload(y).loadConstant(Long.MIN_VALUE).lxor().lcmp();
        } else {
            code.lload(x).lload(y).invokestatic(LONG, "compareUnsigned", COMPARE_LONG);
        }
    }

    /** The same of their lower halves. */
    private void pushUnsignedInts() {
        if (small) {
            code.lload(x).loadConstant(0xFFFF_FFFFL).land();
            code.lload(y).loadConstant(0xFFFF_FFFFL).land().lcmp();
        } else {
            code.lload(x).l2i().lload(y).l2i();
            code.invokestatic(INTEGER, "compareUnsigned", COMPARE_INT);
        }
    }

    /** Branches by the flags worked out, with their sign where others are compared; or not. */
    private boolean byAuxiliary(int condition, boolean not, Label to) {
        switch (condition) {
            case 0 -> pushOverflow();
            case 1 -> AuxiliaryFlags.push(code, kind, x, y);
            case 3 -> {
                AuxiliaryFlags.push(code, kind, x, y);
                pushZero();
                code.lor();
            }
            case 4 -> pushSign();
            case 6 -> {
                pushSign();
                pushOverflow();
                code.lxor();
            }
            case 7 -> {
                pushSign();
                pushOverflow();
                code.lxor();
                pushZero();
                code.lor();
            }
            default -> {
                return false;
            }
        }
        code.lconst_0().lcmp();
        less(not, to);
        return true;
    }

    /** Pushes a long whose sign is OF. */
    private void pushOverflow() {
        AuxiliaryFlags.push(code, kind, x, y);
        code.dup2().iconst_1().lshl().lxor();
    }

    /** Pushes a long whose sign is SF. */
    private void pushSign() {
        pushResult();
        if (kind == LazyFlags.RAW) {
            code.lload(y).loadConstant(63).lshl().lxor();
        }
    }

    /** Pushes a long whose sign is ZF: of all results only 0 has none, and one less has. */
    private void pushZero() {
        pushResult();
        code.loadConstant(-1L).lxor();
        pushResult();
        code.lconst_1().lsub().land();
    }

    /** Branches behind a comparison of numbers, which are not NaN; or writes nothing. */
    private boolean compared(int cc, boolean not, Label to) {
        Runnable again = java.util.Objects.requireNonNull(comparison);
        switch (cc >>> 1) {
            case 1 -> {
                again.run();
                less(not, to);
            }
            case 2 -> {
                again.run();
                equal(not, to);
            }
            case 3 -> {
                again.run();
                lessOrEqual(not, to);
            }
            case 5 -> {
                if (not) {
                    code.goto_(to);
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void less(boolean not, Label to) {
        if (not) {
            code.ifge(to);
        } else {
            code.iflt(to);
        }
    }

    private void lessOrEqual(boolean not, Label to) {
        if (not) {
            code.ifgt(to);
        } else {
            code.ifle(to);
        }
    }

    private void equal(boolean not, Label to) {
        if (not) {
            code.ifne(to);
        } else {
            code.ifeq(to);
        }
    }
}
