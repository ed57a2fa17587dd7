// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/** What the soft TLB must know of cached code; the code cache of a domain implements it. */
public interface CodeTracker {
    /** Drops all code decoded from this frame; afterwards writes to the frame are free again. */
    void invalidateFrame(long mfn);

    /** Whether the processor executes a block decoded from this frame at the moment. */
    boolean inExecution(Cpu cpu, long mfn);

    /** Whether the processor executes no more than one instruction at the moment. */
    default boolean stepping(Cpu cpu) {
        return true;
    }
}
