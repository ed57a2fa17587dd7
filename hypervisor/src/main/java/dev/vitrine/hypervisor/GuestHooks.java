// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.FetchListener;
import dev.vitrine.processor.FreshCode;
import dev.vitrine.processor.MirrorListener;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Where those who look into a domain are called: at instructions, behind writes, and when code is
 * fetched. Any thread; listeners are called on the thread of the vCPU.
 */
public final class GuestHooks {
    private final Domain domain;
    private final EngineFactory engines;
    private final WriteWatches watches;
    private final ShadowBreakpoints shadow;
    private final List<FreshCode> freshCode = new CopyOnWriteArrayList<>();
    private final List<FetchListener> fetchListeners = new CopyOnWriteArrayList<>();

    GuestHooks(Domain domain, EngineFactory engines) {
        this.domain = domain;
        this.engines = engines;
        watches = new WriteWatches(engines);
        shadow = new ShadowBreakpoints(domain, watches);
    }

    /**
     * Has a hook called each time that a vCPU is about to execute the instruction at a
     * guest-physical address, on the thread that runs the vCPU. The guest cannot tell. The hook
     * follows the frame that is there now, until the domain gives it back. From within a hook the
     * domain must not be paused.
     *
     * @return what takes it away; null if there is no RAM at the address
     */
    public @Nullable InstalledHook add(long physical, CodeHook hook) {
        long entry = domain.memory().map.lookup(physical >>> 12);
        if (entry == 0) {
            return null;
        }
        long machine = PhysicalView.machineAddress(entry) | physical & 4095;
        CodeHook timely = timely(hook);
        engines.addHook(machine, timely);
        return () -> engines.removeHook(machine, timely);
    }

    /**
     * As {@link #add}, by the mechanism that tools for Xen use: INT3 in a copy of the page that
     * only instruction fetch is shown. The guest cannot tell.
     *
     * @throws IllegalStateException there is no memory left for a copy of the page
     */
    public @Nullable InstalledHook addShadow(long physical, CodeHook hook) {
        return shadow.add(physical, timely(hook));
    }

    /**
     * Has a listener told of each write to guest frames, whoever makes it and by whatever address,
     * right behind the instruction. It follows the frames that are there now; where there is no RAM
     * nothing is told. Instructions that write there are executed one by one, and their blocks end
     * behind them, so that interrupts may come at other instructions; the guest's memory and the
     * count of instructions are what they are without.
     *
     * @return what ends it
     */
    public InstalledHook watchWrites(long[] gfns, WriteListener listener) {
        Map<Long, Long> byMachine = new HashMap<>();
        for (long gfn : gfns) {
            long entry = domain.memory().map.lookup(gfn);
            if (entry != 0) {
                byMachine.put(PhysicalView.mfn(entry), gfn);
            }
        }
        MirrorListener mirror =
                (mfn, by) -> {
                    Long gfn = byMachine.get(mfn);
                    if (by != null) {
                        domain.syncClock(by);
                    }
                    if (gfn != null) {
                        listener.written(gfn, by);
                    }
                };
        long[] frames = byMachine.keySet().stream().mapToLong(m -> m).toArray();
        watches.add(frames, mirror);
        return () -> watches.remove(frames, mirror);
    }

    /**
     * Has a listener told each time that a vCPU is about to execute code that has been written
     * since it was last executed, once for a page; and of all code when it is executed for the
     * first time from now on. The guest cannot tell.
     *
     * @return what ends it
     */
    public InstalledHook watchFreshCode(FreshCode listener) {
        FreshCode timely =
                (processor, linear) -> {
                    domain.syncClock(processor);
                    listener.fetched(processor, linear);
                };
        freshCode.add(timely);
        engines.setFreshCode(this::freshCode);
        return () -> {
            freshCode.remove(timely);
            if (freshCode.isEmpty()) {
                engines.setFreshCode(null);
                if (!freshCode.isEmpty()) {
                    // Somebody has come meanwhile.
                    engines.setFreshCode(this::freshCode);
                }
            }
        };
    }

    private void freshCode(Processor processor, long linear) {
        for (FreshCode l : freshCode) {
            l.fetched(processor, linear);
        }
    }

    /**
     * Has a listener told of each page that instructions are fetched from, also of those that are
     * in use already, whenever a vCPU translates an address there anew. A page that has another
     * frame, or is there at last, is told before the first instruction of it is executed. For
     * adding hooks; the domain must not be paused there.
     *
     * @return what ends it
     */
    public InstalledHook watchFetches(FetchListener listener) {
        fetchListeners.add(listener);
        engines.setFetchListener(this::fetched);
        return () -> {
            fetchListeners.remove(listener);
            if (fetchListeners.isEmpty()) {
                engines.setFetchListener(null);
                if (!fetchListeners.isEmpty()) {
                    // Somebody has come meanwhile.
                    engines.setFetchListener(this::fetched);
                }
            }
        };
    }

    /** Has the fetch listeners told again of all pages that are fetched from. */
    public void tellFetchesAgain() {
        if (!fetchListeners.isEmpty()) {
            engines.setFetchListener(this::fetched);
        }
    }

    private void fetched(Processor processor, long linear, long physical) {
        for (FetchListener listener : fetchListeners) {
            listener.fetched(processor, linear, physical);
        }
    }

    /** A hook that finds the virtual clock at the instruction that it is called for. */
    private CodeHook timely(CodeHook hook) {
        return domain.clock().isVirtual()
                ? processor -> {
                    domain.syncClock(processor);
                    hook.reached(processor);
                }
                : hook;
    }
}
