// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.processor.CodeHook;

import java.util.ArrayList;
import java.util.List;

/**
 * Breakpoints in a running guest. The engine calls what belongs to them before the instruction is
 * executed; nothing is written to the guest's memory, and none of its time passes.
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
    private final Domain domain;
    private final List<InstalledHook> hooks = new ArrayList<>();
    private boolean closed;

    private Breakpoints(Domain domain) {
        this.domain = domain;
    }

    /** Those of a domain of this process. */
    public static Breakpoints of(Domain domain) {
        return new Breakpoints(domain);
    }

    /**
     * Sets a breakpoint.
     *
     * @param linear address of the first byte of an instruction
     * @return what takes it away again
     * @throws IntrospectionException the address is not mapped to RAM
     */
    public InstalledHook set(AddressSpace space, long linear, CodeHook action) {
        long physical = space.translate(linear);
        InstalledHook hook = physical < 0 ? null : domain.addHook(physical, action);
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
