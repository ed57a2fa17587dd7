// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.util.concurrent.ConcurrentHashMap;

/**
 * An alternate view (Xen's altp2m) of a domain's physical memory: a sparse set of overrides, each
 * another frame or other access rights, over the domain's map. An override is of a guest frame, or
 * of a machine frame wherever the map shows it; the former goes before the latter.
 *
 * <p>Overrides follow the map. Where only the rights differ the frame is always the map's; a frame
 * that is shown in place of another is shown only as long as the other one is there. So no view
 * shows a frame that the domain has given back, and what the domain puts in its place is seen.
 *
 * <p>Lookups are lock-free. Each change tells the map's listeners once before it returns, without a
 * lock held.
 */
public final class AlternateView implements PhysicalView {
    /** What stands in place of the map's entry. */
    private sealed interface Overlay {
        int access();
    }

    private record Rights(int access) implements Overlay {}

    /**
     * @param mfn shown instead
     * @param over the machine frame that the map had
     */
    private record Frame(long mfn, long over, int access) implements Overlay {}

    /**
     * @param gfn the guest frame whose frame is shown instead
     */
    private record Alias(long gfn, long over, int access) implements Overlay {}

    /**
     * @param mfn shown in place of a machine frame
     */
    private record Copy(long mfn, int access) {}

    private final PhysicalMap base;
    private final ConcurrentHashMap<Long, Overlay> overrides = new ConcurrentHashMap<>();

    /** By machine frame. */
    private final ConcurrentHashMap<Long, Copy> copies = new ConcurrentHashMap<>();

    private volatile int defaultAccess;

    /** A view that shows the map's frames with all rights. */
    public AlternateView(PhysicalMap base) {
        this(base, ALL & ACCESS);
    }

    /**
     * @param defaultAccess access bits of all frames that have no override, whatever they are in
     *     the map
     */
    public AlternateView(PhysicalMap base, int defaultAccess) {
        this.base = base;
        this.defaultAccess = defaultAccess & ACCESS;
    }

    @Override
    public PhysicalMap base() {
        return base;
    }

    /** Number of guest frames that have an override. */
    public int size() {
        return overrides.size();
    }

    @Override
    public long lookup(long gfn) {
        long e = base.lookup(gfn);
        if (e == 0) {
            return 0;
        }
        Overlay o = overrides.isEmpty() ? null : overrides.get(gfn);
        return switch (o) {
            case Rights r -> PhysicalView.withAccess(e, r.access);
            case Frame f when f.over == PhysicalView.mfn(e) ->
                    f.mfn << MachineMemory.FRAME_SHIFT | PRESENT | f.access;
            case Alias a when a.over == PhysicalView.mfn(e) -> {
                long shown = base.lookup(a.gfn);
                yield shown == 0 ? 0 : PhysicalView.withAccess(shown, a.access);
            }
            case null, default -> withoutOverride(e);
        };
    }

    @Override
    public long unrestricted(long gfn) {
        long e = lookup(gfn);
        if ((e & FIXED) == 0) {
            return e == 0 ? 0 : e | ALL;
        }
        // What has rights of its own has them from where the map has it.
        long own =
                overrides.get(gfn) instanceof Alias a
                                && a.over == PhysicalView.mfn(base.lookup(gfn))
                        ? base.lookup(a.gfn)
                        : base.lookup(gfn);
        return e | own & ALL;
    }

    private long withoutOverride(long entry) {
        Copy c = copies.isEmpty() ? null : copies.get(PhysicalView.mfn(entry));
        return c == null
                ? PhysicalView.withAccess(entry, defaultAccess)
                : PhysicalView.withAccess(
                        c.mfn << MachineMemory.FRAME_SHIFT | entry & (ALL | FIXED), c.access);
    }

    /**
     * Shows another machine frame in place of one, in this view only: at each guest frame where the
     * map has it, whatever becomes of the map, but for those with an override of their own.
     *
     * @param access access bits; a mapping whose rights are the frame's own has no more than those
     */
    public void changeFrame(long mfn, long shown, int access) {
        copies.put(mfn, new Copy(shown, access & ACCESS));
        base.changed(this, 0, PhysicalMap.GFN_LIMIT);
    }

    /** Ends what {@link #changeFrame} did; false if not that is shown in place of the frame. */
    public boolean resetFrame(long mfn, long shown) {
        Copy c = copies.get(mfn);
        if (c == null || c.mfn != shown || !copies.remove(mfn, c)) {
            return false;
        }
        base.changed(this, 0, PhysicalMap.GFN_LIMIT);
        return true;
    }

    /**
     * Lets a guest frame show another machine frame in this view only, as long as the domain has
     * the frame there that it has now.
     *
     * @param access access bits
     * @return false if the domain has none there
     */
    public boolean change(long gfn, long mfn, int access) {
        long e = base.lookup(gfn);
        if (e == 0) {
            return false;
        }
        overrides.put(gfn, new Frame(mfn, PhysicalView.mfn(e), access & ACCESS));
        base.changed(this, gfn, 1);
        return true;
    }

    /**
     * Lets a guest frame show what another guest frame shows in the map; its rights stay.
     *
     * @return false if there is no RAM at one of the two
     */
    public boolean alias(long gfn, long shown) {
        long e = base.lookup(gfn);
        if (e == 0 || base.lookup(shown) == 0) {
            return false;
        }
        overrides.compute(
                gfn,
                (g, old) ->
                        new Alias(
                                shown,
                                PhysicalView.mfn(e),
                                old != null ? old.access() : defaultAccess));
        base.changed(this, gfn, 1);
        return true;
    }

    /** Changes only the access rights; false if there is no RAM. */
    public boolean setAccess(long gfn, int access) {
        return setAccess(gfn, 1, access) == 1;
    }

    /**
     * Changes the access rights of consecutive guest frames; holes are left out.
     *
     * @return how many frames of RAM there were
     */
    public long setAccess(long gfn, long count, int access) {
        PhysicalMap.check(gfn, count);
        long done = 0;
        long end = Math.min(gfn + count, base.maxGfn() + 1);
        for (long g = gfn; g < end; g++) {
            if (put(g, access)) {
                done++;
            }
        }
        if (done != 0) {
            base.changed(this, gfn, count);
        }
        return done;
    }

    /**
     * Changes the rights of several guest frames at once; holes are left out.
     *
     * @param access for each its access bits
     */
    public void setAccess(long[] gfns, int[] access) {
        long first = Long.MAX_VALUE;
        long last = -1;
        for (int i = 0; i < gfns.length; i++) {
            if (put(gfns[i], access[i])) {
                first = Math.min(first, gfns[i]);
                last = Math.max(last, gfns[i]);
            }
        }
        if (last >= 0) {
            base.changed(this, first, last - first + 1);
        }
    }

    private boolean put(long gfn, int access) {
        if (base.lookup(gfn) == 0) {
            return false;
        }
        int a = access & ACCESS;
        overrides.compute(
                gfn,
                (g, old) ->
                        switch (old) {
                            case Frame f when holds(g, f.over) -> new Frame(f.mfn, f.over, a);
                            case Alias l when holds(g, l.over) -> new Alias(l.gfn, l.over, a);
                            case null, default -> new Rights(a);
                        });
        return true;
    }

    private boolean holds(long gfn, long over) {
        return PhysicalView.mfn(base.lookup(gfn)) == over;
    }

    /** Access bits of frames that have no override, from now on. */
    public void setDefaultAccess(int access) {
        defaultAccess = access & ACCESS;
        base.changed(this, 0, PhysicalMap.GFN_LIMIT);
    }

    /** Takes an override away; false if there is none. */
    public boolean reset(long gfn) {
        if (overrides.remove(gfn) == null) {
            return false;
        }
        base.changed(this, gfn, 1);
        return true;
    }
}
