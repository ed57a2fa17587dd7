// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.jspecify.annotations.Nullable;

/**
 * Where one processor can go on in translated code: an address, the entry that was found there, and
 * the state of the mappings in which the region was verified. All that is looked at between two
 * regions lies together here, for each place that is elsewhere may be a cache miss.
 */
final class Target {
    /** Instruction pointer. */
    final long rip;

    /** {@code Mmu.fetchKey()} of the processor. */
    final long key;

    /** How far from the addresses that the region was translated for. */
    final long origin;

    /** {@code Cpu.modeKey}. */
    final int modeKey;

    /** Number of the entry. */
    final int number;

    /** Copies of the region's, for the sake of the cache: see {@link Region}. */
    final int longestPath;

    /** The region is still looked after, see {@link Region#young}; never true again. */
    boolean young;

    /** The region is of the first stage. */
    final boolean first;

    /**
     * Instructions executed from here that a region of the first stage has not been told of yet.
     */
    int executed;

    /** Cleared when the region ends, or when another one is entered here instead. */
    private volatile boolean valid = true;

    final RegionCode code;
    final Region region;

    /** Where the region's links led last, for this processor; null before that. */
    final @Nullable Target[] links;

    /** What begins there. */
    final Block block;

    private Target(Region.Entry entry, Block block, int processor, long key) {
        this.region = entry.region();
        this.number = entry.number();
        this.code = region.code;
        this.longestPath = region.longestPath;
        this.young = region.young >= 0;
        this.first = region.stage == 1;
        this.links = region.links[processor];
        this.block = block;
        this.origin = entry.origin();
        this.rip = block.rip;
        this.modeKey = block.modeKey;
        this.key = key;
    }

    /** The way into a region for one processor, as long as its mappings are in a state. */
    static Target of(Region.Entry entry, Block block, int processor, long key) {
        Target t = new Target(entry, block, processor, key);
        t.region.keep(t);
        return t;
    }

    /** Whether it is as good as when it was made, the mappings being in a state. */
    boolean holds(long now) {
        return key == now && valid;
    }

    /** It does not hold any more. */
    void end() {
        valid = false;
    }
}
