// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;

/**
 * Who waits for functions to return. A call is known by the place of its return address on the
 * stack, and for programs by their address space; it has returned when the instruction behind the
 * call is reached with the stack pointer behind that place. So threads and the calls of a recursion
 * are told apart. A call that never returns (longjmp, a thread that ends) is forgotten when another
 * has its return address in the same place, or when there are too many and its place holds
 * something else.
 */
final class ReturnBreakpoints {
    /** Calls that may be waited for; beyond that the oldest are forgotten. */
    private static final int LIMIT = 1 << 16;

    /** Places that have a breakpoint though nobody waits there: they will again. */
    private static final int IDLE = 1 << 10;

    private static final long ADDRESS = 0x000F_FFFF_FFFF_F000L;

    /**
     * A call that is under way.
     *
     * @param root of a program's address space, 0 for the kernel, whose stacks are in all
     * @param slot linear address of the return address on the stack
     */
    private record Call(long root, long slot) {}

    private record Waiting(Call call, long returns, int size, CodeHook action) {}

    /** Breakpoint at a return address, and how many wait there. */
    private static final class Site {
        final InstalledHook hook;
        int waiting;

        Site(InstalledHook hook) {
            this.hook = hook;
        }
    }

    private final BiFunction<Long, CodeHook, InstalledHook> setter;

    /** The one that began first in front. Guarded by this. */
    private final LinkedHashMap<Call, Waiting> calls = new LinkedHashMap<>();

    /** By return address. Guarded by this. */
    private final Map<Long, Site> sites = new HashMap<>();

    /**
     * @param setter sets a breakpoint at a linear address of all address spaces
     */
    ReturnBreakpoints(BiFunction<Long, CodeHook, InstalledHook> setter) {
        this.setter = setter;
    }

    /** Waits for the return of the function whose first instruction a processor is at. */
    @Nullable InstalledHook add(Processor p, CodeHook action) {
        int size = p.codeSize() / 8;
        long slot = stackPointer(p);
        Long returns = read(p, slot, size);
        if (returns == null || size == 2) {
            return null;
        }
        Call call = new Call(returns < 0 ? 0 : p.controlRegister(3) & ADDRESS, slot);
        Waiting w = new Waiting(call, returns, size, action);
        List<InstalledHook> idle = new ArrayList<>();
        boolean fresh;
        synchronized (this) {
            forget(calls.remove(call));
            if (calls.size() >= LIMIT) {
                sweep(p);
            }
            calls.put(call, w);
            Site site = sites.get(returns);
            fresh = site == null;
            if (site != null) {
                site.waiting++;
            } else if (sites.size() >= IDLE) {
                sites.values().removeIf(s -> s.waiting <= 0 && idle.add(s.hook));
            }
        }
        // Without the monitor: this waits for processors, and one of them may wait for it.
        idle.forEach(InstalledHook::close);
        if (fresh) {
            Site made = new Site(setter.apply(returns, q -> reached(q, returns)));
            boolean lost;
            synchronized (this) {
                Site other = sites.putIfAbsent(returns, made);
                lost = other != null;
                (lost ? other : made).waiting++;
            }
            if (lost) {
                made.hook.close();
            }
        }
        return () -> {
            synchronized (this) {
                if (calls.remove(call, w)) {
                    forget(w);
                }
            }
        };
    }

    private static long stackPointer(Processor p) {
        long sp = p.gpr(4);
        return p.codeSize() == 64 ? sp : sp + p.segmentBase(2) & 0xFFFF_FFFFL;
    }

    private static @Nullable Long read(Processor p, long at, int size) {
        byte[] word = new byte[8];
        return p.read(at, word, 0, size) ? (Long) LittleEndian.i64(word, 0) : null;
    }

    private void forget(@Nullable Waiting w) {
        Site site = w == null ? null : sites.get(w.returns);
        if (site != null) {
            site.waiting--;
        }
    }

    /** Forgets those whose place on the stack holds something else, or else the older half. */
    private void sweep(Processor p) {
        long root = p.controlRegister(3) & ADDRESS;
        calls.values()
                .removeIf(w -> {
                    // Other programs' stacks cannot be seen from here.
                    boolean gone = w.call.root == 0 || w.call.root == root;
                    if (gone) {
                        Long now = read(p, w.call.slot, w.size);
                        gone = now == null || now != w.returns;
                    }
                    if (gone) {
                        forget(w);
                    }
                    return gone;
                });
        var oldest = calls.values().iterator();
        for (int excess = calls.size() - LIMIT / 2; excess > 0 && oldest.hasNext(); excess--) {
            forget(oldest.next());
            oldest.remove();
        }
    }

    private void reached(Processor p, long at) {
        int size = p.codeSize() / 8;
        long root = at < 0 ? 0 : p.controlRegister(3) & ADDRESS;
        Waiting w;
        synchronized (this) {
            w = calls.get(new Call(root, stackPointer(p) - size));
            if (w == null || w.returns != at || w.size != size) {
                return;
            }
            calls.remove(w.call);
            forget(w);
        }
        w.action.reached(p);
    }
}
