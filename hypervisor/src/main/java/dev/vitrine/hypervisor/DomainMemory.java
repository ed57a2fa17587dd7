// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.StateSink;

import java.lang.invoke.VarHandle;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongConsumer;

/**
 * A domain's memory and its accounts: which frames it owns, how many it may own, frames that belong
 * to the hypervisor (shared info, grant table), and frames that the hypervisor holds on to while
 * the guest may already have given them back.
 *
 * <p>The monitor guards the accounts only. It is never held while the physical map changes, because
 * a change waits for the domain's processors, and one of them may wait for the monitor: each change
 * is an atomic exchange, and who took an entry out of the map settles its account.
 */
final class DomainMemory implements AutoCloseable {
    static final int SHIFT = MachineMemory.FRAME_SHIFT;
    static final long NOWHERE = -1;

    final MachineMemory machine;
    final PhysicalMap map;
    final GuestPhysical physical;
    final GuestRam ram;
    private final FrameTable frames;

    private long totalPages;
    private volatile long maxPages;

    /** Hypervisor-owned frames and the guest frame where each is mapped, or NOWHERE. */
    private final Map<Long, Long> special = new HashMap<>();

    /** Guest frames that show a granted frame, and which. */
    private final Map<Long, Long> foreign = new HashMap<>();

    private final Map<Long, Integer> pins = new HashMap<>();

    /** Given back by the guest while pinned. */
    private final Set<Long> zombies = new HashSet<>();

    /**
     * @param maxPages frames that the domain may own
     * @param overhead frames on top of that for the hypervisor
     */
    DomainMemory(long maxPages, long overhead) {
        this.maxPages = maxPages;
        machine = MachineMemory.reserve((maxPages + overhead) << SHIFT);
        map = new PhysicalMap(machine);
        physical = new GuestPhysical(map);
        ram = machine.ram();
        frames = machine.frames();
    }

    synchronized long totalPages() {
        return totalPages;
    }

    long maxPages() {
        return maxPages;
    }

    void setMaxPages(long pages) {
        maxPages = pages;
    }

    static boolean isGfn(long gfn) {
        return gfn >= 0 && gfn < PhysicalMap.GFN_LIMIT;
    }

    /** Gives the domain a range of fresh, zeroed RAM. */
    void addRange(long gfn, long count) {
        long first;
        synchronized (this) {
            if (count < 0 || count > maxPages - totalPages) {
                throw new IllegalArgumentException(
                        count + " more frames exceed the domain's maximum of " + maxPages);
            }
            first = machine.allocateRange(count);
            totalPages += count;
        }
        map.mapRange(gfn, count, first);
    }

    /**
     * Puts a zeroed frame at gfn; what was there is given back. False if there is none to be had.
     */
    boolean populate(long gfn) {
        return populate(gfn, false);
    }

    /** The same, for a tool: the domain may have as many frames as it is to have already. */
    boolean populateBeyond(long gfn) {
        return populate(gfn, true);
    }

    private boolean populate(long gfn, boolean beyond) {
        if (!isGfn(gfn)) {
            return false;
        }
        long mfn;
        synchronized (this) {
            if (totalPages >= maxPages && !beyond) {
                return false;
            }
            mfn = machine.allocateFrame();
            if (mfn < 0) {
                return false;
            }
            totalPages++;
        }
        settle(gfn, map.exchange(gfn, mfn << SHIFT | PhysicalView.PRESENT | defaultAccess));
        return true;
    }

    /** Access bits of frames that {@link #populate} puts somewhere. */
    void setDefaultAccess(int access) {
        defaultAccess = access;
    }

    private volatile int defaultAccess = Access.RWX.bits;

    /** Makes a hole at gfn; false if there is one already. */
    boolean remove(long gfn) {
        if (!isGfn(gfn) || map.lookup(gfn) == 0) {
            return false;
        }
        long old = map.exchange(gfn, 0);
        settle(gfn, old);
        return old != 0;
    }

    /** Accounts for an entry that was taken out of the map. */
    private synchronized void settle(long gfn, long old) {
        if (old == 0) {
            return;
        }
        long mfn = PhysicalView.mfn(old);
        Long at = special.get(mfn);
        if (at != null) {
            if (at == gfn) {
                special.put(mfn, NOWHERE);
            }
            return;
        }
        Long granted = foreign.get(gfn);
        if (granted != null && granted == mfn) {
            foreign.remove(gfn);
            return;
        }
        totalPages--;
        if (pins.containsKey(mfn)) {
            zombies.add(mfn);
        } else {
            free(mfn);
        }
    }

    private void free(long mfn) {
        freed.accept(mfn);
        machine.freeFrame(mfn);
    }

    private volatile LongConsumer freed = mfn -> {};

    /** Has somebody told of frames that are given back, with the monitor held. */
    void setFreedListener(LongConsumer listener) {
        freed = listener;
    }

    /** Moves a frame of the domain to another place, which loses what it had. */
    boolean move(long from, long to) {
        if (!isGfn(from) || !isGfn(to)) {
            return false;
        }
        synchronized (this) {
            if (foreign.containsKey(from)) {
                return false;
            }
        }
        if (from == to) {
            return map.lookup(from) != 0;
        }
        long entry = map.exchange(from, 0);
        if (entry == 0) {
            return false;
        }
        synchronized (this) {
            special.computeIfPresent(PhysicalView.mfn(entry), (mfn, at) -> to);
        }
        settle(to, map.exchange(to, entry));
        return true;
    }

    // ------------------------------------------------------- frames of the hypervisor

    /** Takes a zeroed frame for the hypervisor's own use, mapped nowhere; -1 if there is none. */
    synchronized long allocateSpecial() {
        long mfn = machine.allocateFrame();
        if (mfn >= 0) {
            special.put(mfn, NOWHERE);
            frames.share(mfn);
        }
        return mfn;
    }

    /** Maps a frame of the hypervisor at gfn, and there only; what was there is given back. */
    boolean mapSpecial(long mfn, long gfn) {
        Long was;
        synchronized (this) {
            was = special.get(mfn);
            if (was == null || !isGfn(gfn)) {
                return false;
            }
            special.put(mfn, gfn);
        }
        if (was != NOWHERE && was != gfn) {
            settle(was, map.exchange(was, 0));
        }
        long entry = mfn << SHIFT | PhysicalView.ALL;
        long old = map.exchange(gfn, entry);
        if (old != entry) {
            settle(gfn, old);
        }
        return true;
    }

    /** Guest frame where a frame of the hypervisor is mapped, or {@link #NOWHERE}. */
    synchronized long specialGfn(long mfn) {
        Long at = special.get(mfn);
        return at == null ? NOWHERE : at;
    }

    // ------------------------------------------------------------------ granted frames

    /** Shows a pinned frame at gfn as well. What was there is given back. */
    boolean mapForeign(long mfn, long gfn, boolean readOnly) {
        if (!isGfn(gfn)) {
            return false;
        }
        remove(gfn);
        synchronized (this) {
            foreign.put(gfn, mfn);
        }
        int access =
                PhysicalView.PRESENT
                        | PhysicalView.FIXED
                        | PhysicalView.READ
                        | PhysicalView.EXECUTE;
        if (!readOnly) {
            access |= PhysicalView.WRITE;
        }
        long old = map.exchange(gfn, mfn << SHIFT | access);
        if (old != 0 && PhysicalView.mfn(old) != mfn) {
            settle(gfn, old);
        }
        return true;
    }

    /** Takes away what {@link #mapForeign} did, unless something else stands there by now. */
    void unmapForeign(long mfn, long gfn) {
        synchronized (this) {
            Long m = foreign.get(gfn);
            if (m == null || m != mfn) {
                return;
            }
        }
        settle(gfn, map.exchange(gfn, 0));
    }

    // ---------------------------------------------------------------------------- pins

    /** Holds on to the frame at gfn; returns its machine frame, or -1 if there is none. */
    synchronized long pin(long gfn) {
        long e = isGfn(gfn) ? map.lookup(gfn) : 0;
        if (e == 0) {
            return -1;
        }
        long mfn = PhysicalView.mfn(e);
        pins.merge(mfn, 1, Integer::sum);
        frames.share(mfn);
        return mfn;
    }

    /** Whether there is RAM at gfn that is the domain's own: neither granted nor of Xen's. */
    synchronized boolean isOwnRam(long gfn) {
        long e = isGfn(gfn) ? map.lookup(gfn) : 0;
        return e != 0 && !foreign.containsKey(gfn) && !special.containsKey(PhysicalView.mfn(e));
    }

    /** Lets go of a frame. */
    synchronized void unpin(long mfn) {
        Integer n = pins.get(mfn);
        if (n == null) {
            return;
        }
        if (n > 1) {
            pins.put(mfn, n - 1);
        } else {
            pins.remove(mfn);
            frames.clear(mfn, FrameTable.SHARED);
            if (zombies.remove(mfn)) {
                free(mfn);
            }
        }
    }

    /** Writes within a frame that is held, with all that a write to guest memory entails. */
    void writeFrame(long address, byte[] source, int offset, int length) {
        ram.write(address, source, offset, length);
        // As in GuestPhysical: the write is visible before it is asked whether this is code.
        VarHandle.fullFence();
        touched(address);
        int watched = FrameTable.CODE | FrameTable.MIRRORED;
        if ((frames.flags(address >>> SHIFT) & watched) != 0) {
            codeListener.codeWritten(address >>> SHIFT);
        }
    }

    private volatile GuestPhysical.CodeListener codeListener = mfn -> {};

    void setCodeListener(GuestPhysical.CodeListener listener) {
        codeListener = listener;
        physical.setCodeListener(listener);
    }

    /** Notes that the hypervisor wrote to a machine address. */
    void touched(long address) {
        if (frames.dirtyLog()) {
            frames.set(address >>> SHIFT, FrameTable.DIRTY);
        }
    }

    /** Tells the accounts and the map; not the content. */
    synchronized void visitState(StateSink sink) {
        sink.value("frames owned", totalPages);
        sink.value("frames that may be owned", maxPages);
        new TreeMap<>(special)
                .forEach((mfn, gfn) -> pair("frame of the hypervisor", mfn, gfn, sink));
        new TreeMap<>(foreign).forEach((gfn, mfn) -> pair("granted frame", gfn, mfn, sink));
        new TreeMap<>(pins).forEach((mfn, n) -> pair("held frame", mfn, n, sink));
        new TreeSet<>(zombies).forEach(mfn -> sink.value("frame to be freed", mfn));
        sink.value("map", map.hash());
    }

    private static void pair(String name, long key, long value, StateSink sink) {
        sink.value(name, key);
        sink.value(name, value);
    }

    @Override
    public void close() {
        machine.close();
    }
}
