// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.FreshCode;
import dev.vitrine.processor.core.CodeTracker;
import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The blocks decoded from a domain's frames, shared by its processors. Blocks are found by the
 * machine address of their first byte, so two mappings of a frame share what agrees in address and
 * mode.
 *
 * <p>A frame is marked as code, and write permission for it taken from every soft TLB, before the
 * first byte is decoded; a write to it then comes here first. Processors that are executing at that
 * moment are asked and waited for (see {@link Rendezvous}), so none can write unseen.
 */
public final class CodeCache implements CodeTracker {
    private static final int BUCKETS = 128;

    /**
     * Blocks that one frame may have. A frame has a few hundred, once for each address that it is
     * mapped at: a shared library gets new ones in each process, at random addresses, and nothing
     * tells that the old ones are of no use any more.
     */
    private static final int FRAME_LIMIT = 2048;

    /** For so many blocks that may be held, one frame may. */
    private static final int BLOCKS_PER_FRAME = 8;

    /** For so many blocks that may be held, one that cannot be found may be kept. */
    private static final int FORMER = 4;

    /** Bytes of the heap for each block that may be held: a block takes about a third of it. */
    private static final int HEAP_PER_BLOCK = 4096;

    /**
     * What was decoded from one frame since it was last written. A write to the frame ends the
     * object for good, so that a block whose bytes were read before the write cannot enter after
     * it.
     */
    static final class Page {
        final @Nullable Block[] heads = new Block[BUCKETS];
        final java.util.ArrayList<Block> all = new java.util.ArrayList<>();

        /** Blocks that begin in the frame before and end in this one. */
        final java.util.ArrayList<Block> spilled = new java.util.ArrayList<>();

        /** Translations of code in the frame. */
        final java.util.ArrayList<Region> regions = new java.util.ArrayList<>();

        /** Size of {@link #spilled} at which those that are not valid are taken out. */
        int spillLimit = 64;

        /**
         * What all code of the frame is decoded from: its bytes when every processor had dropped
         * its write permission, or the original ones of a patched frame. Null before that.
         */
        volatile byte @Nullable [] bytes;

        /** What {@link CodeCache#patch} had set when {@link #bytes} came; valid with those. */
        @Nullable PatchedFrame patched;

        /** {@link CodeCache#freshCode} has been told. */
        volatile boolean told;

        byte[] bytes() {
            return Objects.requireNonNull(bytes);
        }

        /** The frame was written; guarded by the monitor. */
        boolean dead;
    }

    private final ConcurrentHashMap<Long, Page> pages = new ConcurrentHashMap<>();

    private final FrameTable frames;
    private final GuestRam ram;

    /** Places at which execution is looked at. */
    final CodeHooks hooks = new CodeHooks();

    private final FormerCode former;
    private final Rendezvous rendezvous;
    private final int limit;

    /** Blocks that can be found. */
    private final AtomicInteger held = new AtomicInteger();

    // Statistics; racy on purpose.
    public long blocksBuilt;
    public long framesInvalidated;
    public long blocksRevived;
    public long regionsRevived;

    public CodeCache(MachineMemory memory, Rendezvous rendezvous) {
        this(
                memory,
                rendezvous,
                (int)
                        Math.clamp(
                                Runtime.getRuntime().maxMemory() / HEAP_PER_BLOCK,
                                1 << 14,
                                1 << 22));
    }

    /**
     * @param limit how many blocks are held at most, about
     */
    CodeCache(MachineMemory memory, Rendezvous rendezvous, int limit) {
        this.frames = memory.frames();
        this.ram = memory.ram();
        this.former = new FormerCode(limit / FORMER);
        this.rendezvous = rendezvous;
        this.limit = limit;
    }

    /** The frames of the domain. */
    FrameTable frames() {
        return frames;
    }

    /** How many blocks can be found now. */
    int held() {
        return held.get();
    }

    @Nullable Block find(long machine, Cpu cpu, int modeKey) {
        return find(
                machine,
                cpu.rip,
                modeKey,
                cpu.r[Cpu.R_SEG_BASE + Cpu.CS],
                cpu.segment[Cpu.CS].limit);
    }

    /** The block at an address, if it is there and its bytes have not changed. */
    public @Nullable Block find(long machine, long rip, int modeKey, long csBase, int csLimit) {
        Page p = pages.get(machine >>> 12);
        if (p == null) {
            return null;
        }
        synchronized (p) {
            Block b = p.heads[(int) machine & (BUCKETS - 1)];
            while (b != null) {
                if (b.rip == rip
                        && b.modeKey == modeKey
                        && b.csBase == csBase
                        && b.csLimit == csLimit
                        && b.valid
                        && (b.linear() & 4095) == (machine & 4095)) {
                    return b;
                }
                b = b.chained;
            }
        }
        return null;
    }

    /**
     * The blocks that have executed most instructions, for finding out where a guest spends its
     * time.
     *
     * @return pairs of instruction pointer and instructions executed, most first
     */
    public List<long[]> hottest(int limit) {
        java.util.ArrayList<long[]> found = new java.util.ArrayList<>();
        for (Page p : pages.values()) {
            synchronized (p) {
                for (Block b : p.all) {
                    if ((b.modeKey & Interpreter.MODE_REPLAY) != 0) {
                        continue;
                    }
                    found.add(new long[] {b.rip, (b.executions & 0xFFFFFFFFL) * b.count});
                }
            }
        }
        found.sort((x, y) -> Long.compare(y[1], x[1]));
        return found.subList(0, Math.min(limit, found.size()));
    }

    /**
     * Makes writes to a frame visible to this cache, before its bytes are read for decoding. May do
     * for this processor what others ask of it meanwhile.
     *
     * @return what {@link #add} wants to know
     */
    Page markCode(long mfn) {
        Page p = pages.get(mfn);
        if (p == null) {
            p = pages.computeIfAbsent(mfn, k -> new Page());
        }
        // Only who finds the bytes need not wait: while another processor is still asking, a third
        // one may be writing through an entry that it is about to drop.
        if (p.bytes == null) {
            frames.set(mfn, FrameTable.CODE);
            rendezvous.onAll(other -> other.mmu.dropWrites(mfn));
            PatchedFrame patched = patches.isEmpty() ? null : patches.get(mfn);
            byte[] now;
            if (patched == null) {
                now = new byte[MachineMemory.FRAME_SIZE];
                ram.read(mfn << MachineMemory.FRAME_SHIFT, now, 0, now.length);
            } else {
                now = patched.original();
            }
            synchronized (p) {
                if (p.bytes == null) {
                    p.patched = patched;
                    p.bytes = now;
                }
            }
            revive(mfn, p);
        }
        return p;
    }

    /** Lets what was decoded from a frame before it was written be found where it is the same. */
    private void revive(long mfn, Page p) {
        FormerCode.Former former = this.former.take(mfn);
        if (former == null) {
            return;
        }
        PatchedFrame patched = p.patched;
        List<Block> same =
                former.unchanged(
                        p.bytes(),
                        hooks.in(hookFrame(mfn)),
                        patched == null ? null : patched.places());
        synchronized (p) {
            if (p.dead) {
                return;
            }
            p.all.ensureCapacity(p.all.size() + same.size());
            for (Block b : same) {
                b.valid = true;
                enter(p, b);
                blocksRevived++;
            }
        }
        for (Region g : former.regions()) {
            if (!g.valid && allValid(g) && register(g)) {
                g.valid = true;
                regionsRevived++;
                // A frame that was written meanwhile has ended blocks first.
                if (allValid(g)) {
                    offer(g);
                } else {
                    end(g);
                }
            }
        }
        for (Block b : same) {
            // The translation that was asked for may be gone.
            b.asked &= b.entry != null;
        }
    }

    private static boolean allValid(Region g) {
        for (Block b : g.blocks) {
            if (!b.valid) {
                return false;
            }
        }
        return true;
    }

    private void enter(Page p, Block b) {
        int h = (int) b.linear() & (BUCKETS - 1);
        b.chained = p.heads[h];
        p.heads[h] = b;
        p.all.add(b);
        held.incrementAndGet();
    }

    /**
     * Lets a block be found, unless one of its frames was written since it was marked; then the
     * block is not valid, and good for one execution at the most.
     */
    void add(long machine, Block b, Page p, @Nullable Page second) {
        blocksBuilt++;
        if (held.get() >= limit || pages.size() > limit / BLOCKS_PER_FRAME) {
            // A guest that executes a little everywhere must not fill the heap with frames either.
            for (Long mfn : pages.keySet()) {
                Page old = pages.get(mfn);
                if (old != p && old != second) {
                    invalidateFrame(mfn);
                }
            }
            forget(p);
            if (second != null) {
                forget(second);
            }
        }
        boolean full;
        synchronized (p) {
            full = p.all.size() >= FRAME_LIMIT;
        }
        if (full) {
            forget(p);
        }
        synchronized (p) {
            if (p.dead) {
                b.valid = false;
                return;
            }
            enterElsewhere(b, p);
            enter(p, b);
        }
        if (second != null) {
            synchronized (second) {
                if (second.dead) {
                    b.valid = false;
                } else {
                    if (second.spilled.size() >= second.spillLimit) {
                        second.spilled.removeIf(old -> !old.valid);
                        second.spillLimit = Math.max(64, 2 * second.spilled.size());
                    }
                    second.spilled.add(b);
                }
            }
        }
    }

    /** Lets a translation be entered, unless a frame under it was written meanwhile. */
    public void add(Region g) {
        if (register(g) && allValid(g)) {
            offer(g);
        } else {
            end(g);
        }
    }

    /**
     * Has what was there before a region entered instead of it, until {@link #restore}; once for
     * each region.
     */
    public void withdraw(Region g) {
        g.stepAside();
    }

    /** Lets a translation be entered again that has been withdrawn. */
    public void restore(Region g) {
        if (g.valid && allValid(g)) {
            offer(g);
        }
    }

    private void offer(Region g) {
        for (int i = 0; i < g.entries.length; i++) {
            Block b = g.entries[i];
            offer(b, new Region.Entry(g, i, 0));
            if (g.relocatable) {
                offerElsewhere(b, g, i);
            }
        }
    }

    /** Has a translation end when one of its frames is written; false if one was. */
    private boolean register(Region g) {
        for (long mfn : g.frames) {
            Page p = pages.get(mfn);
            if (p == null) {
                return false;
            }
            synchronized (p) {
                if (p.dead) {
                    return false;
                }
                p.regions.add(g);
            }
        }
        return true;
    }

    private void end(Region g) {
        g.end();
        remove(g);
    }

    /**
     * Takes a translation that has ended from its pages. Takes their monitors, one after the other:
     * none may be held.
     */
    private void remove(Region g) {
        for (long mfn : g.frames) {
            Page p = pages.get(mfn);
            if (p != null) {
                synchronized (p) {
                    p.regions.remove(g);
                }
            }
        }
    }

    private static void offer(Block b, Region.Entry e) {
        Region.Entry old = b.entry;
        if (e.number() == 0
                || old == null
                || !old.region().valid
                || old.region().stage < e.region().stage) {
            b.entry = e;
            if (old != null) {
                e.region().replaces(b, old);
                old.region().endWays();
            }
        }
    }

    /** The same code at other addresses, as a library has in each process, enters there too. */
    private void offerElsewhere(Block b, Region g, int number) {
        Page p = pages.get(b.mfn0);
        if (p == null) {
            return;
        }
        synchronized (p) {
            Block x = p.heads[(int) b.linear() & 4095 & (BUCKETS - 1)];
            while (x != null) {
                if (x != b && sameCode(x, b)) {
                    offer(x, new Region.Entry(g, number, x.rip - b.rip));
                }
                x = x.chained;
            }
        }
    }

    /** Whether two blocks of one frame are the same code at different addresses. */
    private static boolean sameCode(Block x, Block y) {
        return x.valid
                && (x.linear() & 4095) == (y.linear() & 4095)
                && x.modeKey == y.modeKey
                && x.csBase == y.csBase
                && x.csLimit == y.csLimit;
    }

    /** Finds a translation of a new block's code that was made at another address. */
    private static void enterElsewhere(Block b, Page p) {
        Block x = p.heads[(int) b.linear() & 4095 & (BUCKETS - 1)];
        while (x != null) {
            Region.Entry e = x.entry;
            if (e != null && e.region().relocatable && e.region().valid && sameCode(x, b)) {
                offer(b, new Region.Entry(e.region(), e.number(), e.origin() + b.rip - x.rip));
            }
            x = x.chained;
        }
    }

    /**
     * Drops the blocks that begin in a frame; one in execution goes on to its end. Not with a
     * page's monitor held, see {@link #remove}.
     */
    private void forget(Page p) {
        List<Region> ended;
        synchronized (p) {
            ended = drop(p);
        }
        leave(ended);
    }

    /** The part of {@link #forget} with the page's monitor held; the rest is {@link #leave}. */
    private List<Region> drop(Page p) {
        for (Block b : p.all) {
            b.valid = false;
            b.chained = null;
        }
        held.addAndGet(-p.all.size());
        p.all.clear();
        List<Region> ended = List.copyOf(p.regions);
        ended.forEach(Region::end);
        p.regions.clear();
        Arrays.fill(p.heads, null);
        return ended;
    }

    private void leave(List<Region> ended) {
        if (!ended.isEmpty()) {
            // Who is in one of them leaves it at its next loop.
            rendezvous.nudge();
            ended.forEach(this::remove);
        }
    }

    @Override
    public void invalidateFrame(long mfn) {
        framesInvalidated++;
        Page p = pages.get(mfn);
        if (p == null) {
            // Whoever enters one now marks the frame behind this.
            pages.compute(
                    mfn,
                    (k, now) -> {
                        if (now == null) {
                            frames.clear(mfn, FrameTable.CODE);
                        }
                        return now;
                    });
            return;
        }
        List<Region> ended;
        synchronized (p) {
            if (p.dead) {
                return;
            }
            // Nothing comes to it any more.
            p.dead = true;
            byte[] bytes = p.bytes;
            if (bytes != null && !p.all.isEmpty()) {
                List<Region> regions = List.copyOf(p.regions);
                former.keep(mfn, new FormerCode.Former(bytes, List.copyOf(p.all), regions));
            }
            ended = drop(p);
            for (Block b : p.spilled) {
                b.valid = false;
            }
            // From here on other processors write to it and do not come by.
            frames.clear(mfn, FrameTable.CODE);
            pages.remove(mfn, p);
        }
        leave(ended);
    }

    /** See {@link dev.vitrine.processor.ProcessorGroup#setFreshCode}. */
    public void setFreshCode(@Nullable FreshCode listener) {
        pages.values().forEach(p -> p.told = false);
        freshCode = listener;
    }

    private volatile @Nullable FreshCode freshCode;

    /** An instruction is about to be decoded from a page. */
    void fetched(Page p, Cpu cpu, long linear) {
        FreshCode listener = freshCode;
        if (listener != null && !p.told) {
            p.told = true;
            listener.fetched(cpu.facade, linear);
        }
    }

    /** Has a hook called at a machine address from now on, on all processors. */
    public void addHook(long machine, CodeHook hook) {
        hooks.add(machine, hook);
        decodeAnew(machine >>> 12);
    }

    /** The opposite; false if there is no such hook. */
    public boolean removeHook(long machine, CodeHook hook) {
        boolean there = hooks.remove(machine, hook);
        if (there) {
            decodeAnew(machine >>> 12);
        }
        return there;
    }

    /** See {@link dev.vitrine.processor.ProcessorGroup#forgetHooks}. */
    public void forgetHooks(long mfn) {
        hooks.forget(mfn);
    }

    private void decodeAnew(long mfn) {
        invalidateFrame(mfn);
        patches.forEach((copy, patch) -> {
            if (patch.copied() == mfn) {
                invalidateFrame(copy);
            }
        });
        // Translated code is left at its next loop.
        rendezvous.onAll(cpu -> {});
    }

    /** See {@link dev.vitrine.processor.ProcessorGroup#patch}. */
    public void patch(long mfn, BitSet places, byte[] original, long copied, long snapshot) {
        if (places.isEmpty()) {
            patches.remove(mfn);
        } else {
            BitSet own = (BitSet) places.clone();
            patches.merge(
                    mfn,
                    new PatchedFrame(own, original.clone(), copied, snapshot),
                    (old, one) -> one.snapshot() > old.snapshot() ? one : old);
        }
        decodeAnew(mfn);
    }

    /** Frame whose hooks are reached in a frame: itself, or the one that it is a copy of. */
    long hookFrame(long mfn) {
        PatchedFrame patch = patches.isEmpty() ? null : patches.get(mfn);
        return patch == null ? mfn : patch.copied();
    }

    private final ConcurrentHashMap<Long, PatchedFrame> patches = new ConcurrentHashMap<>();

    @Override
    public boolean stepping(Cpu cpu) {
        Object current = cpu.currentBlock;
        return current == null
                || (current instanceof Block b && (b.modeKey & Interpreter.MODE_SINGLE) != 0);
    }

    @Override
    public boolean inExecution(Cpu cpu, long mfn) {
        Object current = cpu.currentBlock;
        if (current instanceof RegionCode way) {
            return way.region.covers(mfn);
        }
        Block b = (Block) current;
        return b != null
                && (b.mfn0 == mfn || b.mfn1 == mfn)
                && (b.modeKey & Interpreter.MODE_SINGLE) == 0;
    }
}
