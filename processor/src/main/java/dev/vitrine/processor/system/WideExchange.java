// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.decode.Instruction;

/**
 * CMPXCHG8B and CMPXCHG16B (SDM volume 2).
 *
 * <p>The host has no 16-byte compare-and-set that Java can reach: for a locked CMPXCHG16B the other
 * processors are stopped, as for a CMPXCHG8B that is not aligned. Without LOCK there is nothing to
 * keep but the order within the processor.
 */
final class WideExchange {
    private WideExchange() {}

    private static long pair(Cpu cpu, int high, int low) {
        return cpu.r[high] << 32 | cpu.r[low] & 0xFFFFFFFFL;
    }

    static void exchange8(Cpu cpu, Instruction i) {
        long la = cpu.linear(i, 8, true);
        long expect = pair(cpu, Cpu.RDX, Cpu.RAX);
        long update = pair(cpu, Cpu.RCX, Cpu.RBX);
        long machine = cpu.mmu.lockedAddress(la, 8);
        long old;
        if (machine != -1 && (machine & 7) == 0 && !cpu.mmu.diverted()) {
            do {
                old = cpu.mmu.ram.getLongVolatile(machine);
            } while (!cpu.mmu.casMachine(machine, 8, old, old == expect ? update : old));
        } else {
            boolean exclusive = i.lock && cpu.mmu.inRam(la, 8);
            begin(cpu, exclusive);
            try {
                old = cpu.mmu.loadForWrite(la, 8);
                // Also what differs is written back: the bus sees a write in any case.
                cpu.mmu.store64(la, old == expect ? update : old);
            } finally {
                end(cpu, exclusive);
            }
        }
        if (old != expect) {
            cpu.writeRegister(Cpu.RAX, 4, old);
            cpu.writeRegister(Cpu.RDX, 4, old >>> 32);
        }
        cpu.zeroFlag(old ^ expect);
    }

    static void exchange16(Cpu cpu, Instruction i) {
        long la = cpu.linear(i, 16, true);
        if ((la & 15) != 0) {
            throw cpu.gp(0);
        }
        Mmu mmu = cpu.mmu;
        long low;
        long high;
        boolean equal;
        boolean exclusive = i.lock && mmu.inRam(la, 16);
        begin(cpu, exclusive);
        try {
            low = mmu.loadForWrite(la, 8);
            high = mmu.loadForWrite(la + 8, 8);
            equal = low == cpu.r[Cpu.RAX] && high == cpu.r[Cpu.RDX];
            mmu.store64(la, equal ? cpu.r[Cpu.RBX] : low);
            mmu.store64(la + 8, equal ? cpu.r[Cpu.RCX] : high);
        } finally {
            end(cpu, exclusive);
        }
        if (!equal) {
            cpu.r[Cpu.RAX] = low;
            cpu.r[Cpu.RDX] = high;
        }
        cpu.zeroFlag(equal ? 0 : 1);
    }

    private static void begin(Cpu cpu, boolean exclusive) {
        if (exclusive) {
            cpu.exclusion.begin();
        }
    }

    private static void end(Cpu cpu, boolean exclusive) {
        if (exclusive) {
            cpu.exclusion.end();
        }
    }
}
