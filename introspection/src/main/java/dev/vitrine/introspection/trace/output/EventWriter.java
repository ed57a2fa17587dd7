// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.EventSink;
import dev.vitrine.introspection.trace.Task;
import dev.vitrine.introspection.trace.TracedEvent;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes events, one on a line, in the order in which they are told. vCPUs put them into a queue,
 * and a thread of its own chooses, decodes and writes, so that a guest is held up as little as
 * possible; if it is too far behind, vCPUs wait: no event is dropped. What cannot be written is
 * counted, and the first reason kept.
 */
public final class EventWriter implements EventSink, AutoCloseable {
    /** How lines look. */
    public enum Format {
        JSON,
        CSV,
        KV,
        TEXT
    }

    /**
     * Bytes of memory that events in the queue may have, about: less than the collector's young
     * generation, out of which they would be copied otherwise.
     */
    private static final long MAX_WEIGHT = 8L << 20;

    /** From so many bytes on the writing thread is woken. */
    private static final long WAKE_WEIGHT = 1L << 18;

    private static final int WAIT_MILLIS = 20;
    private static final int CHUNK = 1 << 16;

    private final EventFormat format;
    private final @Nullable EventFilter filter;
    private final OutputStream out;
    private final Thread thread;
    private final Bytes bytes = new Bytes();

    // Guarded by this.
    private List<TracedEvent> queue = new ArrayList<>();
    private long weight;
    private long sequence;
    private boolean closed;
    private boolean idle;
    private long told;
    private long lost;
    private @Nullable String failure;

    /**
     * A writer.
     *
     * @param domain name of the domain that the events are of
     * @param filter chooses events; null for all
     * @param out is closed in the end
     */
    public EventWriter(
            String domain, Format format, @Nullable EventFilter filter, OutputStream out) {
        this.format = EventFormat.of(format, domain);
        this.filter = filter;
        this.out = out;
        this.thread = new Thread(this::run, "events of " + domain);
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public synchronized void accept(
            long time, int vcpu, long cr3, Task task, Event event, int size) {
        boolean interrupted = false;
        while (weight > MAX_WEIGHT && !closed) {
            notifyAll();
            try {
                wait();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (closed) {
            return;
        }
        queue.add(new TracedEvent(sequence++, time, vcpu, cr3, task, event));
        weight += size;
        if (idle && weight > WAKE_WEIGHT) {
            notifyAll();
        }
    }

    private void run() {
        try {
            Bytes b = bytes;
            format.header(b);
            while (round(b)) {
                flush(b, true);
            }
            flush(b, true);
            out.close();
        } catch (IOException e) {
            failed(e, 0);
        } finally {
            // Nobody is to wait for a thread that is not there.
            synchronized (this) {
                closed = true;
                notifyAll();
            }
        }
    }

    /** Writes what is there; false in the end. */
    private boolean round(Bytes b) {
        List<TracedEvent> some = take();
        if (some == null) {
            return false;
        }
        for (TracedEvent e : some) {
            event(b, e);
        }
        return true;
    }

    private synchronized @Nullable List<TracedEvent> take() {
        if (weight < WAKE_WEIGHT && !closed) {
            idle = true;
            try {
                wait(WAIT_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                closed = true;
            }
            idle = false;
        }
        if (queue.isEmpty() && closed) {
            return null;
        }
        List<TracedEvent> some = queue;
        queue = new ArrayList<>(some.size());
        weight = 0;
        notifyAll();
        return some;
    }

    /**
     * An event that cannot be told, because of what a guest or a plugin has put into it, is lost
     * alone.
     */
    private void event(Bytes b, TracedEvent e) {
        int start = b.length();
        try {
            if (filter != null && !filter.test(e)) {
                return;
            }
            format.write(b, e);
            pending++;
        } catch (RuntimeException x) {
            b.drop(b.length() - start);
            failed(x, 1);
        }
        flush(b, false);
    }

    /** Events whose lines have not been handed to the stream; of the writing thread. */
    private int pending;

    /** The stream takes no more; of the writing thread. */
    private boolean broken;

    private void flush(Bytes b, boolean all) {
        if (b.length() == 0 || !all && b.length() < CHUNK) {
            return;
        }
        try {
            if (!broken) {
                b.writeTo(out);
                if (all) {
                    out.flush();
                }
                written(pending);
            } else {
                failed(null, pending);
            }
        } catch (IOException e) {
            broken = true;
            failed(e, pending);
        }
        pending = 0;
        b.clear();
    }

    private synchronized void written(int events) {
        told += events;
    }

    private synchronized void failed(@Nullable Exception e, int events) {
        lost += events;
        if (e != null && failure == null) {
            failure = e.getMessage() == null ? e.toString() : e.getMessage();
        }
    }

    /** Events written. */
    public synchronized long written() {
        return told;
    }

    /** Events that could not be written. */
    public synchronized long lost() {
        return lost;
    }

    /** Why they could not; null if all were. */
    public synchronized @Nullable String failure() {
        return failure;
    }

    /** Writes what is left. Events that come later are not written. */
    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
