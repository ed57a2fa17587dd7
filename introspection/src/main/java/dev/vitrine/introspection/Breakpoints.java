// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.processor.CodeHook;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

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
 * <p>A breakpoint stays at the frame that its address is mapped to when it is set. What it does is
 * called on the thread of the vCPU, and must neither pause the domain nor wait for another vCPU.
 */
public final class Breakpoints implements AutoCloseable {
    /** How a breakpoint is made. */
    public enum Mechanism {
        /** The processor's translator knows of it; nothing else changes. */
        ENGINE,
        /**
         * INT3 in a copy of the page, which only instruction fetch is shown: Xen's altp2m. Blocks
         * of instructions end there, so that interrupts may come at other instructions. All vCPUs
         * use one alternate view for it.
         */
        SHADOW
    }

    private final Domain domain;
    private final Mechanism mechanism;
    private final List<InstalledHook> hooks = new ArrayList<>();
    private boolean closed;

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
        synchronized (hooks) {
            if (!closed) {
                hooks.add(hook);
                return hook;
            }
        }
        hook.close();
        return hook;
    }

    private @Nullable InstalledHook install(long physical, CodeHook action) {
        try {
            return switch (mechanism) {
                case ENGINE -> domain.addHook(physical, action);
                case SHADOW -> domain.addShadowHook(physical, action);
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
