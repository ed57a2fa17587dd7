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
    private final Cpu cpu;
    private final Interpreter interpreter;

    /** Index in its code at which the block that {@link #run} returned is to be taken up. */
    private int resume;

    // Statistics.
    private long entries;
    private long nearLimit;
    private long unverified;
    private long verifications;
    private long helperExits;
    private long instructions;

    void statistics(ObjLongConsumer<String> out) {
        out.accept("region entries", entries);
        out.accept("regions not entered: near the limit", nearLimit);
        out.accept("regions not entered: mapped otherwise", unverified);
        out.accept("region verifications", verifications);
        out.accept("region exits for helpers", helperExits);
        out.accept("instructions in regions", instructions);
    }

    RegionRunner(Cpu cpu, Interpreter interpreter) {
        this.cpu = cpu;
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
        Block b = first;
        while (true) {
            Region.Entry e = b.entry;
            if (e == null) {
                return b;
            }
            Region g = e.region();
            if (!g.valid) {
                b.entry = null;
                return b;
            }
            long room = limit - g.longestPath;
            if (cpu.retired >= room) {
                nearLimit++;
                return b;
            }
            if (!verified(g)) {
                unverified++;
                return b;
            }
            entries++;
            long before = cpu.retired;
            cpu.currentBlock = g;
            int exit;
            try {
                exit = g.code.run(cpu, g, e.number(), room);
            } catch (SelfModification m) {
                resume = cpu.resumeAt;
                return (Block) java.util.Objects.requireNonNull(cpu.currentBlock);
            }
            instructions += cpu.retired - before;
            if (exit != RegionCode.EXIT) {
                helperExits++;
                Block last = g.ends[exit - 1];
                cpu.currentBlock = last;
                Instruction i = last.instructions[last.count - 1];
                cpu.rip = i.rip;
                cpu.nextRip = i.nextRip();
                Units.execute(cpu, i);
                cpu.rip = cpu.nextRip;
                cpu.retired++;
                if (interpreter.attention(limit)) {
                    return null;
                }
            } else if (cpu.requests() != 0 || cpu.retired >= limit) {
                return null;
            }
            b = interpreter.lookup();
        }
    }

    private boolean verified(Region g) {
        return g.verified[cpu.number] == cpu.mmu.fetchKey() || verify(g);
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
        g.verified[cpu.number] = cpu.mmu.fetchKey();
        return true;
    }
}
