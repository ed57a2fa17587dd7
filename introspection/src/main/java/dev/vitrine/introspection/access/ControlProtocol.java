// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;

/**
 * What both ends of a control socket agree on. A request is a line of words; {@code write} is
 * followed by its bytes. A reply is {@code ok LENGTH} or {@code error LENGTH}, a line feed, and so
 * many bytes.
 */
final class ControlProtocol {
    /** The first line that a server sends. */
    static final String GREETING = "vitrine control 1";

    /** Bytes of a line, at most. */
    static final int LINE = 256;

    /** Bytes that one request reads or writes, at most. */
    static final int BLOCK = 1 << 20;

    private ControlProtocol() {}

    /**
     * Reads a line without its line feed; null at the end of the stream.
     *
     * @throws IOException the line is too long, or ends with the stream
     */
    static @org.jspecify.annotations.Nullable String line(InputStream in) throws IOException {
        byte[] b = new byte[LINE];
        int n = 0;
        while (true) {
            int c = in.read();
            if (c < 0) {
                if (n == 0) {
                    return null;
                }
                throw new EOFException("a line without an end");
            }
            if (c == '\n') {
                return new String(b, 0, n, StandardCharsets.UTF_8);
            }
            if (n == LINE) {
                throw new IOException("a line of more than " + LINE + " bytes");
            }
            b[n++] = (byte) c;
        }
    }

    /** So many bytes. */
    static byte[] bytes(InputStream in, int length) throws IOException {
        byte[] b = in.readNBytes(length);
        if (b.length < length) {
            throw new EOFException("the other side closed the connection");
        }
        return b;
    }
}
