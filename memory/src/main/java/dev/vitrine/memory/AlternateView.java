// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.util.concurrent.ConcurrentHashMap;

/**
 * An alternate view (altp2m) of a domain's physical memory: a sparse set of overrides, each another
 * frame or other access rights, over the domain's map.
 */
public final class AlternateView implements PhysicalView {
    private final PhysicalMap base;
    private final ConcurrentHashMap<Long, Long> overrides = new ConcurrentHashMap<>();

    public AlternateView(PhysicalMap base) {
        this.base = base;
    }

    @Override
    public PhysicalMap base() {
        return base;
    }

    @Override
    public long lookup(long gfn) {
        Long o = overrides.get(gfn);
        return o != null ? o : base.lookup(gfn);
    }

    /** Lets a guest frame show another machine frame with the given access in this view only. */
    public void change(long gfn, long mfn, int access) {
        overrides.put(gfn, mfn << MachineMemory.FRAME_SHIFT | PRESENT | access);
        base.changed(gfn, 1);
    }

    /** Changes only the access rights; false if nothing is mapped there. */
    public boolean setAccess(long gfn, int access) {
        long e = lookup(gfn);
        if (e == 0) {
            return false;
        }
        overrides.put(gfn, (e & ~(long) (READ | WRITE | EXECUTE)) | access);
        base.changed(gfn, 1);
        return true;
    }

    /** Takes an override away. */
    public void reset(long gfn) {
        if (overrides.remove(gfn) != null) {
            base.changed(gfn, 1);
        }
    }
}
