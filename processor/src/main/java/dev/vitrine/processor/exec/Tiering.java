// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

/** Who is told of blocks that execute often; the translator is behind it. */
public interface Tiering {
    /** Translates nothing. */
    Tiering NONE =
            new Tiering() {
                @Override
                public void sampled(Cpu cpu, CodeCache cache, Block block) {}

                @Override
                public boolean hot(
                        Cpu cpu, CodeCache cache, Block block, long origin, long executed) {
                    return true;
                }
            };

    /**
     * A block has been executed another 64 times. Called on the processor's own thread, between
     * blocks; to return soon.
     */
    void sampled(Cpu cpu, CodeCache cache, Block block);

    /**
     * A region of the first stage has run for long, entered at this block last. As {@link
     * #sampled}.
     *
     * @param block at the address that the region was translated for
     * @param origin how far from there it runs
     * @param executed instructions that have been executed in it
     * @return false to be asked again later
     */
    boolean hot(Cpu cpu, CodeCache cache, Block block, long origin, long executed);

    /** A processor that has no {@link Cpu#access} yet is about to execute a region. */
    default void prepare(Cpu cpu) {}

    /**
     * A region of the second stage has run so often that HotSpot's counters tell what it does. As
     * {@link #sampled}.
     */
    default void profiled(CodeCache cache, Region region) {}

    /** Instructions a second in a region from which on the second stage is worth its cost. */
    default long least() {
        return 0;
    }
}
