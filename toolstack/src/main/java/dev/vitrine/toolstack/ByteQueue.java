// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack;

import java.util.Arrays;

/** Bytes, first in, first out. */
final class ByteQueue {
    private byte[] buffer = new byte[256];
    private int start;
    private int end;

    int size() {
        return end - start;
    }

    /** The array that holds the bytes, from {@link #start} on. */
    byte[] bytes() {
        return buffer;
    }

    int start() {
        return start;
    }

    void add(byte[] more) {
        if (more.length > buffer.length - end) {
            int room = Math.max(buffer.length, Integer.highestOneBit(size() + more.length) << 1);
            byte[] to = room > buffer.length ? new byte[room] : buffer;
            System.arraycopy(buffer, start, to, 0, size());
            end -= start;
            start = 0;
            buffer = to;
        }
        System.arraycopy(more, 0, buffer, end, more.length);
        end += more.length;
    }

    /** Takes the first {@code n} bytes. */
    void take(int n) {
        start += n;
        if (start == end) {
            start = 0;
            end = 0;
        }
    }

    /** A copy of all that is there. */
    byte[] content() {
        return Arrays.copyOfRange(buffer, start, end);
    }
}
