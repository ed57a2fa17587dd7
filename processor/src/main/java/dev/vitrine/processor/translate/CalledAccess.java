// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Tlb;

import java.lang.invoke.VarHandle;

/**
 * Memory accesses of the first stage: each a call, so that the code is small and HotSpot's first
 * compiler is soon done with it. Where the soft TLB misses they set {@link Cpu#missed}.
 */
public final class CalledAccess {
    private CalledAccess() {}

    private static long find(Cpu cpu, long[] tlb, long la, int size) {
        int i = Tlb.index(la);
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

    public static long load1(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.readTlb, la, 1);
        long v = m < 0 ? 0 : mmu.ram.getByte(m) & 0xFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long load2(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.readTlb, la, 2);
        long v = m < 0 ? 0 : mmu.ram.getShort(m) & 0xFFFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long load4(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.readTlb, la, 4);
        long v = m < 0 ? 0 : mmu.ram.getInt(m) & 0xFFFFFFFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long load8(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.readTlb, la, 8);
        long v = m < 0 ? 0 : mmu.ram.getLong(m);
        VarHandle.acquireFence();
        return v;
    }

    /** Loads for a read-modify-write: the later store to the address will hit. */
    public static long update1(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 1);
        long v = m < 0 ? 0 : mmu.ram.getByte(m) & 0xFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long update2(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 2);
        long v = m < 0 ? 0 : mmu.ram.getShort(m) & 0xFFFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long update4(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 4);
        long v = m < 0 ? 0 : mmu.ram.getInt(m) & 0xFFFFFFFFL;
        VarHandle.acquireFence();
        return v;
    }

    public static long update8(Cpu cpu, long la) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 8);
        long v = m < 0 ? 0 : mmu.ram.getLong(m);
        VarHandle.acquireFence();
        return v;
    }

    public static void store1(Cpu cpu, long la, long value) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 1);
        if (m >= 0) {
            VarHandle.releaseFence();
            mmu.ram.putByte(m, (byte) value);
        }
    }

    public static void store2(Cpu cpu, long la, long value) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 2);
        if (m >= 0) {
            VarHandle.releaseFence();
            mmu.ram.putShort(m, (short) value);
        }
    }

    public static void store4(Cpu cpu, long la, long value) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 4);
        if (m >= 0) {
            VarHandle.releaseFence();
            mmu.ram.putInt(m, (int) value);
        }
    }

    public static void store8(Cpu cpu, long la, long value) {
        Mmu mmu = cpu.mmu;
        long m = find(cpu, mmu.writeTlb, la, 8);
        if (m >= 0) {
            VarHandle.releaseFence();
            mmu.ram.putLong(m, value);
        }
    }
}
