// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.decode.Instruction;

/**
 * CMPXCHG8B and CMPXCHG16B (SDM volume 2). Both are always done atomically: LOCK costs nothing
 * more.
 *
 * <p>The host has no 16-byte compare-and-set that Java can reach. CMPXCHG16B is atomic among all
 * processors that use it, by a lock; each half is replaced by a compare-and-set, so that a plain
 * store from elsewhere in between is never lost: the exchange then fails as if that store had come
 * first. A plain 16-byte read may see the halves of two states, as it may on processors that do not
 * promise atomic 16-byte loads.
 */
final class WideExchange {
    private static final Object LOCK = new Object();

    private WideExchange() {}

    private static long pair(Cpu cpu, int high, int low) {
        return cpu.r[high] << 32 | cpu.r[low] & 0xFFFFFFFFL;
    }

    private static void setZero(Cpu cpu, boolean equal) {
        int f = cpu.arithmeticFlags() & ~Cpu.ZF;
        cpu.setArithmeticFlags(equal ? f | Cpu.ZF : f);
    }

    static void exchange8(Cpu cpu, Instruction i) {
        long la = cpu.linear(i, 8, true);
        long expect = pair(cpu, Cpu.RDX, Cpu.RAX);
        long update = pair(cpu, Cpu.RCX, Cpu.RBX);
        long machine = cpu.mmu.lockedAddress(la, 8);
        long old;
        if (machine != -1 && (machine & 7) == 0) {
            do {
                old = cpu.mmu.ram.getLongVolatile(machine);
            } while (!cpu.mmu.casMachine(machine, 8, old, old == expect ? update : old));
        } else {
            synchronized (LOCK) {
                old = cpu.mmu.loadForWrite(la, 8);
                // Also what differs is written back: the bus sees a write in any case.
                cpu.mmu.store64(la, old == expect ? update : old);
            }
        }
        if (old != expect) {
            cpu.writeRegister(Cpu.RAX, 4, old);
            cpu.writeRegister(Cpu.RDX, 4, old >>> 32);
        }
        setZero(cpu, old == expect);
    }

    static void exchange16(Cpu cpu, Instruction i) {
        long la = cpu.linear(i, 16, true);
        if ((la & 15) != 0) {
            throw cpu.gp(0);
        }
        Mmu mmu = cpu.mmu;
        long machine = mmu.lockedAddress(la, 8);
        long expectLow = cpu.r[Cpu.RAX];
        long expectHigh = cpu.r[Cpu.RDX];
        long low;
        long high;
        boolean done = false;
        synchronized (LOCK) {
            if (machine == -1) {
                low = mmu.loadForWrite(la, 8);
                high = mmu.loadForWrite(la + 8, 8);
                done = low == expectLow && high == expectHigh;
                mmu.store64(la, done ? cpu.r[Cpu.RBX] : low);
                mmu.store64(la + 8, done ? cpu.r[Cpu.RCX] : high);
            } else {
                do {
                    low = mmu.ram.getLongVolatile(machine);
                    high = mmu.ram.getLongVolatile(machine + 8);
                    if (low != expectLow || high != expectHigh) {
                        break;
                    }
                    done = replace(cpu, machine, low, high);
                } while (!done);
            }
        }
        if (!done) {
            cpu.r[Cpu.RAX] = low;
            cpu.r[Cpu.RDX] = high;
        }
        setZero(cpu, done);
    }

    private static boolean replace(Cpu cpu, long machine, long low, long high) {
        Mmu mmu = cpu.mmu;
        long newLow = cpu.r[Cpu.RBX];
        if (!mmu.casMachine(machine, 8, low, newLow)) {
            return false;
        }
        if (mmu.casMachine(machine + 8, 8, high, cpu.r[Cpu.RCX])) {
            return true;
        }
        // Someone stored to the upper half meanwhile: take the lower half back and begin again.
        mmu.casMachine(machine, 8, newLow, low);
        return false;
    }
}
