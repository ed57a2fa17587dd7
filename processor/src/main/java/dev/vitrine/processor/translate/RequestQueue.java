// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.TimeUnit;
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

    /** Oldest first; guarded by this. */
    private final List<Request> waiting = new ArrayList<>();

    /**
     * @param limit how many requests there may be
     * @param clock nanoseconds, as {@link System#nanoTime}
     */
    RequestQueue(int limit, LongSupplier clock) {
        this.limit = limit;
        this.clock = clock;
    }

    /**
     * Adds a request; false if there are too many.
     *
     * @param executed how many instructions have been executed that it would make faster, which
     *     others may change meanwhile; null if that is not known
     * @param cold called if it is let go, by whoever takes others
     */
    synchronized boolean offer(W work, @Nullable LongSupplier executed, Runnable cold) {
        if (waiting.size() >= limit) {
            return false;
        }
        waiting.add(new Request(work, executed, cold));
        notifyAll();
        return true;
    }

    /** Takes out what is to be done next; waits for it. */
    synchronized W take() throws InterruptedException {
        while (true) {
            W w = next();
            if (w != null) {
                return w;
            }
            wait();
        }
    }

    /** As {@link #take}, but waits so long at the most, and gives null then. */
    synchronized @Nullable W poll(long millis) throws InterruptedException {
        W w = next();
        if (w == null) {
            TimeUnit.MILLISECONDS.timedWait(this, millis);
            w = next();
        }
        return w;
    }

    private @Nullable W next() {
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
        return best.work;
    }
}
