// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;

/**
 * A granted frame that a back end in this process uses. The frame stays until {@link #close},
 * whatever the guest does; content changes under the reader's eyes, so each field is to be read
 * once.
 */
public final class GrantMapping implements AutoCloseable {
    private final Domain domain;
    private final GrantTable.Use use;
    private boolean closed;

    GrantMapping(Domain domain, GrantTable.Use use) {
        this.domain = domain;
        this.use = use;
    }

    public boolean readOnly() {
        return use.readOnly;
    }

    /** Reads from the granted part of the frame. */
    public void read(int offset, byte[] target, int at, int length) {
        ram().read(address(offset, length, false), target, at, length);
    }

    public void write(int offset, byte[] source, int at, int length) {
        domain.memory().writeFrame(address(offset, length, true), source, at, length);
    }

    /** Volatile read of an aligned 32-bit word. */
    public int getInt(int offset) {
        return ram().getIntVolatile(address(offset, 4, false));
    }

    /** Ordered write of an aligned 32-bit word: earlier writes are seen before it. */
    public void putInt(int offset, int value) {
        long a = address(offset, 4, true);
        int was = ram().getIntVolatile(a);
        while (!ram().casInt(a, was, value)) {
            was = ram().getIntVolatile(a);
        }
        domain.memory().touched(a);
    }

    private GuestRam ram() {
        return domain.memory().ram;
    }

    private synchronized long address(int offset, int length, boolean write) {
        if (closed) {
            throw new IllegalStateException("grant mapping is closed");
        }
        if (write && use.readOnly) {
            throw new IllegalStateException("grant is read-only");
        }
        if (offset < 0 || length < 0 || offset > use.length - length) {
            throw new IndexOutOfBoundsException(offset + " + " + length + " of " + use.length);
        }
        return (use.mfn << DomainMemory.SHIFT) + use.offset + offset;
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            domain.grants().release(use);
        }
    }
}
