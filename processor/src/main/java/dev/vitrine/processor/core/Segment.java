// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/** A segment register with its hidden part (SDM volume 3, 3.4.3). */
public final class Segment {
    /**
     * Bits of {@link #attributes}, as in bits 8 to 23 of a descriptor's high word shifted down by
     * 8.
     */
    public static final int TYPE = 0x000F;

    public static final int S = 0x0010;
    public static final int DPL_SHIFT = 5;
    public static final int PRESENT = 0x0080;
    public static final int AVL = 0x1000;
    public static final int L = 0x2000;
    public static final int DB = 0x4000;
    public static final int G = 0x8000;

    public int selector;
    public long base;

    /** Limit in bytes, scaled by granularity: 0 to 0xFFFFFFFF, unsigned. */
    public int limit;

    /** Access rights, bits 0 to 7 and 12 to 15 of the descriptor's attribute word. */
    public int attributes;

    /** Loaded with a null selector (or made unusable by a return to an outer level). */
    public boolean unusable;

    public int dpl() {
        return (attributes >>> DPL_SHIFT) & 3;
    }

    public void set(int selector, long base, int limit, int attributes) {
        this.selector = selector;
        this.base = base;
        this.limit = limit;
        this.attributes = attributes;
        this.unusable = false;
    }

    public void copyFrom(Segment o) {
        selector = o.selector;
        base = o.base;
        limit = o.limit;
        attributes = o.attributes;
        unusable = o.unusable;
    }
}
