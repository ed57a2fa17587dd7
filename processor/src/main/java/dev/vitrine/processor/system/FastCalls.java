// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.decode.Instruction;

/** SYSCALL, SYSRET, SYSENTER and SYSEXIT as on Intel processors (SDM volume 2; volume 3, 5.8.7). */
final class FastCalls {
    private static final int CODE = 0x9B | Segment.G;
    private static final int DATA = 0x93 | Segment.G | Segment.DB;
    private static final int DPL3 = 0x60;

    /** RFLAGS bits that SYSRET loads from R11: all defined ones but RF and VM. */
    private static final long SYSRET_FLAGS = 0x3C7FD7;

    private FastCalls() {}

    private static void setCode(Cpu cpu, int selector, int attributes) {
        cpu.segment[Cpu.CS].set(selector, 0, -1, CODE | attributes);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = 0;
    }

    private static void setStack(Cpu cpu, int selector, int attributes) {
        cpu.segment[Cpu.SS].set(selector, 0, -1, DATA | attributes);
        cpu.r[Cpu.R_SEG_BASE + Cpu.SS] = 0;
    }

    static void syscall(Cpu cpu) {
        if (!cpu.mode64() || (cpu.efer & Cpu.EFER_SCE) == 0) {
            throw cpu.ud();
        }
        long flags = cpu.flags();
        cpu.r[Cpu.RCX] = cpu.nextRip;
        cpu.r[11] = flags & ~(long) Cpu.RF;
        int selector = (int) (cpu.star >>> 32) & 0xFFFC;
        setCode(cpu, selector, Segment.L);
        setStack(cpu, selector + 8, 0);
        cpu.setFlags(0, cpu.sfmask | Cpu.RF);
        cpu.cpl = 0;
        cpu.nextRip = cpu.lstar;
        cpu.modeChanged();
    }

    static void sysret(Cpu cpu, Instruction i) {
        if (!cpu.mode64() || (cpu.efer & Cpu.EFER_SCE) == 0) {
            throw cpu.ud();
        }
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        int selector = (int) (cpu.star >>> 48);
        long target = cpu.r[Cpu.RCX];
        if (i.operandSize == 8) {
            // Unlike AMD's, the check comes before CPL changes.
            if (!Canonical.is(target)) {
                throw cpu.gp(0);
            }
            setCode(cpu, (selector + 16) & 0xFFFC | 3, Segment.L | DPL3);
        } else {
            target &= 0xFFFFFFFFL;
            setCode(cpu, selector & 0xFFFC | 3, Segment.DB | DPL3);
        }
        setStack(cpu, (selector + 8) & 0xFFFC | 3, DPL3);
        cpu.setFlags(cpu.r[11] & SYSRET_FLAGS, -1);
        if ((cpu.eflags & Cpu.TF) != 0) {
            // Unlike after IRET, the trap comes before the next instruction.
            cpu.pendingDebug |= DebugRegisters.BS;
        }
        cpu.cpl = 3;
        cpu.nextRip = target;
        cpu.modeChanged();
    }

    static void sysenter(Cpu cpu) {
        int selector = (int) cpu.sysenterCs & 0xFFFC;
        if (cpu.realMode() || selector == 0) {
            throw cpu.gp(0);
        }
        boolean longMode = cpu.longMode();
        cpu.setFlags(0, Cpu.VM | Cpu.IF | Cpu.RF);
        setCode(cpu, selector, longMode ? Segment.L : Segment.DB);
        setStack(cpu, selector + 8, 0);
        cpu.cpl = 0;
        cpu.r[Cpu.RSP] = longMode ? cpu.sysenterEsp : cpu.sysenterEsp & 0xFFFFFFFFL;
        cpu.nextRip = longMode ? cpu.sysenterEip : cpu.sysenterEip & 0xFFFFFFFFL;
        cpu.modeChanged();
    }

    static void sysexit(Cpu cpu, Instruction i) {
        int selector = (int) cpu.sysenterCs & 0xFFFC;
        if (cpu.realMode() || selector == 0 || cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        long sp = cpu.r[Cpu.RCX];
        long target = cpu.r[Cpu.RDX];
        if (i.operandSize == 8) {
            if (!Canonical.is(sp) || !Canonical.is(target)) {
                throw cpu.gp(0);
            }
            setCode(cpu, selector + 32 | 3, Segment.L | DPL3);
            setStack(cpu, selector + 40 | 3, DPL3);
        } else {
            sp &= 0xFFFFFFFFL;
            target &= 0xFFFFFFFFL;
            setCode(cpu, selector + 16 | 3, Segment.DB | DPL3);
            setStack(cpu, selector + 24 | 3, DPL3);
        }
        cpu.r[Cpu.RSP] = sp;
        cpu.cpl = 3;
        cpu.nextRip = target;
        cpu.modeChanged();
    }
}
