// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import org.jspecify.annotations.Nullable;

/** Listens to a function of the kernel, see {@link TraceContext#onReturn}. */
public interface FunctionListener {
    /**
     * The function begins.
     *
     * @return what {@link #returned} is to get; null if it is not to be called this time
     */
    @Nullable Object entered(Moment at);

    /**
     * The function has returned: {@link Moment#result} is what it gave. A thread that is ended in
     * the middle of it never does.
     *
     * @param note what {@link #entered} gave
     */
    void returned(Moment at, Object note);
}
