// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** Far JMP and CALL: code segments, call gates, task gates and TSSs (SDM volume 2, JMP, CALL). */
final class FarTransfer {
    private FarTransfer() {}

    /** JMP_FAR. */
    static void jump(Cpu cpu, Instruction i) {
        execute(cpu, i, false);
    }

    /** CALL_FAR. */
    static void call(Cpu cpu, Instruction i) {
        execute(cpu, i, true);
    }

    private static void execute(Cpu cpu, Instruction i, boolean call) {
        int size = i.operandSize;
        long offset;
        int selector;
        if (i.kind[0] == Operand.FAR) {
            offset = Cpu.truncate(i.imm, size);
            selector = (int) i.imm2 & 0xFFFF;
        } else {
            offset = cpu.load(cpu.linear(i, size, false), size);
            selector = DescriptorInstructions.farSelector(cpu, i, size);
        }
        if (!cpu.protectedMode()) {
            real(cpu, selector, offset, size, call);
        } else {
            toSelector(cpu, selector, offset, size, call);
        }
        cpu.modeChanged();
    }

    private static void real(Cpu cpu, int selector, long offset, int size, boolean call) {
        if (offset > (cpu.segment[Cpu.CS].limit & 0xFFFFFFFFL)) {
            throw cpu.gp(0);
        }
        if (call) {
            pushReturn(cpu, size, 0);
        }
        SegmentLoader.setReal(cpu, Cpu.CS, selector);
        cpu.nextRip = offset;
    }

    /** Pushes CS and the return address on the current stack. */
    private static void pushReturn(Cpu cpu, int size, int error) {
        if (!cpu.mode64()) {
            Stack.requireRoom(cpu, 2 * size, error);
        }
        long sp = cpu.r[Cpu.RSP];
        Stack.write(cpu, sp - size, size, cpu.segment[Cpu.CS].selector);
        Stack.write(cpu, sp - 2L * size, size, cpu.nextRip);
        Stack.setPointer(cpu, sp - 2L * size);
    }

    /**
     * From 64-bit code to other code: the frame is pushed with the stack pointer of the new mode.
     */
    private static void pushReturnNarrow(Cpu cpu, int size) {
        long mask = Stack.segmentMask(cpu);
        long base = cpu.r[Cpu.R_SEG_BASE + Cpu.SS];
        long sp = cpu.r[Cpu.RSP];
        cpu.mmu.accessSegment = Cpu.SS;
        long high = (base + (sp - size & mask)) & 0xFFFFFFFFL;
        long low = (base + (sp - 2L * size & mask)) & 0xFFFFFFFFL;
        cpu.store(high, size, cpu.segment[Cpu.CS].selector);
        cpu.store(low, size, cpu.nextRip);
        Stack.setPointer(cpu, sp - 2L * size, mask);
    }

    private static void toSelector(Cpu cpu, int selector, long offset, int size, boolean call) {
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(0);
        }
        int error = selector & 0xFFFC;
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        if (Descriptors.isSegment(d)) {
            toCode(cpu, selector, d, offset, size, call);
            return;
        }
        int type = Descriptors.type(d);
        boolean known =
                cpu.longMode()
                        ? type == Descriptors.CALL_GATE32
                        : switch (type) {
                            case Descriptors.CALL_GATE16,
                                    Descriptors.CALL_GATE32,
                                    Descriptors.TASK_GATE,
                                    Descriptors.TSS16,
                                    Descriptors.TSS32 ->
                                    true;
                            default -> false;
                        };
        if (!known || Descriptors.dpl(d) < cpu.cpl || Descriptors.dpl(d) < (selector & 3)) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        switch (type) {
            case Descriptors.CALL_GATE16, Descriptors.CALL_GATE32 ->
                    callGate(cpu, selector, d, type, call);
            case Descriptors.TASK_GATE -> taskGate(cpu, Descriptors.gateSelector(d), call);
            default -> task(cpu, selector, d, call);
        }
    }

    private static void toCode(Cpu cpu, int selector, long d, long offset, int size, boolean call) {
        int error = selector & 0xFFFC;
        int dpl = Descriptors.dpl(d);
        boolean allowed =
                Descriptors.isConforming(d)
                        ? dpl <= cpu.cpl
                        : (selector & 3) <= cpu.cpl && dpl == cpu.cpl;
        if (!Descriptors.isCode(d)
                || !allowed
                || (cpu.longMode() && Descriptors.isLong(d) && Descriptors.isBig(d))) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        if (call && !cpu.mode64()) {
            Stack.requireRoom(cpu, 2 * size, 0);
        }
        FarReturn.requireTarget(cpu, d, offset);
        long marked = Descriptors.markAccessed(cpu, selector, d);
        if (call) {
            if (cpu.mode64() && !FarReturn.is64(cpu, d)) {
                pushReturnNarrow(cpu, size);
            } else {
                pushReturn(cpu, size, 0);
            }
        }
        SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | cpu.cpl, marked);
        cpu.nextRip = offset;
    }

    // ------------------------------------------------------------------ gates

    private static void callGate(Cpu cpu, int gateSelector, long gate, int type, boolean call) {
        boolean longMode = cpu.longMode();
        long offset = Descriptors.gateOffset(gate);
        if (longMode) {
            long at = Descriptors.address(cpu, gateSelector, 16);
            if (at == -1) {
                throw cpu.gp(gateSelector & 0xFFFC);
            }
            long upper = cpu.mmu.loadSystem(at + 8, 8);
            if ((upper >>> 40 & 0x1F) != 0) {
                throw cpu.gp(gateSelector & 0xFFFC);
            }
            offset |= upper << 32;
        } else if (type == Descriptors.CALL_GATE16) {
            offset &= 0xFFFF;
        }
        int size = longMode ? 8 : type == Descriptors.CALL_GATE32 ? 4 : 2;
        int selector = Descriptors.gateSelector(gate);
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(0);
        }
        int error = selector & 0xFFFC;
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        int dpl = Descriptors.dpl(d);
        boolean conforming = Descriptors.isConforming(d);
        boolean allowed = call || conforming ? dpl <= cpu.cpl : dpl == cpu.cpl;
        if (!Descriptors.isCode(d)
                || !allowed
                || (longMode && (!Descriptors.isLong(d) || Descriptors.isBig(d)))) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        int level = cpu.cpl;
        if (call && !conforming && dpl < cpu.cpl) {
            level = dpl;
            if (longMode) {
                inner64(cpu, selector, d, offset);
            } else {
                inner(cpu, selector, d, offset, size, (int) (gate >>> 32) & 0x1F);
            }
        } else {
            if (call && !cpu.mode64()) {
                Stack.requireRoom(cpu, 2 * size, 0);
            }
            FarReturn.requireTarget(cpu, d, offset);
            long marked = Descriptors.markAccessed(cpu, selector, d);
            if (call) {
                pushReturn(cpu, size, 0);
            }
            SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | level, marked);
        }
        cpu.cpl = level;
        cpu.nextRip = offset;
    }

    /** Call of an inner level outside of long mode: switches stacks and copies parameters. */
    private static void inner(
            Cpu cpu, int selector, long code, long offset, int size, int parameters) {
        int level = Descriptors.dpl(code);
        long stack = Stack.inner(cpu, level, 0);
        int ss = (int) (stack >>> 32);
        long d = Stack.innerSegment(cpu, ss, level, 0);
        long sp = stack & 0xFFFFFFFFL;
        if (!SegmentCheck.stackRoom(
                Descriptors.attributes(d), Descriptors.limit(d), sp, (4 + parameters) * size)) {
            throw cpu.fault(Vector.SS, ss & 0xFFFC);
        }
        FarReturn.requireTarget(cpu, code, offset);
        long mask = Descriptors.isBig(d) ? 0xFFFFFFFFL : 0xFFFFL;
        long base = Descriptors.base(d);
        sp = put(cpu, base, sp, mask, size, cpu.segment[Cpu.SS].selector);
        sp = put(cpu, base, sp, mask, size, cpu.r[Cpu.RSP]);
        for (int n = parameters - 1; n >= 0; n--) {
            long value = Stack.read(cpu, cpu.r[Cpu.RSP] + (long) n * size, size);
            sp = put(cpu, base, sp, mask, size, value);
        }
        sp = put(cpu, base, sp, mask, size, cpu.segment[Cpu.CS].selector);
        sp = put(cpu, base, sp, mask, size, cpu.nextRip);
        d = Descriptors.markAccessed(cpu, ss, d);
        long marked = Descriptors.markAccessed(cpu, selector, code);
        SegmentLoader.set(cpu, Cpu.SS, ss, d);
        SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | level, marked);
        Stack.setPointer(cpu, sp, mask);
    }

    private static long put(Cpu cpu, long base, long sp, long mask, int size, long value) {
        long next = (sp - size) & mask;
        cpu.mmu.storeSystem((base + next) & 0xFFFFFFFFL, size, value);
        return next;
    }

    private static void inner64(Cpu cpu, int selector, long code, long offset) {
        int level = Descriptors.dpl(code);
        long sp = Stack.inner64(cpu, level, 0);
        if (!Canonical.is(sp) || !Canonical.is(sp - 32)) {
            throw cpu.fault(Vector.SS, 0);
        }
        if (!Canonical.is(offset)) {
            throw cpu.gp(0);
        }
        cpu.mmu.accessSegment = Cpu.SS;
        cpu.mmu.storeSystem(sp - 8, 8, cpu.segment[Cpu.SS].selector);
        cpu.mmu.storeSystem(sp - 16, 8, cpu.r[Cpu.RSP]);
        cpu.mmu.storeSystem(sp - 24, 8, cpu.segment[Cpu.CS].selector);
        cpu.mmu.storeSystem(sp - 32, 8, cpu.nextRip);
        long marked = Descriptors.markAccessed(cpu, selector, code);
        SegmentLoader.setNullStack(cpu, level, level);
        SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | level, marked);
        cpu.r[Cpu.RSP] = sp - 32;
    }

    // ------------------------------------------------------------------ tasks

    private static void taskGate(Cpu cpu, int selector, boolean call) {
        int error = selector & 0xFFFC;
        if ((selector & 4) != 0 || error == 0) {
            throw cpu.gp(error);
        }
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        int type = Descriptors.type(d);
        if (Descriptors.isSegment(d) || (type != Descriptors.TSS32 && type != Descriptors.TSS16)) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        task(cpu, selector, d, call);
    }

    private static void task(Cpu cpu, int selector, long d, boolean call) {
        if ((selector & 4) != 0) {
            throw cpu.gp(selector & 0xFFFC);
        }
        int cause = call ? TaskSwitch.NESTED : TaskSwitch.JUMP;
        TaskSwitch.run(cpu, selector, d, cause, cpu.nextRip, cpu.flags(), 0);
        TaskSwitch.requireTarget(cpu, 0);
    }
}
