// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;

/** Puts bytes into a new domain's memory. */
@FunctionalInterface
public interface PhysicalWriter {
    /** Small enough to stay in the host's second cache on its way to the guest. */
    int PART = 1 << 17;

    /**
     * Writes {@code length} bytes.
     *
     * @param address the guest-physical address of the first; the range lies in populated memory
     * @param source the array that holds them for now, from {@code offset} on; not to be changed
     */
    void write(long address, byte[] source, int offset, int length);

    /**
     * Writes {@code length} bytes of a file, from {@code position} on.
     *
     * @return how many there were, fewer where the file ends
     */
    default int write(long address, FileChannel from, long position, int length)
            throws IOException {
        byte[] part = new byte[Math.min(length, PART)];
        int done = 0;
        while (done < length) {
            ByteBuffer into = ByteBuffer.wrap(part, 0, Math.min(part.length, length - done));
            int n = from.read(into, position + done);
            if (n <= 0) {
                break;
            }
            write(address + done, part, 0, n);
            done += n;
        }
        return done;
    }
}
