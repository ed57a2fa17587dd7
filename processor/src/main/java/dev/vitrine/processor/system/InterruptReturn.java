// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;

/** IRET, IRETD and IRETQ in all modes (SDM volume 2, IRET). */
final class InterruptReturn {
    /** Flags that IRET loads at any privilege. */
    private static final int ALWAYS = Cpu.ARITHMETIC | Cpu.TF | Cpu.DF | Cpu.NT;

    private InterruptReturn() {}

    static void execute(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        if (cpu.realMode()) {
            toReal(cpu, size, -1);
        } else if (cpu.v86()) {
            if ((cpu.eflags & Cpu.IOPL) != Cpu.IOPL) {
                throw cpu.gp(0);
            }
            toReal(cpu, size, ~(long) (Cpu.IOPL | Cpu.VM));
        } else if ((cpu.eflags & Cpu.NT) != 0) {
            if (cpu.longMode()) {
                throw cpu.gp(0);
            }
            toTask(cpu);
        } else {
            inProtectedMode(cpu, size);
        }
        cpu.nmiBlocked = false;
        cpu.modeChanged();
    }

    /** Real mode, and virtual-8086 mode to itself. */
    private static void toReal(Cpu cpu, int size, long mask) {
        long sp = cpu.r[Cpu.RSP];
        int cs = Stack.readSelector(cpu, sp + size);
        long rip = Stack.read(cpu, sp, size);
        long flags = Stack.read(cpu, sp + 2L * size, size);
        if (rip > (cpu.segment[Cpu.CS].limit & 0xFFFFFFFFL)) {
            throw cpu.gp(0);
        }
        Stack.setPointer(cpu, sp + 3L * size);
        SegmentLoader.setReal(cpu, Cpu.CS, cs);
        long width = size == 2 ? 0xFFFFL : ~(long) (Cpu.VM | Cpu.VIF | Cpu.VIP);
        cpu.setFlags(flags, width & mask);
        cpu.nextRip = rip;
    }

    private static void toTask(Cpu cpu) {
        int link = (int) cpu.mmu.loadSystem(cpu.tr.base, 2) & 0xFFFF;
        int error = link & 0xFFFC;
        if ((link & 4) != 0 || error == 0) {
            throw cpu.fault(Vector.TS, error);
        }
        long d = Descriptors.load(cpu, link, Vector.TS, 0);
        int type = Descriptors.type(d);
        if (Descriptors.isSegment(d)
                || (type != Descriptors.TSS32_BUSY && type != Descriptors.TSS16_BUSY)) {
            throw cpu.fault(Vector.TS, error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        TaskSwitch.run(cpu, link, d, TaskSwitch.RETURN, cpu.nextRip, cpu.flags(), 0);
        TaskSwitch.requireTarget(cpu, 0);
    }

    private static void inProtectedMode(Cpu cpu, int size) {
        long sp = cpu.r[Cpu.RSP];
        // The order in which processors read the frame shows in CR2 of a page fault.
        long flags = Stack.read(cpu, sp + 2L * size, size);
        int cs = Stack.readSelector(cpu, sp + size);
        long rip = Stack.read(cpu, sp, size);
        if (size == 4 && (flags & Cpu.VM) != 0 && cpu.cpl == 0 && !cpu.longMode()) {
            toVirtual(cpu, sp, rip, cs, flags);
            return;
        }
        int mask = flagMask(cpu, size);
        long code = FarReturn.code(cpu, cs);
        int level = cs & 3;
        if (level > cpu.cpl || cpu.mode64()) {
            int ss = Stack.readSelector(cpu, sp + 4L * size);
            long newSp = Stack.read(cpu, sp + 3L * size, size);
            FarReturn.leave(cpu, cs, code, rip, ss, newSp, 0);
        } else {
            FarReturn.requireTarget(cpu, code, rip);
            long marked = Descriptors.markAccessed(cpu, cs, code);
            Stack.setPointer(cpu, sp + 3L * size);
            SegmentLoader.set(cpu, Cpu.CS, cs, marked);
            cpu.nextRip = rip;
        }
        cpu.setFlags(flags, mask);
    }

    /** Flags that the return may load: by operand size, and by the level that executes IRET. */
    private static int flagMask(Cpu cpu, int size) {
        int mask = ALWAYS;
        if (size != 2) {
            mask |= Cpu.RF | Cpu.AC | Cpu.ID;
        }
        if (cpu.cpl <= (cpu.eflags & Cpu.IOPL) >>> 12) {
            mask |= Cpu.IF;
        }
        if (cpu.cpl == 0) {
            mask |= Cpu.IOPL;
            if (size != 2) {
                mask |= Cpu.VIF | Cpu.VIP;
            }
        }
        return mask;
    }

    private static void toVirtual(Cpu cpu, long sp, long rip, int cs, long flags) {
        long newSp = Stack.read(cpu, sp + 12, 4);
        int ss = Stack.readSelector(cpu, sp + 16);
        int es = Stack.readSelector(cpu, sp + 20);
        int ds = Stack.readSelector(cpu, sp + 24);
        int fs = Stack.readSelector(cpu, sp + 28);
        int gs = Stack.readSelector(cpu, sp + 32);
        if (rip > 0xFFFF) {
            throw cpu.gp(0);
        }
        cpu.setFlags(flags, -1);
        cpu.cpl = 3;
        SegmentLoader.setReal(cpu, Cpu.CS, cs);
        SegmentLoader.setReal(cpu, Cpu.SS, ss);
        SegmentLoader.setReal(cpu, Cpu.ES, es);
        SegmentLoader.setReal(cpu, Cpu.DS, ds);
        SegmentLoader.setReal(cpu, Cpu.FS, fs);
        SegmentLoader.setReal(cpu, Cpu.GS, gs);
        cpu.r[Cpu.RSP] = newSp;
        cpu.nextRip = rip;
    }
}
