// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/**
 * Read-modify-write that is atomic between the processors of a domain: a load that remembers where
 * it was, and a store that succeeds only if nothing changed meanwhile.
 *
 * <p>An access that crosses an 8-byte boundary (a split lock) cannot be one compare-and-set of the
 * host: the other processors are stopped for it, as a bus lock stops them.
 */
public final class LockedAccess {
    private static final long NOT_IN_RAM = -1;

    private LockedAccess() {}

    public static long load(Cpu cpu, long la, int size) {
        if (cpu.mmu.diverted()) {
            return cpu.mmu.loadForWrite(cpu.lockLinear = la, size);
        }
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
        if (cpu.mmu.diverted()) {
            cpu.store(cpu.lockLinear, size, value);
            return true;
        }
        long m = cpu.lockMachine;
        if (m != NOT_IN_RAM && (m & 7) + size <= 8) {
            return cpu.mmu.casMachine(m, size, Cpu.truncate(expect, size), value);
        }
        long la = cpu.lockLinear;
        if (!cpu.mmu.inRam(la, size)) {
            // A device is not read twice, and the others are not stopped for one.
            cpu.store(la, size, value);
            return true;
        }
        cpu.exclusion.begin();
        try {
            if (cpu.mmu.loadForWrite(la, size) != Cpu.truncate(expect, size)) {
                return false;
            }
            cpu.store(la, size, value);
            return true;
        } finally {
            cpu.exclusion.end();
        }
    }
}
