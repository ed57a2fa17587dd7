// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Vector;

/**
 * Hardware task switches with 32-bit and 16-bit TSS (SDM volume 3, 7.2 to 7.4). Long mode has none.
 *
 * <p>Faults up to the commit point leave the old task as it was. Later ones, from loading the new
 * task's segments, belong to the new task: registers and {@link Cpu#rip} are its own by then.
 */
final class TaskSwitch {
    /** JMP to a TSS or task gate. */
    static final int JUMP = 0;

    /** CALL, exception or interrupt: the new task links back to the old one. */
    static final int NESTED = 1;

    /** IRET with NT set. */
    static final int RETURN = 2;

    private static final int LIMIT32 = 0x67;
    private static final int LIMIT16 = 0x2B;

    /** Order of segment registers in a TSS: ES CS SS DS FS GS, as in {@link Cpu#segment}. */
    private static final int FIRST_SEGMENT32 = 72;

    private static final int FIRST_SEGMENT16 = 34;

    private TaskSwitch() {}

    /**
     * Switches to the task whose TSS descriptor has passed the checks of its caller.
     *
     * @param cause {@link #JUMP}, {@link #NESTED} or {@link #RETURN}
     * @param returnRip instruction pointer to save in the old task
     * @param image flags to save in the old task
     * @param external EXT bit of error codes
     */
    static void run(
            Cpu cpu, int selector, long d, int cause, long returnRip, long image, int external) {
        Mmu mmu = cpu.mmu;
        int error = (selector & 0xFFFC) | external;
        boolean wide = (Descriptors.type(d) & 8) != 0;
        if (Integer.compareUnsigned(Descriptors.limit(d), wide ? LIMIT32 : LIMIT16) < 0) {
            throw cpu.fault(Vector.TS, error);
        }
        long base = Descriptors.base(d);

        // The new task's state, read before anything changes.
        long newCr3 = wide ? load(mmu, base + 28, 4) : 0;
        long newRip = wide ? load(mmu, base + 32, 4) : load(mmu, base + 14, 2);
        long newFlags = wide ? load(mmu, base + 36, 4) : load(mmu, base + 16, 2);
        long[] registers = new long[8];
        for (int n = 0; n < 8; n++) {
            registers[n] = wide ? load(mmu, base + 40 + 4 * n, 4) : load(mmu, base + 18 + 2 * n, 2);
        }
        int[] selectors = new int[6];
        for (int n = 0; n < (wide ? 6 : 4); n++) {
            long at = wide ? base + FIRST_SEGMENT32 + 4 * n : base + FIRST_SEGMENT16 + 2 * n;
            selectors[n] = (int) load(mmu, at, 2);
        }
        int newLdt = (int) load(mmu, wide ? base + 96 : base + 42, 2);
        boolean trap = wide && (load(mmu, base + 100, 2) & 1) != 0;

        boolean paged = wide && (cpu.cr0 & Cpu.CR0_PG) != 0;
        if (paged && newCr3 != cpu.cr3) {
            // The last moment at which nothing has been done: the switch is held back as a whole.
            cpu.beforeControlWrite(3, newCr3, cpu.cr3);
        }
        saveOldTask(cpu, cause, returnRip, image);
        int oldSelector = cpu.tr.selector;
        if (cause == NESTED) {
            mmu.storeSystem(linear(base), 2, oldSelector);
        } else {
            Descriptors.setBusy(cpu, oldSelector, false);
        }
        if (cause != RETURN) {
            Descriptors.setBusy(cpu, selector, true);
        }

        // Commit.
        cpu.tr.set(selector, base, Descriptors.limit(d), Descriptors.attributes(d) | 2);
        cpu.cr0 |= Cpu.CR0_TS;
        cpu.dr[7] &= ~0x155L;
        for (int n = 0; n < 8; n++) {
            cpu.r[n] = registers[n];
        }
        cpu.setFlags(newFlags | (cause == NESTED ? Cpu.NT : 0), -1);
        cpu.rip = newRip;
        cpu.nextRip = newRip;
        cpu.shadow = Cpu.SHADOW_NONE;
        cpu.halted = false;
        for (int n = 0; n < 6; n++) {
            SegmentLoader.setNull(cpu, n, selectors[n]);
        }
        cpu.ldtr.set(newLdt, 0, 0, 0);
        cpu.ldtr.unusable = true;
        cpu.cpl = cpu.v86() ? 3 : selectors[Cpu.CS] & 3;
        if (paged) {
            ControlRegisters.loadCr3ForTask(cpu, newCr3);
        }
        cpu.modeChanged();
        loadSegments(cpu, selectors, newLdt, external);
        cpu.modeChanged();
        if (trap) {
            cpu.pendingDebug |= DebugRegisters.BT;
        }
    }

    private static long linear(long la) {
        return la & 0xFFFFFFFFL;
    }

    private static long load(Mmu mmu, long la, int size) {
        long value = mmu.loadSystem(linear(la), size);
        return size == 2 ? value & 0xFFFF : value & 0xFFFFFFFFL;
    }

    private static void saveOldTask(Cpu cpu, int cause, long returnRip, long image) {
        Mmu mmu = cpu.mmu;
        long base = cpu.tr.base;
        boolean wide = (cpu.tr.attributes & 8) != 0;
        long flags = cause == RETURN ? image & ~(long) Cpu.NT : image;
        if (wide) {
            mmu.storeSystem(linear(base + 32), 4, returnRip);
            mmu.storeSystem(linear(base + 36), 4, flags);
            for (int n = 0; n < 8; n++) {
                mmu.storeSystem(linear(base + 40 + 4 * n), 4, cpu.r[n]);
            }
            for (int n = 0; n < 6; n++) {
                mmu.storeSystem(linear(base + FIRST_SEGMENT32 + 4 * n), 2, cpu.segment[n].selector);
            }
        } else {
            mmu.storeSystem(linear(base + 14), 2, returnRip);
            mmu.storeSystem(linear(base + 16), 2, flags);
            for (int n = 0; n < 8; n++) {
                mmu.storeSystem(linear(base + 18 + 2 * n), 2, cpu.r[n]);
            }
            for (int n = 0; n < 4; n++) {
                mmu.storeSystem(linear(base + FIRST_SEGMENT16 + 2 * n), 2, cpu.segment[n].selector);
            }
        }
    }

    private static void loadSegments(Cpu cpu, int[] selectors, int ldt, int external) {
        if ((ldt & 0xFFFC) != 0) {
            loadLdt(cpu, ldt, external);
        }
        if (cpu.v86()) {
            for (int n = 0; n < 6; n++) {
                SegmentLoader.setReal(cpu, n, selectors[n]);
            }
            return;
        }
        loadCode(cpu, selectors[Cpu.CS], external);
        loadStack(cpu, selectors[Cpu.SS], external);
        loadData(cpu, Cpu.DS, selectors[Cpu.DS], external);
        loadData(cpu, Cpu.ES, selectors[Cpu.ES], external);
        loadData(cpu, Cpu.FS, selectors[Cpu.FS], external);
        loadData(cpu, Cpu.GS, selectors[Cpu.GS], external);
    }

    private static void loadLdt(Cpu cpu, int selector, int external) {
        int error = (selector & 0xFFFC) | external;
        if ((selector & 4) != 0) {
            throw cpu.fault(Vector.TS, error);
        }
        long d = Descriptors.load(cpu, selector, Vector.TS, external);
        if (Descriptors.isSegment(d)
                || Descriptors.type(d) != Descriptors.LDT
                || !Descriptors.present(d)) {
            throw cpu.fault(Vector.TS, error);
        }
        cpu.ldtr.set(
                selector, Descriptors.base(d), Descriptors.limit(d), Descriptors.attributes(d));
    }

    private static void loadCode(Cpu cpu, int selector, int external) {
        int error = (selector & 0xFFFC) | external;
        if ((selector & 0xFFFC) == 0) {
            throw cpu.fault(Vector.TS, error);
        }
        long d = Descriptors.load(cpu, selector, Vector.TS, external);
        int dpl = Descriptors.dpl(d);
        int rpl = selector & 3;
        if (!Descriptors.isCode(d) || (Descriptors.isConforming(d) ? dpl > rpl : dpl != rpl)) {
            throw cpu.fault(Vector.TS, error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        SegmentLoader.set(cpu, Cpu.CS, selector, Descriptors.markAccessed(cpu, selector, d));
    }

    private static void loadStack(Cpu cpu, int selector, int external) {
        int error = (selector & 0xFFFC) | external;
        if ((selector & 0xFFFC) == 0) {
            throw cpu.fault(Vector.TS, error);
        }
        long d = Descriptors.load(cpu, selector, Vector.TS, external);
        if (!Descriptors.isWritableData(d)
                || (selector & 3) != cpu.cpl
                || Descriptors.dpl(d) != cpu.cpl) {
            throw cpu.fault(Vector.TS, error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.SS, error);
        }
        SegmentLoader.set(cpu, Cpu.SS, selector, Descriptors.markAccessed(cpu, selector, d));
    }

    private static void loadData(Cpu cpu, int seg, int selector, int external) {
        if ((selector & 0xFFFC) == 0) {
            return;
        }
        int error = (selector & 0xFFFC) | external;
        long d = Descriptors.load(cpu, selector, Vector.TS, external);
        if (!SegmentLoader.dataAllowed(d, selector & 3, cpu.cpl)) {
            throw cpu.fault(Vector.TS, error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        SegmentLoader.set(cpu, seg, selector, Descriptors.markAccessed(cpu, selector, d));
    }

    /** #GP in the new task if its instruction pointer is outside of its code segment. */
    static void requireTarget(Cpu cpu, int external) {
        if (cpu.nextRip > (cpu.segment[Cpu.CS].limit & 0xFFFFFFFFL)) {
            throw cpu.gp(external);
        }
    }
}
