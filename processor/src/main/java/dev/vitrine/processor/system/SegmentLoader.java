// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.Vector;

/**
 * Loads segment registers, LDTR and TR with all checks (SDM volume 3, 5.6 to 5.8; MOV, LLDT, LTR).
 */
final class SegmentLoader {
    private static final int DATA_ACCESSED = 0x93;
    private static final int DPL3 = 0x60;

    private SegmentLoader() {}

    /** MOV, POP and LxS: loads any segment register but CS in any mode. */
    static void load(Cpu cpu, int seg, int selector) {
        selector &= 0xFFFF;
        if (!cpu.protectedMode()) {
            setReal(cpu, seg, selector);
        } else if (seg == Cpu.SS) {
            loadStack(cpu, selector);
        } else {
            loadData(cpu, seg, selector);
        }
        if (seg < Cpu.FS && !cpu.mode64()) {
            cpu.modeChanged();
        }
    }

    private static void loadStack(Cpu cpu, int selector) {
        if ((selector & 0xFFFC) == 0) {
            if (!cpu.mode64() || cpu.cpl == 3 || (selector & 3) != cpu.cpl) {
                throw cpu.gp(0);
            }
            setNullStack(cpu, selector, cpu.cpl);
            return;
        }
        int error = selector & 0xFFFC;
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        if ((selector & 3) != cpu.cpl
                || !Descriptors.isWritableData(d)
                || Descriptors.dpl(d) != cpu.cpl) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.SS, error);
        }
        set(cpu, Cpu.SS, selector, Descriptors.markAccessed(cpu, selector, d));
    }

    private static void loadData(Cpu cpu, int seg, int selector) {
        if ((selector & 0xFFFC) == 0) {
            setNull(cpu, seg, selector);
            return;
        }
        int error = selector & 0xFFFC;
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        if (!dataAllowed(d, selector & 3, cpu.cpl)) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        set(cpu, seg, selector, Descriptors.markAccessed(cpu, selector, d));
    }

    /** Whether DS, ES, FS or GS may be loaded with the descriptor at these privileges. */
    static boolean dataAllowed(long d, int rpl, int cpl) {
        if (!Descriptors.isReadable(d)) {
            return false;
        }
        if (Descriptors.isCode(d) && Descriptors.isConforming(d)) {
            return true;
        }
        return rpl <= Descriptors.dpl(d) && cpl <= Descriptors.dpl(d);
    }

    /** Fills a segment register from a descriptor that has passed all checks. */
    static void set(Cpu cpu, int seg, int selector, long d) {
        long base = Descriptors.base(d);
        cpu.segment[seg].set(selector, base, Descriptors.limit(d), Descriptors.attributes(d));
        cpu.r[Cpu.R_SEG_BASE + seg] = base;
    }

    static void setNull(Cpu cpu, int seg, int selector) {
        Segment s = cpu.segment[seg];
        s.set(selector, 0, 0, 0);
        s.unusable = true;
        cpu.r[Cpu.R_SEG_BASE + seg] = 0;
    }

    /** SS as 64-bit mode has it after a switch to an inner level. */
    static void setNullStack(Cpu cpu, int selector, int dpl) {
        Segment s = cpu.segment[Cpu.SS];
        s.set(selector, 0, 0, dpl << Segment.DPL_SHIFT);
        s.unusable = true;
        cpu.r[Cpu.R_SEG_BASE + Cpu.SS] = 0;
    }

    /** Real mode leaves limits as they are; virtual-8086 mode sets them to 64 KiB. */
    static void setReal(Cpu cpu, int seg, int selector) {
        Segment s = cpu.segment[seg];
        long base = (long) selector << 4;
        if (cpu.v86()) {
            s.set(selector, base, 0xFFFF, DATA_ACCESSED | DPL3);
        } else {
            int keep = s.attributes & (Segment.DB | Segment.G | Segment.AVL);
            s.set(selector, base, s.unusable ? 0xFFFF : s.limit, DATA_ACCESSED | keep);
        }
        cpu.r[Cpu.R_SEG_BASE + seg] = base;
    }

    /** Makes data segment registers null that the new, less privileged level may not use. */
    static void dropPrivileged(Cpu cpu, int cpl) {
        dropPrivileged(cpu, Cpu.ES, cpl);
        dropPrivileged(cpu, Cpu.DS, cpl);
        dropPrivileged(cpu, Cpu.FS, cpl);
        dropPrivileged(cpu, Cpu.GS, cpl);
    }

    private static void dropPrivileged(Cpu cpu, int seg, int cpl) {
        Segment s = cpu.segment[seg];
        if (s.unusable) {
            return;
        }
        boolean conforming = (s.attributes & 0xC) == 0xC;
        if (!conforming && s.dpl() < cpl) {
            setNull(cpu, seg, 0);
        }
    }

    /** LLDT. */
    static void loadLdt(Cpu cpu, int selector) {
        if ((selector & 0xFFFC) == 0) {
            cpu.ldtr.set(selector, 0, 0, 0);
            cpu.ldtr.unusable = true;
            return;
        }
        int error = selector & 0xFFFC;
        long d = systemDescriptor(cpu, selector);
        if (Descriptors.isSegment(d) || Descriptors.type(d) != Descriptors.LDT) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        long base = systemBase(cpu, selector, d);
        cpu.ldtr.set(selector, base, Descriptors.limit(d), Descriptors.attributes(d));
    }

    /** LTR. */
    static void loadTask(Cpu cpu, int selector) {
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(0);
        }
        int error = selector & 0xFFFC;
        long d = systemDescriptor(cpu, selector);
        int type = Descriptors.type(d);
        if (Descriptors.isSegment(d)
                || (type != Descriptors.TSS32 && (type != Descriptors.TSS16 || cpu.longMode()))) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        long base = systemBase(cpu, selector, d);
        Descriptors.setBusy(cpu, selector, true);
        cpu.tr.set(selector, base, Descriptors.limit(d), Descriptors.attributes(d) | 2);
    }

    private static long systemDescriptor(Cpu cpu, int selector) {
        if ((selector & 4) != 0
                || Descriptors.address(cpu, selector, cpu.longMode() ? 16 : 8) == -1) {
            throw cpu.gp(selector & 0xFFFC);
        }
        return cpu.mmu.loadSystem(Descriptors.address(cpu, selector, 8), 8);
    }

    /** Base of an LDT or TSS: long mode has its upper half in the next descriptor slot. */
    private static long systemBase(Cpu cpu, int selector, long d) {
        long base = Descriptors.base(d);
        if (cpu.longMode()) {
            long upper = cpu.mmu.loadSystem(Descriptors.address(cpu, selector, 8) + 8, 8);
            base |= upper << 32;
            if (!Canonical.is(base) || (upper >>> 40 & 0x1F) != 0) {
                throw cpu.gp(selector & 0xFFFC);
            }
        }
        return base;
    }
}
