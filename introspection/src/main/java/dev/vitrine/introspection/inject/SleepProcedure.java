// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import org.jspecify.annotations.Nullable;

import java.util.Set;
import java.util.function.BooleanSupplier;

/** A thread sleeps, again and again, until there is no reason for it any more. */
final class SleepProcedure implements Procedure {
    static final String SLEEP = "msleep";

    private final BooleanSupplier reason;
    private final long time;
    private int left;

    /**
     * @param most how often it sleeps, at most
     * @param time how long it sleeps before it asks again, in milliseconds of the guest's time
     */
    SleepProcedure(BooleanSupplier reason, int most, long time) {
        this.reason = reason;
        this.left = most;
        this.time = time;
    }

    @Override
    public Set<String> functions() {
        return Set.of(SLEEP);
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        return left-- > 0 && reason.getAsBoolean() ? KernelCall.of(SLEEP, time) : null;
    }
}
