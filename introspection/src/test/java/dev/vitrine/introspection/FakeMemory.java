// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;

/** Memory made by a test, page by page. */
public final class FakeMemory implements PhysicalMemory {
    private final TreeMap<Long, byte[]> pages = new TreeMap<>();

    /** Makes RAM, and puts bytes there. */
    public FakeMemory put(long address, byte... content) {
        for (int i = 0; i < content.length; i++) {
            page(address + i)[(int) (address + i & 4095)] = content[i];
        }
        return this;
    }

    /** Makes RAM, and puts a 64-bit number there. */
    public FakeMemory putLong(long address, long value) {
        for (int i = 0; i < 8; i++) {
            put(address + i, (byte) (value >>> 8 * i));
        }
        return this;
    }

    private byte[] page(long address) {
        return pages.computeIfAbsent(address >>> 12, n -> new byte[4096]);
    }

    @Override
    public List<PhysicalRange> ranges() {
        List<PhysicalRange> list = new ArrayList<>();
        for (long n : pages.keySet()) {
            int last = list.size() - 1;
            if (last >= 0 && list.get(last).end() == n << 12) {
                PhysicalRange r = list.get(last);
                list.set(last, new PhysicalRange(r.start(), r.length() + 4096));
            } else {
                list.add(new PhysicalRange(n << 12, 4096));
            }
        }
        return list;
    }

    @Override
    public boolean read(long address, byte[] target, int offset, int length) {
        for (int i = 0; i < length; i++) {
            byte[] page = pages.get(address + i >>> 12);
            if (page == null || address < 0) {
                return false;
            }
            target[offset + i] = page[(int) (address + i & 4095)];
        }
        return true;
    }

    @Override
    public boolean write(long address, byte[] source, int offset, int length) {
        if (!read(address, new byte[length], 0, length)) {
            return false;
        }
        for (int i = 0; i < length; i++) {
            put(address + i, source[offset + i]);
        }
        return true;
    }
}
