// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

/** A place in the code, named before or after it is known. */
public final class Label {
    private static final long UNBOUND = Long.MIN_VALUE;

    private final String name;
    private long address = UNBOUND;

    Label(String name) {
        this.name = name;
    }

    /**
     * The address that the label was bound to.
     *
     * @throws IllegalStateException if it is not bound yet
     */
    public long address() {
        if (address == UNBOUND) {
            throw new IllegalStateException("label not bound: " + name);
        }
        return address;
    }

    void bind(long at) {
        if (address != UNBOUND) {
            throw new IllegalStateException("label bound twice: " + name);
        }
        address = at;
    }

    @Override
    public String toString() {
        return name;
    }
}
