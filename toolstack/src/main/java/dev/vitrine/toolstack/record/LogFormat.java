// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/**
 * The form of a log: a header (magic, version, CRC of the manifest), then entries. Before each
 * stand its length, its CRC-32C, and the CRC-32C of these two, 4 bytes each, little-endian as all
 * numbers: a length that was changed is no sign that the log was cut off.
 */
final class LogFormat {
    static final byte[] MAGIC = "vitrrec\n".getBytes(StandardCharsets.US_ASCII);
    static final int VERSION = 2;
    static final int HEADER = 16;

    /** Bytes before an entry. */
    static final int FRAME = 12;

    /** No entry is longer: that of the largest checkpoint, 128 vCPUs, is a few 100 KiB. */
    static final int MAX_ENTRY = 64 << 20;

    private LogFormat() {}

    static int crc(byte[] bytes) {
        return crc(bytes, bytes.length);
    }

    private static int crc(byte[] bytes, int length) {
        CRC32C crc = new CRC32C();
        crc.update(bytes, 0, length);
        return (int) crc.getValue();
    }

    /** What stands before an entry. */
    static byte[] frame(byte[] content) {
        ByteBuffer b = ByteBuffer.allocate(FRAME).order(ByteOrder.LITTLE_ENDIAN);
        b.putInt(content.length).putInt(crc(content));
        return b.putInt(crc(b.array(), 8)).array();
    }

    /** Whether what stands before an entry is as it was written. */
    static boolean isFrame(byte[] frame) {
        return ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).getInt(8) == crc(frame, 8);
    }
}
