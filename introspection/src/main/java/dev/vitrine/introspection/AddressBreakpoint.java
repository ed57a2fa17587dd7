// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * A breakpoint at a linear address, whatever frame is there and since when. Each frame that
 * instructions are fetched from at that address gets a hook, which looks whether it was reached by
 * that address. Frames that are mapped there no more keep theirs until there are too many.
 */
final class AddressBreakpoint implements InstalledHook {
    /** Frames that one breakpoint is in at a time. */
    private static final int FRAMES = 256;

    private static final long ADDRESS = 0x000F_FFFF_FFFF_F000L;

    /** In place of a root: all address spaces. */
    static final long ANY = -1;

    private final long linear;
    private final long root;
    private final BiFunction<Long, CodeHook, @Nullable InstalledHook> mechanism;
    private final CodeHook action;

    /** By guest-physical page, the one that was found first in front. Guarded by this. */
    private final Map<Long, InstalledHook> frames = new LinkedHashMap<>();

    private volatile boolean closed;

    /**
     * @param root of the address space, or {@link #ANY}
     * @param mechanism sets a hook at a guest-physical address; null if there is no RAM
     */
    AddressBreakpoint(
            long linear,
            long root,
            BiFunction<Long, CodeHook, @Nullable InstalledHook> mechanism,
            CodeHook action) {
        this.linear = linear;
        this.root = root;
        this.mechanism = mechanism;
        this.action = action;
    }

    /** Number of the linear page. */
    long page() {
        return linear >> 12;
    }

    /**
     * A processor fetches from the page, from a guest-physical address.
     *
     * @return false if another frame had to give its hook up, which is to be told again
     * @throws IntrospectionException there is no memory for a copy of the page
     */
    boolean fetched(Processor p, long physical) {
        return (!shared() && !inSpace(p)) || install(physical & -4096L);
    }

    /** Address spaces have supervisors' pages in common: the first tells for all. */
    private boolean shared() {
        return linear < 0;
    }

    private boolean inSpace(Processor p) {
        return root == ANY || (p.controlRegister(3) & ADDRESS) == root;
    }

    /** Makes sure that there is a hook in a frame. */
    private boolean install(long page) {
        synchronized (this) {
            if (closed || frames.containsKey(page)) {
                return true;
            }
        }
        // Without the monitor: this waits for processors, and one of them may wait for it.
        InstalledHook hook = mechanism.apply(page | linear & 4095, this::reached);
        if (hook == null) {
            return true;
        }
        InstalledHook superfluous = null;
        boolean evicted = false;
        synchronized (this) {
            if (closed || frames.putIfAbsent(page, hook) != null) {
                superfluous = hook;
            } else if (frames.size() > FRAMES) {
                Iterator<InstalledHook> all = frames.values().iterator();
                superfluous = all.next();
                all.remove();
                evicted = true;
            }
        }
        if (superfluous != null) {
            superfluous.close();
        }
        return !evicted;
    }

    private void reached(Processor p) {
        long at = p.codeSize() == 64 ? p.rip() : p.rip() + p.segmentBase(1) & 0xFFFF_FFFFL;
        if (!closed && at == linear && inSpace(p)) {
            action.reached(p);
        }
    }

    @Override
    public void close() {
        Map<Long, InstalledHook> all;
        synchronized (this) {
            closed = true;
            all = new LinkedHashMap<>(frames);
            frames.clear();
        }
        all.values().forEach(InstalledHook::close);
    }
}
