// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import org.jspecify.annotations.Nullable;

/** Told of writes to mirrored frames, see {@link ProcessorGroup#mirror}. */
@FunctionalInterface
public interface MirrorListener {
    /**
     * A mirrored frame has been written.
     *
     * @param mfn machine frame
     * @param by the processor whose instruction did it, right behind the instruction and on its
     *     thread; null for the host, on any thread
     */
    void written(long mfn, @Nullable Processor by);
}
