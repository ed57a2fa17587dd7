// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/** Network addresses as text. */
public final class Addresses {
    private Addresses() {}

    /** Four bytes from a place on, with dots between. */
    public static String ip4(byte[] b, int at) {
        return (b[at] & 0xFF)
                + "."
                + (b[at + 1] & 0xFF)
                + "."
                + (b[at + 2] & 0xFF)
                + "."
                + (b[at + 3] & 0xFF);
    }

    /** Sixteen bytes as RFC 5952 writes them. */
    public static String ip6(byte[] b) {
        int[] words = new int[8];
        for (int i = 0; i < 8; i++) {
            words[i] = (b[2 * i] & 0xFF) << 8 | b[2 * i + 1] & 0xFF;
        }
        int zeros = 0;
        while (zeros < 8 && words[zeros] == 0) {
            zeros++;
        }
        if (zeros == 5 && words[5] == 0xFFFF) {
            return "::ffff:" + ip4(b, 12);
        }
        // The first of the longest runs of two zeros or more.
        int start = -1;
        int length = 1;
        for (int i = 0; i < 8; i++) {
            int n = 0;
            while (i + n < 8 && words[i + n] == 0) {
                n++;
            }
            if (n > length) {
                start = i;
                length = n;
            }
        }
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < 8; ) {
            if (i == start) {
                s.append("::");
                i += length;
                continue;
            }
            if (!s.isEmpty() && s.charAt(s.length() - 1) != ':') {
                s.append(':');
            }
            s.append(Integer.toHexString(words[i++]));
        }
        return s.toString();
    }
}
