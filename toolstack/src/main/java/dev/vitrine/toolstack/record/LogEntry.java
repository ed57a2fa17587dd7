// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.StopReason;

import org.jspecify.annotations.Nullable;

/** An entry of a recording's log. Entries are in the order of their injection points. */
sealed interface LogEntry {
    /** Number of the injection point that the domain was at, or would have come to next. */
    long point();

    /** Instructions retired by all vCPUs until then. */
    long instructions();

    /** Input that the domain got. */
    record Input(long point, long instructions, ExternalInput input) implements LogEntry {}

    /**
     * The state of the domain, before it got the point's input.
     *
     * @param time of the domain's clock, in nanoseconds
     * @param registers hash of the registers of all vCPUs
     * @param state the rest; null if that was not looked at
     */
    record Checkpoint(
            long point, long instructions, long time, long registers, @Nullable MachineState state)
            implements LogEntry {}

    /**
     * The domain stopped.
     *
     * @param message what happened, one sentence
     */
    record End(long point, long instructions, StopReason reason, String message)
            implements LogEntry {
        /** Whether the guest stopped by itself, at an instruction that is always the same. */
        boolean byGuest() {
            return switch (reason) {
                case TIMEOUT, DESTROYED, INTERNAL_ERROR -> false;
                default -> true;
            };
        }
    }
}
