// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

/** Puts bytes into a new domain's memory. */
@FunctionalInterface
public interface PhysicalWriter {
    /**
     * Writes {@code length} bytes.
     *
     * @param address the guest-physical address of the first; the range lies in populated memory
     * @param source the array that holds them, from {@code offset} on
     */
    void write(long address, byte[] source, int offset, int length);
}
