// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

/** A program of classic BPF (struct sock_fprog), as seccomp takes it. */
final class FilterProgram {
    /** BPF_MAXINSNS */
    private static final int MAX = 4096;

    /** struct sock_filter: code, jump if true, jump if false, and a number. */
    private static final int INSTRUCTION = 8;

    static final Pointed POINTER =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    int word = call.abi().pointer();
                    byte[] b = new byte[2 * word];
                    if (!call.read(address, b, 0, b.length)) {
                        return null;
                    }
                    int length = LittleEndian.u16(b, 0);
                    long at = LittleEndian.number(b, word, word);
                    byte[] all = new byte[INSTRUCTION * Math.min(MAX, length)];
                    return new Found(length, at, call.read(at, all, 0, all.length) ? all : null);
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    FilterProgram.write(w, (Found) content);
                }
            };

    private record Found(int length, long address, byte @Nullable [] instructions) {}

    private FilterProgram() {}

    /** A line of text has the address alone, as that of strace. */
    private static void write(ValueWriter w, Found f) {
        w.beginObject();
        w.name("len");
        w.number(f.length);
        w.name("filter");
        byte[] b = f.instructions;
        if (w.brief() || b == null) {
            w.address(f.address);
        } else {
            w.beginArray();
            for (int at = 0; at < b.length; at += INSTRUCTION) {
                w.beginObject();
                w.name("code");
                w.number(LittleEndian.u16(b, at));
                w.name("jt");
                w.number(LittleEndian.u8(b, at + 2));
                w.name("jf");
                w.number(LittleEndian.u8(b, at + 3));
                w.name("k");
                w.number(LittleEndian.u32(b, at + 4));
                w.endObject();
            }
            w.endArray();
        }
        w.endObject();
    }
}
