// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.processor.decode.Instruction;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * The cache stays bounded, however often a guest maps the same code at other addresses; and what a
 * write to a frame has left as it was comes back.
 */
class CodeCacheTest {
    private static final int LIMIT = 20_000;

    /** A block of nothing, at the places given. */
    static Block block(long rip, long mfn, long second) {
        return block(rip, mfn, second, 0);
    }

    private static Block block(long rip, long mfn, long second, int length) {
        return new Block(
                rip,
                0,
                -1,
                0,
                new long[0],
                new Instruction[0],
                new int[0],
                mfn,
                second,
                rip + length,
                rip);
    }

    private static long valid(List<Block> blocks) {
        return blocks.stream().filter(b -> b.valid).count();
    }

    @Test
    void frameMappedAtManyAddressesIsBounded() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), LIMIT);
            List<Block> blocks = new ArrayList<>();
            for (int i = 0; i < 3 * LIMIT; i++) {
                Block b = block(0x1000L * i + i % 4096, 5, -1);
                blocks.add(b);
                cache.add(0x5000 + i % 4096, b, cache.markCode(5), null);
                assertThat(b.valid).isTrue();
                assertThat(cache.held()).isLessThanOrEqualTo(2048);
            }
            assertThat(valid(blocks)).isEqualTo(cache.held());
            cache.invalidateFrame(5);
            assertThat(valid(blocks)).isZero();
            assertThat(cache.held()).isZero();
        }
    }

    @Test
    void manyFramesAreBounded() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), LIMIT);
            List<Block> blocks = new ArrayList<>();
            for (int i = 0; i < 3 * LIMIT; i++) {
                int mfn = i % 200;
                Block b = block(0x1000L * i, mfn, mfn + 1);
                blocks.add(b);
                cache.add((long) mfn << 12, b, cache.markCode(mfn), cache.markCode(mfn + 1));
                assertThat(b.valid).isTrue();
                assertThat(cache.held()).isLessThanOrEqualTo(LIMIT);
            }
            assertThat(valid(blocks)).isEqualTo(cache.held());
            // A block that ends in a frame goes with it, too.
            for (int mfn = 1; mfn <= 200; mfn++) {
                cache.invalidateFrame(mfn);
            }
            assertThat(valid(blocks)).isZero();
        }
    }

    private static Region region(Block... blocks) {
        return region(1, 1, blocks);
    }

    /**
     * @param entries how many of the blocks it can be entered at
     */
    private static Region region(int stage, int entries, Block... blocks) {
        long[] pages = new long[2 * blocks.length];
        for (int i = 0; i < blocks.length; i++) {
            pages[i] = blocks[i].rip & -4096L;
            pages[blocks.length + i] = blocks[i].mfn0;
        }
        return new Region(
                new RegionWaysTest.Nothing(),
                blocks,
                Arrays.copyOf(blocks, entries),
                new Instruction[0],
                new Block[0],
                new long[0],
                new int[0],
                pages,
                1,
                1,
                stage,
                false);
    }

    @Test
    void whatAWriteHasNotChangedComesBack() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), LIMIT);
            Block before = block(0x100, 5, -1, 16);
            Block patched = block(0x110, 5, -1, 16);
            Block after = block(0x120, 5, -1, 16);
            Block across = block(0xFF8, 5, 6, 16);
            Block elsewhere = block(0x1100, 7, -1, 16);
            for (Block b : List.of(before, patched, after, across)) {
                cache.add(
                        0x5000 + b.rip,
                        b,
                        cache.markCode(5),
                        b == across ? cache.markCode(6) : null);
            }
            cache.add(0x7100, elsewhere, cache.markCode(7), null);
            Region same = region(before, elsewhere);
            Region changed = region(before, patched);
            cache.add(same);
            cache.add(changed);
            for (int offset : new int[] {0x110, 0x11F}) {
                cache.invalidateFrame(5);
                memory.ram().putByte(0x5000 + offset, (byte) 1);
                assertThat(before.valid || patched.valid || after.valid || across.valid).isFalse();
                assertThat(same.valid || changed.valid).isFalse();
                assertThat(elsewhere.valid).isTrue();
                cache.markCode(5);
                assertThat(before.valid && after.valid).isTrue();
                assertThat(patched.valid || across.valid).isFalse();
                assertThat(same.valid).isTrue();
                assertThat(changed.valid).isFalse();
                assertThat(cache.held()).isEqualTo(3);
                assertThat(cache.find(0x5100, 0x100, 0, 0, -1)).isSameAs(before);
                assertThat(cache.find(0x5110, 0x110, 0, 0, -1)).isNull();
            }
            // What has come back ends again, by either of its frames.
            cache.invalidateFrame(7);
            assertThat(same.valid || elsewhere.valid).isFalse();
            assertThat(before.valid).isTrue();
            memory.ram().putByte(0x7100, (byte) 1);
            cache.markCode(7);
            assertThat(same.valid || elsewhere.valid).isFalse();
        }
    }

    /** Lets blocks of one frame each be found. */
    private static void enter(CodeCache cache, Block... blocks) {
        for (Block b : blocks) {
            cache.add(b.mfn0 << 12 | b.rip & 4095, b, cache.markCode(b.mfn0), null);
        }
    }

    private static Region at(Block b) {
        return Objects.requireNonNull(b.entry).region();
    }

    @Test
    void whatIsWithdrawnLeavesItsPlaceToThoseBeforeAndComesBack() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), LIMIT);
            Block a = block(0x100, 5, -1, 16);
            Block b = block(0x110, 5, -1, 16);
            Block c = block(0x1100, 7, -1, 16);
            Block d = block(0x120, 5, -1, 16);
            Block alone = block(0x130, 5, -1, 16);
            enter(cache, a, b, c, d, alone);
            Region ofA = region(a);
            Region ofB = region(b);
            Region ofD = region(d, c);
            List.of(ofA, ofB, ofD).forEach(cache::add);
            Region all = region(2, 4, a, b, d, alone);
            cache.add(all);
            assertThat(List.of(a, b, d, alone)).allMatch(x -> at(x) == all);
            RegionCode way = all.newWay(Objects.requireNonNull(a.entry), a, 0, 4);
            // What is there no more cannot be entered, nor what a later one has taken.
            cache.invalidateFrame(7);
            assertThat(ofD.valid).isFalse();
            Region later = region(2, 1, b);
            cache.add(later);
            cache.withdraw(all);
            assertThat(at(a)).isSameAs(ofA);
            assertThat(at(b)).isSameAs(later);
            assertThat(at(d)).as("what was there has ended").isSameAs(all);
            assertThat(at(alone)).as("nothing was there before").isSameAs(all);
            assertThat(way.holds(4)).as("cached ways end").isFalse();
            cache.restore(all);
            assertThat(at(a)).isSameAs(all);
            assertThat(at(b)).as("not what is of the same stage").isSameAs(later);
            cache.withdraw(all);
            assertThat(at(a)).as("once").isSameAs(all);
            cache.invalidateFrame(5);
            cache.restore(all);
            assertThat(a.entry).as("not what has ended").isNull();
        }
    }

    @Test
    void regionOfTwoWrittenFramesComesBackWithTheLast() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), LIMIT);
            Block a = block(0x100, 5, -1, 16);
            Block b = block(0x1100, 7, -1, 16);
            enter(cache, a, b);
            Region g = region(a, b);
            cache.add(g);
            cache.invalidateFrame(5);
            cache.invalidateFrame(7);
            cache.markCode(7);
            assertThat(b.valid).isTrue();
            assertThat(a.valid || g.valid).isFalse();
            cache.markCode(5);
            assertThat(a.valid && g.valid).isTrue();
            cache.invalidateFrame(7);
            assertThat(g.valid).isFalse();
        }
    }

    @Test
    void writtenCodeThatIsKeptIsBounded() {
        try (MachineMemory memory = MachineMemory.reserve(4 << 20)) {
            CodeCache cache = new CodeCache(memory, new Rendezvous(), 1 << 14);
            List<Block> blocks = new ArrayList<>();
            for (int mfn = 0; mfn < 512; mfn++) {
                for (int i = 0; i < 32; i++) {
                    Block b = block(0x10L * i, mfn, -1, 16);
                    blocks.add(b);
                    cache.add(0x1000L * mfn + b.rip, b, cache.markCode(mfn), null);
                }
                cache.invalidateFrame(mfn);
            }
            for (int mfn = 0; mfn < 512; mfn++) {
                cache.markCode(mfn);
            }
            assertThat(valid(blocks)).isEqualTo(1 << 12).isEqualTo(cache.held());
            assertThat(blocks.getLast().valid).isTrue();
        }
    }
}
