// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

/** Looks for characters in a guest's bytes. */
final class Utf8 {
    private Utf8() {}

    /**
     * The length of the character at a place: 1 to 4 bytes; 0 if there is none, or one that UTF-8
     * does not allow (RFC 3629).
     */
    static int length(byte[] b, int at) {
        int first = b[at] & 0xFF;
        if (first < 0x80) {
            return 1;
        }
        int n = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
        if (first < 0xC2 || first > 0xF4 || at + n > b.length) {
            return 0;
        }
        for (int i = 1; i < n; i++) {
            if ((b[at + i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        int second = b[at + 1] & 0xFF;
        boolean odd =
                first == 0xE0 && second < 0xA0
                        || first == 0xED && second >= 0xA0
                        || first == 0xF0 && second < 0x90
                        || first == 0xF4 && second >= 0x90;
        return odd ? 0 : n;
    }
}
