// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;

/** Far RET, and what it shares with IRET: returns to the same or an outer level. */
final class FarReturn {
    private FarReturn() {}

    /** RET_FAR, with the bytes to release as an optional immediate. */
    static void execute(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        int release = i.operands == 0 ? 0 : (int) i.imm & 0xFFFF;
        long sp = cpu.r[Cpu.RSP];
        int cs = Stack.readSelector(cpu, sp + size);
        long rip = Stack.read(cpu, sp, size);
        if (!cpu.protectedMode()) {
            if (rip > (cpu.segment[Cpu.CS].limit & 0xFFFFFFFFL)) {
                throw cpu.gp(0);
            }
            Stack.setPointer(cpu, sp + 2L * size + release);
            SegmentLoader.setReal(cpu, Cpu.CS, cs);
            cpu.nextRip = rip;
            cpu.modeChanged();
            return;
        }
        long code = code(cpu, cs);
        if ((cs & 3) > cpu.cpl) {
            long outer = sp + 2L * size + release;
            int ss = Stack.readSelector(cpu, outer + size);
            long newSp = Stack.read(cpu, outer, size);
            leave(cpu, cs, code, rip, ss, newSp, release);
        } else {
            requireTarget(cpu, code, rip);
            long marked = Descriptors.markAccessed(cpu, cs, code);
            Stack.setPointer(cpu, sp + 2L * size + release);
            SegmentLoader.set(cpu, Cpu.CS, cs, marked);
            cpu.nextRip = rip;
        }
        cpu.modeChanged();
    }

    /** Descriptor of the code segment to return to, checked against RPL and CPL. */
    static long code(Cpu cpu, int selector) {
        if ((selector & 0xFFFC) == 0) {
            throw cpu.gp(0);
        }
        int error = selector & 0xFFFC;
        long d = Descriptors.load(cpu, selector, Vector.GP, 0);
        int rpl = selector & 3;
        int dpl = Descriptors.dpl(d);
        if (!Descriptors.isCode(d)
                || rpl < cpu.cpl
                || (Descriptors.isConforming(d) ? dpl > rpl : dpl != rpl)
                || (cpu.longMode() && Descriptors.isLong(d) && Descriptors.isBig(d))) {
            throw cpu.gp(error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.NP, error);
        }
        return d;
    }

    /** Whether code under the descriptor runs in 64-bit mode. */
    static boolean is64(Cpu cpu, long code) {
        return cpu.longMode() && Descriptors.isLong(code);
    }

    static void requireTarget(Cpu cpu, long code, long rip) {
        boolean inside =
                is64(cpu, code)
                        ? Canonical.is(rip)
                        : Long.compareUnsigned(rip, Descriptors.limit(code) & 0xFFFFFFFFL) <= 0;
        if (!inside) {
            throw cpu.gp(0);
        }
    }

    /**
     * Returns with a stack switch: to an outer level, or to any level by IRET in 64-bit mode.
     *
     * @param cs with the RPL of the level to return to
     * @param release bytes of parameters to drop from the outer stack
     */
    static void leave(Cpu cpu, int cs, long code, long rip, int ss, long newSp, int release) {
        int level = cs & 3;
        boolean to64 = is64(cpu, code);
        boolean nullStack = (ss & 0xFFFC) == 0;
        long stack = 0;
        if (nullStack) {
            if (!to64 || level == 3 || (ss & 3) != level) {
                throw cpu.gp(0);
            }
        } else {
            int error = ss & 0xFFFC;
            stack = Descriptors.load(cpu, ss, Vector.GP, 0);
            if ((ss & 3) != level
                    || !Descriptors.isWritableData(stack)
                    || Descriptors.dpl(stack) != level) {
                throw cpu.gp(error);
            }
            if (!Descriptors.present(stack)) {
                throw cpu.fault(Vector.SS, error);
            }
        }
        requireTarget(cpu, code, rip);
        long marked = Descriptors.markAccessed(cpu, cs, code);
        if (nullStack) {
            SegmentLoader.setNullStack(cpu, ss, level);
        } else {
            long markedStack = Descriptors.markAccessed(cpu, ss, stack);
            SegmentLoader.set(cpu, Cpu.SS, ss, markedStack);
        }
        SegmentLoader.set(cpu, Cpu.CS, cs, marked);
        long sp = newSp + release;
        if (to64) {
            cpu.r[Cpu.RSP] = sp;
        } else {
            boolean big = (cpu.segment[Cpu.SS].attributes & Segment.DB) != 0;
            Stack.setPointer(cpu, sp, big ? 0xFFFFFFFFL : 0xFFFFL);
        }
        boolean outer = level > cpu.cpl;
        cpu.cpl = level;
        if (outer) {
            SegmentLoader.dropPrivileged(cpu, level);
        }
        cpu.nextRip = rip;
    }
}
