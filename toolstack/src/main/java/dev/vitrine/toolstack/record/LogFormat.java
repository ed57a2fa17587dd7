// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * The form of a log: a header (magic, version, CRC of the manifest), then entries. Before each
 * stand its length and its CRC-32C, 4 bytes each, little-endian as all numbers.
 */
final class LogFormat {
    static final byte[] MAGIC = "vitrrec\n".getBytes(StandardCharsets.US_ASCII);
    static final int VERSION = 1;
    static final int HEADER = 16;

    /** Bytes before an entry. */
    static final int FRAME = 8;

    /** No entry is longer: that of the largest checkpoint, 128 vCPUs, is a few 100 KiB. */
    static final int MAX_ENTRY = 64 << 20;

    private LogFormat() {}

    static int crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return (int) crc.getValue();
    }
}
