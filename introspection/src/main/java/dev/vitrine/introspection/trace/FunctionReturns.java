// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.processor.Registers;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Tells a listener when a function begins, and when the same call of it returns. */
final class FunctionReturns {
    private static final int WORD = 8;

    /** Calls that are under way: more than there are threads (PID_MAX_LIMIT aside). */
    private static final int MAX_OPEN = 1 << 16;

    private final FunctionListener listener;
    private final ReturnPoints points;

    /** By the stack pointer behind the return, which is one thread's, and of one call. */
    private final Map<Long, Object> open = new ConcurrentHashMap<>();

    FunctionReturns(Tracer tracer, FunctionListener listener) {
        this.listener = listener;
        this.points = new ReturnPoints(tracer, this::returned);
    }

    void entered(Moment m) {
        long stack = m.register(Registers.RSP) + WORD;
        // What a thread has left that was ended in the middle of its call.
        open.remove(stack);
        Object note = listener.entered(m);
        if (note == null) {
            return;
        }
        points.begins(m);
        boolean full = open.size() >= MAX_OPEN;
        if (full) {
            open.clear();
        }
        open.put(stack, note);
        if (full) {
            throw new IntrospectionException(
                    "More calls of a function of the kernel are under way than can be followed, so"
                            + " that not all of its returns are seen.");
        }
    }

    private void returned(Moment m) {
        Object note = open.remove(m.register(Registers.RSP));
        if (note != null) {
            listener.returned(m, note);
        }
    }
}
