// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

/**
 * One 4 KiB page that a guest and Vitrine share, with a ring in it.
 *
 * <p>All offsets are in bytes from the start of the page and lie inside it; integers are little
 * endian. {@link #getInt} must have acquire and {@link #putInt} release semantics, because ring
 * indices order the ring's contents. The guest may change the page at any time: callers copy each
 * value once and check the copy.
 */
public interface RingPage {
    /** The size of the page, in bytes. */
    int SIZE = 4096;

    /** Reads the aligned 32-bit integer at {@code offset}. */
    int getInt(int offset);

    /** Writes the aligned 32-bit integer at {@code offset}. */
    void putInt(int offset, int value);

    /** Copies {@code length} bytes at {@code offset} of the page to {@code into[at..]}. */
    void read(int offset, byte[] into, int at, int length);

    /** Copies {@code from[at..]} to the {@code length} bytes at {@code offset} of the page. */
    void write(int offset, byte[] from, int at, int length);
}
