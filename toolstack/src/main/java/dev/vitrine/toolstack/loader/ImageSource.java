// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/** Where an image's bytes are: in an array, or in a file that is read where it is looked at. */
sealed interface ImageSource permits ImageSource.Array, ImageFile {
    int size();

    /** One byte. */
    int u8(int offset);

    /**
     * Writes a range of bytes, in order.
     *
     * @param address where the first one belongs
     */
    void write(int offset, int length, long address, PhysicalWriter writer);

    /** All bytes as one array, not to be changed. */
    byte[] array();

    /** The file that they are read from, or null. */
    @Nullable Path file();

    /** The bytes of an array. */
    record Array(byte[] array) implements ImageSource {
        @Override
        public int size() {
            return array.length;
        }

        @Override
        public int u8(int offset) {
            return array[offset] & 0xff;
        }

        @Override
        public void write(int offset, int length, long address, PhysicalWriter writer) {
            writer.write(address, array, offset, length);
        }

        @Override
        public @Nullable Path file() {
            return null;
        }
    }
}
