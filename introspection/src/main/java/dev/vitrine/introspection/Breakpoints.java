// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Breakpoints in a running guest, by one of two mechanisms. The engine calls what belongs to them
 * before the instruction is executed; nothing is written to the guest's memory, and none of its
 * time passes.
 *
 * <pre>{@code
 * try (Breakpoints points = Breakpoints.of(domain)) {
 *     points.set(kernel.space(), kernel.resolve("do_exit"), p -> exits.incrementAndGet());
 *     ...
 * }
 * }</pre>
 *
 * <p>A breakpoint stays at the frame that its address is mapped to when it is set ({@link #set}),
 * or at the address ({@link #setPending}). What it does is called on the thread of the vCPU, and
 * must neither pause the domain nor wait for another vCPU.
 */
public final class Breakpoints implements AutoCloseable {
    /** How a breakpoint is made. */
    public enum Mechanism {
        /** The processor's translator knows of it; nothing else changes. */
        ENGINE,
        /**
         * INT3 in a copy of the page, which only instruction fetch is shown: Xen's altp2m. All
         * vCPUs use one alternate view for it.
         */
        SHADOW
    }

    private final Domain domain;
    private final Mechanism mechanism;
    private final Set<InstalledHook> hooks = new LinkedHashSet<>();
    private final ReturnBreakpoints returns =
            new ReturnBreakpoints((at, action) -> pending(null, at, action));
    private boolean closed;
    private boolean listening;

    /** By number of the linear page; sets are never changed once they are here. */
    private final Map<Long, Set<AddressBreakpoint>> addresses = new ConcurrentHashMap<>();

    private final AtomicLong lost = new AtomicLong();

    private Breakpoints(Domain domain, Mechanism mechanism) {
        this.domain = domain;
        this.mechanism = mechanism;
    }

    /** Those of a domain of this process, by the engine. */
    public static Breakpoints of(Domain domain) {
        return of(domain, Mechanism.ENGINE);
    }

    /** Those of a domain of this process. */
    public static Breakpoints of(Domain domain, Mechanism mechanism) {
        return new Breakpoints(domain, mechanism);
    }

    /**
     * Sets a breakpoint.
     *
     * @param linear address of the first byte of an instruction
     * @return what takes it away again
     * @throws IntrospectionException the address is not mapped to RAM, or there is no memory for a
     *     copy of its page
     */
    public InstalledHook set(AddressSpace space, long linear, CodeHook action) {
        long physical = space.translate(linear);
        InstalledHook hook = physical < 0 ? null : install(physical, action);
        if (hook == null) {
            throw new IntrospectionException(
                    String.format("No memory is mapped at 0x%x for a breakpoint.", linear));
        }
        return keep(hook);
    }

    /**
     * Sets a breakpoint at an address, whether or not a page is there: it is reached in every frame
     * that the address is mapped to from now on, before its first instruction there is executed. It
     * outlives unmapping, swapping, copying on write, and other mappings at the same address.
     *
     * @param space the address space that it counts in
     * @param linear address of the first byte of an instruction; of 32-bit code without the base of
     *     its segment
     * @return what takes it away again
     */
    public InstalledHook setPending(AddressSpace space, long linear, CodeHook action) {
        return pending(space, linear, action);
    }

    /** As {@link #setPending}, in all address spaces, also in those that are yet to come. */
    public InstalledHook setPendingAnywhere(long linear, CodeHook action) {
        return pending(null, linear, action);
    }

    /**
     * How often a page that a pending breakpoint belongs to could have none, since there was no
     * memory for a copy of it.
     */
    public long lost() {
        return lost.get();
    }

    private InstalledHook pending(@Nullable AddressSpace space, long linear, CodeHook action) {
        AddressBreakpoint point =
                new AddressBreakpoint(
                        linear,
                        space == null ? AddressBreakpoint.ANY : space.root(),
                        this::install,
                        action);
        addresses.compute(
                point.page(),
                (page, old) -> {
                    Set<AddressBreakpoint> all = new LinkedHashSet<>(old == null ? Set.of() : old);
                    all.add(point);
                    return all;
                });
        boolean first;
        synchronized (hooks) {
            first = !listening && !closed;
            listening |= first;
        }
        if (first) {
            keep(domain.hooks().watchFetches(this::fetched));
        } else {
            domain.hooks().tellFetchesAgain();
        }
        return keep(() -> {
            addresses.computeIfPresent(
                    point.page(),
                    (page, old) -> {
                        Set<AddressBreakpoint> fewer = new LinkedHashSet<>(old);
                        fewer.remove(point);
                        return fewer.isEmpty() ? null : fewer;
                    });
            point.close();
        });
    }

    private void fetched(Processor processor, long linear, long physical) {
        Set<AddressBreakpoint> here = addresses.get(linear >> 12);
        if (here == null) {
            return;
        }
        boolean all = true;
        for (AddressBreakpoint point : here) {
            try {
                all &= point.fetched(processor, physical);
            } catch (IntrospectionException e) {
                // The guest goes on; there is nobody to be told but who asks.
                lost.incrementAndGet();
            }
        }
        if (!all) {
            domain.hooks().tellFetchesAgain();
        }
    }

    /**
     * Calls an action once, when the function that a processor is about to enter has returned to
     * its caller: at the instruction behind the call, by the same stack. From within what a
     * breakpoint on the function's first instruction does, where the return address is the topmost
     * word of the stack. Other threads, and other calls of a recursion, are not taken for it. If
     * the function never returns there, since it was left by longjmp or its thread has ended, the
     * action is never called. A function that takes its arguments off the stack (RET n) is not seen
     * to return, nor is one of 16-bit code.
     *
     * @return what takes it back
     * @throws IntrospectionException there is no return address
     */
    public InstalledHook setReturn(Processor processor, CodeHook action) {
        InstalledHook hook = returns.add(processor, action);
        if (hook == null) {
            throw new IntrospectionException(
                    String.format(
                            "There is no return address at 0x%x for a breakpoint.",
                            processor.gpr(4)));
        }
        return hook;
    }

    private InstalledHook keep(InstalledHook hook) {
        InstalledHook kept =
                () -> {
                    synchronized (hooks) {
                        hooks.remove(hook);
                    }
                    hook.close();
                };
        synchronized (hooks) {
            if (!closed) {
                hooks.add(hook);
                return kept;
            }
        }
        hook.close();
        return kept;
    }

    private @Nullable InstalledHook install(long physical, CodeHook action) {
        try {
            return switch (mechanism) {
                case ENGINE -> domain.hooks().add(physical, action);
                case SHADOW -> domain.hooks().addShadow(physical, action);
            };
        } catch (IllegalStateException e) {
            throw new IntrospectionException("No breakpoint can be set: " + e.getMessage() + ".");
        }
    }

    /** Takes all breakpoints away. */
    @Override
    public void close() {
        List<InstalledHook> all;
        synchronized (hooks) {
            closed = true;
            all = List.copyOf(hooks);
            hooks.clear();
        }
        all.forEach(InstalledHook::close);
    }
}
