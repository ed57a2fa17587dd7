// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.processor.core.CodeTracker;
import dev.vitrine.processor.core.Cpu;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The blocks decoded from a domain's frames, shared by its processors. Blocks are found by the machine
 * address of their first byte, so two mappings of a frame share what agrees in address and mode.
 *
 * <p>A frame is marked as code, and write permission for it taken from every soft TLB, before the
 * first byte is decoded; a write to it then comes here first. Processors that are executing at that
 * moment are asked and waited for (see {@link Rendezvous}), so none can write unseen.
 */
public final class CodeCache implements CodeTracker {
    private static final int BUCKETS = 256;

    /** Blocks that begin in one frame. */
    private static final class Page {
        final @Nullable Block[] heads = new Block[BUCKETS];
        final java.util.ArrayList<Block> all = new java.util.ArrayList<>();
        final java.util.IdentityHashMap<Block, Block> chain = new java.util.IdentityHashMap<>();
    }

    private final ConcurrentHashMap<Long, Page> pages = new ConcurrentHashMap<>();

    /** Blocks that end in a frame they do not begin in. */
    private final ConcurrentHashMap<Long, List<Block>> spills = new ConcurrentHashMap<>();

    private final FrameTable frames;
    private final Rendezvous rendezvous;

    // Statistics; racy on purpose.
    public long blocksBuilt;
    public long framesInvalidated;

    public CodeCache(FrameTable frames, Rendezvous rendezvous) {
        this.frames = frames;
        this.rendezvous = rendezvous;
    }

    @Nullable Block find(long machine, Cpu cpu, int modeKey) {
        Page p = pages.get(machine >>> 12);
        if (p == null) {
            return null;
        }
        synchronized (p) {
            Block b = p.heads[(int) machine & (BUCKETS - 1)];
            while (b != null) {
                if (b.rip == cpu.rip
                        && b.modeKey == modeKey
                        && b.csBase == cpu.r[Cpu.R_SEG_BASE + Cpu.CS]
                        && b.csLimit == cpu.segment[Cpu.CS].limit
                        && b.valid
                        && (b.linear() & 4095) == (machine & 4095)) {
                    return b;
                }
                b = p.chain.get(b);
            }
        }
        return null;
    }

    /**
     * The blocks that have executed most instructions, for finding out where a guest spends its time.
     *
     * @return pairs of instruction pointer and instructions executed, most first
     */
    public List<long[]> hottest(int limit) {
        java.util.ArrayList<long[]> found = new java.util.ArrayList<>();
        for (Page p : pages.values()) {
            synchronized (p) {
                for (Block b : p.all) {
                    found.add(new long[] {b.rip, (b.executions & 0xFFFFFFFFL) * b.count});
                }
            }
        }
        found.sort((x, y) -> Long.compare(y[1], x[1]));
        return found.subList(0, Math.min(limit, found.size()));
    }

    /** Makes writes to a frame visible to this cache, before its bytes are read for decoding. */
    void markCode(long mfn) {
        if ((frames.set(mfn, FrameTable.CODE) & FrameTable.CODE) == 0) {
            rendezvous.onAll(other -> other.mmu.dropWrites(mfn));
        }
    }

    void add(long machine, Block b) {
        long mfn = machine >>> 12;
        blocksBuilt++;
        Page p = pages.computeIfAbsent(mfn, k -> new Page());
        synchronized (p) {
            int h = (int) machine & (BUCKETS - 1);
            Block head = p.heads[h];
            if (head != null) {
                p.chain.put(b, head);
            }
            p.heads[h] = b;
            p.all.add(b);
        }
        if (b.mfn1 >= 0) {
            spills.computeIfAbsent(b.mfn1, k -> new CopyOnWriteArrayList<>()).add(b);
        }
        // A write may have come between marking and adding: then the frame is no code any more.
        if (!frames.isCode(mfn) || (b.mfn1 >= 0 && !frames.isCode(b.mfn1))) {
            b.valid = false;
        }
    }

    @Override
    public void invalidateFrame(long mfn) {
        framesInvalidated++;
        frames.clear(mfn, FrameTable.CODE);
        Page p = pages.remove(mfn);
        if (p != null) {
            synchronized (p) {
                for (Block b : p.all) {
                    b.valid = false;
                }
            }
        }
        List<Block> spilled = spills.remove(mfn);
        if (spilled != null) {
            for (Block b : spilled) {
                b.valid = false;
            }
        }
    }

    @Override
    public boolean inExecution(Cpu cpu, long mfn) {
        Block b = (Block) cpu.currentBlock;
        return b != null
                && (b.mfn0 == mfn || b.mfn1 == mfn)
                && (b.modeKey & Interpreter.MODE_SINGLE) == 0;
    }
}
