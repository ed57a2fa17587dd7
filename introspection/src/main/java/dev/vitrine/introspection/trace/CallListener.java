// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

/** Listens to system calls, see {@link TraceContext#onCalls}. */
@FunctionalInterface
public interface CallListener {
    /**
     * A call begins.
     *
     * @return what {@link #returned} is to get, or null
     */
    default @Nullable Object entered(Moment at, TracedCall call) {
        return null;
    }

    /**
     * A call has returned, or never will: its result is null then.
     *
     * @param at null if the trace ends before the call did
     * @param note what {@link #entered} gave
     */
    void returned(@Nullable Moment at, TracedCall call, @Nullable Object note);
}
