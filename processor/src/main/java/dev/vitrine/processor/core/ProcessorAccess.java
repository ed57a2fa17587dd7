// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.memory.GuestRam;

import java.lang.constant.ConstantDescs;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * What {@link CalledAccess} copies for each processor, which is the copy's class data. There are no
 * instances of this class itself, and it has no processor.
 */
@SuppressWarnings("NullAway") // in a copy nothing is null
final class ProcessorAccess extends CalledAccess {
    private static final Cpu CPU = processor();
    private static final Mmu MMU = CPU == null ? null : CPU.mmu;
    private static final long[] READ_TLB = CPU == null ? null : MMU.readTlb;
    private static final long[] WRITE_TLB = CPU == null ? null : MMU.writeTlb;
    private static final GuestRam RAM = CPU == null ? null : MMU.ram;

    /** See {@link GuestRam#mask}. */
    private static final long MASK = CPU == null ? -1 : MMU.ram.mask();

    ProcessorAccess() {}

    private static Cpu processor() {
        try {
            return MethodHandles.classData(
                    MethodHandles.lookup(), ConstantDescs.DEFAULT_NAME, Cpu.class);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The machine address; negative on a miss, which is noted. */
    private static long find(long[] tlb, long la, int size) {
        int i = Tlb.index(la, MMU.tlbKey);
        if ((la + size - 1 & Tlb.PAGE | MMU.context) == tlb[i]) {
            return la + tlb[i + 1] & MASK;
        }
        CPU.missed = true;
        return -1;
    }

    @Override
    public void probe(long la, int size, boolean write) {
        find(write ? WRITE_TLB : READ_TLB, la, size);
    }

    private static long load(long[] tlb, long la, int size) {
        long m = find(tlb, la, size);
        if (m < 0) {
            return 0;
        }
        long value =
                switch (size) {
                    case 1 -> RAM.getByte(m) & 0xFFL;
                    case 2 -> RAM.getShort(m) & 0xFFFFL;
                    case 4 -> RAM.getInt(m) & 0xFFFFFFFFL;
                    default -> RAM.getLong(m);
                };
        VarHandle.acquireFence();
        return value;
    }

    private static void store(long la, int size, long value) {
        long m = find(WRITE_TLB, la, size);
        if (m < 0) {
            return;
        }
        VarHandle.releaseFence();
        switch (size) {
            case 1 -> RAM.putByte(m, (byte) value);
            case 2 -> RAM.putShort(m, (short) value);
            case 4 -> RAM.putInt(m, (int) value);
            default -> RAM.putLong(m, value);
        }
    }

    @Override
    public long load1(long la) {
        return load(READ_TLB, la, 1);
    }

    @Override
    public long load2(long la) {
        return load(READ_TLB, la, 2);
    }

    @Override
    public long load4(long la) {
        return load(READ_TLB, la, 4);
    }

    @Override
    public long load8(long la) {
        return load(READ_TLB, la, 8);
    }

    @Override
    public long update1(long la) {
        return load(WRITE_TLB, la, 1);
    }

    @Override
    public long update2(long la) {
        return load(WRITE_TLB, la, 2);
    }

    @Override
    public long update4(long la) {
        return load(WRITE_TLB, la, 4);
    }

    @Override
    public long update8(long la) {
        return load(WRITE_TLB, la, 8);
    }

    @Override
    public void store1(long la, long value) {
        store(la, 1, value);
    }

    @Override
    public void store2(long la, long value) {
        store(la, 2, value);
    }

    @Override
    public void store4(long la, long value) {
        store(la, 4, value);
    }

    @Override
    public void store8(long la, long value) {
        store(la, 8, value);
    }
}
