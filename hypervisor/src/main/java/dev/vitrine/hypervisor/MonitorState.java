// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/** What the monitor keeps of a vCPU. */
final class MonitorState {
    /** Behind the next step the vCPU switches to this view; -1 for none. */
    int fastSingleStepView = -1;

    /** The event that listeners are being asked about, or that waits for an answer. */
    volatile @Nullable MonitorEvent open;

    /** The vCPU is paused until the answer comes. Guarded by the object's monitor. */
    boolean parked;

    /** Where the instruction of {@link #open} is. */
    long openRip;

    /** What a tool has told to be injected before the next instruction. */
    final AtomicReference<@Nullable Consumer<Processor>> injection = new AtomicReference<>();

    /** {@link #open} has been told by the ring. */
    volatile boolean byRing;

    /** An answer that has not been acted upon. Set within the object's monitor. */
    volatile @Nullable MonitorResponse answer;
}
