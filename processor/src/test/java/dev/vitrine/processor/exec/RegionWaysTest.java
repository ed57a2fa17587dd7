// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

import org.junit.jupiter.api.Test;

import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/** The ways into a region: against a set of the states that each has been verified for. */
class RegionWaysTest {
    /** What a region has for an entry and a processor; a process more takes one over. */
    private static final int KEPT = 8;

    /** Code that does nothing. */
    static final class Nothing extends RegionCode {
        @Override
        public int run(Cpu cpu, Region region, int entry) {
            return EXIT;
        }

        @Override
        protected RegionCode another() {
            return new Nothing();
        }
    }

    private static Block block(long rip) {
        return CodeCacheTest.block(rip, 5, -1);
    }

    private final Block first = block(0x1000);
    private final Block second = block(0x1100);
    private final Region region =
            new Region(
                    new Nothing(),
                    new Block[] {first, second},
                    new Block[] {first, second},
                    new Instruction[0],
                    new Block[0],
                    new long[] {0x2000},
                    new int[0],
                    new long[] {0x1000, 5},
                    1,
                    2,
                    2,
                    false);

    /** As the processor's, which count address spaces up. */
    private static long key(int space) {
        return 1L << 12 | (long) space << 2;
    }

    @Test
    void aWayIsFoundForNoStateButThatOfItsLastVerification() {
        Region.Entry entry = new Region.Entry(region, 0, 0);
        Set<RegionCode> made = new HashSet<>();
        Random random = new Random(20261126);
        for (int i = 0; i < 10_000; i++) {
            int space = random.nextInt(40);
            RegionCode w = region.way(entry, first, 0, key(space));
            if (w == null) {
                w = region.newWay(entry, first, 0, key(space));
            }
            assertThat(w.holds(key(space))).isTrue();
            assertThat(w.holds(key(space + 1))).isFalse();
            assertThat(region.way(entry, first, 0, key(space))).isSameAs(w);
            made.add(w);
        }
        assertThat(made).hasSize(KEPT);
        long found = 0;
        for (int space = 0; space < 40; space++) {
            found += region.way(entry, first, 0, key(space)) == null ? 0 : 1;
        }
        assertThat(found).isEqualTo(KEPT);
    }

    @Test
    void eachProcessorEntryBlockAndDistanceHasItsOwn() {
        Region.Entry entry = new Region.Entry(region, 0, 0);
        RegionCode w = region.newWay(entry, first, 0, key(3));
        assertThat(region.way(entry, first, 1, key(3))).isNull();
        assertThat(region.way(new Region.Entry(region, 1, 0), second, 0, key(3))).isNull();
        assertThat(region.way(new Region.Entry(region, 0, 0x5000), first, 0, key(3))).isNull();
        assertThat(region.way(entry, block(0x1000), 0, key(3))).isNull();
        RegionCode other = region.newWay(entry, first, 1, key(3));
        assertThat(other).isNotSameAs(w);
        assertThat(other.links).isNotSameAs(w.links);
        assertThat(region.newWay(entry, first, 0, key(4)).links).isSameAs(w.links);
    }

    /** One that does not lead there any more makes room, and is not entered again. */
    @Test
    void oneOfAnotherBlockEnds() {
        Region.Entry entry = new Region.Entry(region, 0, 0);
        Block moved = block(0x7000);
        RegionCode[] before = new RegionCode[KEPT];
        for (int i = 0; i < KEPT; i++) {
            before[i] = region.newWay(entry, first, 0, key(i));
        }
        RegionCode w = region.newWay(entry, moved, 0, key(KEPT));
        assertThat(before).doesNotContain(w);
        assertThat(before).filteredOn(b -> !b.valid()).hasSize(1);
        assertThat(w.rip).isEqualTo(0x7000);
    }

    @Test
    void allEnd() {
        Region.Entry entry = new Region.Entry(region, 0, 0);
        RegionCode w = region.newWay(entry, first, 0, key(1));
        RegionCode other = region.newWay(entry, first, 1, key(1));
        w.links[0] = other;
        region.endWays();
        assertThat(w.holds(key(1)) || other.holds(key(1))).isFalse();
        assertThat(region.way(entry, first, 0, key(1))).isNull();
        RegionCode again = region.newWay(entry, first, 0, key(1));
        assertThat(again).isNotSameAs(w);
        region.end();
        assertThat(again.holds(key(1))).isFalse();
        assertThat(w.links[0]).isNull();
        assertThat(region.newWay(entry, first, 0, key(1)).holds(key(1))).isFalse();
    }
}
