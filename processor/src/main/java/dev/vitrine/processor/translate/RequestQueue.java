// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/**
 * What waits for the translator. While a system starts there are bursts of dozens; what executes
 * most at the moment comes first, since each of its instructions is interpreted until then, and
 * what is over before its turn is let go.
 *
 * @param <W> what is to be done
 */
final class RequestQueue<W> {
    /** What has not executed for so long need not be translated. */
    static final long COLD_NANOS = 100_000_000L;

    /** A request that cannot say how hot it is waits no longer than that behind those that can. */
    static final long PATIENCE_NANOS = 20_000_000L;

    private final class Request {
        final W work;
        final @Nullable LongSupplier executed;
        final Runnable cold;
        final long since = clock.getAsLong();

        /** Value of {@link #executed} at the last look, and when it was another one before. */
        long seen;

        long changed = since;

        /** What was executed lately. */
        long heat;

        Request(W work, @Nullable LongSupplier executed, Runnable cold) {
            this.work = work;
            this.executed = executed;
            this.cold = cold;
            this.seen = executed == null ? 0 : executed.getAsLong();
        }

        void look(long now, LongSupplier count) {
            long n = count.getAsLong();
            if (n != seen) {
                heat = heat / 2 + Math.max(0, n - seen);
                seen = n;
                changed = now;
            } else {
                heat /= 2;
            }
        }
    }

    private final int limit;
    private final LongSupplier clock;

    /**
     * What has come since the last look. Whoever offers takes no lock: to wait for one who looks
     * through all the others was one sample in a hundred of a processor's in a boot.
     */
    private final Queue<Request> arrived = new ConcurrentLinkedQueue<>();

    /** Oldest first; of the one who takes. */
    private final List<Request> waiting = new ArrayList<>();

    /** How many there are in both. */
    private final AtomicInteger count = new AtomicInteger();

    /** Who waits for a request. */
    private volatile @Nullable Thread sleeper;

    /**
     * @param limit how many requests there may be
     * @param clock nanoseconds, as {@link System#nanoTime}
     */
    RequestQueue(int limit, LongSupplier clock) {
        this.limit = limit;
        this.clock = clock;
    }

    /**
     * Adds a request; false if there are too many. Any thread may.
     *
     * @param executed how many instructions have been executed that it would make faster, which
     *     others may change meanwhile; null if that is not known
     * @param cold called if it is let go, by whoever takes others
     */
    boolean offer(W work, @Nullable LongSupplier executed, Runnable cold) {
        if (count.incrementAndGet() > limit) {
            count.decrementAndGet();
            return false;
        }
        arrived.add(new Request(work, executed, cold));
        Thread t = sleeper;
        if (t != null) {
            LockSupport.unpark(t);
        }
        return true;
    }

    /** Takes out what is to be done next; waits for it. One thread at a time may take. */
    W take() throws InterruptedException {
        while (true) {
            W w = next();
            if (w != null) {
                return w;
            }
            sleep(Long.MAX_VALUE);
        }
    }

    /** As {@link #take}, but waits so long at the most, and gives null then. */
    @Nullable W poll(long millis) throws InterruptedException {
        W w = next();
        if (w == null) {
            sleep(TimeUnit.MILLISECONDS.toNanos(millis));
            w = next();
        }
        return w;
    }

    /** Until there is a request, or for no reason, but so long at the most. */
    private void sleep(long nanos) throws InterruptedException {
        sleeper = Thread.currentThread();
        // Behind the announcement: who adds one after this look sees it.
        if (arrived.isEmpty()) {
            LockSupport.parkNanos(this, nanos);
        }
        sleeper = null;
        if (Thread.interrupted()) {
            throw new InterruptedException();
        }
    }

    private @Nullable W next() {
        for (Request r = arrived.poll(); r != null; r = arrived.poll()) {
            waiting.add(r);
        }
        long now = clock.getAsLong();
        Request best = null;
        Iterator<Request> all = waiting.iterator();
        while (all.hasNext()) {
            Request r = all.next();
            if (r.executed == null) {
                if (now - r.since > PATIENCE_NANOS) {
                    best = r;
                    break;
                }
            } else {
                r.look(now, r.executed);
                if (now - r.changed > COLD_NANOS) {
                    all.remove();
                    count.decrementAndGet();
                    r.cold.run();
                    continue;
                }
            }
            if (best == null || r.heat > best.heat) {
                best = r;
            }
        }
        if (best == null) {
            return null;
        }
        waiting.remove(best);
        count.decrementAndGet();
        return best.work;
    }
}
