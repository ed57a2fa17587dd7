// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;

import org.jspecify.annotations.Nullable;

import java.util.function.ObjLongConsumer;

/**
 * Runs translated regions, from one to the next, for one processor.
 *
 * <p>A region leaves only where a block of the interpreter would end, and never reaches the limit:
 * the last instructions before it are interpreted. So the points at which a run stops do not depend
 * on what was translated when.
 */
final class RegionRunner {
    /**
     * Instructions between two requests for the second stage, while it is busy with others: who
     * executes most asks most often, and so comes first.
     */
    private static final long ASK_AGAIN = 50_000;

    /** Where targets never come to an end. */
    private static final int RETRANSLATIONS = 3;

    /** See {@link Region#young}. */
    private static final int SHORT_RUN = 2000;

    private final Cpu cpu;
    private final CodeCache cache;
    private final Interpreter interpreter;

    /** Direct-mapped, by address. */
    private final @Nullable Target[] targets = new Target[TARGETS];

    private static final int TARGETS = 1 << 13;

    /** So many new targets, a power of two, and those whose region has ended are taken out. */
    private static final int SWEEP = 1 << 10;

    private int targetsMade;
    private final Tiering tiering;

    /** Index in its code at which the block that {@link #run} returned is to be taken up. */
    private int resume;

    /** Checks what regions do, if that is asked for. */
    @Nullable Verifier verifier;

    // Statistics.
    private long entries;
    private long nearLimit;
    private long unverified;
    private long verifications;
    private long linkExits;
    private long returnExits;
    private long indirectExits;
    private long coldExits;
    private long helperExits;
    private long misses;
    private int shortRuns;
    private long elsewhere;
    private long instructions;

    void statistics(ObjLongConsumer<String> out) {
        out.accept("region entries", entries);
        out.accept("region entries at other addresses", elsewhere);
        out.accept("regions not entered: near the limit", nearLimit);
        out.accept("regions not entered: mapped otherwise", unverified);
        out.accept("region verifications", verifications);
        out.accept("region exits to a fixed address", linkExits);
        out.accept("region exits by returns", returnExits);
        out.accept("region exits by other indirect branches", indirectExits);
        out.accept("region exits to the interpreter", coldExits);
        out.accept("region exits for helpers", helperExits);
        out.accept("region exits to the slow path", misses);
        out.accept("instructions in regions", instructions);
        if (verifier != null) {
            verifier.statistics(out);
        }
    }

    RegionRunner(Cpu cpu, CodeCache cache, Interpreter interpreter, Tiering tiering) {
        this.cpu = cpu;
        this.cache = cache;
        this.tiering = tiering;
        this.interpreter = interpreter;
    }

    /** Where to begin in the block that {@link #run} returned; then the start again. */
    int takeResume() {
        int at = resume;
        resume = 0;
        return at;
    }

    /**
     * Runs from a block on that a region can be entered at.
     *
     * @return the block to go on with in the interpreter, or null if an event wants attention or
     *     the limit was reached
     */
    @Nullable Block run(Block first, long limit) {
        final Cpu cpu = this.cpu;
        final Mmu mmu = cpu.mmu;
        Target t = targets[slot(first.rip, mmu.fetchKey())];
        if (t == null || t.block != first || !t.holds(mmu.fetchKey())) {
            t = target(first);
            if (t == null) {
                return first;
            }
        }
        cpu.limitLoops(limit);
        if (cpu.requests() != 0) {
            cpu.rip = first.rip;
            return null;
        }
        long begun = cpu.retired;
        while (true) {
            // Requests look like a limit that has been reached.
            if (cpu.retired + t.longestPath >= cpu.loopLimit()) {
                instructions += cpu.retired - begun;
                return pause(t, limit);
            }
            cpu.currentBlock = t.region;
            entries++;
            long before = cpu.retired;
            int exit;
            if (t.young) {
                exit = runYoung(t, limit);
            } else {
                try {
                    exit = execute(t, limit);
                } catch (SelfModification m) {
                    return stopped(begun);
                }
            }
            Target to;
            int link = -1;
            if (cpu.retired - before < SHORT
                    && exit > RegionCode.EXIT
                    && (++shortRuns & SHORT_SAMPLE - 1) == 0) {
                shortRun(t, exit);
            }
            if (exit >= RegionCode.LINK) {
                linkExits++;
                link = exit - RegionCode.LINK;
                to = t.links[link];
                if (to != null && to.rip == cpu.rip && to.holds(mmu.fetchKey())) {
                    t = to;
                    continue;
                }
            } else if (exit == RegionCode.RETURN) {
                returnExits++;
                if (returnExits % OBSERVED == 0) {
                    t.region.blocks[cpu.leftFrom].observeTarget(cpu.rip - t.origin);
                }
            } else if (exit < 0) {
                misses++;
                cpu.missed = false;
                LazyFlags.settle(cpu);
                if (exit != STOPPED) {
                    t.region.resume(cpu, ~exit, t.origin);
                }
                return stopped(begun);
            } else if (exit == RegionCode.INDIRECT) {
                if (++indirectExits % OBSERVED == 0) {
                    leftIndirectly(t);
                }
            } else if (exit != RegionCode.EXIT) {
                helperExits++;
                LazyFlags.settle(cpu);
                if (!helper(t.region.ends[exit - 1], t.origin, limit)) {
                    instructions += cpu.retired - begun;
                    return null;
                }
            } else if (cpu.requests() != 0 || cpu.retired >= limit) {
                LazyFlags.settle(cpu);
                instructions += cpu.retired - begun;
                return null;
            }
            long key = mmu.fetchKey();
            to = targets[slot(cpu.rip, key)];
            if (to == null
                    || to.rip != cpu.rip
                    || to.modeKey != cpu.modeKey
                    || (to.modeKey & Cpu.MODE_64) == 0
                    || !to.holds(key)) {
                LazyFlags.settle(cpu);
                instructions += cpu.retired - begun;
                begun = cpu.retired;
                if (cpu.requests() != 0 || cpu.retired >= limit) {
                    return null;
                }
                Block b = interpreter.lookup();
                to = target(b);
                if (to == null) {
                    coldExits++;
                    return b;
                }
            }
            if (link >= 0) {
                t.links[link] = to;
            }
            t = to;
        }
    }

    private int execute(Target t, long limit) {
        if (t.origin != 0) {
            return executeElsewhere(t);
        }
        return verifier == null ? t.code.run(cpu, t.region, t.number) : verifier.run(t, limit);
    }

    private int executeElsewhere(Target t) {
        elsewhere++;
        cpu.r[Cpu.R_ORIGIN] = t.origin;
        try {
            return t.code.run(cpu, t.region, t.number);
        } finally {
            cpu.r[Cpu.R_ORIGIN] = 0;
        }
    }

    /** The region was left in the middle of a block, which the processor knows. */
    private Block stopped(long begun) {
        instructions += cpu.retired - begun;
        Block b = (Block) cpu.currentBlock;
        if (b == null) {
            // Not at the address that the region's blocks are for.
            return interpreter.lookup();
        }
        resume = cpu.resumeAt;
        return b;
    }

    /** A region is not entered: for a request, or since it could reach the limit. */
    private @Nullable Block pause(Target t, long limit) {
        LazyFlags.settle(cpu);
        if (cpu.requests() != 0 || cpu.retired >= limit) {
            cpu.rip = t.rip;
            return null;
        }
        nearLimit++;
        return t.block;
    }

    /** Value of an exit: by {@link SelfModification}, where all is known. */
    private static final int STOPPED = Integer.MIN_VALUE;

    /**
     * What a way into a region of the first stage has executed is told to the region, which is
     * another line of the cache for each, when it is so much.
     */
    private static final int TOLD = 10_000;

    /** Runs a region that is still looked after. */
    private int runYoung(Target t, long limit) {
        if (!t.first) {
            return runShortly(t, limit);
        }
        long before = cpu.retired;
        int exit;
        try {
            exit = execute(t, limit);
        } catch (SelfModification m) {
            exit = STOPPED;
        }
        // A run is not longer than a slice of the interpreter's, far below 2^31.
        t.executed += (int) (cpu.retired - before);
        if (t.executed >= TOLD) {
            Region g = t.region;
            g.executed += t.executed;
            t.executed = 0;
            if (g.executed >= g.askAt) {
                hot(g, t);
            }
        }
        return exit;
    }

    /** Runs a region of the second stage for a short while, see {@link Region#young}. */
    private int runShortly(Target t, long limit) {
        Region g = t.region;
        cpu.limitLoops(Math.min(limit, cpu.retired + SHORT_RUN + g.longestPath));
        int exit;
        try {
            exit = execute(t, limit);
        } catch (SelfModification m) {
            exit = STOPPED;
        }
        cpu.limitLoops(limit);
        if (cpu.requests() != 0) {
            cpu.limitLoops(Long.MIN_VALUE);
        }
        t.young = --g.young >= 0;
        return exit;
    }

    private static int slot(long rip, long key) {
        // Address spaces that take turns each have their own slot for what they share.
        return (int) (rip ^ rip >>> 12 ^ key * 37) & TARGETS - 1;
    }

    /** The way into the region that begins at a block; null if there is none now. */
    private @Nullable Target target(Block b) {
        Region.Entry e = b.entry;
        if (e == null) {
            return null;
        }
        if (!e.region().valid) {
            b.entry = null;
            return null;
        }
        // The interpreter runs alone what it is to check at the same addresses.
        if (!verified(e) || !e.region().valid || (verifier != null && e.origin() != 0)) {
            unverified++;
            mismatch(b, e.region());
            return null;
        }
        // Verifying may have changed the key.
        long key = cpu.mmu.fetchKey();
        Target t = Target.of(e, b, cpu.number, key);
        targets[slot(t.rip, key)] = t;
        if ((++targetsMade & SWEEP - 1) == 0) {
            sweep();
        }
        return t;
    }

    /** Lets go of regions that have ended, whose classes can be unloaded then. */
    private void sweep() {
        for (int i = 0; i < TARGETS; i++) {
            Target t = targets[i];
            if (t != null && !t.region.valid) {
                targets[i] = null;
            }
        }
    }

    /** A block whose region does not fit so often is worth one that fits better. */
    private static final int MISMATCHES = 1000;

    /**
     * Parts of a region are not where they were when it was made: it goes from a program into a
     * library, say, which is elsewhere in this process. Gives the block another chance, with what
     * is near.
     */
    private void mismatch(Block b, Region g) {
        if (verifier == null && ++g.mismatches >= MISMATCHES && !b.confined) {
            b.confined = true;
            b.asked = false;
            b.entry = null;
        }
    }

    /**
     * One exit by an indirect branch in so many is counted. The interpreter counts one execution in
     * 64, until a block is translated: what a region knows already must not be lost among what it
     * does not.
     */
    private static final int OBSERVED = 251;

    /**
     * Notes where one indirect branch of {@link #OBSERVED} goes that the region knows too few
     * targets of; translates it once more when that happens often.
     */
    private void leftIndirectly(Target t) {
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
    private static final int SHORT = 20;

    /** So many short runs from an entry, a power of two, are worth a region that begins there. */
    private static final int SHORT_RUNS = 16384;

    private static final int REFORMED = 5;

    /** One short run in so many, a power of two, is counted, for as many. */
    private static final int SHORT_SAMPLE = 16;

    /**
     * Counts a run that was hardly worth it. Regions are formed by what the interpreter saw, which
     * may have been the program's start; where they are left too soon one is formed anew, by how
     * they were left.
     */
    private void shortRun(Target t, int exit) {
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
            credit(t, runs);
            if (tiering.hot(cpu, cache, entered, t.origin, (long) runs * SHORT)) {
                entered.reformed++;
            }
        }
    }

    /** Tells the blocks whose branches were the ways out how often they were. */
    private void credit(Target t, int runs) {
        Region g = t.region;
        for (int k = 0; k < t.links.length; k++) {
            Target to = t.links[k];
            double share = Math.min(1, (double) g.shortLinks[k] / runs);
            if (to != null && share > 0.1) {
                for (Block b : g.blocks) {
                    b.goesTo(to.rip - t.origin, share);
                }
            }
        }
    }

    private void hot(Region g, Target t) {
        if (g.stage == 2
                || (g.rate() >= tiering.least()
                        && tiering.hot(cpu, cache, g.entries[t.number], t.origin, g.executed))) {
            g.askAt = Long.MAX_VALUE;
        } else {
            g.askAt = g.executed + ASK_AGAIN;
        }
    }

    /**
     * Executes the last instruction of a block.
     *
     * @return false if an event wants attention or the limit was reached
     */
    private boolean helper(Block last, long origin, long limit) {
        cpu.currentBlock = last;
        Instruction i = last.instructions[last.instructions.length - 1];
        cpu.rip = i.rip + origin;
        cpu.nextRip = i.nextRip() + origin;
        try {
            Units.execute(cpu, i);
        } catch (Intercepted e) {
            if (origin == 0) {
                FaultSite.left(cpu, last, last.count - 1);
            }
            throw e;
        }
        cpu.rip = cpu.nextRip;
        cpu.retired++;
        return !interpreter.attention(limit);
    }

    private boolean verified(Region.Entry e) {
        Region g = e.region();
        long key = cpu.mmu.fetchKey();
        int slot = Region.slot(cpu.number, key);
        return (g.verified[slot] == key && g.origins[slot] == e.origin()) || verify(g, e.origin());
    }

    /** Looks whether all pages are mapped to the frames that the region was made from. */
    private boolean verify(Region g, long origin) {
        verifications++;
        for (int i = 0; i < g.pages.length; i++) {
            long page = g.pages[i] + origin;
            long machine = origin == 0 || Region.movable(page) ? cpu.mmu.fetchQuietly(page) : -1;
            if (machine < 0 || machine >>> 12 != g.frames[i]) {
                return false;
            }
        }
        long key = cpu.mmu.fetchKey();
        int slot = Region.slot(cpu.number, key);
        g.verified[slot] = key;
        g.origins[slot] = origin;
        return true;
    }
}
