// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * Timers in order of their deadlines (a binary heap of preallocated entries: setting and cancelling
 * allocate nothing). Thread-safe. The queue never fires by itself: whoever runs the machine asks
 * for {@link #nextDeadline} and calls {@link #runExpired}.
 *
 * <p>Handlers run without the queue's lock; a handler may still run once when its timer is
 * cancelled at the same moment by another thread.
 */
public final class TimerQueue {
    /** No timer is set. */
    public static final long NEVER = Long.MAX_VALUE;

    /** What a timer does. */
    public interface Handler {
        /**
         * @param deadline the time that the timer was set for
         */
        void expired(long deadline);
    }

    /** Told when the earliest deadline moved forward, on the thread that set the timer. */
    private final @Nullable Runnable earlier;

    private Timer[] heap = new Timer[16];
    private int size;
    private long sequence;
    private volatile long next = NEVER;

    public TimerQueue() {
        this(null);
    }

    /**
     * @param earlier called after the earliest deadline became an earlier one
     */
    public TimerQueue(@Nullable Runnable earlier) {
        this.earlier = earlier;
    }

    /** A new timer, not set. */
    public Timer newTimer(Handler handler) {
        return new Timer(handler);
    }

    /** Earliest deadline, or {@link #NEVER}. */
    public long nextDeadline() {
        return next;
    }

    /** Runs the handlers of all timers whose deadline is at or before now; returns how many. */
    public int runExpired(long now) {
        int count = 0;
        while (next <= now) {
            Timer t;
            long deadline;
            synchronized (this) {
                if (size == 0 || heap[0].deadline > now) {
                    break;
                }
                t = heap[0];
                deadline = t.deadline;
                remove(t);
            }
            t.handler.expired(deadline);
            count++;
        }
        return count;
    }

    private void insert(Timer t) {
        if (size == heap.length) {
            heap = Arrays.copyOf(heap, size * 2);
        }
        t.sequence = sequence++;
        t.index = size;
        heap[size++] = t;
        up(t.index);
        publish();
    }

    private void remove(Timer t) {
        int i = t.index;
        Timer last = heap[--size];
        t.index = -1;
        if (last != t) {
            heap[i] = last;
            last.index = i;
            up(i);
            down(last.index);
        }
        publish();
    }

    private void publish() {
        next = size == 0 ? NEVER : heap[0].deadline;
    }

    private void up(int i) {
        while (i > 0) {
            int parent = (i - 1) / 2;
            if (!heap[i].before(heap[parent])) {
                return;
            }
            swap(i, parent);
            i = parent;
        }
    }

    private void down(int i) {
        while (true) {
            int child = 2 * i + 1;
            if (child >= size) {
                return;
            }
            if (child + 1 < size && heap[child + 1].before(heap[child])) {
                child++;
            }
            if (!heap[child].before(heap[i])) {
                return;
            }
            swap(i, child);
            i = child;
        }
    }

    private void swap(int a, int b) {
        Timer t = heap[a];
        heap[a] = heap[b];
        heap[b] = t;
        heap[a].index = a;
        heap[b].index = b;
    }

    /** One timer; made by {@link TimerQueue#newTimer}. */
    public final class Timer {
        private final Handler handler;
        private long deadline = NEVER;
        private long sequence;
        private int index = -1;

        private Timer(Handler handler) {
            this.handler = handler;
        }

        /** Sets or moves the timer; {@link #NEVER} cancels it. */
        public void set(long newDeadline) {
            boolean first;
            synchronized (TimerQueue.this) {
                long before = next;
                if (index >= 0) {
                    remove(this);
                }
                deadline = newDeadline;
                if (newDeadline != NEVER) {
                    insert(this);
                }
                first = next < before;
            }
            if (first && earlier != null) {
                earlier.run();
            }
        }

        public void cancel() {
            synchronized (TimerQueue.this) {
                if (index >= 0) {
                    remove(this);
                }
            }
        }

        public boolean isSet() {
            synchronized (TimerQueue.this) {
                return index >= 0;
            }
        }

        /** Deadline while the timer is set, else {@link #NEVER}. */
        public long deadline() {
            synchronized (TimerQueue.this) {
                return index >= 0 ? deadline : NEVER;
            }
        }

        private boolean before(Timer o) {
            return deadline < o.deadline || (deadline == o.deadline && sequence < o.sequence);
        }
    }
}
