// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * An exception of the guest on its way from where it was found to where it is delivered. One
 * stackless object serves all: vector, error code and CR2 stand in the {@link Cpu} that raised it.
 */
public final class GuestFault extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** The only instance. */
    public static final GuestFault INSTANCE = new GuestFault();

    private GuestFault() {
        super("guest exception", null, false, false);
    }
}
