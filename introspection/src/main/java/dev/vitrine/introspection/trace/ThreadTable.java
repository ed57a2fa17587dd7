// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * What is known of threads, by the addresses of their task_structs, and the system call that each
 * is in. Threads that are in no call are forgotten when there are too many: who sees one of them
 * again finds out anew. Those in a call are kept, as long as there are not too many of them alone.
 */
final class ThreadTable {
    /** A thread. */
    static final class Entry {
        final long address;

        // What TaskReader knows; guarded by this.
        @Nullable Task task;
        long ids;
        long mm;
        long namespaces;
        long groups;
        long commLow;
        long commHigh;
        boolean stale = true;

        private volatile @Nullable TracedCall open;

        /** It is not in the table any more. Guarded by this. */
        private boolean forgotten;

        private Entry(long address) {
            this.address = address;
        }

        /** It may have another program now. */
        synchronized void changed() {
            stale = true;
        }

        /** The system call that it is in. */
        @Nullable TracedCall open() {
            return open;
        }

        /** The call that it was in, which has ended: nobody else gets it. */
        @Nullable TracedCall end() {
            if (open == null) {
                return null;
            }
            synchronized (this) {
                TracedCall ended = open;
                open = null;
                return ended;
            }
        }
    }

    private final int limit;
    private final Consumer<TracedCall> dropped;
    private final Map<Long, Entry> entries = new ConcurrentHashMap<>();

    /**
     * @param limit threads that are known at a time, about: one more for each vCPU
     * @param dropped gets the calls whose ends will not be seen, since too many threads are in one
     */
    ThreadTable(int limit, Consumer<TracedCall> dropped) {
        this.limit = limit;
        this.dropped = dropped;
    }

    /** A thread by the address of its task_struct, which may be anything. */
    Entry get(long address) {
        Entry e = entries.get(address);
        if (e != null) {
            return e;
        }
        if (entries.size() >= limit) {
            shrink();
        }
        // Another vCPU may see it for the first time, too, and have a call begin.
        return entries.computeIfAbsent(address, Entry::new);
    }

    /** A call begins, which {@link Entry#end} gives back. */
    void begin(Entry e, TracedCall call) {
        synchronized (e) {
            e.open = call;
            if (e.forgotten) {
                e.forgotten = false;
                entries.put(e.address, e);
            }
        }
    }

    Iterable<Entry> all() {
        return entries.values();
    }

    int size() {
        return entries.size();
    }

    private void shrink() {
        for (Entry e : entries.values()) {
            synchronized (e) {
                if (e.open == null) {
                    forget(e);
                }
            }
        }
        // If there were only a few it would be for each of the next.
        if (entries.size() <= limit / 4 * 3) {
            return;
        }
        for (Entry e : entries.values()) {
            TracedCall lost;
            synchronized (e) {
                lost = e.open;
                e.open = null;
                forget(e);
            }
            if (lost != null) {
                dropped.accept(lost);
            }
        }
    }

    private void forget(Entry e) {
        e.forgotten = true;
        entries.remove(e.address, e);
    }
}
