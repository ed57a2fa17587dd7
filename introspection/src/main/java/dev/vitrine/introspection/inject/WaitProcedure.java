// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/** A worker sleeps, to be at hand for what may come next. */
final class WaitProcedure implements Procedure {
    static final String SLEEP = "msleep";

    /** Milliseconds of the guest's time. */
    private static final long TIME = 5;

    private boolean called;

    @Override
    public Set<String> functions() {
        return Set.of(SLEEP);
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        boolean first = !called;
        called = true;
        return first ? KernelCall.of(SLEEP, TIME) : null;
    }
}
