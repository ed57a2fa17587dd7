// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.core.Vector;

/**
 * One delivery through the interrupt vector or descriptor table (SDM volume 2, INT n; volume 3,
 * 6.12, 6.14 and 20.3). Everything that can fault comes before the first change of a register.
 */
final class InterruptGate {
    /** Error code of an event that has none. */
    static final int NO_CODE = -1;

    private static final int TASK_GATE = 5;
    private static final int INTERRUPT16 = 6;
    private static final int TRAP16 = 7;
    private static final int INTERRUPT32 = 14;
    private static final int TRAP32 = 15;

    private InterruptGate() {}

    /**
     * Delivers, or raises the fault that prevents it with the registers untouched.
     *
     * @param software subject to the gate's DPL
     * @param external EXT bit of error codes: 0 or 1
     * @param errorCode to push, or {@link #NO_CODE}
     * @param image flags to push
     * @param returnRip instruction pointer to push
     */
    static void deliver(
            Cpu cpu,
            int vector,
            boolean software,
            int external,
            int errorCode,
            long image,
            long returnRip) {
        if (cpu.realMode()) {
            real(cpu, vector, image, returnRip);
        } else if (cpu.longMode()) {
            longMode(cpu, vector, software, external, errorCode, image, returnRip);
        } else {
            protectedMode(cpu, vector, software, external, errorCode, image, returnRip);
        }
    }

    // --------------------------------------------------------------- real mode

    private static void real(Cpu cpu, int vector, long image, long returnRip) {
        if (vector * 4 + 3 > (cpu.idtLimit & 0xFFFF)) {
            throw cpu.gp(0);
        }
        Stack.requireRoom(cpu, 6, 0);
        long entry = cpu.mmu.loadSystem((cpu.idtBase + vector * 4L) & 0xFFFFFFFFL, 4);
        long sp = cpu.r[Cpu.RSP];
        Stack.write(cpu, sp - 2, 2, image);
        Stack.write(cpu, sp - 4, 2, cpu.segment[Cpu.CS].selector);
        Stack.write(cpu, sp - 6, 2, returnRip);
        Stack.setPointer(cpu, sp - 6);
        SegmentLoader.setReal(cpu, Cpu.CS, (int) (entry >>> 16) & 0xFFFF);
        cpu.setFlags(0, Cpu.IF | Cpu.TF | Cpu.AC | Cpu.RF);
        arrive(cpu, entry & 0xFFFF);
    }

    private static void arrive(Cpu cpu, long rip) {
        cpu.rip = rip;
        cpu.nextRip = rip;
        cpu.shadow = Cpu.SHADOW_NONE;
        cpu.modeChanged();
    }

    private static void enterHandler(Cpu cpu, boolean interruptGate) {
        int clear = Cpu.TF | Cpu.NT | Cpu.RF | Cpu.VM | (interruptGate ? Cpu.IF : 0);
        cpu.setFlags(0, clear);
    }

    // ---------------------------------------------------------- protected mode

    private static void protectedMode(
            Cpu cpu,
            int vector,
            boolean software,
            int external,
            int errorCode,
            long image,
            long returnRip) {
        int tableError = vector * 8 + 2 + external;
        if (vector * 8 + 7 > (cpu.idtLimit & 0xFFFF)) {
            throw cpu.gp(tableError);
        }
        long gate = cpu.mmu.loadSystem((cpu.idtBase + vector * 8L) & 0xFFFFFFFFL, 8);
        int type = (int) (gate >>> 40) & 0x1F;
        switch (type) {
            case TASK_GATE, INTERRUPT16, TRAP16, INTERRUPT32, TRAP32 -> {}
            default -> throw cpu.gp(tableError);
        }
        if (software && Descriptors.dpl(gate) < cpu.cpl) {
            throw cpu.gp(tableError);
        }
        if (!Descriptors.present(gate)) {
            throw cpu.fault(Vector.NP, tableError);
        }
        if (type == TASK_GATE) {
            taskGate(cpu, gate, external, errorCode, image, returnRip);
            return;
        }
        int selector = Descriptors.gateSelector(gate);
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(external);
        }
        int error = (selector & 0xFFFC) | external;
        long code = Descriptors.load(cpu, selector, Vector.GP, external);
        int dpl = Descriptors.dpl(code);
        if (!Descriptors.isCode(code) || dpl > cpu.cpl) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(code)) {
            throw cpu.fault(Vector.NP, error);
        }
        boolean wide = type >= INTERRUPT32;
        long offset = Descriptors.gateOffset(gate);
        if (!wide) {
            offset &= 0xFFFF;
        }
        boolean inner = !Descriptors.isConforming(code) && dpl < cpu.cpl;
        if (cpu.v86() && (!inner || dpl != 0)) {
            throw cpu.gp(error);
        }
        int size = wide ? 4 : 2;
        long marked = Descriptors.markAccessed(cpu, selector, code);
        if (inner) {
            toInner(cpu, code, offset, size, external, errorCode, image, returnRip);
        } else {
            sameLevel(cpu, code, offset, size, external, errorCode, image, returnRip);
        }
        int level = inner ? dpl : cpu.cpl;
        SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | level, marked);
        cpu.cpl = level;
        enterHandler(cpu, (type & 1) == 0);
        arrive(cpu, offset);
    }

    private static void requireTarget(Cpu cpu, long code, long offset, int external) {
        if (offset > (Descriptors.limit(code) & 0xFFFFFFFFL)) {
            throw cpu.gp(external);
        }
    }

    private static void sameLevel(
            Cpu cpu,
            long code,
            long offset,
            int size,
            int external,
            int errorCode,
            long image,
            long returnRip) {
        int words = errorCode == NO_CODE ? 3 : 4;
        Stack.requireRoom(cpu, words * size, external);
        requireTarget(cpu, code, offset, external);
        long mask = Stack.segmentMask(cpu);
        long base = cpu.r[Cpu.R_SEG_BASE + Cpu.SS];
        boolean user = cpu.cpl == 3;
        long sp = cpu.r[Cpu.RSP];
        sp = put(cpu, user, base, sp, mask, size, image);
        sp = put(cpu, user, base, sp, mask, size, cpu.segment[Cpu.CS].selector);
        sp = put(cpu, user, base, sp, mask, size, returnRip);
        if (errorCode != NO_CODE) {
            sp = put(cpu, user, base, sp, mask, size, errorCode);
        }
        Stack.setPointer(cpu, sp, mask);
    }

    private static void toInner(
            Cpu cpu,
            long code,
            long offset,
            int size,
            int external,
            int errorCode,
            long image,
            long returnRip) {
        int level = Descriptors.dpl(code);
        long stack = Stack.inner(cpu, level, external);
        int ss = (int) (stack >>> 32);
        long d = Stack.innerSegment(cpu, ss, level, external);
        boolean v86 = cpu.v86();
        int words = (v86 ? 9 : 5) + (errorCode == NO_CODE ? 0 : 1);
        long sp = stack & 0xFFFFFFFFL;
        if (!SegmentCheck.stackRoom(
                Descriptors.attributes(d), Descriptors.limit(d), sp, words * size)) {
            throw cpu.fault(Vector.SS, (ss & 0xFFFC) | external);
        }
        requireTarget(cpu, code, offset, external);
        long mask = Descriptors.isBig(d) ? 0xFFFFFFFFL : 0xFFFFL;
        long base = Descriptors.base(d);
        if (v86) {
            sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.GS].selector);
            sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.FS].selector);
            sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.DS].selector);
            sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.ES].selector);
        }
        sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.SS].selector);
        sp = put(cpu, false, base, sp, mask, size, cpu.r[Cpu.RSP]);
        sp = put(cpu, false, base, sp, mask, size, image);
        sp = put(cpu, false, base, sp, mask, size, cpu.segment[Cpu.CS].selector);
        sp = put(cpu, false, base, sp, mask, size, returnRip);
        if (errorCode != NO_CODE) {
            sp = put(cpu, false, base, sp, mask, size, errorCode);
        }
        d = Descriptors.markAccessed(cpu, ss, d);
        SegmentLoader.set(cpu, Cpu.SS, ss, d);
        Stack.setPointer(cpu, sp, mask);
        if (v86) {
            SegmentLoader.setNull(cpu, Cpu.ES, 0);
            SegmentLoader.setNull(cpu, Cpu.DS, 0);
            SegmentLoader.setNull(cpu, Cpu.FS, 0);
            SegmentLoader.setNull(cpu, Cpu.GS, 0);
        }
    }

    /** Pushes one value of a frame; returns the new stack pointer. */
    private static long put(
            Cpu cpu, boolean user, long base, long sp, long mask, int size, long value) {
        long next = (sp - size) & mask;
        Stack.poke(cpu, user, (base + next) & 0xFFFFFFFFL, size, value);
        return next;
    }

    private static void taskGate(
            Cpu cpu, long gate, int external, int errorCode, long image, long returnRip) {
        int selector = Descriptors.gateSelector(gate);
        int error = (selector & 0xFFFC) | external;
        if ((selector & 4) != 0) {
            throw cpu.gp(error);
        }
        long d = Descriptors.load(cpu, selector, Vector.GP, external);
        int type = Descriptors.type(d);
        if (Descriptors.isSegment(d) || (type != Descriptors.TSS32 && type != Descriptors.TSS16)) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        TaskSwitch.run(cpu, selector, d, TaskSwitch.NESTED, returnRip, image, external);
        if (errorCode != NO_CODE) {
            int size = (cpu.tr.attributes & 8) != 0 ? 4 : 2;
            Stack.requireRoom(cpu, size, external);
            Stack.push(cpu, size, errorCode);
        }
        TaskSwitch.requireTarget(cpu, external);
    }

    // --------------------------------------------------------------- long mode

    private static void longMode(
            Cpu cpu,
            int vector,
            boolean software,
            int external,
            int errorCode,
            long image,
            long returnRip) {
        Mmu mmu = cpu.mmu;
        int tableError = vector * 8 + 2 + external;
        if (vector * 16 + 15 > (cpu.idtLimit & 0xFFFF)) {
            throw cpu.gp(tableError);
        }
        long at = cpu.idtBase + vector * 16L;
        long gate = mmu.loadSystem(at, 8);
        int type = (int) (gate >>> 40) & 0x1F;
        if ((type != INTERRUPT32 && type != TRAP32)
                || (software && Descriptors.dpl(gate) < cpu.cpl)) {
            throw cpu.gp(tableError);
        }
        if (!Descriptors.present(gate)) {
            throw cpu.fault(Vector.NP, tableError);
        }
        int selector = Descriptors.gateSelector(gate);
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(external);
        }
        int error = (selector & 0xFFFC) | external;
        long code = Descriptors.load(cpu, selector, Vector.GP, external);
        int dpl = Descriptors.dpl(code);
        if (!Descriptors.isCode(code) || dpl > cpu.cpl) {
            throw cpu.gp(error);
        }
        if (!Descriptors.isLong(code) || Descriptors.isBig(code)) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(code)) {
            throw cpu.fault(Vector.NP, error);
        }
        int level = Descriptors.isConforming(code) ? cpu.cpl : dpl;
        long offset = Descriptors.gateOffset(gate) | mmu.loadSystem(at + 8, 4) << 32;
        int ist = (int) (gate >>> 32) & 7;
        long sp;
        if (ist != 0) {
            sp = Stack.inner64(cpu, ist + 3, external);
        } else if (level < cpu.cpl) {
            sp = Stack.inner64(cpu, level, external);
        } else {
            sp = cpu.r[Cpu.RSP];
        }
        if (!Canonical.is(sp) || !Canonical.is((sp & -16) - 48)) {
            throw cpu.fault(Vector.SS, external);
        }
        if (!Canonical.is(offset)) {
            throw cpu.gp(external);
        }
        sp &= -16;
        boolean user = level == 3;
        mmu.accessSegment = Cpu.SS;
        Stack.poke(cpu, user, sp - 8, 8, cpu.segment[Cpu.SS].selector);
        Stack.poke(cpu, user, sp - 16, 8, cpu.r[Cpu.RSP]);
        Stack.poke(cpu, user, sp - 24, 8, image);
        Stack.poke(cpu, user, sp - 32, 8, cpu.segment[Cpu.CS].selector);
        Stack.poke(cpu, user, sp - 40, 8, returnRip);
        sp -= 40;
        if (errorCode != NO_CODE) {
            sp -= 8;
            Stack.poke(cpu, user, sp, 8, errorCode & 0xFFFFFFFFL);
        }
        long marked = Descriptors.markAccessed(cpu, selector, code);
        if (level < cpu.cpl) {
            SegmentLoader.setNullStack(cpu, level, level);
        }
        SegmentLoader.set(cpu, Cpu.CS, (selector & ~3) | level, marked);
        cpu.r[Cpu.RSP] = sp;
        cpu.cpl = level;
        enterHandler(cpu, type == INTERRUPT32);
        arrive(cpu, offset);
    }
}
