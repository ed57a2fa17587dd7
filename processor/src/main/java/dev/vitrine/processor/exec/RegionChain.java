// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.function.ObjLongConsumer;

/**
 * The way of one processor from region to region. A region of the second stage that is left by a
 * branch calls the next one itself, if that can be entered as things are and is of the second stage
 * as well; all else is for the {@link RegionRunner}, to whom the last one's exit comes back through
 * those before. So the host predicts where a region leads by the region, and not all of them by one
 * call.
 *
 * <p>Keeps account as well: of what regions execute, and of those that are left too soon.
 */
public final class RegionChain {
    /**
     * So many regions call each other at the most. Each is a frame of the host's stack, of some
     * hundred bytes, and is returned through.
     */
    private static final int DEPTH = 16;

    /**
     * One exit by a return or another indirect branch in so many is looked at. The interpreter
     * counts one execution in 64, until a block is translated: what a region knows already must not
     * be lost among what it does not.
     */
    private static final int OBSERVED = 251;

    /** Where targets never come to an end. */
    private static final int RETRANSLATIONS = 3;

    /**
     * Instructions between two requests for the second stage, while it is busy with others: who
     * executes most asks most often, and so comes first.
     */
    private static final long ASK_AGAIN = 50_000;

    private final Cpu cpu;
    private final CodeCache cache;
    private final Tiering tiering;

    /** Direct-mapped, by address. */
    final @Nullable RegionCode[] targets = new RegionCode[TARGETS];

    static final int TARGETS = 1 << 13;

    /** So many regions may be called from the one that was entered last. */
    private int allowed;

    /** So many more of them may be called; less than 0 if one more would have been. */
    public int left;

    /** So many more exits of that kind are not looked at, see {@link #OBSERVED}. */
    private int unobserved;

    private int unobservedReturns;

    // Statistics.
    private long entries;

    /** Calls by others, before the region that was entered last. */
    private long calls;

    private long returnExits;
    private long indirectExits;

    /** Exits to a fixed address that led back here; the others called the next region. */
    private long linkExits;

    private long indirectCalls;

    RegionChain(Cpu cpu, CodeCache cache, Tiering tiering) {
        this.cpu = cpu;
        this.cache = cache;
        this.tiering = tiering;
    }

    void statistics(ObjLongConsumer<String> out) {
        long calls = calls();
        out.accept("region entries", entries + calls);
        out.accept("region entries from others", calls);
        out.accept("region exits to a fixed address", linkExits + calls - indirectCalls);
        out.accept("region exits by returns", returnExits);
        out.accept("region exits by other indirect branches", indirectExits);
    }

    /**
     * A region is about to be executed.
     *
     * @param alone it is not to call others
     */
    void begin(RegionCode t, boolean alone) {
        calls = calls();
        allowed = alone ? 0 : DEPTH;
        left = allowed;
        entries++;
        cpu.currentBlock = t;
    }

    /**
     * Executes a region of the first stage, and those that follow as long as they are of the first
     * stage as well and can be entered as things are.
     *
     * @param from at the addresses that it was translated for
     * @return the exit of the last one, which {@link Cpu#currentBlock} is
     */
    int runFirst(RegionCode from) {
        final Cpu cpu = this.cpu;
        RegionCode t = from;
        while (true) {
            cpu.currentBlock = t;
            entries++;
            long before = cpu.retired;
            int exit = t.run(cpu, t.region, t.number);
            int ran = (int) (cpu.retired - before);
            account(t, exit, ran);
            RegionCode to;
            long key = cpu.mmu.fetchKey();
            if (exit >= RegionCode.LINK) {
                to = t.links[exit - RegionCode.LINK];
            } else if (exit >= RegionCode.INDIRECT) {
                to = targets[slot(cpu.rip, key)];
            } else {
                return exit;
            }
            if (to == null
                    || !to.first
                    || to.modeKey != t.modeKey
                    || !to.holds(key)
                    || !leads(cpu, t, to)) {
                return exit;
            }
            t = to;
        }
    }

    /** So many regions have been called by others. */
    private long calls() {
        return calls + allowed - Math.max(0, left);
    }

    static int slot(long rip, long key) {
        // Address spaces that take turns each have their own slot for what they share.
        return (int) (rip ^ rip >>> 12 ^ key * 37) & TARGETS - 1;
    }

    /**
     * What a way into a region of the first stage has executed is told to the region, which is
     * another line of the cache for each, when it is so much.
     */
    private static final int TOLD = 10_000;

    /**
     * A region of the first stage, which leaves this to its caller, was left.
     *
     * @param ran instructions that have retired since it was entered
     */
    void account(RegionCode t, int exit, int ran) {
        t.executed += ran;
        if (t.executed >= TOLD) {
            Region g = t.region;
            g.executed += t.executed;
            t.executed = 0;
            if (g.executed >= g.askAt) {
                hot(g, t);
            }
        }
        if (exit >= RegionCode.INDIRECT) {
            left(t, exit, ran);
        }
    }

    /** A region of the first stage was left by a branch. */
    private void left(RegionCode t, int exit, int ran) {
        if (ran < SHORT) {
            shortly(t, exit);
        }
        if (exit >= RegionCode.LINK) {
            linkExits++;
        } else {
            indirectly(t, exit);
        }
    }

    private void shortly(RegionCode t, int exit) {
        if ((++t.shortRuns & SHORT_SAMPLE - 1) == 0) {
            shortRun(t, exit);
        }
    }

    private void indirectly(RegionCode t, int exit) {
        if (exit == RegionCode.RETURN) {
            returnExits++;
            if (--unobservedReturns < 0) {
                unobservedReturns = OBSERVED - 1;
                t.region.blocks[cpu.leftFrom].observeTarget(cpu.rip - t.origin);
            }
        } else {
            indirectExits++;
            if (--unobserved < 0) {
                unobserved = OBSERVED - 1;
                leftIndirectly(t);
            }
        }
    }

    /** A region of the second stage was left by a branch after too few instructions. */
    public static void leftEarly(RegionCode t, int exit) {
        t.chain.shortly(t, exit);
    }

    /** A region of the second stage was left by a branch to a fixed address, and calls no other. */
    public static void notLinked(RegionCode t) {
        t.chain.linkExits++;
    }

    /**
     * Where a region of the second stage goes on that was left by an indirect branch.
     *
     * @param exit {@link RegionCode#INDIRECT} or {@link RegionCode#RETURN}
     * @param key {@code Mmu.fetchKey()}
     * @return what it is to call, all being ready for that; null if that is not to be, or cannot
     */
    public static @Nullable RegionCode found(Cpu cpu, RegionCode t, int exit, long key) {
        return t.chain.find(cpu, t, exit, key);
    }

    private @Nullable RegionCode find(Cpu cpu, RegionCode t, int exit, long key) {
        indirectly(t, exit);
        RegionCode to = targets[slot(cpu.rip, key)];
        if (to != null
                && to.modeKey == t.modeKey
                && to.open == key
                && leads(cpu, t, to)
                && --left >= 0) {
            indirectCalls++;
            return to;
        }
        return null;
    }

    /** Whether a region, if it holds, can be entered where another one was left, as things are. */
    private static boolean leads(Cpu cpu, RegionCode from, RegionCode to) {
        // Requests look like a limit that has been reached.
        return to.rip == cpu.rip
                && to.origin == from.origin
                && cpu.retired + to.longestPath < cpu.loopLimit();
    }

    /** A region of the second stage is not {@link Region#young} any more. */
    void grown(Region g) {
        tiering.profiled(cache, g);
        g.stay();
    }

    private void hot(Region g, RegionCode t) {
        if (g.rate() >= tiering.least()
                && tiering.hot(cpu, cache, g.entries[t.number], t.origin, g.executed)) {
            g.askAt = Long.MAX_VALUE;
        } else {
            g.askAt = g.executed + ASK_AGAIN;
        }
    }

    /**
     * Notes where one indirect branch of {@link #OBSERVED} goes that the region knows too few
     * targets of; translates it once more when that happens often.
     */
    private void leftIndirectly(RegionCode t) {
        Region g = t.region;
        Block head = g.blocks[0];
        g.blocks[cpu.leftFrom].observeTarget(cpu.rip - t.origin);
        g.indirect += OBSERVED;
        if (g.stage == 2
                && g.indirect >= Region.INDIRECT_LIMIT
                && head.retranslations < RETRANSLATIONS
                && tiering.hot(cpu, cache, head, t.origin, Long.MAX_VALUE)) {
            // The new one counts anew; this one goes on until then.
            g.indirect = Integer.MIN_VALUE;
            head.retranslations++;
        }
    }

    /** Instructions that are too few between an entry and an exit, which cost as much as sixty. */
    public static final int SHORT = 20;

    /** One short run in so many, a power of two, is counted, for as many. */
    private static final int SHORT_SAMPLE = 16;

    /** So many short runs from an entry, a power of two, are worth a region that begins there. */
    private static final int SHORT_RUNS = 16384;

    private static final int REFORMED = 5;

    /**
     * Counts a run that was hardly worth it. Regions are formed by what the interpreter saw, which
     * may have been the program's start; where they are left too soon one is formed anew, by how
     * they were left.
     */
    private void shortRun(RegionCode t, int exit) {
        Region g = t.region;
        if (exit >= RegionCode.LINK) {
            g.shortLinks[exit - RegionCode.LINK] += SHORT_SAMPLE;
        }
        Block entered = g.entries[t.number];
        int runs = g.shortRuns[t.number] += SHORT_SAMPLE;
        // The more often it has been tried the longer the next time is waited for: programs
        // have phases.
        if ((runs & SHORT_RUNS - 1) == 0
                && runs >= SHORT_RUNS << 2 * entered.reformed
                && entered.reformed < REFORMED) {
            credit(g, runs);
            if (tiering.hot(cpu, cache, entered, t.origin, (long) runs * SHORT)) {
                entered.reformed++;
            }
        }
    }

    /** Tells the blocks whose branches were the ways out how often they were. */
    private static void credit(Region g, int runs) {
        for (int k = 0; k < g.links.length; k++) {
            double share = Math.min(1, (double) g.shortLinks[k] / runs);
            if (share > 0.1) {
                for (Block b : g.blocks) {
                    b.goesTo(g.links[k], share);
                }
            }
        }
    }
}
