// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A domain's physical-to-machine map: guest frame number to machine frame. RAM given at creation is
 * kept as extents, changes on top of it in chunks of 512 entries, so that an untouched domain of
 * any size costs next to nothing.
 *
 * <p>Lookups are lock-free. Changes take the map's lock, and listeners (the processors' soft TLBs)
 * are told before the change returns, but without the lock; they have forgotten the old entry by
 * then.
 */
public final class PhysicalMap implements PhysicalView {
    /** Told of changed entries, on the changing thread. */
    public interface Listener {
        /**
         * Entries of count frames from gfn on may have changed.
         *
         * @param view where; the map itself stands for all views
         */
        void mappingChanged(PhysicalView view, long gfn, long count);
    }

    private static final int CHUNK = 512;

    /** Guest frame numbers are below this: 46 bits of physical address. */
    public static final long GFN_LIMIT = 1L << 34;

    private record Extent(long gfn, long count, long mfn) {}

    private final MachineMemory memory;
    private final CopyOnWriteArrayList<Extent> extents = new CopyOnWriteArrayList<>();
    private final CopyOnWriteArrayList<Listener> listeners = new CopyOnWriteArrayList<>();
    private final java.util.concurrent.ConcurrentHashMap<Long, long[]> chunks =
            new java.util.concurrent.ConcurrentHashMap<>();
    private volatile long maxGfn = -1;

    public PhysicalMap(MachineMemory memory) {
        this.memory = memory;
    }

    public MachineMemory memory() {
        return memory;
    }

    @Override
    public PhysicalMap base() {
        return this;
    }

    /** Highest guest frame that ever had RAM; -1 if none. */
    public long maxGfn() {
        return maxGfn;
    }

    /**
     * The first guest frame from gfn on that may have RAM, of large holes none; beyond {@link
     * #maxGfn} if there is none.
     */
    public long skipHoles(long gfn) {
        long end = maxGfn;
        long g = gfn;
        while (g <= end) {
            long first = g - g % CHUNK;
            if (chunks.containsKey(g / CHUNK)
                    || extents.stream()
                            .anyMatch(e -> e.gfn < first + CHUNK && e.gfn + e.count > first)) {
                return g;
            }
            g = first + CHUNK;
        }
        return g;
    }

    public void addListener(Listener listener) {
        listeners.add(listener);
    }

    public void removeListener(Listener listener) {
        listeners.remove(listener);
    }

    /** Maps count consecutive guest frames to consecutive machine frames, as RAM at creation. */
    public void mapRange(long gfn, long count, long mfn) {
        check(gfn, count);
        synchronized (this) {
            extents.add(new Extent(gfn, count, mfn));
            maxGfn = Math.max(maxGfn, gfn + count - 1);
        }
        changed(this, gfn, count);
    }

    /** Maps one guest frame with full access. */
    public void map(long gfn, long mfn) {
        set(gfn, mfn << MachineMemory.FRAME_SHIFT | ALL);
    }

    /** Makes a guest frame a hole; the machine frame stays the caller's to free. */
    public void unmap(long gfn) {
        set(gfn, 0);
    }

    /** Changes the access of a mapped frame; returns false for a hole. */
    public boolean setAccess(long gfn, int access) {
        long e = lookup(gfn);
        if (e == 0) {
            return false;
        }
        set(gfn, PhysicalView.withAccess(e, access));
        return true;
    }

    /**
     * Changes the access of consecutive guest frames; holes are left out.
     *
     * @return how many frames of RAM there were
     */
    public long setAccess(long gfn, long count, int access) {
        check(gfn, count);
        long done = 0;
        long end = Math.min(gfn + count, maxGfn + 1);
        synchronized (this) {
            for (long g = gfn; g < end; g++) {
                long e = lookup(g);
                if (e != 0) {
                    chunk(g)[(int) (g % CHUNK)] = PhysicalView.withAccess(e, access);
                    done++;
                }
            }
        }
        if (done != 0) {
            changed(this, gfn, count);
        }
        return done;
    }

    private void set(long gfn, long entry) {
        exchange(gfn, entry);
    }

    /**
     * Replaces an entry and returns the one that it replaced (0 for a hole), so that of several
     * threads which unmap a frame exactly one gets it. Listeners are told without the map's lock:
     * they wait for processors, which may be about to change the map themselves.
     */
    public long exchange(long gfn, long entry) {
        check(gfn, 1);
        long old;
        synchronized (this) {
            long[] chunk = chunk(gfn);
            old = chunk[(int) (gfn % CHUNK)];
            chunk[(int) (gfn % CHUNK)] = entry;
            if (entry != 0) {
                maxGfn = Math.max(maxGfn, gfn);
            }
        }
        changed(this, gfn, 1);
        return old;
    }

    /** The chunk of a guest frame, made if it is not there. With the monitor held. */
    private long[] chunk(long gfn) {
        long[] chunk = chunks.get(gfn / CHUNK);
        if (chunk == null) {
            chunk = new long[CHUNK];
            long first = gfn - gfn % CHUNK;
            for (int i = 0; i < CHUNK; i++) {
                chunk[i] = fromExtents(first + i);
            }
            chunks.put(gfn / CHUNK, chunk);
        }
        return chunk;
    }

    @Override
    public long lookup(long gfn) {
        if (gfn < 0 || gfn >= GFN_LIMIT) {
            return 0;
        }
        long @Nullable [] chunk = chunks.isEmpty() ? null : chunks.get(gfn / CHUNK);
        return chunk != null ? chunk[(int) (gfn % CHUNK)] : fromExtents(gfn);
    }

    @Override
    public long run(long gfn, long count) {
        if (chunks.isEmpty()) {
            for (Extent e : extents) {
                if (gfn >= e.gfn && gfn - e.gfn < e.count) {
                    return Math.min(count, e.count - (gfn - e.gfn));
                }
            }
        }
        return PhysicalView.super.run(gfn, count);
    }

    private long fromExtents(long gfn) {
        for (Extent e : extents) {
            if (gfn >= e.gfn && gfn - e.gfn < e.count) {
                return (e.mfn + (gfn - e.gfn)) << MachineMemory.FRAME_SHIFT | ALL;
            }
        }
        return 0;
    }

    /** Extents of RAM given at creation as (gfn, count) pairs. */
    public List<long[]> initialRanges() {
        return extents.stream().map(e -> new long[] {e.gfn, e.count}).toList();
    }

    /** A hash of what differs from the RAM of creation, and of that. */
    public long hash() {
        long sum = 0;
        for (Extent e : extents) {
            sum += MemoryHash.mix(MemoryHash.mix(MemoryHash.mix(1, e.gfn), e.count), e.mfn);
        }
        for (var chunk : chunks.entrySet()) {
            long[] entries = chunk.getValue();
            long first = chunk.getKey() * CHUNK;
            for (int i = 0; i < CHUNK; i++) {
                sum += MemoryHash.mix(MemoryHash.mix(2, first + i), entries[i]);
            }
        }
        return sum;
    }

    void changed(PhysicalView view, long gfn, long count) {
        for (Listener l : listeners) {
            l.mappingChanged(view, gfn, count);
        }
    }

    static void check(long gfn, long count) {
        if (gfn < 0 || count < 0 || gfn > GFN_LIMIT - count) {
            throw new IllegalArgumentException("guest frames " + gfn + " + " + count);
        }
    }
}
