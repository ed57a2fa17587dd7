// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/** What a message to or from a socket has beside its data (struct cmsghdr): descriptors, say. */
final class ControlMessages {
    /** Bytes that are read at the most; Linux allows 20 KiB by default. */
    private static final int MAX = 4096;

    private static final int SOCKET = 1;
    private static final int RIGHTS = 1;
    private static final int CREDENTIALS = 2;

    private ControlMessages() {}

    /** The messages in a buffer; null if there are none, or they are not in memory. */
    static byte @Nullable [] read(CallReader call, long address, long length) {
        if (address == 0 || length == 0) {
            return null;
        }
        byte[] b = new byte[(int) (Long.compareUnsigned(length, MAX) > 0 ? MAX : length)];
        return call.read(address, b, 0, b.length) ? b : null;
    }

    /** Writes the messages as an array. What does not look like one ends it. */
    static void write(ValueWriter w, byte[] b, CallView call) {
        // size_t is that of the kernel that reads it.
        int word = call.abi().kernelLong();
        int header = word + 8;
        w.beginArray();
        int at = 0;
        while (at + header <= b.length) {
            long length = LittleEndian.number(b, at, word);
            if (length < header || length > b.length - at) {
                break;
            }
            int level = LittleEndian.i32(b, at + word);
            int type = LittleEndian.i32(b, at + word + 4);
            w.beginObject();
            w.name("cmsg_len");
            w.unsigned(length);
            w.name("cmsg_level");
            named(w, "socket_level", level);
            w.name("cmsg_type");
            named(w, level == SOCKET ? "socket_message" : "", type);
            if (length > header) {
                w.name("cmsg_data");
                byte[] data = Arrays.copyOfRange(b, at + header, at + (int) length);
                data(w, level == SOCKET ? type : -1, data, call);
            }
            w.endObject();
            at += (int) length + word - 1 & -word;
        }
        w.endArray();
    }

    private static void named(ValueWriter w, String set, int n) {
        String name = set.isEmpty() ? null : Constants.of(set).name(n);
        if (name == null) {
            w.hexadecimal(n & 0xFFFF_FFFFL);
        } else {
            w.symbol(name);
        }
    }

    private static void data(ValueWriter w, int type, byte[] b, CallView call) {
        Layout credentials = Layouts.of(call.abi(), "ucred");
        if (type == RIGHTS) {
            w.beginArray();
            for (int at = 0; at + 4 <= b.length; at += 4) {
                w.number(LittleEndian.i32(b, at));
            }
            w.endArray();
        } else if (type == CREDENTIALS && credentials != null && b.length >= credentials.size()) {
            credentials.write(w, b, 0, call);
        } else {
            w.data(b, b.length);
        }
    }
}
