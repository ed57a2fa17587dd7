// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.processor.Registers;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/**
 * Breakpoints behind the calls of a function. Where it is called from is seen when it is: the
 * address to which it will return is on top of the stack when it begins.
 */
final class ReturnPoints {
    /** Places that call a function; those that are listened to have a few. */
    private static final int MAX = 64;

    private final Tracer tracer;
    private final Consumer<Moment> action;
    private final Set<Long> known = ConcurrentHashMap.newKeySet();

    ReturnPoints(Tracer tracer, Consumer<Moment> action) {
        this.tracer = tracer;
        this.action = action;
    }

    /**
     * A function is about to begin; has the action called when it has returned.
     *
     * @throws IntrospectionException it is called from more places than there may be, or from one
     *     that is not in memory
     */
    void begins(Moment m) {
        long back = m.number(m.register(Registers.RSP), 8);
        if (known.contains(back)) {
            return;
        }
        if (known.size() >= MAX) {
            throw new IntrospectionException(
                    "A function of the kernel is called from more than "
                            + MAX
                            + " places, so that not all of its returns are seen.");
        }
        if (known.add(back)) {
            tracer.hook(back, action);
        }
    }
}
