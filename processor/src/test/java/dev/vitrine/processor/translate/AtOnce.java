// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;
import dev.vitrine.processor.exec.Tiering;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Method;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Translates when a test says so, in the stage that it wants; what the interpreter finds hot does
 * not matter.
 */
public final class AtOnce implements Tiering {
    /** The second stage, with the code in use only when HotSpot's second compiler has made it. */
    public static final int COMPILED = 4;

    /** Modes in which the translator translates nothing. */
    private static final int WATCHED = Cpu.MODE_TF | Cpu.MODE_DEBUG | Cpu.MODE_ALIGN | 1 << 16;

    private final Translator translator;

    /**
     * @param processors how many the domain has
     * @param ram its memory
     */
    public AtOnce(int processors, GuestRam ram) {
        translator = new Translator(0, true, processors, ram);
    }

    @Override
    public void prepare(Cpu cpu) {
        translator.prepare(cpu);
    }

    @Override
    public void sampled(Cpu cpu, CodeCache cache, Block block) {}

    @Override
    public boolean hot(Cpu cpu, CodeCache cache, Block block, long origin, long executed) {
        return true;
    }

    /**
     * Translates from a block on, with what is behind it as far as it was executed.
     *
     * @param stage 1, 2 or {@link #COMPILED}
     * @return whether the block can be entered as a region now
     */
    public boolean translate(Cpu cpu, CodeCache cache, Block head, int stage) {
        if ((head.modeKey & WATCHED) != 0 || head.mfn0 < 0) {
            return false;
        }
        for (Block b : reachable(cpu, cache, head)) {
            // As if it had been executed some times, and taken either way.
            b.executions = 4;
            b.takenCount = 2;
            b.asked = false;
            b.covered = 0;
        }
        head.entry = null;
        if (stage == 1) {
            translator.sampled(cpu, cache, head);
        } else {
            translator.hot(cpu, cache, head, 0, Long.MAX_VALUE);
        }
        Region.Entry entry = head.entry;
        return entry != null && (stage != COMPILED || compile(entry.region()));
    }

    /** Whether code can be compiled on demand here: see the module {@code hotspot}. */
    public static boolean canCompile() {
        try {
            return HotSpot.compile(AtOnce.class.getDeclaredMethod("canCompile"), HotSpot.OPTIMIZED);
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean compile(Region region) {
        // Linked before it is compiled, as in the background thread.
        region.enterNowhere();
        try {
            Method run =
                    region.code
                            .getClass()
                            .getDeclaredMethod("run", Cpu.class, Region.class, int.class);
            long begun = System.nanoTime();
            if (!HotSpot.compile(run, HotSpot.OPTIMIZED)) {
                throw new AssertionError("HotSpot does not compile the code of a region");
            }
            while (HotSpot.level(run) != HotSpot.OPTIMIZED) {
                if (System.nanoTime() - begun > PATIENCE_NANOS) {
                    throw new AssertionError("HotSpot has not compiled the code of a region");
                }
                Thread.onSpinWait();
            }
            return true;
        } catch (NoSuchMethodException e) {
            throw new AssertionError(e);
        }
    }

    private static final long PATIENCE_NANOS = 120_000_000_000L;

    private static List<Block> reachable(Cpu cpu, CodeCache cache, Block head) {
        List<Block> found = new ArrayList<>();
        Set<Long> seen = new HashSet<>();
        ArrayDeque<Block> open = new ArrayDeque<>();
        seen.add(head.rip);
        open.add(head);
        while (!open.isEmpty()) {
            Block b = open.remove();
            found.add(b);
            List<Long> next = new ArrayList<>(RegionShape.successors(b));
            next.add(b.fallThrough);
            for (long rip : next) {
                if (seen.add(rip)) {
                    Block s = at(cpu, cache, head, rip);
                    if (s != null) {
                        open.add(s);
                    }
                }
            }
        }
        return found;
    }

    private static @Nullable Block at(Cpu cpu, CodeCache cache, Block head, long rip) {
        long la = rip + head.csBase;
        if ((head.modeKey & Cpu.MODE_64) == 0) {
            la &= 0xFFFFFFFFL;
        }
        long machine = cpu.mmu.fetchQuietly(la);
        return machine < 0
                ? null
                : cache.find(machine, rip, head.modeKey, head.csBase, head.csLimit);
    }
}
