// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.output;

/** Names of threads, which their programs choose, in lines of text. */
final class TextName {
    private TextName() {}

    static void write(Bytes out, String name) {
        for (int i = 0; i < name.length(); ) {
            int c = name.codePointAt(i);
            i += Character.charCount(c);
            out.codePoint(Character.isISOControl(c) || c >= 0xD800 && c < 0xE000 ? '?' : c);
        }
    }
}
