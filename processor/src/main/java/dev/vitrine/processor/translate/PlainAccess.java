// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Tlb;

/**
 * Memory accesses of translated code: a look into the soft TLB, and the access where it hits. Where
 * it misses the region is left, and the interpreter does the instruction.
 *
 * <p>For domains with one processor: HotSpot may order these accesses as it likes.
 */
public final class PlainAccess {
    private PlainAccess() {}

    /** An access to one byte is not in the TLB. */
    public static boolean miss1(long[] tlb, long context, long la) {
        return (la & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    public static boolean miss2(long[] tlb, long context, long la) {
        return (la + 1 & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    public static boolean miss4(long[] tlb, long context, long la) {
        return (la + 3 & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    public static boolean miss8(long[] tlb, long context, long la) {
        return (la + 7 & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    public static boolean miss16(long[] tlb, long context, long la) {
        return (la + 15 & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    public static boolean miss32(long[] tlb, long context, long la) {
        return (la + 31 & Tlb.PAGE | context) != tlb[Tlb.index(la)];
    }

    /** Machine address of an access that hits. */
    public static long machine(long[] tlb, long la) {
        return la + tlb[Tlb.index(la) + 1];
    }

    public static long load1(GuestRam ram, long machine) {
        return ram.getByte(machine) & 0xFFL;
    }

    public static long load2(GuestRam ram, long machine) {
        return ram.getShort(machine) & 0xFFFFL;
    }

    public static long load4(GuestRam ram, long machine) {
        return ram.getInt(machine) & 0xFFFFFFFFL;
    }

    public static long load8(GuestRam ram, long machine) {
        return ram.getLong(machine);
    }

    public static void store1(GuestRam ram, long machine, long value) {
        ram.putByte(machine, (byte) value);
    }

    public static void store2(GuestRam ram, long machine, long value) {
        ram.putShort(machine, (short) value);
    }

    public static void store4(GuestRam ram, long machine, long value) {
        ram.putInt(machine, (int) value);
    }

    public static void store8(GuestRam ram, long machine, long value) {
        ram.putLong(machine, value);
    }
}
