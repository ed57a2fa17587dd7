// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A message of the wire protocol (Xen's public/io/xs_wire.h): a header of four little-endian 32-bit
 * words, type, request, transaction and length, and that many bytes.
 */
record XsMessage(int type, int request, int transaction, byte[] payload) {
    static final int HEADER = 16;
    static final int MAX_PAYLOAD = 4096;

    static final int CONTROL = 0;
    static final int DIRECTORY = 1;
    static final int READ = 2;
    static final int GET_PERMS = 3;
    static final int WATCH = 4;
    static final int UNWATCH = 5;
    static final int TRANSACTION_START = 6;
    static final int TRANSACTION_END = 7;
    static final int INTRODUCE = 8;
    static final int RELEASE = 9;
    static final int GET_DOMAIN_PATH = 10;
    static final int WRITE = 11;
    static final int MKDIR = 12;
    static final int RM = 13;
    static final int SET_PERMS = 14;
    static final int WATCH_EVENT = 15;
    static final int ERROR = 16;
    static final int IS_DOMAIN_INTRODUCED = 17;
    static final int RESUME = 18;
    static final int SET_TARGET = 19;
    static final int RESET_WATCHES = 21;
    static final int DIRECTORY_PART = 22;

    byte[] encoded() {
        byte[] bytes = new byte[HEADER + payload.length];
        put(bytes, 0, type);
        put(bytes, 4, request);
        put(bytes, 8, transaction);
        put(bytes, 12, payload.length);
        System.arraycopy(payload, 0, bytes, HEADER, payload.length);
        return bytes;
    }

    /** The payload as strings, each with its NUL. */
    List<String> strings() throws XsException {
        List<String> strings = new ArrayList<>();
        int start = 0;
        for (int i = 0; i < payload.length; i++) {
            if (payload[i] == 0) {
                strings.add(text(start, i));
                start = i + 1;
            }
        }
        if (start != payload.length) {
            throw new XsException("EINVAL");
        }
        return strings;
    }

    /** The payload as exactly {@code count} strings. */
    List<String> strings(int count) throws XsException {
        List<String> strings = strings();
        if (strings.size() != count) {
            throw new XsException("EINVAL");
        }
        return strings;
    }

    /** The length of the first string; what follows its NUL is not text. */
    int firstLength() throws XsException {
        for (int i = 0; i < payload.length; i++) {
            if (payload[i] == 0) {
                return i;
            }
        }
        throw new XsException("EINVAL");
    }

    String text(int from, int to) {
        return new String(payload, from, to - from, StandardCharsets.ISO_8859_1);
    }

    /** Strings as a payload, each with its NUL. */
    static byte[] payload(Iterable<String> strings) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String string : strings) {
            out.writeBytes(string.getBytes(StandardCharsets.ISO_8859_1));
            out.write(0);
        }
        return out.toByteArray();
    }

    static int get(byte[] bytes, int at) {
        return bytes[at] & 0xff
                | (bytes[at + 1] & 0xff) << 8
                | (bytes[at + 2] & 0xff) << 16
                | (bytes[at + 3] & 0xff) << 24;
    }

    private static void put(byte[] bytes, int at, int value) {
        for (int i = 0; i < 4; i++) {
            bytes[at + i] = (byte) (value >>> 8 * i);
        }
    }
}
