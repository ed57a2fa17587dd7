// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.CalledAccess;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;
import dev.vitrine.processor.exec.RegionCode;
import dev.vitrine.processor.exec.Tiering;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.ObjLongConsumer;
import java.util.function.Supplier;

/**
 * Translates what is hot. The shape of a region is chosen by the processor that found it hot, on
 * its own thread, where the mappings are known; its code is written on a thread in the background.
 */
public final class Translator implements Tiering {
    /** Modes in which every instruction is looked at. */
    private static final int WATCHED = Cpu.MODE_TF | Cpu.MODE_DEBUG | Cpu.MODE_ALIGN | 1 << 16;

    private static final boolean WEAK_ORDER =
            !System.getProperty("os.arch", "").matches("amd64|x86_64|i386|x86");

    /** How heavy a region of the first and of the second stage may be. */
    private static final int SMALL = 150;

    private static final int LARGE = Integer.getInteger("vitrine.translate.large", 500);

    /**
     * Between two requests of the second stage: about what HotSpot needs to compile one. A queue of
     * what was hot once would keep from it what is hot now.
     */
    private static final long PACE_NANOS =
            1_000_000L * Integer.getInteger("vitrine.translate.pace", 15);

    /**
     * While a processor's work is new, see {@link Phase}, a region must have executed so many
     * instructions for the second stage: about what takes as long in the first stage as the second
     * one takes to compile. The first stage, and HotSpot's second compiler for Vitrine's own code,
     * need the host's processors then.
     */
    private static final long WORTH_WHILE_NEW = 10_000_000;

    /** What has been in use for so long does not belong to what passes. */
    private static final long LASTING_NANOS = 3_000_000_000L;

    private long lastHot = System.nanoTime();

    private final int threshold;
    private final boolean atOnce;
    private final int processors;
    private final GuestRam ram;
    private final boolean ordered;
    private final Phase phase;

    /** HotSpot's compilers take the time that they need from the domain's processors. */
    private final boolean crowded;

    /**
     * Instructions a second: the second stage saves about 5 ns for each, and takes about 35 ms to
     * compile, which are to be worth it in some ten seconds.
     */
    private static final long WORTH = Integer.getInteger("vitrine.translate.worth", 500_000);

    // Statistics; racy on purpose.
    private long regions;
    private long large;
    private long blocks;

    /** Of class files. */
    private long bytes;

    /**
     * @param threshold executions of a block from which on it is hot; a multiple of 64
     * @param atOnce translate on the processor's thread: deterministic, for tests
     * @param processors how many the domain has
     * @param ram its memory
     */
    public Translator(int threshold, boolean atOnce, int processors, GuestRam ram) {
        this.ram = ram;
        this.ordered = processors > 1 || WEAK_ORDER;
        this.threshold = threshold;
        this.atOnce = atOnce;
        this.processors = processors;
        this.phase = new Phase(processors);
        this.crowded = !atOnce && processors >= Runtime.getRuntime().availableProcessors();
    }

    @Override
    public void sampled(Cpu cpu, CodeCache cache, Block block) {
        if (block.executions - block.covered < threshold
                || block.asked
                || block.entry != null
                || (block.modeKey & WATCHED) != 0
                || block.hooked
                || block.mfn0 < 0) {
            return;
        }
        block.asked = true;
        phase.hot(cpu.number, cpu.retired);
        RegionShape shape = RegionShape.choose(cpu, cache, block, 0, SMALL, false).all();
        for (Block b : shape.blocks) {
            b.covered = b.executions;
        }
        double turn = shape.instructionsPerExecution(block);
        if (!submit(
                cache,
                List.of(() -> translate(cpu, shape, 1)),
                () -> (long) (turn * (block.executions & 0xFFFFFFFFL)),
                () -> block.asked = false)) {
            block.asked = false;
        }
    }

    @Override
    public boolean hot(Cpu cpu, CodeCache cache, Block block, long origin, long executed) {
        long now = System.nanoTime();
        if (!atOnce
                && (now - lastHot < PACE_NANOS
                        || Background.SHARED.busy()
                        || (executed < WORTH_WHILE_NEW
                                && phase.isNew(cpu.number, cpu.retired)
                                && age(block, now) < LASTING_NANOS))) {
            return false;
        }
        lastHot = now;
        RegionShape.Choice choice = RegionShape.choose(cpu, cache, block, origin, 2 * LARGE, true);
        Attempts attempts = new Attempts(cpu, choice);
        List<Supplier<@Nullable Region>> translations = new ArrayList<>();
        for (int limit : new int[] {LARGE, LARGE / 2, LARGE / 4}) {
            translations.add(() -> attempts.within(limit));
        }
        return submit(cache, translations, null, () -> {});
    }

    @Override
    public void prepare(Cpu cpu) {
        ProcessorClasses.of(cpu);
    }

    @Override
    public void profiled(CodeCache cache, Region region) {
        if (!atOnce) {
            Background.SHARED.optimize(region, cache::withdraw, cache::restore);
        }
    }

    /** How long there has been a translation for a block, in nanoseconds. */
    private static long age(Block block, long now) {
        Region.Entry e = block.entry;
        return e == null ? 0 : now - e.region().since;
    }

    @Override
    public long least() {
        return crowded ? WORTH : 0;
    }

    /** Translations of one choice, each smaller than the one before. */
    private final class Attempts {
        private final Cpu cpu;
        private final RegionShape.Choice choice;

        /** What there is would come out again. */
        private boolean over;

        Attempts(Cpu cpu, RegionShape.Choice choice) {
            this.cpu = cpu;
            this.choice = choice;
        }

        @Nullable Region within(int limit) {
            if (over) {
                return null;
            }
            RegionShape shape = choice.worth(limit);
            over = isThere(shape);
            return over ? null : translate(cpu, shape, 2);
        }
    }

    /**
     * Whether the same blocks in the same order are a region already. One that is formed anew, for
     * what has been learnt of its branches, often comes out as it was, and HotSpot would take its
     * time once more.
     */
    private static boolean isThere(RegionShape shape) {
        Region.Entry e = shape.blocks.getFirst().entry;
        return e != null
                && e.number() == 0
                && e.region().stage == 2
                && Arrays.asList(e.region().blocks).equals(shape.blocks);
    }

    private boolean submit(
            CodeCache cache,
            List<Supplier<@Nullable Region>> translations,
            @Nullable LongSupplier executed,
            Runnable cold) {
        if (!atOnce) {
            return Background.SHARED.submit(translations, cache::add, executed, cold);
        }
        for (Supplier<@Nullable Region> translation : translations) {
            Region region = translation.get();
            if (region != null) {
                cache.add(region);
                break;
            }
        }
        return true;
    }

    private @Nullable Region translate(Cpu cpu, RegionShape shape, int stage) {
        RegionEmitter emitter =
                new RegionEmitter(shape, ordered, processors == 1, ram.mask(), stage);
        byte[] file = emitter.emit();
        // A smaller file has no larger method, and to read each was a twentieth of the work.
        if (file.length > HotSpot.methodLimit()
                && MethodSize.ofLargest(file) > HotSpot.methodLimit()) {
            return null;
        }
        RegionCode code = instance(file, ProcessorClasses.of(cpu));
        int n = shape.pages.size();
        long[] pages = new long[2 * n];
        int i = 0;
        for (Map.Entry<Long, Long> p : shape.pages.entrySet()) {
            pages[i] = p.getKey();
            pages[n + i] = p.getValue();
            i++;
        }
        Region region =
                new Region(
                        code,
                        shape.blocks.toArray(new Block[0]),
                        emitter.entries.toArray(new Block[0]),
                        emitter.helpers.toArray(new Instruction[0]),
                        emitter.ends.toArray(new Block[0]),
                        emitter.links.stream().mapToLong(Long::longValue).toArray(),
                        emitter.sites(),
                        pages,
                        shape.longestPath,
                        processors,
                        stage,
                        shape.relocatable);
        regions++;
        if (stage == 2) {
            large++;
        }
        blocks += shape.blocks.size();
        bytes += file.length;
        return region;
    }

    private static RegionCode instance(byte[] file, CalledAccess access) {
        try {
            access.place().defineHiddenClass(file, true);
            return RegionCode.takeMade();
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("generated class of a region", e);
        }
    }

    /** What has been translated. */
    public void statistics(ObjLongConsumer<String> out) {
        out.accept("regions", regions);
        out.accept("regions of the second stage", large);
        out.accept("blocks in regions", blocks);
        out.accept("bytes of class files of regions", bytes);
    }
}
