// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.processor.decode.Instruction;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

/** The cache stays bounded, however often a guest maps the same code at other addresses. */
class CodeCacheTest {
    private static final int LIMIT = 20_000;

    private static Block block(long rip, long mfn, long second) {
        return new Block(
                rip,
                0,
                -1,
                0,
                new long[0],
                new Instruction[0],
                new char[0],
                new int[0],
                mfn,
                second,
                rip,
                rip);
    }

    private static long valid(List<Block> blocks) {
        return blocks.stream().filter(b -> b.valid).count();
    }

    @Test
    void frameMappedAtManyAddressesIsBounded() {
        try (MachineMemory memory = MachineMemory.reserve(1 << 20)) {
            CodeCache cache = new CodeCache(memory.frames(), new Rendezvous(), LIMIT);
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
            CodeCache cache = new CodeCache(memory.frames(), new Rendezvous(), LIMIT);
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
}
