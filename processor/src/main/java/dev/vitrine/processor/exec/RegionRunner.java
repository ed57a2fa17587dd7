// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.function.ObjLongConsumer;

/**
 * Runs translated regions, from one to the next, for one processor.
 *
 * <p>A region leaves only where a block of the interpreter would end, and never reaches the limit:
 * the last instructions before it are interpreted. So the points at which a run stops do not depend
 * on what was translated when.
 */
final class RegionRunner {
    /** See {@link Region#young}. */
    private static final int SHORT_RUN = 2000;

    private final Cpu cpu;
    private final Interpreter interpreter;
    private final Tiering tiering;

    /** So many new targets, a power of two, and those whose region has ended are taken out. */
    private static final int SWEEP = 1 << 10;

    private int targetsMade;
    private final RegionChain chain;
    private final @Nullable RegionCode[] targets;

    /** Index in its code at which the block that {@link #run} returned is to be taken up. */
    private int resume;

    /** Checks what regions do, if that is asked for. */
    @Nullable Verifier verifier;

    // Statistics.
    private long nearLimit;
    private long unverified;
    private long verifications;
    private long coldExits;
    private long helperExits;
    private long misses;
    private long detours;
    private long elsewhere;
    private long instructions;

    void statistics(ObjLongConsumer<String> out) {
        chain.statistics(out);
        out.accept("region entries at other addresses", elsewhere);
        out.accept("regions not entered: near the limit", nearLimit);
        out.accept("regions not entered: mapped otherwise", unverified);
        out.accept("region verifications", verifications);
        out.accept("region look-ups", targetsMade);
        out.accept("region exits to the interpreter", coldExits);
        out.accept("region exits for helpers", helperExits);
        out.accept("region exits to the slow path", misses);
        out.accept("region exits to the slow path of one instruction", detours);
        out.accept("instructions in regions", instructions);
        if (verifier != null) {
            verifier.statistics(out);
        }
    }

    RegionRunner(Cpu cpu, CodeCache cache, Interpreter interpreter, Tiering tiering) {
        this.cpu = cpu;
        this.interpreter = interpreter;
        this.tiering = tiering;
        this.chain = new RegionChain(cpu, cache, tiering);
        this.targets = chain.targets;
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
        RegionCode t = targets[RegionChain.slot(first.rip, mmu.fetchKey())];
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
            int exit;
            try {
                exit = runFrom(t, limit);
            } catch (SelfModification m) {
                return stopped(begun);
            }
            if (verifier == null) {
                t = (RegionCode) Objects.requireNonNull(cpu.currentBlock);
            }
            int link = -1;
            if (exit >= RegionCode.LINK) {
                link = exit - RegionCode.LINK;
                RegionCode linked = t.links[link];
                if (linked != null && linked.rip == cpu.rip && linked.holds(mmu.fetchKey())) {
                    t = linked;
                    continue;
                }
            } else if (exit < 0) {
                misses++;
                cpu.missed = false;
                LazyFlags.settle(cpu);
                t.region.resume(cpu, ~exit, t.origin);
                Block rest = stopped(begun);
                Detour detour = t.origin == 0 && verifier == null ? t.region.detour(~exit) : null;
                if (detour == null) {
                    return rest;
                }
                detours++;
                return detour;
            } else if (exit >= RegionCode.INDIRECT) {
                // The chain has looked after it.
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
            RegionCode to = targets[RegionChain.slot(cpu.rip, key)];
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

    /** Executes a region, and those that follow, and keeps account. */
    private int runFrom(RegionCode t, long limit) {
        if (!t.first) {
            return t.called ? execute(t, limit, verifier != null) : runShortly(t, limit);
        }
        if (t.origin == 0 && verifier == null) {
            return chain.runFirst(t);
        }
        long before = cpu.retired;
        int exit = execute(t, limit, true);
        chain.account(t, exit, (int) (cpu.retired - before));
        return exit;
    }

    /**
     * Executes a region, and those that follow.
     *
     * @param alone only this one
     */
    private int execute(RegionCode t, long limit, boolean alone) {
        chain.begin(t, alone);
        if (t.origin != 0) {
            return executeElsewhere(t);
        }
        return verifier == null ? t.run(cpu, t.region, t.number) : verifier.run(t, limit);
    }

    private int executeElsewhere(RegionCode t) {
        elsewhere++;
        cpu.r[Cpu.R_ORIGIN] = t.origin;
        try {
            return t.run(cpu, t.region, t.number);
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
    private @Nullable Block pause(RegionCode t, long limit) {
        LazyFlags.settle(cpu);
        if (cpu.requests() != 0 || cpu.retired >= limit) {
            cpu.rip = t.rip;
            return null;
        }
        nearLimit++;
        return t.block;
    }

    /** Runs a region of the second stage for a short while, see {@link Region#young}. */
    private int runShortly(RegionCode t, long limit) {
        Region g = t.region;
        cpu.limitLoops(Math.min(limit, cpu.retired + SHORT_RUN + g.longestPath));
        try {
            return execute(t, limit, true);
        } finally {
            cpu.limitLoops(limit);
            if (cpu.requests() != 0) {
                cpu.limitLoops(Long.MIN_VALUE);
            }
            if (--g.young < 0) {
                t.letOthersCall();
                chain.grown(g);
            }
        }
    }

    /** The way into the region that begins at a block; null if there is none now. */
    private @Nullable RegionCode target(Block b) {
        Region.Entry e = b.entry;
        if (e == null) {
            return null;
        }
        if (!e.region().valid) {
            b.entry = null;
            return null;
        }
        if (cpu.access == null) {
            tiering.prepare(cpu);
        }
        long key = cpu.mmu.fetchKey();
        RegionCode t = e.region().way(e, b, cpu.number, key);
        if (t == null) {
            // The interpreter runs alone what it is to check at the same addresses.
            if (!verified(e) || !e.region().valid || (verifier != null && e.origin() != 0)) {
                unverified++;
                mismatch(b, e.region());
                return null;
            }
            // Verifying may have changed the key.
            key = cpu.mmu.fetchKey();
            t = e.region().newWay(e, b, cpu.number, key);
            t.chain = chain;
        }
        targets[RegionChain.slot(t.rip, key)] = t;
        if ((++targetsMade & SWEEP - 1) == 0) {
            sweep();
        }
        return t;
    }

    /** Lets go of regions that have ended, whose classes can be unloaded then. */
    private void sweep() {
        for (int i = 0; i < targets.length; i++) {
            RegionCode t = targets[i];
            if (t != null && !t.valid()) {
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
