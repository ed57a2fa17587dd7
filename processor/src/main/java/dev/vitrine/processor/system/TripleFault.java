// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

/** The guest faulted while a double fault was delivered: the processor shuts down. Stackless. */
public final class TripleFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The only instance. */
    public static final TripleFault INSTANCE = new TripleFault();

    private TripleFault() {
        super("triple fault", null, false, false);
    }
}
