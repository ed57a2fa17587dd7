// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReference;

/** What the monitor keeps of a vCPU. */
final class MonitorState {
    /** Behind the next step the vCPU switches to this view; -1 for none. */
    int fastSingleStepView = -1;

    /** The event that the vCPU waits for an answer to; null if it does not. */
    volatile @Nullable MonitorEvent open;

    /** Where the instruction of {@link #open} is. */
    long openRip;

    /** An answer that has not been acted upon. */
    final AtomicReference<@Nullable MonitorResponse> answer = new AtomicReference<>();
}
