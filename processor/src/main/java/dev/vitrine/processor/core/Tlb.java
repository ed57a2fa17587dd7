// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * The layout of a soft TLB: an array of entries of two longs, the tag and what leads from a linear
 * to a machine address. A tag is the page's linear address, with the context of {@link Mmu} in its
 * low 12 bits. An entry is found by the access's first byte and compared with the page of its last
 * one: an access over a page's end misses.
 */
public final class Tlb {
    private static final int BITS = 12;

    /** Entries of a TLB. */
    public static final int ENTRIES = 1 << BITS;

    /** The page of an address. */
    public static final long PAGE = -4096L;

    private Tlb() {}

    /** Index of the tag for an address; the delta stands behind it. */
    public static int index(long la) {
        return (int) (la >>> 11) & (ENTRIES - 1 << 1);
    }
}
