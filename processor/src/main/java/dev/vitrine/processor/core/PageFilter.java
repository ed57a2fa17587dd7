// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.util.Arrays;

/** A set of page numbers that may answer yes too often. */
final class PageFilter {
    private static final int BITS = 16;
    private final long[] bits = new long[1 << BITS - 6];
    private boolean empty = true;

    void add(long page) {
        int h = hash(page);
        bits[h >>> 6] |= 1L << h;
        empty = false;
    }

    boolean mayHold(long page) {
        int h = hash(page);
        return (bits[h >>> 6] & 1L << h) != 0;
    }

    void clear() {
        if (!empty) {
            Arrays.fill(bits, 0);
            empty = true;
        }
    }

    /** Fibonacci hashing: neighbours, which pages mostly are, do not meet. */
    private static int hash(long page) {
        return (int) (page * 0x9E3779B97F4A7C15L >>> 64 - BITS);
    }
}
