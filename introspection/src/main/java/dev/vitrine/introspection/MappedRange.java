// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/**
 * Consecutive linear addresses that are mapped to consecutive physical ones with equal rights.
 *
 * @param start linear address
 * @param length in bytes
 * @param physical guest-physical address of the first byte
 * @param writable by all levels of page tables
 * @param user by all levels
 * @param executable by all levels
 */
public record MappedRange(
        long start,
        long length,
        long physical,
        boolean writable,
        boolean user,
        boolean executable) {
    /** The first linear address behind it. */
    public long end() {
        return start + length;
    }

    /** Whether a linear address is in it. */
    public boolean contains(long linear) {
        return linear - start >= 0 && linear - start < length;
    }

    boolean joins(MappedRange next) {
        return end() == next.start
                && physical + length == next.physical
                && writable == next.writable
                && user == next.user
                && executable == next.executable;
    }

    MappedRange with(MappedRange next) {
        return new MappedRange(start, length + next.length, physical, writable, user, executable);
    }
}
