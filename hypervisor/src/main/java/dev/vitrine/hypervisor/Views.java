// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.AlternateView;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.xenabi.Errno;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The alternate views of a domain's memory (Xen's altp2m), by index. View 0 is the domain's own
 * map. There may be as many as indexes, 65,534. A change of a view is seen by all vCPUs when the
 * method returns. All methods are thread-safe; those that return a number return 0 or a negated
 * error number of Xen's.
 */
public final class Views {
    /** Index of the domain's own map. */
    public static final int HOST = 0;

    /** The last guest frame that there can be. */
    static final long LAST_GFN = PhysicalMap.GFN_LIMIT - 1;

    /** In place of a guest frame: takes an override away. */
    public static final long REVERT = -1;

    /** Indexes are below this: Xen's have 16 bits, with all ones for none. */
    private static final int LIMIT = 0xFFFF;

    private final Domain domain;
    private final PhysicalMap map;
    private final Map<Integer, AlternateView> views = new ConcurrentHashMap<>();

    /** Views that the guest may not switch to by itself. */
    private final Set<Integer> invisible = ConcurrentHashMap.newKeySet();

    /** Of each view that has any. */
    private final Map<Integer, ConvertiblePages> convertible = new ConcurrentHashMap<>();

    Views(Domain domain) {
        this.domain = domain;
        this.map = domain.memory().map;
    }

    /**
     * Makes a view that shows all frames of the domain's map.
     *
     * @param access of all pages that have none of their own
     * @return its index, or -ENOSPC
     */
    public synchronized int create(Access access) {
        for (int i = 1; i < LIMIT; i++) {
            if (!views.containsKey(i)) {
                invisible.remove(i);
                convertible.remove(i);
                views.put(i, new AlternateView(map, access.bits));
                return i;
            }
        }
        return -Errno.ENOSPC;
    }

    /** Removes a view; -EBUSY if a vCPU sees through it, -EINVAL if there is none or it is 0. */
    public synchronized int destroy(int index) {
        if (!views.containsKey(index)) {
            return -Errno.EINVAL;
        }
        for (int i = 0; i < domain.vcpuCount(); i++) {
            if (domain.vcpu(i).view() == index) {
                return -Errno.EBUSY;
            }
        }
        views.remove(index);
        return 0;
    }

    /** Removes all views; vCPUs go back to the domain's own map. */
    public void destroyAll() {
        switchAll(HOST);
        for (int index : List.copyOf(views.keySet())) {
            destroy(index);
        }
        invisible.clear();
        convertible.clear();
    }

    /**
     * Lets all vCPUs see memory through a view; -EINVAL if there is none. Without the monitor: it
     * waits for processors, and one of them may wait for the monitor.
     */
    public int switchAll(int index) {
        for (int i = 0; i < domain.vcpuCount(); i++) {
            int rc = switchVcpu(domain.vcpu(i), index);
            if (rc != 0) {
                return rc;
            }
        }
        return 0;
    }

    /** Lets a vCPU see memory through a view; -EINVAL if there is none. */
    public int switchVcpu(Vcpu vcpu, int index) {
        if (vcpu.view() == index) {
            return 0;
        }
        PhysicalView v;
        synchronized (this) {
            v = view(index);
            if (v == null) {
                return -Errno.EINVAL;
            }
            // From here on it is not destroyed.
            vcpu.setView(index);
        }
        vcpu.engine().setView(v);
        return 0;
    }

    /** Whether the guest may make views of its own (HVMOP_altp2m_set_domain_state). */
    boolean isActive() {
        return active;
    }

    /** The opposite of active has no views, and no #VE. */
    void setActive(boolean on) {
        active = on;
        if (!on) {
            destroyAll();
            for (int i = 0; i < domain.vcpuCount(); i++) {
                domain.vcpu(i).exceptions().disable();
            }
        }
    }

    /** Whether the guest may switch to a view by itself; each view at first. */
    boolean isVisible(int index) {
        return exists(index) && !invisible.contains(index);
    }

    /** HVMOP_altp2m_set_visibility; -EINVAL if there is no such view. */
    synchronized int setVisible(int index, boolean on) {
        if (!exists(index)) {
            return -Errno.EINVAL;
        }
        if (on) {
            invisible.remove(index);
        } else {
            invisible.add(index);
        }
        return 0;
    }

    /** Whether a forbidden access to a guest frame is none of the guest's business. */
    boolean isSuppressed(int index, long gfn) {
        ConvertiblePages pages = convertible.get(index);
        return pages == null || pages.isSuppressed(gfn);
    }

    /** Changes that. */
    synchronized void suppress(int index, long gfn, boolean on) {
        if (exists(index)) {
            convertible.computeIfAbsent(index, i -> new ConvertiblePages()).suppress(gfn, on);
        }
    }

    private volatile boolean active;

    /** How many views there are. */
    int count() {
        return views.size();
    }

    /** How many pages have rights or frames of their own, in all views together. */
    long overrides() {
        return views.values().stream().mapToLong(AlternateView::size).sum();
    }

    /** What may be done with pages that the domain gets from now on, in its own map. */
    public void setDefaultAccess(Access access) {
        domain.memory().setDefaultAccess(access.bits);
        defaultAccess = access;
    }

    /** What {@link #setDefaultAccess} has set. */
    Access defaultAccess() {
        return defaultAccess;
    }

    private volatile Access defaultAccess = Access.RWX;

    /** Whether there is a view. */
    public boolean exists(int index) {
        return view(index) != null;
    }

    @Nullable PhysicalView view(int index) {
        return index == HOST ? map : views.get(index);
    }

    /** For changes of this process, which knows more of frames than a guest frame number. */
    @Nullable AlternateView alternate(int index) {
        return views.get(index);
    }

    /**
     * Shows in place of a guest frame what another one shows in the domain's map.
     *
     * @param shown guest frame, or {@link #REVERT}
     * @return -EINVAL if there is no such view or it is 0, -ESRCH if there is no RAM at one of the
     *     frames
     */
    public int changeGfn(int index, long gfn, long shown) {
        AlternateView v = views.get(index);
        if (v == null) {
            return -Errno.EINVAL;
        }
        if (shown == REVERT) {
            v.reset(gfn);
            return 0;
        }
        return v.alias(gfn, shown) ? 0 : -Errno.ESRCH;
    }

    /**
     * Changes what may be done with consecutive guest frames; holes are left out.
     *
     * @return -EINVAL if there is no such view or no such frames
     */
    public int setAccess(int index, long gfn, long count, Access access) {
        if (gfn < 0 || count < 0 || gfn > PhysicalMap.GFN_LIMIT - count) {
            return -Errno.EINVAL;
        }
        if (index == HOST) {
            map.setAccess(gfn, count, access.bits);
            return 0;
        }
        AlternateView v = views.get(index);
        if (v == null) {
            return -Errno.EINVAL;
        }
        v.setAccess(gfn, count, access.bits);
        return 0;
    }

    /** Changes what may be done with several guest frames, of each its own. */
    public int setAccess(int index, long[] gfns, Access[] access) {
        AlternateView v = views.get(index);
        if (index != HOST && v == null) {
            return -Errno.EINVAL;
        }
        int[] bits = new int[access.length];
        for (int i = 0; i < gfns.length; i++) {
            bits[i] = access[i].bits;
            if (v == null) {
                setAccess(HOST, gfns[i], 1, access[i]);
            }
        }
        if (v != null) {
            v.setAccess(gfns, bits);
        }
        return 0;
    }

    /** What may be done with a guest frame; null if there is no such view or no RAM. */
    public @Nullable Access access(int index, long gfn) {
        PhysicalView v = view(index);
        long entry = v == null ? 0 : v.lookup(gfn);
        return entry == 0 ? null : Access.ofEntry(entry);
    }
}
