// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The thread that translates, one for the process.
 *
 * <p>It also sees to it that HotSpot has compiled the code of a region before guests run it: in
 * bytecode that the JVM interprets a guest is slower than in our own interpreter. Where {@link
 * HotSpot} can be asked it is. Elsewhere the code is called with an entry that returns at once,
 * until HotSpot compiles it; that this has happened is seen by the time that a call takes. What is
 * concluded from that changes only when a region comes into use.
 */
final class Background {
    private static final int QUEUE = 1024;

    /** Calls after which HotSpot is asked to compile, with some to spare. */
    private static final int CALLS = 160;

    private static final int PROBE = 32;

    /** A call in this time on average was no interpreted one. */
    private static final long COMPILED_NANOS = 12;

    /** After that a region is given up: HotSpot does not compile it. */
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** Translations of the same code, the best first: a smaller one if that is too much. */
    private record Work(List<Supplier<@Nullable Region>> translations, Consumer<Region> use) {
        Work rest() {
            return new Work(translations.subList(1, translations.size()), use);
        }
    }

    private static final class Waiting {
        final Region region;
        final Work work;
        final long since = System.nanoTime();

        /** It is in HotSpot's queue; null if that cannot be known. */
        final @Nullable Method queued;

        Waiting(Region region, Work work, @Nullable Method queued) {
            this.region = region;
            this.work = work;
            this.queued = queued;
        }
    }

    private static final BlockingQueue<Work> QUEUED = new ArrayBlockingQueue<>(QUEUE);

    /** Regions of the second stage that run with counters, until the second compiler has them. */
    private static final Queue<Waiting> PROFILING = new ConcurrentLinkedQueue<>();

    /** A region that is not executed any more does not get there. */
    private static final long PROFILING_NANOS = 500_000_000L;

    private static @Nullable Thread thread;

    private Background() {}

    /**
     * Queues a translation; false if there are too many.
     *
     * @param translations of the same code; those behind the first are for the case that it gives
     *     null or is not compiled
     */
    static boolean submit(List<Supplier<@Nullable Region>> translations, Consumer<Region> use) {
        if (thread == null) {
            start();
        }
        return QUEUED.offer(new Work(translations, use));
    }

    /**
     * How many regions run with counters now, which is slower than the first stage: as many as the
     * second compiler can be kept busy with should.
     */
    static int profiling() {
        long now = System.nanoTime();
        PROFILING.removeIf(w ->
                now - w.since > PROFILING_NANOS
                        || HotSpot.level(java.util.Objects.requireNonNull(w.queued))
                                == HotSpot.OPTIMIZED);
        return PROFILING.size();
    }

    private static synchronized void start() {
        if (thread == null) {
            Thread t = new Thread(Background::work, "translator");
            t.setDaemon(true);
            thread = t;
            t.start();
        }
    }

    private static void work() {
        List<Waiting> waiting = new ArrayList<>();
        while (true) {
            try {
                Work w = waiting.isEmpty() ? QUEUED.take() : QUEUED.poll(1, TimeUnit.MILLISECONDS);
                if (w != null) {
                    translate(w, waiting);
                }
                waiting.removeIf(Background::ready);
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException | LinkageError e) {
                // The guest goes on in the interpreter.
                Thread t = Thread.currentThread();
                t.getUncaughtExceptionHandler().uncaughtException(t, e);
            }
        }
    }

    private static void translate(Work work, List<Waiting> waiting) {
        for (Work w = work; !w.translations.isEmpty(); w = w.rest()) {
            Region region = w.translations.getFirst().get();
            if (region != null) {
                waiting.add(new Waiting(region, w.rest(), queue(region)));
                return;
            }
        }
    }

    private static int level(Region region) {
        return region.stage == 1 ? HotSpot.SIMPLE : HotSpot.PROFILED;
    }

    /** Has the code of a region compiled; its method if HotSpot has been asked. */
    private static @Nullable Method queue(Region region) {
        // Before it is compiled all that is linked at the first call should be.
        call(region, 1);
        try {
            Method run =
                    region.code
                            .getClass()
                            .getDeclaredMethod("run", Cpu.class, Region.class, int.class);
            if (HotSpot.compile(run, level(region))) {
                return run;
            }
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("generated class of a region", e);
        }
        call(region, CALLS);
        return null;
    }

    private static void call(Region region, int times) {
        for (int i = 0; i < times; i++) {
            region.enterNowhere();
        }
    }

    private static boolean ready(Waiting w) {
        if (w.queued != null) {
            if (HotSpot.level(w.queued) != 0) {
                w.work.use.accept(w.region);
                if (w.region.stage == 2) {
                    PROFILING.add(new Waiting(w.region, w.work, w.queued));
                }
                return true;
            }
            if (!HotSpot.compilable(w.queued, level(w.region))) {
                if (!w.work.translations.isEmpty()) {
                    QUEUED.offer(w.work);
                }
                return true;
            }
            return System.nanoTime() - w.since > PATIENCE_NANOS;
        }
        long begin = System.nanoTime();
        call(w.region, PROBE);
        long end = System.nanoTime();
        if (end - begin < PROBE * COMPILED_NANOS) {
            w.work.use.accept(w.region);
            return true;
        }
        return end - w.since > PATIENCE_NANOS;
    }
}
