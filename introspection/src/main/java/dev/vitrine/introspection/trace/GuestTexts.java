// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Reads a process's memory, of which anything may be missing. */
final class GuestTexts {
    /** PATH_MAX of Linux. */
    private static final int MAX_TEXT = 4096;

    private static final int MAX_VECTOR = 256;

    private GuestTexts() {}

    /** A number of 8 bytes; null if it is not there. */
    static @Nullable Long number(AddressSpace space, long address) {
        byte[] b = new byte[8];
        return space.read(address, b, 0, 8) ? LittleEndian.i64(b, 0) : null;
    }

    /** A number of 4 bytes; 0 if it is not there. */
    static int number32(AddressSpace space, long address) {
        byte[] b = new byte[4];
        return space.read(address, b, 0, 4) ? LittleEndian.i32(b, 0) : 0;
    }

    /** Characters up to a zero byte; null if they are not there. */
    static @Nullable String text(AddressSpace space, long address) {
        return text(space, address, MAX_TEXT);
    }

    static @Nullable String text(AddressSpace space, long address, int limit) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] b = new byte[128];
        while (all.size() < limit) {
            int n = (int) Math.min(Math.min(b.length, limit - all.size()), 4096 - (address & 4095));
            if (!space.read(address, b, 0, n)) {
                return null;
            }
            int end = 0;
            while (end < n && b[end] != 0) {
                end++;
            }
            all.write(b, 0, end);
            if (end < n) {
                break;
            }
            address += n;
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    /** The texts of a vector that ends with a null pointer; null if it is not there. */
    static @Nullable List<String> vector(AddressSpace space, long address) {
        List<String> list = new ArrayList<>();
        while (list.size() < MAX_VECTOR) {
            Long at = number(space, address + 8L * list.size());
            if (at == null) {
                return null;
            }
            if (at == 0) {
                break;
            }
            String s = text(space, at);
            if (s == null) {
                return null;
            }
            list.add(s);
        }
        return list;
    }
}
