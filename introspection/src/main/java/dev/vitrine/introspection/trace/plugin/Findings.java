// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.plugin.RootkitPlugin.Finding;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What a {@link KernelGuard} has found: tells each thing once. */
final class Findings {
    private static final int MAX_FOUND = 1 << 14;

    /** What has been found by looking. */
    static final String CHECK = "check";

    /** What Vitrine itself has written, for somebody who looks at the guest. */
    private static final String OUTSIDE = "outside";

    private final TraceContext context;
    private final KernelCode code;
    private final Set<Object> found = ConcurrentHashMap.newKeySet();

    Findings(TraceContext context, KernelCode code) {
        this.context = context;
        this.code = code;
    }

    /** Whether something is new; never, when there has been too much. */
    boolean isNew(Object what) {
        return found.size() < MAX_FOUND && found.add(what);
    }

    /** Something need not be told again. */
    void known(Object what) {
        isNew(what);
    }

    /** Who does what happens now. */
    String by(Moment m) {
        return m.inUserMode() ? "a program" : code.place(m, m.instructionPointer());
    }

    /**
     * Who writes.
     *
     * @param outside it is not the guest
     */
    String by(Moment m, boolean outside) {
        return outside ? OUTSIDE : by(m);
    }

    /** Who has called the function that is about to begin. */
    String caller(Moment m) {
        return code.place(m, m.pointer(m.register(Registers.RSP)));
    }

    static String hex(long n) {
        return "0x" + Long.toHexString(n);
    }

    /**
     * Tells of a place in memory.
     *
     * @param target where it leads now; 0 for nowhere
     */
    void tell(
            Moment m,
            String finding,
            String place,
            long address,
            @Nullable String old,
            @Nullable String now,
            long target,
            String by) {
        String owner = target == 0 ? null : code.owner(m, target);
        context.emit(
                m,
                new Finding(
                        finding,
                        place,
                        new Address(address),
                        old,
                        now,
                        target == 0 ? null : code.place(m, target),
                        owner,
                        by));
    }

    /** Tells of a register that leads nowhere. */
    void tell(Moment m, String register, int number, @Nullable String old, String now, String by) {
        context.emit(
                m,
                new Finding("register", register, new Address(number), old, now, null, null, by));
    }
}
