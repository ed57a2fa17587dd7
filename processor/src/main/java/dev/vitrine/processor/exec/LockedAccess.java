// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/**
 * Read-modify-write that is atomic between the processors of a domain: a load that remembers where
 * it was, and a store that succeeds only if nothing changed meanwhile.
 *
 * <p>An access that crosses an 8-byte boundary (a split lock) cannot be one compare-and-set of the
 * host; these are atomic among themselves, under one lock, but not towards plain stores.
 */
public final class LockedAccess {
    private static final long NOT_IN_RAM = -1;
    private static final Object SPLIT_LOCK = new Object();

    private LockedAccess() {}

    public static long load(Cpu cpu, long la, int size) {
        long m = cpu.mmu.lockedAddress(la, size);
        cpu.lockLinear = la;
        cpu.lockMachine = m;
        if (m == NOT_IN_RAM) {
            return cpu.mmu.loadForWrite(la, size);
        }
        return switch (size) {
            case 1 -> cpu.mmu.ram.getByte(m) & 0xFFL;
            case 2 -> cpu.mmu.ram.getShort(m) & 0xFFFFL;
            case 4 -> cpu.mmu.ram.getInt(m) & 0xFFFFFFFFL;
            default -> cpu.mmu.ram.getLong(m);
        };
    }

    /** Stores if the place still holds what was loaded; false: begin again. */
    public static boolean store(Cpu cpu, int size, long expect, long value) {
        long m = cpu.lockMachine;
        if (m == NOT_IN_RAM) {
            return storePiecewise(cpu, size, expect, value);
        }
        if ((m & 7) + size <= 8) {
            return cpu.mmu.casMachine(m, size, Cpu.truncate(expect, size), value);
        }
        synchronized (SPLIT_LOCK) {
            long now = 0;
            for (int i = 0; i < size; i++) {
                now |= (cpu.mmu.ram.getByte(m + i) & 0xFFL) << (8 * i);
            }
            if (now != Cpu.truncate(expect, size)) {
                return false;
            }
            for (int i = 0; i < size; i++) {
                cpu.mmu.ram.putByte(m + i, (byte) (value >>> (8 * i)));
            }
            return true;
        }
    }

    /** To a device, or across a page's end. */
    private static boolean storePiecewise(Cpu cpu, int size, long expect, long value) {
        long la = cpu.lockLinear;
        synchronized (SPLIT_LOCK) {
            // A device is not read twice.
            boolean split = (la & 4095) + size > 4096;
            if (split && cpu.mmu.loadForWrite(la, size) != Cpu.truncate(expect, size)) {
                return false;
            }
            cpu.store(la, size, value);
            return true;
        }
    }
}
