// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

/** A guest-physical range that is not (all) RAM was to be accessed for the guest. Stackless. */
public final class BadGuestAddress extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final long address;

    public BadGuestAddress(long address) {
        super(
                "no RAM at guest-physical address 0x" + Long.toHexString(address),
                null,
                false,
                false);
        this.address = address;
    }

    /** First address without RAM. */
    public long address() {
        return address;
    }
}
