// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Texts in a process's memory, of which anything may be missing. */
final class GuestTexts {
    /** PATH_MAX of Linux. */
    static final int MAX_TEXT = 4096;

    private static final int FIRST = 256;

    /** The kernel takes 128 KiB for one argument, a quarter of the stack for all of them. */
    private static final int MAX_ARGUMENT = 1 << 17;

    private static final int MAX_ARGUMENTS = 1 << 16;
    private static final int MAX_TOTAL = 1 << 20;

    private GuestTexts() {}

    /** Characters up to a zero byte, or so many of them; null if they are not there. */
    static byte @Nullable [] text(CallReader call, long address, int limit) {
        byte[] b = new byte[Math.min(FIRST, limit)];
        int length = 0;
        while (true) {
            int n = (int) Math.min(b.length - length, 4096 - (address & 4095));
            if (!call.read(address, b, length, n)) {
                return null;
            }
            for (int i = length; i < length + n; i++) {
                if (b[i] == 0) {
                    return Arrays.copyOf(b, i);
                }
            }
            length += n;
            address += n;
            if (length == limit) {
                return b;
            }
            if (length == b.length) {
                b = Arrays.copyOf(b, Math.min(limit, b.length * 2));
            }
        }
    }

    /**
     * The texts of a vector that ends with a null pointer, as far as there are not too many; null
     * if one of them is not there.
     */
    static @Nullable List<byte[]> vector(CallReader call, long address) {
        List<byte[]> list = new ArrayList<>();
        byte[] pointer = new byte[8];
        int size = call.abi().pointer();
        int total = 0;
        while (list.size() < MAX_ARGUMENTS && total < MAX_TOTAL) {
            if (!call.read(address + (long) size * list.size(), pointer, 0, size)) {
                return null;
            }
            long at = LittleEndian.number(pointer, 0, size);
            if (at == 0) {
                break;
            }
            byte[] s = text(call, at, MAX_ARGUMENT);
            if (s == null) {
                return null;
            }
            list.add(s);
            total += s.length + size;
        }
        return list;
    }
}
