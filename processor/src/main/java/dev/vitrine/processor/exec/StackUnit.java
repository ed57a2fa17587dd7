// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/**
 * Stack and near-transfer instructions in the modes and sizes that micro-operations do not cover.
 */
final class StackUnit {
    private StackUnit() {}

    private static long stackLinear(Cpu cpu, long sp, int size, boolean write) {
        return cpu.linear(Cpu.SS, sp & cpu.stackMask(), size, write);
    }

    private static void setSp(Cpu cpu, long sp) {
        long mask = cpu.stackMask();
        if (mask == 0xFFFF) {
            cpu.writeRegister(Cpu.RSP, 2, sp);
        } else {
            cpu.r[Cpu.RSP] = sp & mask;
        }
    }

    /** Raises #GP for a near target outside of the segment or not canonical. */
    static void checkTarget(Cpu cpu, long target) {
        if (cpu.mode64()) {
            if (target != target << 16 >> 16) {
                throw cpu.gp(0);
            }
        } else if (Long.compareUnsigned(target, cpu.segment[Cpu.CS].limit & 0xFFFFFFFFL) > 0) {
            throw cpu.gp(0);
        }
    }

    static void call(Cpu cpu, Instruction i, long target) {
        int size = i.operandSize;
        long sp = cpu.r[Cpu.RSP] - size;
        long la = stackLinear(cpu, sp, size, true);
        cpu.mmu.probeWrite(la, size);
        checkTarget(cpu, target);
        cpu.store(la, size, i.nextRip());
        setSp(cpu, sp);
        cpu.nextRip = target;
    }

    static void ret(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        long sp = cpu.r[Cpu.RSP];
        long target = cpu.load(stackLinear(cpu, sp, size, false), size);
        checkTarget(cpu, target);
        setSp(cpu, sp + size + (i.operands > 0 ? i.imm & 0xFFFF : 0));
        cpu.nextRip = target;
    }

    static void leave(Cpu cpu, Instruction i) {
        int size = i.operandSize;
        long bp = cpu.r[Cpu.RBP] & cpu.stackMask();
        long value = cpu.load(stackLinear(cpu, bp, size, false), size);
        setSp(cpu, bp + size);
        cpu.writeRegister(Cpu.RBP, size, value);
    }

    /** POP to memory: the address is computed after RSP was incremented. */
    static void popMemory(Cpu cpu, Instruction i) {
        int size = i.size[0];
        long old = cpu.r[Cpu.RSP];
        long value = cpu.load(stackLinear(cpu, old, size, false), size);
        setSp(cpu, old + size);
        try {
            long la = cpu.linear(i, size, true);
            cpu.store(la, size, value);
        } catch (RuntimeException e) {
            cpu.r[Cpu.RSP] = old;
            throw e;
        }
    }
}
