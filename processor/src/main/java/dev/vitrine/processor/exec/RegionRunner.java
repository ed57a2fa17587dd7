// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
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
    /** Instructions in a region of the first stage after which the second is worth its cost. */
    private static final long HOT = 4_000_000;

    /**
     * Times that a region is left early: while HotSpot looks for what is worth compiling, calls
     * tell it more than loops, which it would compile apart.
     */
    private static final int SHORT_RUNS = 1500;

    private static final int SHORT_RUN = 2000;

    private final Cpu cpu;
    private final CodeCache cache;
    private final Interpreter interpreter;
    private final Tiering tiering;

    /** Index in its code at which the block that {@link #run} returned is to be taken up. */
    private int resume;

    // Statistics.
    private long entries;
    private long nearLimit;
    private long unverified;
    private long verifications;
    private long helperExits;
    private long misses;
    private long instructions;

    void statistics(ObjLongConsumer<String> out) {
        out.accept("region entries", entries);
        out.accept("regions not entered: near the limit", nearLimit);
        out.accept("regions not entered: mapped otherwise", unverified);
        out.accept("region verifications", verifications);
        out.accept("region exits for helpers", helperExits);
        out.accept("region exits to the slow path", misses);
        out.accept("instructions in regions", instructions);
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
        Region.Entry e = first.entry;
        if (e == null) {
            return first;
        }
        while (true) {
            final Region g = e.region;
            if (!g.valid) {
                if (e.block.entry == e) {
                    e.block.entry = null;
                }
                return e.block;
            }
            final long before = cpu.retired;
            long room = limit - g.longestPath;
            if (before >= room) {
                nearLimit++;
                return e.block;
            }
            if (!verified(g)) {
                unverified++;
                return e.block;
            }
            if (g.entered < SHORT_RUNS) {
                g.entered++;
                room = Math.min(room, before + SHORT_RUN);
            }
            cpu.currentBlock = g;
            int exit;
            try {
                exit = e.code.run(cpu, g, e.number, room);
            } catch (SelfModification m) {
                resume = cpu.resumeAt;
                return (Block) java.util.Objects.requireNonNull(cpu.currentBlock);
            }
            entries++;
            long done = cpu.retired - before;
            instructions += done;
            g.executed += done;
            if (g.stage == 1 && g.executed >= HOT && !g.asked) {
                g.asked = true;
                tiering.hot(cpu, cache, e.block);
            }
            if (exit >= RegionCode.LINK) {
                if (cpu.requests() != 0 || cpu.retired >= limit) {
                    return null;
                }
                Region.Entry to = g.links[exit - RegionCode.LINK];
                if (to != null && !to.superseded && to.region.valid && verified(to.region)) {
                    e = to;
                    continue;
                }
                Block b = interpreter.lookup();
                e = b.entry;
                if (e == null) {
                    return b;
                }
                g.links[exit - RegionCode.LINK] = e;
                continue;
            }
            if (exit < 0) {
                misses++;
                cpu.missed = false;
                g.resume(cpu, ~exit);
                resume = cpu.resumeAt;
                return (Block) java.util.Objects.requireNonNull(cpu.currentBlock);
            }
            if (exit != RegionCode.EXIT) {
                helperExits++;
                if (!helper(g.ends[exit - 1], limit)) {
                    return null;
                }
            } else if (cpu.requests() != 0 || cpu.retired >= limit) {
                return null;
            }
            Block b = interpreter.lookup();
            e = b.entry;
            if (e == null) {
                return b;
            }
        }
    }

    /**
     * Executes the last instruction of a block.
     *
     * @return false if an event wants attention or the limit was reached
     */
    private boolean helper(Block last, long limit) {
        cpu.currentBlock = last;
        Instruction i = last.instructions[last.count - 1];
        cpu.rip = i.rip;
        cpu.nextRip = i.nextRip();
        Units.execute(cpu, i);
        cpu.rip = cpu.nextRip;
        cpu.retired++;
        return !interpreter.attention(limit);
    }

    private boolean verified(Region g) {
        long key = cpu.mmu.fetchKey();
        return g.verified[Region.slot(cpu.number, key)] == key || verify(g);
    }

    /** Looks whether all pages are mapped to the frames that the region was made from. */
    private boolean verify(Region g) {
        verifications++;
        for (int i = 0; i < g.pages.length; i++) {
            long machine = cpu.mmu.fetchQuietly(g.pages[i]);
            if (machine < 0 || machine >>> 12 != g.frames[i]) {
                return false;
            }
        }
        long key = cpu.mmu.fetchKey();
        g.verified[Region.slot(cpu.number, key)] = key;
        return true;
    }
}
