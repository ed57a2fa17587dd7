// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.CalledAccess;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Tlb;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * The accesses and the parts of a processor as constants of generated code. {@link
 * ProcessorClasses} copies this class for each processor; it has no processor itself.
 */
@SuppressWarnings("NullAway") // in a copy nothing is null
public final class ProcessorAccess extends CalledAccess {
    static final Cpu CPU = ProcessorClasses.processor(ProcessorAccess.class);
    static final Mmu MMU = CPU == null ? null : CPU.mmu;
    static final long[] REGISTERS = CPU == null ? null : CPU.r;
    static final long[] READ_TLB = CPU == null ? null : MMU.readTlb;
    static final long[] WRITE_TLB = CPU == null ? null : MMU.writeTlb;
    private static final GuestRam RAM = CPU == null ? null : MMU.ram;

    /** The bounded segment that is the domain's RAM. */
    static final Object SEGMENT = CPU == null ? null : RAM.segment();

    /** See {@link GuestRam#mask}. */
    private static final long MASK = CPU == null ? -1 : RAM.mask();

    /** For {@link ProcessorClasses}. */
    public ProcessorAccess() {}

    @Override
    public MethodHandles.Lookup place() {
        return MethodHandles.lookup();
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

    private static long load(long[] tlb, long la, int size) {
        long m = find(tlb, la, size);
        return m < 0 ? 0 : at(m, size);
    }

    private static long at(long m, int size) {
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

    private static boolean store(long la, int size, long value) {
        long m = find(WRITE_TLB, la, size);
        if (m < 0) {
            return true;
        }
        VarHandle.releaseFence();
        switch (size) {
            case 1 -> RAM.putByte(m, (byte) value);
            case 2 -> RAM.putShort(m, (short) value);
            case 4 -> RAM.putInt(m, (int) value);
            default -> RAM.putLong(m, value);
        }
        return false;
    }

    // For the code of a domain's only processor, which calls them directly.

    /** See {@link #probe}. */
    static boolean look(long la, int size, boolean write) {
        return find(write ? WRITE_TLB : READ_TLB, la, size) < 0;
    }

    static long get1(long la) {
        return load(READ_TLB, la, 1);
    }

    static long get2(long la) {
        return load(READ_TLB, la, 2);
    }

    static long get4(long la) {
        return load(READ_TLB, la, 4);
    }

    static long get8(long la) {
        return load(READ_TLB, la, 8);
    }

    static long getForUpdate1(long la) {
        return load(WRITE_TLB, la, 1);
    }

    static long getForUpdate2(long la) {
        return load(WRITE_TLB, la, 2);
    }

    static long getForUpdate4(long la) {
        return load(WRITE_TLB, la, 4);
    }

    static long getForUpdate8(long la) {
        return load(WRITE_TLB, la, 8);
    }

    static boolean put1(long la, long value) {
        return store(la, 1, value);
    }

    static boolean put2(long la, long value) {
        return store(la, 2, value);
    }

    static boolean put4(long la, long value) {
        return store(la, 4, value);
    }

    static boolean put8(long la, long value) {
        return store(la, 8, value);
    }

    // The same with registers by their numbers, constants in the code that calls: to read and write
    // them here is less code than at each access. On a miss all return true and have changed
    // nothing.

    private static boolean fetch(long[] tlb, long la, int size, int to) {
        long m = find(tlb, la, size);
        if (m < 0) {
            return true;
        }
        REGISTERS[to] = at(m, size);
        return false;
    }

    static boolean fetch1(int to, int base, int offset) {
        return fetch(READ_TLB, REGISTERS[base] + offset, 1, to);
    }

    static boolean fetch2(int to, int base, int offset) {
        return fetch(READ_TLB, REGISTERS[base] + offset, 2, to);
    }

    static boolean fetch4(int to, int base, int offset) {
        return fetch(READ_TLB, REGISTERS[base] + offset, 4, to);
    }

    static boolean fetch8(int to, int base, int offset) {
        return fetch(READ_TLB, REGISTERS[base] + offset, 8, to);
    }

    static boolean fetch1(long la, int to) {
        return fetch(READ_TLB, la, 1, to);
    }

    static boolean fetch2(long la, int to) {
        return fetch(READ_TLB, la, 2, to);
    }

    static boolean fetch4(long la, int to) {
        return fetch(READ_TLB, la, 4, to);
    }

    static boolean fetch8(long la, int to) {
        return fetch(READ_TLB, la, 8, to);
    }

    static boolean fetchForUpdate1(int to, int base, int offset) {
        return fetch(WRITE_TLB, REGISTERS[base] + offset, 1, to);
    }

    static boolean fetchForUpdate2(int to, int base, int offset) {
        return fetch(WRITE_TLB, REGISTERS[base] + offset, 2, to);
    }

    static boolean fetchForUpdate4(int to, int base, int offset) {
        return fetch(WRITE_TLB, REGISTERS[base] + offset, 4, to);
    }

    static boolean fetchForUpdate8(int to, int base, int offset) {
        return fetch(WRITE_TLB, REGISTERS[base] + offset, 8, to);
    }

    static boolean fetchForUpdate1(long la, int to) {
        return fetch(WRITE_TLB, la, 1, to);
    }

    static boolean fetchForUpdate2(long la, int to) {
        return fetch(WRITE_TLB, la, 2, to);
    }

    static boolean fetchForUpdate4(long la, int to) {
        return fetch(WRITE_TLB, la, 4, to);
    }

    static boolean fetchForUpdate8(long la, int to) {
        return fetch(WRITE_TLB, la, 8, to);
    }

    static boolean put1(int from, int base, int offset) {
        return store(REGISTERS[base] + offset, 1, REGISTERS[from]);
    }

    static boolean put2(int from, int base, int offset) {
        return store(REGISTERS[base] + offset, 2, REGISTERS[from]);
    }

    static boolean put4(int from, int base, int offset) {
        return store(REGISTERS[base] + offset, 4, REGISTERS[from]);
    }

    static boolean put8(int from, int base, int offset) {
        return store(REGISTERS[base] + offset, 8, REGISTERS[from]);
    }

    static boolean put1(long value, int base, int offset) {
        return store(REGISTERS[base] + offset, 1, value);
    }

    static boolean put2(long value, int base, int offset) {
        return store(REGISTERS[base] + offset, 2, value);
    }

    static boolean put4(long value, int base, int offset) {
        return store(REGISTERS[base] + offset, 4, value);
    }

    static boolean put8(long value, int base, int offset) {
        return store(REGISTERS[base] + offset, 8, value);
    }

    // On the stack of 64-bit mode.

    static boolean push(long value) {
        long sp = REGISTERS[Cpu.RSP] - 8;
        if (store(sp, 8, value)) {
            return true;
        }
        REGISTERS[Cpu.RSP] = sp;
        return false;
    }

    static boolean push(int from) {
        return push(REGISTERS[from]);
    }

    static boolean pop(int to) {
        long sp = REGISTERS[Cpu.RSP];
        long m = find(READ_TLB, sp, 8);
        if (m < 0) {
            return true;
        }
        REGISTERS[Cpu.RSP] = sp + 8;
        REGISTERS[to] = at(m, 8);
        return false;
    }

    /**
     * Pushes several registers of 16, other than the stack pointer: all or none of them.
     *
     * @param registers their numbers, of four bits each, the first in the lowest
     */
    static boolean push(int registers, int count) {
        int bytes = 8 * count;
        long sp = REGISTERS[Cpu.RSP] - bytes;
        long m = find(WRITE_TLB, sp, bytes);
        if (m < 0) {
            return true;
        }
        for (int at = bytes - 8, left = registers; at >= 0; at -= 8, left >>>= 4) {
            RAM.putLong(m + at, REGISTERS[left & 15]);
        }
        REGISTERS[Cpu.RSP] = sp;
        return false;
    }

    /** Pops several registers; the same. */
    static boolean pop(int registers, int count) {
        int bytes = 8 * count;
        long sp = REGISTERS[Cpu.RSP];
        long m = find(READ_TLB, sp, bytes);
        if (m < 0) {
            return true;
        }
        for (int at = 0, left = registers; at < bytes; at += 8, left >>>= 4) {
            REGISTERS[left & 15] = RAM.getLong(m + at);
        }
        REGISTERS[Cpu.RSP] = sp + bytes;
        return false;
    }

    /** What {@link #ret} gives where it has done nothing; no target is that. */
    static final long NOWHERE = Long.MIN_VALUE;

    /**
     * Pops a return address.
     *
     * @return {@link #NOWHERE} on a miss, or where the address is not canonical
     */
    static long ret() {
        long sp = REGISTERS[Cpu.RSP];
        long m = find(READ_TLB, sp, 8);
        if (m < 0) {
            return NOWHERE;
        }
        long to = at(m, 8);
        if (to != to << 16 >> 16) {
            return NOWHERE;
        }
        REGISTERS[Cpu.RSP] = sp + 8;
        return to;
    }

    // The same for the code of domains that have several processors.

    @Override
    public boolean probe(long la, int size, boolean write) {
        return look(la, size, write);
    }

    @Override
    public long load1(long la) {
        return get1(la);
    }

    @Override
    public long load2(long la) {
        return get2(la);
    }

    @Override
    public long load4(long la) {
        return get4(la);
    }

    @Override
    public long load8(long la) {
        return get8(la);
    }

    @Override
    public long update1(long la) {
        return getForUpdate1(la);
    }

    @Override
    public long update2(long la) {
        return getForUpdate2(la);
    }

    @Override
    public long update4(long la) {
        return getForUpdate4(la);
    }

    @Override
    public long update8(long la) {
        return getForUpdate8(la);
    }

    @Override
    public boolean store1(long la, long value) {
        return put1(la, value);
    }

    @Override
    public boolean store2(long la, long value) {
        return put2(la, value);
    }

    @Override
    public boolean store4(long la, long value) {
        return put4(la, value);
    }

    @Override
    public boolean store8(long la, long value) {
        return put8(la, value);
    }
}
