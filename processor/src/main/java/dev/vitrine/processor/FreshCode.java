// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/** Told of code that has been written, see {@link ProcessorGroup#setFreshCode}. */
@FunctionalInterface
public interface FreshCode {
    /**
     * An instruction on a page is about to be executed, the first one since the frame was last
     * written or the processors forgot what they had decoded from it. Called on the processor's own
     * thread, between two instructions; state may be looked at, and must not be changed.
     *
     * @param linear linear address of a byte of the instruction on that page
     */
    void fetched(Processor processor, long linear);
}
