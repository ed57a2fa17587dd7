// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.decode.Instruction;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A set of blocks, joined by branches, calls and returns, that were translated as one. It follows
 * frames, not addresses: it may be entered only where each of its pages is mapped to the frame that
 * it was translated from, and ends when one of these is written.
 *
 * <p>Shared by all processors of a domain; immutable but for validity and what each processor has
 * verified.
 */
public final class Region {
    /**
     * An entry: where {@link RegionCode#run} begins.
     *
     * @param origin how far the block that has this entry is from the address that the region was
     *     translated for; not 0 only where it is relocatable
     */
    public record Entry(Region region, int number, long origin) {}

    public final RegionCode code;

    /** Its blocks, the first entry's first. */
    public final Block[] blocks;

    /** Blocks that it can be entered at, by number of the entry. */
    public final Block[] entries;

    /** Helper instructions in the middle of blocks, by number. */
    public final Instruction[] helpers;

    /** Blocks whose last instruction is executed after an exit; by number of the exit less one. */
    public final Block[] ends;

    /** It can run wherever its frames are mapped, at the same distances. */
    public final boolean relocatable;

    /**
     * Whether code at an address may be relocated: above 4 GiB, where position-independent code
     * lies, and so far from the end of the canonical addresses that no near branch gets there.
     */
    public static boolean movable(long rip) {
        return rip >= 1L << 32 && rip < (1L << 47) - (1L << 32);
    }

    /** Fixed addresses outside that branches lead to, by number of the link. */
    final long[] links;

    /** See {@link RegionCode#links}; by number of the processor. */
    final @Nullable RegionCode[][] linked;

    /**
     * The ways that processors have into it, by processor and entry. Execution goes from one way to
     * the next and does not look at the region, which is scattered over the cache; so each must be
     * told when it ends.
     */
    private final @Nullable RegionCode[] @Nullable [] ways;

    /**
     * Where it can fault or be left: number of the block, index of the micro-operation, and
     * instructions before the block that have not been counted, in turn.
     */
    final int[] sites;

    /** Linear addresses of its pages, and the frames that they must be mapped to. */
    final long[] pages;

    final long[] frames;

    /** Retires fewer instructions than that between two looks at the limit. */
    public final int longestPath;

    /** 1: small, quick to translate; 2: large, compiled with care. */
    public final int stage;

    /**
     * How often it is still to be run, with HotSpot's counters, and left early, so that it can be
     * counted and left for better code soon. Racy on purpose.
     */
    int young = 500;

    /** What an entry of this region has taken the place of, at a block. */
    private record Replaced(Block at, Entry before) {}

    /** Guarded by this; null once this region is not to step aside any more. */
    private @Nullable List<Replaced> replaced;

    /** An entry of this region has taken the place of another one's. */
    synchronized void replaces(Block at, Entry before) {
        if (replaced != null && before.region() != this) {
            replaced.add(new Replaced(at, before));
        }
    }

    /**
     * Has regions whose place this one has taken entered again, where they are still good; once.
     */
    synchronized void stepAside() {
        if (replaced == null) {
            return;
        }
        for (Replaced r : replaced) {
            Entry now = r.at.entry;
            if (now != null && now.region() == this && r.before.region().valid) {
                r.at.entry = r.before;
            }
        }
        replaced = null;
        endWays();
    }

    /** It does not step aside any more, and what it has replaced may go. */
    synchronized void stay() {
        replaced = null;
    }

    /** Instructions executed in it, in the first stage; racy on purpose. */
    long executed;

    /** Instructions in a region of the first stage after which the second may be worth its cost. */
    private static final long HOT = 200_000;

    /** When it was made, {@link System#nanoTime}. */
    public final long since = System.nanoTime();

    /** When {@link #executed} was last looked at, {@link System#nanoTime}, and what it was then. */
    private long lookedAt = since;

    private long executedThen;

    /** How many instructions a second have been executed in it since the last call. */
    double rate() {
        long now = System.nanoTime();
        double rate = 1e9 * (executed - executedThen) / Math.max(1, now - lookedAt);
        lookedAt = now;
        executedThen = executed;
        return rate;
    }

    /** Exits by indirect branches; racy on purpose. */
    int indirect;

    /** How often it was not entered, since it is mapped otherwise; racy on purpose. */
    int mismatches;

    /**
     * So many exits by indirect branches are worth another translation, which knows more targets.
     */
    static final int INDIRECT_LIMIT = 50_000;

    /** Short runs, by number of the entry; racy on purpose. */
    final int[] shortRuns;

    /** How often those ended at each link; for all processors and entries together. */
    final int[] shortLinks;

    /** Value of {@link #executed} from which on the second stage is asked for. */
    long askAt = HOT;

    /** Cleared when a frame under it is written, by {@link #end}. */
    volatile boolean valid = true;

    /**
     * For each processor: the states of its mappings in which the pages were as they should, by
     * {@link #slot}. Address spaces that take turns each have their own.
     */
    final long[] verified;

    /** How far from its own addresses that was, by the same index. */
    final long[] origins;

    private static final int SPACES = 8;

    /** Index in {@link #verified} for a processor and its {@code Mmu.fetchKey()}. */
    static int slot(int processor, long key) {
        return processor * SPACES + space(key);
    }

    private static int space(long key) {
        return (int) (key >>> 2) & SPACES - 1;
    }

    /**
     * @param links fixed addresses outside, by number of the link
     * @param longestPath fewer instructions than that retire between two looks at the limit
     * @param pages linear addresses of the pages, and behind them the frames in the same order
     */
    public Region(
            RegionCode code,
            Block[] blocks,
            Block[] entries,
            Instruction[] helpers,
            Block[] ends,
            long[] links,
            int[] sites,
            long[] pages,
            int longestPath,
            int processors,
            int stage,
            boolean relocatable) {
        this.stage = stage;
        this.replaced = stage == 1 ? null : new ArrayList<>();
        this.code = code;
        code.region = this;
        this.blocks = blocks;
        this.entries = entries;
        this.helpers = helpers;
        this.ends = ends;
        this.shortRuns = new int[entries.length];
        this.shortLinks = new int[links.length];
        this.links = links;
        this.linked = new RegionCode[processors][links.length];
        this.ways = new RegionCode[processors * entries.length][];
        this.sites = sites;
        this.pages = java.util.Arrays.copyOf(pages, pages.length / 2);
        this.frames = java.util.Arrays.copyOfRange(pages, pages.length / 2, pages.length);
        this.verified = new long[processors * SPACES];
        this.origins = new long[processors * SPACES];
        this.relocatable = relocatable;
        this.longestPath = longestPath;
    }

    /**
     * The way into it that a processor has already, for a state of its mappings; null if it must be
     * verified first.
     */
    @Nullable RegionCode way(Entry entry, Block at, int processor, long key) {
        @Nullable RegionCode[] of = ways[processor * entries.length + entry.number()];
        for (int k = 0; of != null && k < SPACES; k++) {
            RegionCode w = of[k];
            if (w != null && w.isFor(key) && w.leads(entry, at)) {
                return w;
            }
        }
        return null;
    }

    /**
     * A way into it for a processor, as long as its mappings are in a state, in which it has been
     * verified. Where there are some for other states already one of these is taken over, most
     * likely of a process that is no more: a new one would not be in the cache.
     */
    synchronized RegionCode newWay(Entry entry, Block at, int processor, long key) {
        int i = processor * entries.length + entry.number();
        @Nullable RegionCode[] of = ways[i];
        if (of == null) {
            of = new RegionCode[SPACES];
            ways[i] = of;
        }
        int k = 0;
        while (k < SPACES && of[k] != null) {
            k++;
        }
        k = k == SPACES ? space(key) : k;
        RegionCode before = of[k];
        if (before != null && before.leads(entry, at)) {
            before.hold(key, true);
            return before;
        }
        if (before != null) {
            before.end();
        }
        RegionCode w = code.another();
        w.region = this;
        w.number = entry.number();
        w.origin = entry.origin();
        w.longestPath = longestPath;
        w.first = stage == 1;
        w.called = !w.first && young < 0;
        w.links = linked[processor];
        w.block = at;
        w.rip = at.rip;
        w.modeKey = at.modeKey;
        w.hold(key, valid);
        of[k] = w;
        return w;
    }

    /** Ends all ways into it: each is found anew, or another region instead. */
    synchronized void endWays() {
        for (int i = 0; i < ways.length; i++) {
            RegionCode[] of = ways[i];
            ways[i] = null;
            for (int k = 0; of != null && k < SPACES; k++) {
                if (of[k] != null) {
                    of[k].end();
                }
            }
        }
    }

    /**
     * A frame under it was written: it is not entered again. Nor does it keep others alive that
     * have ended, and they others: where code is overwritten again and again that would have no
     * end.
     */
    void end() {
        valid = false;
        stay();
        endWays();
        for (@Nullable RegionCode[] l : linked) {
            Arrays.fill(l, null);
        }
        for (Block b : entries) {
            Entry e = b.entry;
            if (e != null && e.region() == this) {
                b.entry = null;
            }
        }
    }

    /** Whether no frame under it was written. */
    public boolean valid() {
        return valid;
    }

    /** Whether it was translated from a frame. */
    boolean covers(long mfn) {
        for (long f : frames) {
            if (f == mfn) {
                return true;
            }
        }
        return false;
    }

    /** Calls the code to no effect, so that HotSpot counts the call and links its constants. */
    @SuppressWarnings("NullAway") // it returns before it looks at the processor
    public void enterNowhere() {
        code.run(null, this, -1);
    }

    /**
     * Leaves the rest of a block to the interpreter, from the guest instruction on that a site
     * belongs to.
     */
    void resume(Cpu cpu, int site, long origin) {
        Block b = blocks[sites[3 * site]];
        int instruction = b.instructionAt(sites[3 * site + 1]);
        cpu.retired += sites[3 * site + 2];
        if (origin == 0) {
            cpu.currentBlock = b;
            cpu.resumeAt = b.start(instruction);
        } else {
            cpu.currentBlock = null;
            cpu.rip = b.rip(instruction) + origin;
            cpu.retired += instruction;
        }
    }

    /** So often a region must have been left at a site before it is worth a {@link Detour}. */
    private static final int OFTEN = Integer.getInteger("vitrine.translate.detour", 1000);

    /** How often it was left for the slow path; racy on purpose, as all of these. */
    private int misses;

    /** The same by site, once that is often. */
    private int @Nullable [] missesAt;

    private @Nullable Detour @Nullable [] detours;

    /** What to execute where the region was left at a site; null for the rest of the block. */
    @Nullable Detour detour(int site) {
        if (misses < OFTEN) {
            misses++;
            return null;
        }
        int[] at = missesAt;
        Detour[] all = detours;
        if (at == null || all == null) {
            at = new int[sites.length / 3];
            all = new Detour[at.length];
            missesAt = at;
            detours = all;
        }
        if (at[site] < OFTEN) {
            at[site]++;
        } else if (at[site] == OFTEN) {
            at[site]++;
            Block b = blocks[sites[3 * site]];
            all[site] = Detour.behind(b, b.instructionAt(sites[3 * site + 1]));
        }
        return all[site];
    }

    /**
     * Called by generated code when an exception passes, with all state in the processor: points it
     * at the guest instruction.
     *
     * @param site number of the place, from 0
     * @param retired instructions retired at the beginning of the block, as far as counted
     */
    public void stopped(Cpu cpu, int site, long retired, Throwable reason) {
        cpu.retired = retired;
        if (reason instanceof GuestFault || reason instanceof Intercepted) {
            cpu.retired += sites[3 * site + 2];
            boolean fault = reason instanceof GuestFault;
            FaultSite.locate(cpu, blocks[sites[3 * site]], sites[3 * site + 1], fault);
            cpu.rip += cpu.r[Cpu.R_ORIGIN];
            if (cpu.r[Cpu.R_ORIGIN] != 0) {
                // Its blocks are for another address.
                cpu.leftBlock = null;
            }
        } else {
            // Where the write is not to the block's own frame the interpreter just does it; where
            // it is, it knows how.
            resume(cpu, site, cpu.r[Cpu.R_ORIGIN]);
        }
    }
}
