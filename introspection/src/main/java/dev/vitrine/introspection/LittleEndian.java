// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/** Numbers in bytes as x86 has them. An index that is out of bounds is raised by Java. */
public final class LittleEndian {
    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
    private static final VarHandle LONG =
            MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

    private LittleEndian() {}

    /** An unsigned 8-bit number. */
    public static int u8(byte[] b, int at) {
        return b[at] & 0xFF;
    }

    /** An unsigned 16-bit number. */
    public static int u16(byte[] b, int at) {
        return (short) SHORT.get(b, at) & 0xFFFF;
    }

    /** A 32-bit number. */
    public static int i32(byte[] b, int at) {
        return (int) INT.get(b, at);
    }

    /** An unsigned 32-bit number. */
    public static long u32(byte[] b, int at) {
        return (int) INT.get(b, at) & 0xFFFFFFFFL;
    }

    /** A 64-bit number. */
    public static long i64(byte[] b, int at) {
        return (long) LONG.get(b, at);
    }

    /** Puts a 32-bit number. */
    public static void put32(byte[] b, int at, int value) {
        INT.set(b, at, value);
    }

    /** Puts a 64-bit number. */
    public static void put64(byte[] b, int at, long value) {
        LONG.set(b, at, value);
    }

    /** An unsigned number of 1, 2, 4 or 8 bytes. */
    public static long number(byte[] b, int at, int size) {
        return switch (size) {
            case 1 -> u8(b, at);
            case 2 -> u16(b, at);
            case 4 -> u32(b, at);
            case 8 -> i64(b, at);
            default -> throw new IllegalArgumentException("a number of " + size + " bytes");
        };
    }
}
