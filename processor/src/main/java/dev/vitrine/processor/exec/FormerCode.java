// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * What was decoded from frames that have been written since. When such a frame is executed from
 * again, code whose bytes are as they were need not be decoded, counted and translated anew: a
 * kernel that patches its branches writes a few bytes at a time, and to each of some frames
 * hundreds of times during a boot.
 */
final class FormerCode {
    /** Frames that are remembered at the most. */
    private static final int FRAMES = 1024;

    /** Code of a frame as it was when the frame held these bytes. */
    record Former(byte[] bytes, List<Block> blocks, List<Region> regions) {
        /**
         * Blocks that lie wholly within the frame, have no hooks, and whose bytes are the same now.
         *
         * @param hooks offsets that have a hook now; null if there are none
         * @param patched offsets that have a breakpoint instruction now; null if there are none
         */
        List<Block> unchanged(byte[] now, @Nullable BitSet hooks, @Nullable BitSet patched) {
            BitSet changed = changed(bytes, now);
            if (hooks != null) {
                changed.or(hooks);
            }
            if (patched != null) {
                changed.or(patched);
            }
            List<Block> same = new ArrayList<>(blocks.size());
            for (Block b : blocks) {
                int from = (int) b.linear() & 4095;
                int length = b.length();
                if (b.mfn1 < 0 && !b.hooked && from + length <= now.length) {
                    int next = changed.nextSetBit(from);
                    if (next < 0 || next >= from + length) {
                        same.add(b);
                    }
                }
            }
            return same;
        }

        private static BitSet changed(byte[] before, byte[] now) {
            BitSet changed = new BitSet(before.length);
            int at = 0;
            while (at < before.length) {
                int n = Arrays.mismatch(before, at, before.length, now, at, before.length);
                if (n < 0) {
                    break;
                }
                changed.set(at + n);
                at += n + 1;
            }
            return changed;
        }
    }

    /** By frame, the one that was written first in front. */
    private final LinkedHashMap<Long, Former> kept = new LinkedHashMap<>();

    /** Regions that are kept at the most: each is a class, with its machine code. */
    private static final int REGIONS = 512;

    private final int limit;
    private int blocks;
    private int regions;

    /**
     * @param limit how many blocks are kept at the most
     */
    FormerCode(int limit) {
        this.limit = limit;
    }

    /** Keeps what was decoded from a frame, instead of what was kept of it before. */
    synchronized void keep(long mfn, Former former) {
        take(mfn);
        kept.put(mfn, former);
        count(former, 1);
        Iterator<Former> oldest = kept.values().iterator();
        while (blocks > limit || regions > REGIONS || kept.size() > FRAMES) {
            count(oldest.next(), -1);
            oldest.remove();
        }
    }

    private void count(Former former, int times) {
        blocks += times * former.blocks.size();
        regions += times * former.regions.size();
    }

    /** What is kept of a frame, which is forgotten. */
    synchronized @Nullable Former take(long mfn) {
        Former former = kept.remove(mfn);
        if (former != null) {
            count(former, -1);
        }
        return former;
    }
}
