// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;

/** A terminal's input, which ends at Ctrl-]. */
final class DetachInput extends FilterInputStream {
    private static final int CTRL_BRACKET = 0x1d;

    private final Runnable onDetach;
    private boolean ended;

    /**
     * @param onDetach called once, when Ctrl-] comes
     */
    DetachInput(InputStream in, Runnable onDetach) {
        super(in);
        this.onDetach = onDetach;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (ended) {
            return -1;
        }
        int n = in.read(into, offset, length);
        for (int i = 0; i < n; i++) {
            if (into[offset + i] == CTRL_BRACKET) {
                ended = true;
                onDetach.run();
                return i == 0 ? -1 : i;
            }
        }
        return n;
    }
}
