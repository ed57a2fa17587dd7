// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * What is under way is to be shown to the host first, and nothing of it has been done. Stackless:
 * what it is stands in {@link Cpu#interception}.
 */
public final class Intercepted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The only instance. */
    public static final Intercepted INSTANCE = new Intercepted();

    private Intercepted() {
        super("intercepted", null, false, false);
    }
}
