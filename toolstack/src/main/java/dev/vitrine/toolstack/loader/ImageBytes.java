// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * A range of bytes of an image, little endian, with every access checked. An access beyond the
 * range says that the image is truncated and names what was being read.
 */
final class ImageBytes {
    private final String name;
    private final ImageSource source;
    private final int start;
    private final int length;

    ImageBytes(String name, byte[] bytes) {
        this(name, new ImageSource.Array(bytes));
    }

    ImageBytes(String name, ImageSource source) {
        this(name, source, 0, source.size());
    }

    private ImageBytes(String name, ImageSource source, int start, int length) {
        this.name = name;
        this.source = source;
        this.start = start;
        this.length = length;
    }

    String name() {
        return name;
    }

    int length() {
        return length;
    }

    /** The file that the bytes are read from, or null. */
    @Nullable Path file() {
        return source.file();
    }

    /** An array that holds them. That of a file is read each time. */
    byte[] array() {
        return source.array();
    }

    /** Where {@code offset} of this range is in {@link #array}. */
    int arrayOffset(long offset) {
        return start + (int) offset;
    }

    boolean contains(long offset, long size) {
        return offset >= 0 && size >= 0 && offset <= length && size <= length - offset;
    }

    ImageBytes slice(long offset, long size, String what) {
        check(offset, size, what);
        return new ImageBytes(name, source, start + (int) offset, (int) size);
    }

    int u8(long offset, String what) {
        check(offset, 1, what);
        return source.u8(start + (int) offset);
    }

    int u16(long offset, String what) {
        return u8(offset, what) | u8(offset + 1, what) << 8;
    }

    long u32(long offset, String what) {
        return u16(offset, what) | (long) u16(offset + 2, what) << 16;
    }

    long u64(long offset, String what) {
        return u32(offset, what) | u32(offset + 4, what) << 32;
    }

    /** Whether the bytes at {@code offset} are {@code pattern}; false beyond the end. */
    boolean startsWith(long offset, int... pattern) {
        if (!contains(offset, pattern.length)) {
            return false;
        }
        for (int i = 0; i < pattern.length; i++) {
            if (source.u8(start + (int) offset + i) != pattern[i]) {
                return false;
            }
        }
        return true;
    }

    /** The characters at {@code offset} up to a NUL, the end, or {@code max} of them. */
    String text(long offset, int max) {
        StringBuilder text = new StringBuilder();
        for (long i = offset; contains(i, 1) && text.length() < max; i++) {
            int c = source.u8(start + (int) i);
            if (c == 0) {
                break;
            }
            text.append(c >= 0x20 && c < 0x7f ? (char) c : '?');
        }
        return text.toString();
    }

    byte[] copy() {
        byte[] copy = new byte[length];
        writeTo(0, (at, from, offset, n) -> System.arraycopy(from, offset, copy, (int) at, n));
        return copy;
    }

    /** Writes the bytes in order, the first one to {@code address}. */
    void writeTo(long address, PhysicalWriter writer) {
        source.write(start, length, address, writer);
    }

    private void check(long offset, long size, String what) {
        if (!contains(offset, size)) {
            throw new BadInputException(
                    name + ": the file is truncated or corrupt: " + what + " lies beyond its end.");
        }
    }
}
