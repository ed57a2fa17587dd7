// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * The instruction in execution is about to write to the frame that its own block was decoded from.
 * Thrown before anything was committed: the interpreter runs the instruction again on its own and
 * decodes anew behind it.
 */
public final class SelfModification extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The only instance. */
    public static final SelfModification INSTANCE = new SelfModification();

    private SelfModification() {
        super("self-modifying code", null, false, false);
    }
}
