// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/**
 * A piece of RAM.
 *
 * @param start guest-physical address
 * @param length in bytes, positive
 */
public record PhysicalRange(long start, long length) {
    /**
     * @throws IllegalArgumentException not a range of addresses below 2^63
     */
    public PhysicalRange {
        if (start < 0 || length <= 0 || start + length < 0) {
            throw new IllegalArgumentException("physical range " + start + " + " + length);
        }
    }

    /** The first address behind it. */
    public long end() {
        return start + length;
    }
}
