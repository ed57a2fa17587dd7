// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

/**
 * A processor's way from RIP to a block: a cache of its own, the blocks of the domain, and at last
 * the decoder.
 */
final class BlockFinder {
    private static final int JUMP_CACHE = 1 << 13;

    private final Cpu cpu;
    private final CodeCache cache;
    private final BlockBuilder builder;

    /** Added to the mode key of its blocks. */
    private final int extraMode;

    private final @Nullable Block[] jumpBlocks = new Block[JUMP_CACHE];
    private final long[] jumpKeys = new long[JUMP_CACHE];

    /** How often its own cache did not have it, for statistics. */
    long searches;

    BlockFinder(Cpu cpu, CodeCache cache, BlockBuilder builder, int extraMode) {
        this.cpu = cpu;
        this.cache = cache;
        this.builder = builder;
        this.extraMode = extraMode;
    }

    /** The block at cpu.rip in the current mode. */
    Block lookup() {
        Cpu c = cpu;
        long rip = c.rip;
        // Address spaces that take turns each have their own slot for what they share.
        long key = c.mmu.fetchKey();
        int slot = (int) (rip ^ rip >>> 13 ^ key * 37) & (JUMP_CACHE - 1);
        Block b = jumpBlocks[slot];
        if (b != null
                && b.rip == rip
                && b.modeKey == (c.modeKey | extraMode)
                && jumpKeys[slot] == key
                && b.valid
                && ((b.modeKey & Cpu.MODE_64) != 0
                        || (b.csBase == c.r[Cpu.R_SEG_BASE + Cpu.CS]
                                && b.csLimit == c.segment[Cpu.CS].limit))) {
            return b;
        }
        b = find(c.modeKey | extraMode);
        // The key of now: find() has made sure that the block belongs to it.
        key = c.mmu.fetchKey();
        slot = (int) (rip ^ rip >>> 13 ^ key * 37) & (JUMP_CACHE - 1);
        jumpBlocks[slot] = b;
        jumpKeys[slot] = key;
        return b;
    }

    /** The block at cpu.rip with a mode key. */
    Block find(int modeKey) {
        while (true) {
            long key = cpu.mmu.fetchKey();
            Block b = findOnce(modeKey);
            // Building serves other processors while it waits for them. One of them may have
            // changed the mapping that the block was built through.
            if (cpu.mmu.fetchKey() == key) {
                return b;
            }
        }
    }

    private Block findOnce(int modeKey) {
        searches++;
        Cpu c = cpu;
        long la = c.rip;
        if ((modeKey & Cpu.MODE_64) == 0) {
            la = (la + c.r[Cpu.R_SEG_BASE + Cpu.CS]) & 0xFFFFFFFFL;
        }
        c.mmu.accessSegment = Cpu.CS;
        long machine = c.mmu.fetch(la);
        Block b = machine >= 0 ? cache.find(machine, c, modeKey) : null;
        if (b != null && b.mfn1 >= 0) {
            // The second page may be mapped elsewhere by now.
            long next = c.mmu.fetch((la & -4096L) + 4096);
            if (next < 0 || next >>> 12 != b.mfn1) {
                b = null;
            }
        }
        if (b == null) {
            b = builder.build(modeKey);
        }
        return b;
    }
}
