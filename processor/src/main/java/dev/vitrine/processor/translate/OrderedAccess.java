// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;

import java.lang.invoke.VarHandle;

/**
 * The accesses of {@link PlainAccess} in x86's memory order, for domains with several processors: no
 * access passes a load before it, and no store passes an access before it. On x86 that costs no
 * instruction.
 */
public final class OrderedAccess {
    private OrderedAccess() {}

    public static long load1(GuestRam ram, long machine) {
        long value = ram.getByte(machine) & 0xFFL;
        VarHandle.acquireFence();
        return value;
    }

    public static long load2(GuestRam ram, long machine) {
        long value = ram.getShort(machine) & 0xFFFFL;
        VarHandle.acquireFence();
        return value;
    }

    public static long load4(GuestRam ram, long machine) {
        long value = ram.getInt(machine) & 0xFFFFFFFFL;
        VarHandle.acquireFence();
        return value;
    }

    public static long load8(GuestRam ram, long machine) {
        long value = ram.getLong(machine);
        VarHandle.acquireFence();
        return value;
    }

    public static void store1(GuestRam ram, long machine, long value) {
        VarHandle.releaseFence();
        ram.putByte(machine, (byte) value);
    }

    public static void store2(GuestRam ram, long machine, long value) {
        VarHandle.releaseFence();
        ram.putShort(machine, (short) value);
    }

    public static void store4(GuestRam ram, long machine, long value) {
        VarHandle.releaseFence();
        ram.putInt(machine, (int) value);
    }

    public static void store8(GuestRam ram, long machine, long value) {
        VarHandle.releaseFence();
        ram.putLong(machine, value);
    }
}
