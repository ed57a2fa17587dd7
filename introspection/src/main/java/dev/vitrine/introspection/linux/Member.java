// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * Where a member of a structure is.
 *
 * @param offset in bytes, from the start of the structure
 * @param size in bytes; of an array that of one element
 * @param count elements; 1 if it is no array, 0 for a flexible one
 * @param shift lowest bit of a bit-field in the bytes at its offset; 0 otherwise
 * @param bits width of a bit-field, 0 if it is none
 */
public record Member(long offset, long size, long count, int shift, int bits) {
    /** The member's value, from the bytes that are at its offset. */
    public long value(long raw) {
        return bits == 0 ? raw : raw >>> shift & (1L << bits) - 1;
    }
}
