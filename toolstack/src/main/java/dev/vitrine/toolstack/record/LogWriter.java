// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Appends entries to a log. Each goes to the system at once and as a whole, so that what a crash
 * cuts off is the end. The first error ends the writing, and is kept. Thread-safe.
 */
final class LogWriter implements AutoCloseable {
    private final OutputStream out;
    private @Nullable IOException failure;
    private long written;

    /**
     * @param manifest CRC of the manifest that belongs to the log
     */
    LogWriter(OutputStream out, int manifest) {
        this.out = out;
        ByteBuffer header = ByteBuffer.allocate(LogFormat.HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.put(LogFormat.MAGIC).putInt(LogFormat.VERSION).putInt(manifest);
        write(header.array());
    }

    void append(LogEntry entry) {
        byte[] content = LogCodec.encode(entry);
        ByteBuffer b = ByteBuffer.allocate(LogFormat.FRAME + content.length);
        write(b.put(LogFormat.frame(content)).put(content).array());
    }

    private synchronized void write(byte[] bytes) {
        if (failure == null) {
            try {
                out.write(bytes);
                out.flush();
                written += bytes.length;
            } catch (IOException e) {
                failure = e;
            }
        }
    }

    /** Why the log ends too soon; null if it does not. */
    synchronized @Nullable IOException failure() {
        return failure;
    }

    /** Bytes written. */
    synchronized long written() {
        return written;
    }

    @Override
    public synchronized void close() {
        try {
            out.close();
        } catch (IOException e) {
            failure = failure == null ? e : failure;
        }
    }
}
