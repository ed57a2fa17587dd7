// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Tlb;

import java.lang.invoke.VarHandle;

/**
 * Memory accesses of the first stage: each a call, so that the code is small and HotSpot's first
 * compiler is soon done with it. Where the soft TLB misses they set {@link Cpu#missed}.
 */
public final class CalledAccess {
    private CalledAccess() {}

    private static long find(Cpu cpu, long[] tlb, long la, int size) {
        int i = Tlb.index(la, cpu.mmu.tlbKey);
        if ((la + size - 1 & Tlb.PAGE | cpu.mmu.context) == tlb[i]) {
            return la + tlb[i + 1];
        }
        cpu.missed = true;
        return -1;
    }

    /** Looks whether an access would hit, and makes none. */
    public static void probe(Cpu cpu, long la, int size, boolean write) {
        find(cpu, write ? cpu.mmu.writeTlb : cpu.mmu.readTlb, la, size);
    }

    private static long load(Cpu cpu, long[] tlb, long la, int size) {
        long m = find(cpu, tlb, la, size);
        if (m < 0) {
            return 0;
        }
        GuestRam ram = cpu.mmu.ram;
        long value =
                switch (size) {
                    case 1 -> ram.getByte(m) & 0xFFL;
                    case 2 -> ram.getShort(m) & 0xFFFFL;
                    case 4 -> ram.getInt(m) & 0xFFFFFFFFL;
                    default -> ram.getLong(m);
                };
        VarHandle.acquireFence();
        return value;
    }

    private static void store(Cpu cpu, long la, int size, long value) {
        long m = find(cpu, cpu.mmu.writeTlb, la, size);
        if (m < 0) {
            return;
        }
        GuestRam ram = cpu.mmu.ram;
        VarHandle.releaseFence();
        switch (size) {
            case 1 -> ram.putByte(m, (byte) value);
            case 2 -> ram.putShort(m, (short) value);
            case 4 -> ram.putInt(m, (int) value);
            default -> ram.putLong(m, value);
        }
    }

    public static long load1(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.readTlb, la, 1);
    }

    public static long load2(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.readTlb, la, 2);
    }

    public static long load4(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.readTlb, la, 4);
    }

    public static long load8(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.readTlb, la, 8);
    }

    /** Loads for a read-modify-write: the later store to the address will hit. */
    public static long update1(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.writeTlb, la, 1);
    }

    public static long update2(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.writeTlb, la, 2);
    }

    public static long update4(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.writeTlb, la, 4);
    }

    public static long update8(Cpu cpu, long la) {
        return load(cpu, cpu.mmu.writeTlb, la, 8);
    }

    public static void store1(Cpu cpu, long la, long value) {
        store(cpu, la, 1, value);
    }

    public static void store2(Cpu cpu, long la, long value) {
        store(cpu, la, 2, value);
    }

    public static void store4(Cpu cpu, long la, long value) {
        store(cpu, la, 4, value);
    }

    public static void store8(Cpu cpu, long la, long value) {
        store(cpu, la, 8, value);
    }
}
