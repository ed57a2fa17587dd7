// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import dev.vitrine.hypervisor.CrashReport;
import dev.vitrine.hypervisor.StopReason;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.OptionalInt;

/**
 * How the run of a guest ended.
 *
 * @param reason why
 * @param message what happened, one sentence
 * @param crash the state of the vCPU that crashed, or null
 * @param cause the exception behind an error of Vitrine itself, or null
 * @param commandStatus the exit status of the command that an image's init ran, as far as it was
 *     told
 * @param elapsed from the first instruction to the end
 * @param outputClosed whether the guest was stopped because nobody takes its output any more
 */
public record Outcome(
        StopReason reason,
        String message,
        @Nullable CrashReport crash,
        @Nullable Throwable cause,
        OptionalInt commandStatus,
        Duration elapsed,
        boolean outputClosed) {}
