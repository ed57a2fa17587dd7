// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.BitSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Places in a domain's memory at which execution is looked at, by machine address. Whoever decodes
 * puts a micro-operation before each; the guest's memory and time stay as they are, and so do the
 * ends of blocks, at which interrupts come.
 */
final class CodeHooks {
    private final ConcurrentHashMap<Long, CodeHook[]> hooks = new ConcurrentHashMap<>();

    /** For each frame the offsets of its hooks; a set is never changed once it is here. */
    private final ConcurrentHashMap<Long, BitSet> frames = new ConcurrentHashMap<>();

    /** Adds a hook; several at one place are called in the order in which they were added. */
    synchronized void add(long machine, CodeHook hook) {
        hooks.merge(
                machine,
                new CodeHook[] {hook},
                (old, one) -> {
                    CodeHook[] more = Arrays.copyOf(old, old.length + 1);
                    more[old.length] = hook;
                    return more;
                });
        mark(machine, true);
    }

    /** Removes a hook; false if it is not there. */
    synchronized boolean remove(long machine, CodeHook hook) {
        CodeHook[] old = hooks.get(machine);
        int at = old == null ? -1 : Arrays.asList(old).indexOf(hook);
        if (old == null || at < 0) {
            return false;
        }
        if (old.length == 1) {
            hooks.remove(machine);
            mark(machine, false);
        } else {
            CodeHook[] fewer = Arrays.copyOf(old, old.length - 1);
            System.arraycopy(old, at + 1, fewer, at, fewer.length - at);
            hooks.put(machine, fewer);
        }
        return true;
    }

    /** A frame serves another purpose from now on: what was to be looked at there is gone. */
    synchronized void forget(long mfn) {
        if (frames.remove(mfn) != null) {
            hooks.keySet().removeIf(machine -> machine >>> 12 == mfn);
        }
    }

    private void mark(long machine, boolean there) {
        BitSet old = frames.get(machine >>> 12);
        BitSet now = old == null ? new BitSet() : (BitSet) old.clone();
        now.set((int) machine & 4095, there);
        if (now.isEmpty()) {
            frames.remove(machine >>> 12);
        } else {
            frames.put(machine >>> 12, now);
        }
    }

    /** Offsets of the hooks in a frame, which must not be changed; null if there are none. */
    @Nullable BitSet in(long mfn) {
        return frames.get(mfn);
    }

    /** Calls the hooks of a place. */
    void reached(Cpu cpu, long machine) {
        CodeHook[] here = hooks.get(machine);
        if (here != null) {
            for (CodeHook hook : here) {
                hook.reached(cpu.facade);
            }
        }
    }
}
