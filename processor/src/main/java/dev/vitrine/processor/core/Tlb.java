// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * The layout of a soft TLB: an array of entries of two longs, the tag and what leads from a linear
 * to a machine address. A tag is the page's linear address, with the context of {@link Mmu} in its
 * low 12 bits. An entry is found by the access's first byte and compared with the page of its last
 * one: an access over a page's end misses.
 *
 * <p>All contexts share one array, whose length and place translated code knows as constants. A
 * context's <i>key</i> is mixed into the index, so that what user mode, the supervisor and other
 * address spaces have at the same address stands in different places.
 */
public final class Tlb {
    private static final int BITS = 15;

    /** Bits of the index that the key does not change. */
    private static final int KEY_SHIFT = 12;

    /** How many keys there are. */
    public static final int KEYS = 1 << BITS - KEY_SHIFT;

    /** Entries of a TLB. */
    public static final int ENTRIES = 1 << BITS;

    /** What an index may be: even, and within the array. */
    public static final int INDEX_MASK = ENTRIES - 1 << 1;

    /** The page of an address. */
    public static final long PAGE = -4096L;

    private Tlb() {}

    /** The key with a number, 0 to {@link #KEYS} - 1. */
    public static int key(int number) {
        return number << KEY_SHIFT + 1;
    }

    /** Index of the tag for an address in contexts with a key; the delta stands behind it. */
    public static int index(long la, int key) {
        return ((int) (la >>> 11) ^ key) & INDEX_MASK;
    }
}
