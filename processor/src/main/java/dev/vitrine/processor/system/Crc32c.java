// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

/** The CRC of the CRC32 instruction: polynomial 11EDC6F41H, bits reflected. */
final class Crc32c {
    private static final int REFLECTED = 0x82F63B78;
    private static final int[] TABLE = new int[256];

    static {
        for (int n = 0; n < 256; n++) {
            int c = n;
            for (int bit = 0; bit < 8; bit++) {
                c = c >>> 1 ^ (REFLECTED & -(c & 1));
            }
            TABLE[n] = c;
        }
    }

    private Crc32c() {}

    /** Accumulates the lowest {@code size} bytes of data, lowest first. */
    static int update(int crc, long data, int size) {
        int c = crc;
        for (int n = 0; n < size; n++) {
            c = c >>> 8 ^ TABLE[(c ^ (int) (data >>> (8 * n))) & 0xFF];
        }
        return c;
    }
}
