// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import org.jspecify.annotations.Nullable;

/** How the data accesses of one instruction differ from what they are. */
public final class Diversion {
    private final boolean discard;
    private final byte @Nullable [] data;

    /** Where the first read was; an operand may be read in parts. */
    private long first;

    private boolean begun;

    /**
     * @param discard writes to memory, ports and MSRs vanish
     * @param data what reads of memory give, zero-extended; null for the memory's content
     */
    public Diversion(boolean discard, byte @Nullable [] data) {
        this.discard = discard;
        this.data = data;
    }

    boolean discardsWrites() {
        return discard;
    }

    /** What a read gives where the memory has a value. */
    long read(long la, int size, long value) {
        byte[] d = data;
        if (d == null) {
            return value;
        }
        if (!begun) {
            begun = true;
            first = la;
        }
        long at = la - first;
        if (at < 0 || at >= d.length) {
            at = 0;
        }
        long v = 0;
        for (int i = 0; i < size && at + i < d.length; i++) {
            v |= (d[(int) at + i] & 0xFFL) << 8 * i;
        }
        return v;
    }
}
