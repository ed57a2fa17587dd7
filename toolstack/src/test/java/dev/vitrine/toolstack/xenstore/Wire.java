// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.xenstore;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The other end of the wire, for tests. */
final class Wire {
    private Wire() {}

    /** A message whose payload is strings, in which {@code |} stands for NUL. */
    static byte[] message(int type, int request, int transaction, String payload) {
        byte[] bytes = payload.replace('|', '\0').getBytes(StandardCharsets.ISO_8859_1);
        return new XsMessage(type, request, transaction, bytes).encoded();
    }

    /** All whole messages in {@code bytes}, as "type payload", NUL as {@code |}. */
    static List<String> messages(byte[] bytes) {
        List<String> messages = new ArrayList<>();
        for (int at = 0; at + 16 <= bytes.length; ) {
            int length = XsMessage.get(bytes, at + 12);
            String text =
                    new String(
                            Arrays.copyOfRange(bytes, at + 16, at + 16 + length),
                            StandardCharsets.ISO_8859_1);
            messages.add(XsMessage.get(bytes, at) + " " + text.replace('\0', '|'));
            at += 16 + length;
        }
        return messages;
    }

    static byte[] output(XenStoreConnection connection) {
        byte[] all = new byte[0];
        byte[] some = new byte[100];
        for (int n = connection.send(some, 0, 100); n > 0; n = connection.send(some, 0, 100)) {
            int before = all.length;
            all = Arrays.copyOf(all, before + n);
            System.arraycopy(some, 0, all, before, n);
        }
        return all;
    }
}
