// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

/**
 * Where one processor can go on in translated code: an address, the entry that was found there, and
 * the state of the mappings in which the region was verified. All that is looked at between two
 * regions lies together here and in the region, for each place that is elsewhere may be a cache
 * miss.
 */
final class Target {
    /** Instruction pointer. */
    final long rip;

    /** {@code Mmu.fetchKey()} of the processor. */
    final long key;

    /** {@code Cpu.modeKey}. */
    final int modeKey;

    /** Number of the entry. */
    final int number;

    final Region region;
    final RegionCode code;
    private final int generation;

    /** What begins there. */
    final Block block;

    /** How far from the addresses that the region was translated for. */
    final long origin;

    Target(Region.Entry entry, Block block, long key) {
        this.region = entry.region();
        this.number = entry.number();
        this.code = region.code;
        this.generation = region.generation;
        this.block = block;
        this.origin = entry.origin();
        this.rip = block.rip;
        this.modeKey = block.modeKey;
        this.key = key;
    }

    /** Whether it is as good as when it was made, the mappings being in a state. */
    boolean holds(long now) {
        return key == now && region.valid && region.generation == generation;
    }
}
