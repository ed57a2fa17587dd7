// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * The thread that translates, {@linkplain #SHARED one} for the process.
 *
 * <p>It also sees to it that HotSpot has compiled the code of a region before guests run it: in
 * bytecode that the JVM interprets a guest is slower than in our own interpreter. Where {@link
 * HotSpot} can be asked it is. Elsewhere the code is called with an entry that returns at once,
 * until HotSpot compiles it; that this has happened is seen by the time that a call takes. What is
 * concluded from that changes only when a region comes into use.
 */
final class Background {
    static final int QUEUE = 1024;

    /** Calls after which HotSpot is asked to compile, with some to spare. */
    static final int CALLS = 160;

    private static final int PROBE = 32;

    /** A call in this time on average was no interpreted one. */
    private static final long COMPILED_NANOS = 12;

    /** After that a region is given up: HotSpot does not compile it. */
    static final long PATIENCE_NANOS = 60_000_000_000L;

    /** A region that is not executed often makes room for others. */
    static final long PROFILING_NANOS = 100_000_000L;

    /** So many regions run with counters at a time. */
    static final int PROFILING = 2;

    /** One that the second compiler works at, and the next one. */
    static final int OPTIMIZING = 2;

    /** That of the process. */
    static final Background SHARED =
            new Background(
                    new Compiler() {
                        @Override
                        public boolean compile(Method method, int level) {
                            return HotSpot.compile(method, level);
                        }

                        @Override
                        public int level(Method method) {
                            return HotSpot.level(method);
                        }

                        @Override
                        public boolean compilable(Method method, int level) {
                            return HotSpot.compilable(method, level);
                        }
                    },
                    System::nanoTime);

    /** Who compiles: see {@link HotSpot}, whose methods these are. */
    interface Compiler {
        boolean compile(Method method, int level);

        int level(Method method);

        boolean compilable(Method method, int level);
    }

    /** Translations of the same code, the best first: a smaller one if that is too much. */
    private record Work(List<Supplier<@Nullable Region>> translations, Consumer<Region> use) {
        Work rest() {
            return new Work(translations.subList(1, translations.size()), use);
        }
    }

    /**
     * A region on its way.
     *
     * @param queued it is in HotSpot's queue; null if that cannot be known
     */
    private record Waiting(Region region, Work work, long since, @Nullable Method queued) {}

    private final RequestQueue<Work> queued;

    /** Translated and not compiled yet. */
    private final List<Waiting> waiting = new ArrayList<>();

    /** Regions of the second stage that run with counters, until that is enough. */
    private final Queue<Waiting> profiling = new ConcurrentLinkedQueue<>();

    private final Optimizer optimizer;

    private final Compiler compiler;
    private final LongSupplier clock;
    private @Nullable Thread thread;

    /**
     * @param clock nanoseconds, as {@link System#nanoTime}
     */
    Background(Compiler compiler, LongSupplier clock) {
        this.compiler = compiler;
        this.clock = clock;
        this.queued = new RequestQueue<>(QUEUE, clock);
        this.optimizer = new Optimizer(compiler, clock);
    }

    /**
     * Queues a translation; false if there are too many.
     *
     * @param translations of the same code; those behind the first are for the case that it gives
     *     null or is not compiled
     * @param executed see {@link RequestQueue#offer}
     * @param cold see there
     */
    boolean submit(
            List<Supplier<@Nullable Region>> translations,
            Consumer<Region> use,
            @Nullable LongSupplier executed,
            Runnable cold) {
        if (thread == null) {
            start();
        }
        return queued.offer(new Work(translations, use), executed, cold);
    }

    /**
     * Whether another region of the second stage would have to wait for the second compiler, or run
     * with counters, which is slower than the first stage, beside too many others.
     */
    boolean busy() {
        return optimizing() >= OPTIMIZING || profiling() >= PROFILING;
    }

    /** How many regions the second compiler has been asked for. */
    int optimizing() {
        return optimizer.waiting();
    }

    /** How many regions run with counters now, as long as these are executed. */
    int profiling() {
        long now = clock.getAsLong();
        profiling.removeIf(w ->
                now - w.since > PROFILING_NANOS
                        || optimizer.has(w.region)
                        || compiler.level(Objects.requireNonNull(w.queued)) == HotSpot.OPTIMIZED);
        return profiling.size();
    }

    /**
     * Has the second compiler compile a region that runs with counters, and meanwhile what was
     * there before it executed, which is faster. Without {@link HotSpot} nothing is done: it finds
     * out by itself.
     *
     * @param withdraw called before that
     * @param restore called when it is compiled
     */
    void optimize(Region region, Consumer<Region> withdraw, Consumer<Region> restore) {
        Method run = method(region);
        if (compiler.level(run) == HotSpot.PROFILED) {
            optimizer.add(region, run, withdraw, restore);
        }
    }

    private synchronized void start() {
        if (thread == null) {
            Thread t = new Thread(this::work, "translator");
            t.setDaemon(true);
            thread = t;
            t.start();
        }
    }

    private void work() {
        while (true) {
            try {
                turn();
            } catch (InterruptedException e) {
                return;
            } catch (RuntimeException | LinkageError e) {
                // The guest goes on in the interpreter.
                Thread t = Thread.currentThread();
                t.getUncaughtExceptionHandler().uncaughtException(t, e);
            }
        }
    }

    private void turn() throws InterruptedException {
        Work w = waiting.isEmpty() ? queued.take() : queued.poll(1);
        if (w != null) {
            translate(w);
        }
        Iterator<Waiting> all = waiting.iterator();
        while (all.hasNext()) {
            boolean done = true;
            try {
                done = ready(all.next());
            } finally {
                // What fails once is not tried again.
                if (done) {
                    all.remove();
                }
            }
        }
    }

    private void translate(Work work) {
        for (Work w = work; !w.translations.isEmpty(); w = w.rest()) {
            Region region = w.translations.getFirst().get();
            if (region != null) {
                Method method = queue(region);
                waiting.add(new Waiting(region, w.rest(), clock.getAsLong(), method));
                return;
            }
        }
    }

    private static int level(Region region) {
        return region.stage == 1 ? HotSpot.SIMPLE : HotSpot.PROFILED;
    }

    /** Has the code of a region compiled; its method if HotSpot has been asked. */
    private @Nullable Method queue(Region region) {
        // Before it is compiled all that is linked at the first call should be.
        call(region, 1);
        Method run = method(region);
        if (compiler.compile(run, level(region))) {
            return run;
        }
        call(region, CALLS);
        return null;
    }

    private static Method method(Region region) {
        try {
            return region.code
                    .getClass()
                    .getDeclaredMethod("run", Cpu.class, Region.class, int.class);
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException("generated class of a region", e);
        }
    }

    private static void call(Region region, int times) {
        for (int i = 0; i < times; i++) {
            region.enterNowhere();
        }
    }

    private boolean ready(Waiting w) {
        if (w.queued != null) {
            if (compiler.level(w.queued) != 0) {
                w.work.use.accept(w.region);
                if (w.region.stage == 2) {
                    profiling.add(new Waiting(w.region, w.work, clock.getAsLong(), w.queued));
                }
                return true;
            }
            if (!compiler.compilable(w.queued, level(w.region))) {
                if (!w.work.translations.isEmpty()) {
                    queued.offer(w.work, null, () -> {});
                }
                return true;
            }
            return clock.getAsLong() - w.since > PATIENCE_NANOS;
        }
        long begin = clock.getAsLong();
        call(w.region, PROBE);
        long end = clock.getAsLong();
        if (end - begin < PROBE * COMPILED_NANOS) {
            w.work.use.accept(w.region);
            return true;
        }
        return end - w.since > PATIENCE_NANOS;
    }
}
