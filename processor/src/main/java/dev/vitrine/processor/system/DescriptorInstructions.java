// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** LGDT and its like, and the instructions that look at selectors: LAR, LSL, VERR, VERW, ARPL. */
final class DescriptorInstructions {
    private DescriptorInstructions() {}

    /** CR4.UMIP keeps user code from reading system registers. */
    static void requireUmip(Cpu cpu) {
        if (cpu.cpl != 0 && (cpu.cr4 & Cpu.CR4_UMIP) != 0) {
            throw cpu.gp(0);
        }
    }

    static void loadTable(Cpu cpu, Instruction i, boolean idt) {
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        boolean wide = cpu.mode64();
        int size = wide ? 8 : 4;
        long la = cpu.linear(i, 2 + size, false);
        int limit = (int) cpu.load(la, 2);
        long base = cpu.load(la + 2, size);
        if (wide) {
            if (!Canonical.is(base)) {
                throw cpu.gp(0);
            }
        } else if (i.operandSize == 2) {
            base &= 0xFFFFFF;
        }
        if (idt) {
            cpu.idtBase = base;
            cpu.idtLimit = limit;
        } else {
            cpu.gdtBase = base;
            cpu.gdtLimit = limit;
        }
    }

    static void storeTable(Cpu cpu, Instruction i, boolean idt) {
        requireUmip(cpu);
        int size = cpu.mode64() ? 8 : 4;
        long la = cpu.linear(i, 2 + size, true);
        cpu.mmu.probeWrite(la, 2 + size);
        cpu.store(la, 2, idt ? cpu.idtLimit : cpu.gdtLimit);
        cpu.store(la + 2, size, idt ? cpu.idtBase : cpu.gdtBase);
    }

    /** Instructions that exist in protected mode only. */
    static void requireProtected(Cpu cpu) {
        if (!cpu.protectedMode()) {
            throw cpu.ud();
        }
    }

    static void loadLdt(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        SegmentLoader.loadLdt(cpu, (int) cpu.read(i, 0) & 0xFFFF);
    }

    static void loadTask(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        if (cpu.cpl != 0) {
            throw cpu.gp(0);
        }
        SegmentLoader.loadTask(cpu, (int) cpu.read(i, 0) & 0xFFFF);
    }

    static void storeSelector(Cpu cpu, Instruction i, int selector) {
        requireProtected(cpu);
        requireUmip(cpu);
        cpu.write(i, 0, selector);
    }

    // ---------------------------------------------------------- LAR and others

    private static void setZero(Cpu cpu, boolean zero) {
        cpu.setFlags(zero ? Cpu.ZF : 0, Cpu.ZF);
    }

    /** The descriptor if the selector leads to one, else 0, which is no valid descriptor. */
    private static long lookUp(Cpu cpu, int selector) {
        if ((selector & 0xFFFC) == 0) {
            return 0;
        }
        long at = Descriptors.address(cpu, selector, 8);
        return at == -1 ? 0 : cpu.mmu.loadSystem(at, 8);
    }

    private static boolean visible(Cpu cpu, int selector, long d) {
        if (Descriptors.isCode(d) && Descriptors.isConforming(d)) {
            return true;
        }
        int dpl = Descriptors.dpl(d);
        return cpu.cpl <= dpl && (selector & 3) <= dpl;
    }

    private static boolean isTableOrTask(Cpu cpu, int type) {
        return switch (type) {
            case Descriptors.LDT, Descriptors.TSS32, Descriptors.TSS32_BUSY -> true;
            case Descriptors.TSS16, Descriptors.TSS16_BUSY -> !cpu.longMode();
            default -> false;
        };
    }

    static void lar(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        int selector = (int) cpu.read(i, 1) & 0xFFFF;
        long d = lookUp(cpu, selector);
        boolean valid = d != 0 && visible(cpu, selector, d);
        if (valid && !Descriptors.isSegment(d)) {
            int type = Descriptors.type(d);
            boolean gate =
                    type == Descriptors.CALL_GATE32
                            || (!cpu.longMode()
                                    && (type == Descriptors.CALL_GATE16
                                            || type == Descriptors.TASK_GATE));
            valid = gate || isTableOrTask(cpu, type);
        }
        if (valid) {
            // Bits 16 to 19, which the manual leaves open, are the limit's as on real processors.
            cpu.writeRegister(i.reg[0], i.size[0], d >>> 32 & 0x00FFFF00L);
        }
        setZero(cpu, valid);
    }

    static void lsl(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        int selector = (int) cpu.read(i, 1) & 0xFFFF;
        long d = lookUp(cpu, selector);
        boolean valid =
                d != 0
                        && visible(cpu, selector, d)
                        && (Descriptors.isSegment(d) || isTableOrTask(cpu, Descriptors.type(d)));
        if (valid) {
            cpu.writeRegister(i.reg[0], i.size[0], Descriptors.limit(d) & 0xFFFFFFFFL);
        }
        setZero(cpu, valid);
    }

    static void verify(Cpu cpu, Instruction i, boolean write) {
        requireProtected(cpu);
        int selector = (int) cpu.read(i, 0) & 0xFFFF;
        long d = lookUp(cpu, selector);
        boolean type = write ? Descriptors.isWritableData(d) : Descriptors.isReadable(d);
        setZero(cpu, type && visible(cpu, selector, d));
    }

    static void arpl(Cpu cpu, Instruction i) {
        requireProtected(cpu);
        int source = (int) cpu.read(i, 1) & 3;
        if (i.kind[0] == Operand.MEM) {
            // Read first; whether it may be written matters only if it is.
            int value = (int) cpu.load(cpu.linear(i, 2, false), 2);
            boolean lower = (value & 3) < source;
            if (lower) {
                cpu.store(cpu.linear(i, 2, true), 2, (value & ~3) | source);
            }
            setZero(cpu, lower);
            return;
        }
        int value = (int) cpu.read(i, 0);
        boolean lower = (value & 3) < source;
        if (lower) {
            cpu.write(i, 0, (value & ~3) | source);
        }
        setZero(cpu, lower);
    }

    // ------------------------------------------------------- segment registers

    static void moveSegment(Cpu cpu, Instruction i) {
        if (i.kind[0] != Operand.SEG) {
            if (i.reg[1] > Cpu.GS) {
                throw cpu.ud();
            }
            cpu.write(i, 0, cpu.segment[i.reg[1]].selector);
            return;
        }
        int seg = i.reg[0];
        if (seg == Cpu.CS || seg > Cpu.GS) {
            throw cpu.ud();
        }
        SegmentLoader.load(cpu, seg, (int) cpu.read(i, 1));
        if (seg == Cpu.SS) {
            cpu.shadow = Cpu.SHADOW_MOV_SS;
        }
    }

    static void pushSegment(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        int selector = cpu.segment[i.reg[0]].selector;
        if (size == 4) {
            // A 16-bit write in a 32-bit slot, as on all recent processors.
            long sp = cpu.r[Cpu.RSP] - 4;
            Stack.write(cpu, sp, 2, selector);
            Stack.setPointer(cpu, sp);
        } else {
            Stack.push(cpu, size, selector);
        }
    }

    static void popSegment(Cpu cpu, Instruction i) {
        int seg = i.reg[0];
        long mask = cpu.stackMask();
        long sp = cpu.r[Cpu.RSP];
        int selector = Stack.readSelector(cpu, sp);
        SegmentLoader.load(cpu, seg, selector);
        Stack.setPointer(cpu, sp + i.operandSize, mask);
        if (seg == Cpu.SS) {
            cpu.shadow = Cpu.SHADOW_MOV_SS;
        }
    }

    /** Selector of a far pointer in memory: its offset wraps at the address size. */
    static int farSelector(Cpu cpu, Instruction i, int size) {
        long at = Cpu.truncate(cpu.offset(i) + size, i.addressSize);
        return (int) cpu.load(cpu.linear(i.segment, at, 2, false), 2);
    }

    /** LDS, LES, LFS, LGS, LSS: general register, far pointer in memory, segment register. */
    static void loadFar(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        long offset = cpu.load(cpu.linear(i, size, false), size);
        int selector = farSelector(cpu, i, size);
        SegmentLoader.load(cpu, i.reg[2], selector);
        cpu.writeRegister(i.reg[0], size, offset);
    }
}
