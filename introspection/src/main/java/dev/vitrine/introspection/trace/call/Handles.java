// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.HexFormat;

/**
 * Handles of files (struct file_handle, name_to_handle_at(2)): how long it is, of which kind, and
 * bytes that only its file system understands.
 */
final class Handles {
    private static final int HEADER = 8;

    /** MAX_HANDLE_SZ */
    private static final int MAX = 128;

    static final Pointed POINTER =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] header = new byte[HEADER];
                    if (!call.read(address, header, 0, HEADER)) {
                        return null;
                    }
                    int length = (int) Math.min(MAX, LittleEndian.u32(header, 0));
                    byte[] all = new byte[HEADER + length];
                    return call.read(address, all, 0, all.length) ? all : header;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    byte[] b = (byte[]) content;
                    w.beginObject();
                    w.name("handle_bytes");
                    w.number(LittleEndian.u32(b, 0));
                    w.name("handle_type");
                    w.number(LittleEndian.i32(b, 4));
                    w.name("f_handle");
                    w.symbol("0x" + HexFormat.of().formatHex(b, HEADER, b.length));
                    w.endObject();
                }
            };

    private Handles() {}
}
