// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.AlternateView;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.MirrorListener;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Breakpoints as tools for Xen make them: INT3 in a copy of the page, which a view of its own shows
 * to instruction fetch and to nothing else. Whatever reads the page, and whatever writes to it,
 * meets the page itself, because the instruction that does is executed with the domain's own map;
 * behind each write the copy is made anew. The copies are machine frames that have no
 * guest-physical address; each is shown at all guest frames that have its page, such as grants of
 * the guest to itself.
 *
 * <p>All vCPUs see memory through that view as long as there is a breakpoint; so the domain has no
 * use for other views meanwhile.
 */
final class ShadowBreakpoints {
    /** Pages of a domain that may have breakpoints at a time. */
    static final int FRAMES = 1 << 14;

    /** A page with breakpoints. Guarded by the monitor of the breakpoints. */
    private static final class Page {
        /** The page itself, held while it has a copy. */
        final long original;

        final long copy;

        /** By offset; lists are never changed once they are here. */
        final Map<Integer, List<CodeHook>> hooks = new ConcurrentHashMap<>();

        /** Counts what the copy is to follow. */
        int version;

        /** What the page held when the copy was made that the processors know. */
        byte[] content = {};

        /** Number of the snapshot that {@link #content} is. */
        long snapshot;

        /** How many are about to tell the processors of a snapshot. */
        int following;

        Page(long original, long copy) {
            this.original = original;
            this.copy = copy;
        }
    }

    private final Domain domain;
    private final DomainMemory memory;
    private final WriteWatches watches;
    private final MirrorListener writes = (mfn, by) -> written(mfn);

    /** By machine frame of the page itself. */
    private final Map<Long, Page> byFrame = new ConcurrentHashMap<>();

    /** By machine frame of the copy. */
    private final Map<Long, Page> byCopy = new ConcurrentHashMap<>();

    /**
     * Frames of copies that are not used any more. They never serve another purpose: somebody may
     * still be about to tell the processors what is in one.
     */
    private final ArrayDeque<Long> spare = new ArrayDeque<>();

    /** Counts snapshots of pages. */
    private long snapshots;

    /** Index of the view; -1 before the first breakpoint. */
    private volatile int view = -1;

    ShadowBreakpoints(Domain domain, WriteWatches watches) {
        this.domain = domain;
        this.watches = watches;
        this.memory = domain.memory();
    }

    /**
     * Adds a breakpoint at a guest-physical address; it follows the frame that is there now.
     *
     * @return what takes it away; null if there is no RAM
     * @throws IllegalStateException there is no frame left for a copy, or no view
     */
    @Nullable InstalledHook add(long physical, CodeHook hook) {
        int offset = (int) physical & 4095;
        Page page;
        boolean fresh = false;
        start();
        synchronized (this) {
            long original = memory.pin(physical >>> 12);
            if (original < 0) {
                return null;
            }
            page = byFrame.get(original);
            if (page == null) {
                page = newPage(original);
                fresh = true;
            } else {
                memory.unpin(original); // The page holds it.
            }
            page.hooks.merge(
                    offset,
                    List.of(hook),
                    (old, one) -> {
                        List<CodeHook> more = new ArrayList<>(old);
                        more.addAll(one);
                        return List.copyOf(more);
                    });
            page.version++;
        }
        // Without the monitor: this waits for processors, and one of them may wait for the monitor.
        Page added = page;
        if (fresh) {
            watches.add(new long[] {page.original}, writes);
        }
        follow(page);
        show(page);
        return () -> remove(added, offset, hook);
    }

    /** Makes the view and listens, the first time. */
    private void start() {
        synchronized (this) {
            if (view >= 0) {
                return;
            }
            int index = domain.views().create(Access.RWX);
            if (index < 0) {
                throw new IllegalStateException("the domain has no view left for breakpoints");
            }
            view = index;
        }
        domain.monitor()
                .subscribe(Subscription.NONE.memoryAccess().softwareBreakpoints(), this::event);
    }

    /** With the monitor held, of a frame that is held. */
    private Page newPage(long original) {
        long copy = spare.isEmpty() ? memory.machine.allocateFrame() : spare.remove();
        if (copy < 0) {
            memory.unpin(original);
            throw new IllegalStateException(
                    "there is no frame left for the copy of a page with breakpoints");
        }
        Page p = new Page(original, copy);
        byFrame.put(original, p);
        byCopy.put(copy, p);
        return p;
    }

    private void show(Page page) {
        AlternateView v = domain.views().alternate(view);
        if (v != null) {
            v.changeFrame(page.original, page.copy, PhysicalView.EXECUTE);
            domain.views().switchAll(view);
        }
    }

    /** Makes the copy what it should be; of several who do that at a time the last agrees. */
    private void follow(Page page) {
        Page now = page;
        while (now != null) {
            byte[] bytes = new byte[MachineMemory.FRAME_SIZE];
            BitSet places = new BitSet();
            byte[] original;
            int done;
            long snapshot;
            synchronized (this) {
                now.following++;
                done = now.version;
                snapshot = ++snapshots;
                memory.ram.read(now.original << DomainMemory.SHIFT, bytes, 0, bytes.length);
                original = bytes.clone();
                for (int at : now.hooks.keySet()) {
                    places.set(at);
                    bytes[at] = (byte) 0xCC;
                }
                memory.ram.write(now.copy << DomainMemory.SHIFT, bytes, 0, bytes.length);
            }
            domain.engines().patch(page.copy, places, original, now.original, snapshot);
            Page owner;
            synchronized (this) {
                now.following--;
                if (snapshot > now.snapshot) {
                    now.snapshot = snapshot;
                    now.content = original;
                }
                owner = byCopy.get(page.copy);
                if (owner == now && now.version == done) {
                    return;
                }
            }
            // The frame may have become that of another page.
            now = owner;
        }
        domain.engines().patch(page.copy, new BitSet(), new byte[0], -1, 0);
    }

    private void written(long mfn) {
        Page page = byFrame.get(mfn);
        if (page != null) {
            byte[] now = new byte[MachineMemory.FRAME_SIZE];
            memory.ram.read(mfn << DomainMemory.SHIFT, now, 0, now.length);
            synchronized (this) {
                if (page.following == 0 && Arrays.equals(now, page.content)) {
                    return; // Written as it was; processors need not be asked.
                }
                page.version++;
            }
            follow(page);
        }
    }

    private void remove(Page page, int offset, CodeHook hook) {
        boolean last;
        synchronized (this) {
            List<CodeHook> old = page.hooks.get(offset);
            int at = old == null ? -1 : old.indexOf(hook);
            if (old == null || at < 0) {
                return;
            }
            if (old.size() == 1) {
                page.hooks.remove(offset);
            } else {
                List<CodeHook> fewer = new ArrayList<>(old);
                fewer.remove(at);
                page.hooks.put(offset, List.copyOf(fewer));
            }
            page.version++;
            last = page.hooks.isEmpty();
            if (last) {
                byFrame.remove(page.original, page);
            }
        }
        if (!last) {
            follow(page);
            return;
        }
        AlternateView v = domain.views().alternate(view);
        if (v != null) {
            v.resetFrame(page.original, page.copy);
        }
        watches.remove(new long[] {page.original}, writes);
        Page next = byFrame.get(page.original);
        if (next != null) {
            // Somebody has added a breakpoint there meanwhile, and watches it on its own.
            follow(next);
        }
        domain.engines().patch(page.copy, new BitSet(), new byte[0], -1, 0);
        synchronized (this) {
            byCopy.remove(page.copy, page);
            spare.add(page.copy);
        }
        memory.unpin(page.original);
    }

    private @Nullable MonitorResponse event(MonitorEvent e) {
        if (e.view() != view || !(e instanceof MonitorEvent.OfProcessor o)) {
            return null;
        }
        return switch (o.what()) {
            // One that has been taken away, or moved, meanwhile is tried again.
            case Interception.MemoryAccess m ->
                    pageAt(m.physical()) != null ? EMULATE : MonitorResponse.NONE;
            case Interception.Breakpoint b -> reached(o.processor());
            default -> null;
        };
    }

    private @Nullable Page pageAt(long physical) {
        long entry = memory.map.lookup(physical >>> 12);
        return entry == 0 ? null : byFrame.get(PhysicalView.mfn(entry));
    }

    private static final MonitorResponse EMULATE = MonitorResponse.NONE.emulate();

    private @Nullable MonitorResponse reached(Processor p) {
        long rip = p.rip();
        long physical = p.translate(p.codeSize() == 64 ? rip : rip + p.segmentBase(1));
        Page page = physical < 0 ? null : pageAt(physical);
        List<CodeHook> hooks = page == null ? null : page.hooks.get((int) physical & 4095);
        if (hooks == null) {
            // The guest's own, unless one has just been taken away.
            boolean gone =
                    physical >= 0
                            && memory.physical.isRam(physical, 1)
                            && memory.physical.getByte(physical) != 0xCC;
            return gone ? EMULATE : null;
        }
        int mode = p.codeSize();
        for (CodeHook hook : hooks) {
            hook.reached(p);
        }
        return p.rip() == rip && p.codeSize() == mode ? EMULATE : MonitorResponse.NONE;
    }
}
