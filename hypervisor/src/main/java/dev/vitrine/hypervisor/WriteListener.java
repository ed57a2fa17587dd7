// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

/** Told of writes to a guest's frames, see {@link GuestHooks#watchWrites}. */
@FunctionalInterface
public interface WriteListener {
    /**
     * A frame has been written.
     *
     * @param gfn guest frame
     * @param by the processor whose instruction did it, right behind the instruction and on the
     *     vCPU's thread; null for Vitrine itself, on any thread
     */
    void written(long gfn, @Nullable Processor by);
}
