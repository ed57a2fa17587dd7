// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/** CLI, STI, PUSHF, POPF, CLAC and STAC. */
final class FlagInstructions {
    private FlagInstructions() {}

    private static int iopl(Cpu cpu) {
        return (cpu.eflags & Cpu.IOPL) >>> 12;
    }

    /** CLI and STI need CPL <= IOPL; virtual-8086 mode has CPL 3. */
    private static void requireIopl(Cpu cpu) {
        if (!cpu.realMode() && cpu.cpl > iopl(cpu)) {
            throw cpu.gp(0);
        }
    }

    static void cli(Cpu cpu) {
        requireIopl(cpu);
        cpu.eflags &= ~Cpu.IF;
    }

    static void sti(Cpu cpu) {
        requireIopl(cpu);
        if ((cpu.eflags & Cpu.IF) == 0) {
            cpu.eflags |= Cpu.IF;
            cpu.shadow = Cpu.SHADOW_STI;
        }
    }

    static void clac(Cpu cpu) {
        setAc(cpu, 0);
    }

    static void stac(Cpu cpu) {
        setAc(cpu, Cpu.AC);
    }

    private static void setAc(Cpu cpu, int value) {
        if (cpu.cpl != 0) {
            throw cpu.ud();
        }
        cpu.setAc(value);
    }

    private static void requireVirtualIopl(Cpu cpu) {
        if (cpu.v86() && iopl(cpu) != 3) {
            throw cpu.gp(0);
        }
    }

    static void pushf(Cpu cpu, Instruction i) {
        requireVirtualIopl(cpu);
        long flags = cpu.flags() & ~(long) (Cpu.VM | Cpu.RF);
        Stack.push(cpu, i.operandSize, flags);
    }

    static void popf(Cpu cpu, Instruction i) {
        requireVirtualIopl(cpu);
        int size = i.operandSize;
        long sp = cpu.r[Cpu.RSP];
        long value = Stack.read(cpu, sp, size) & ~(long) Cpu.RF;
        int mask = Cpu.ARITHMETIC | Cpu.TF | Cpu.DF | Cpu.NT;
        if (size != 2) {
            mask |= Cpu.AC | Cpu.ID | Cpu.RF;
        }
        if (cpu.realMode() || cpu.cpl == 0) {
            mask |= Cpu.IOPL | Cpu.IF;
        } else if (cpu.cpl <= iopl(cpu)) {
            mask |= Cpu.IF;
        }
        Stack.setPointer(cpu, sp + size);
        int before = cpu.eflags;
        cpu.setFlags(value, mask);
        if (((before ^ cpu.eflags) & (Cpu.TF | Cpu.AC)) != 0) {
            cpu.modeChanged();
        }
    }
}
