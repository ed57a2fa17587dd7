// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;

import org.jspecify.annotations.Nullable;

import java.lang.reflect.Method;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Has HotSpot's second compiler compile regions of the second stage, one after the other, on a
 * thread of its own, which waits for it: what somebody waits for it does first.
 */
final class Optimizer {
    private record Request(Region region, Method run, Consumer<Region> restore) {}

    private final Background.Compiler compiler;
    private final LongSupplier clock;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();

    /** What has been asked for and is not compiled yet. */
    private final Set<Region> pending = ConcurrentHashMap.newKeySet();

    private @Nullable Thread thread;

    /**
     * @param clock nanoseconds, as {@link System#nanoTime}
     */
    Optimizer(Background.Compiler compiler, LongSupplier clock) {
        this.compiler = compiler;
        this.clock = clock;
    }

    /** Regions whose compilation has been asked for. */
    int waiting() {
        return pending.size();
    }

    /** Whether a region is one of these. */
    boolean has(Region region) {
        return pending.contains(region);
    }

    /**
     * Asks for the compilation of a region, once.
     *
     * @param run its method
     * @param withdraw called before
     * @param restore called behind, if it comes to something
     */
    void add(Region region, Method run, Consumer<Region> withdraw, Consumer<Region> restore) {
        if (pending.add(region)) {
            withdraw.accept(region);
            requests.add(new Request(region, run, restore));
            start();
        }
    }

    private synchronized void start() {
        if (thread == null) {
            Thread t = new Thread(this::work, "optimizer");
            t.setDaemon(true);
            thread = t;
            t.start();
        }
    }

    private void work() {
        try {
            while (true) {
                Request r = requests.take();
                try {
                    if (r.region.valid() && compiled(r.run)) {
                        r.restore.accept(r.region);
                    }
                } catch (RuntimeException | LinkageError e) {
                    // The guest goes on with what was there before.
                    Thread t = Thread.currentThread();
                    t.getUncaughtExceptionHandler().uncaughtException(t, e);
                } finally {
                    pending.remove(r.region);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Has a method compiled; false if the compiler gives up. */
    private boolean compiled(Method run) throws InterruptedException {
        compiler.compile(run, HotSpot.OPTIMIZED);
        long since = clock.getAsLong();
        // Where the launcher's directives are missing it comes back at once.
        while (compiler.level(run) != HotSpot.OPTIMIZED) {
            if (!compiler.compilable(run, HotSpot.OPTIMIZED)
                    || clock.getAsLong() - since > Background.PATIENCE_NANOS) {
                return false;
            }
            Thread.sleep(1);
        }
        return true;
    }
}
