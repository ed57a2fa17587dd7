// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.exec.Region;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * The thread that translates, one for the process.
 *
 * <p>It also sees to it that HotSpot has compiled the code of a region before guests run it: in
 * bytecode that the JVM interprets a guest is slower than in our own interpreter. It calls the code
 * with an entry that returns at once, until HotSpot compiles it; that this has happened is seen by
 * the time that a call takes. What is concluded from that changes only when a region comes into
 * use.
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

    private record Work(Supplier<@Nullable Region> translation, Consumer<Region> use) {}

    private static final class Waiting {
        final Region region;
        final Consumer<Region> use;
        final long since = System.nanoTime();

        Waiting(Region region, Consumer<Region> use) {
            this.region = region;
            this.use = use;
        }
    }

    private static final BlockingQueue<Work> QUEUED = new ArrayBlockingQueue<>(QUEUE);
    private static @Nullable Thread thread;

    private Background() {}

    /** Queues a translation; false if there are too many. */
    static boolean submit(Supplier<@Nullable Region> translation, Consumer<Region> use) {
        if (thread == null) {
            start();
        }
        return QUEUED.offer(new Work(translation, use));
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
                    Region region = w.translation.get();
                    if (region != null) {
                        call(region, CALLS);
                        waiting.add(new Waiting(region, w.use));
                    }
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

    private static void call(Region region, int times) {
        for (int i = 0; i < times; i++) {
            region.enterNowhere();
        }
    }

    private static boolean ready(Waiting w) {
        long begin = System.nanoTime();
        call(w.region, PROBE);
        long end = System.nanoTime();
        if (end - begin < PROBE * COMPILED_NANOS) {
            w.use.accept(w.region);
            return true;
        }
        return end - w.since > PATIENCE_NANOS;
    }
}
