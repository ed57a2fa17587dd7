// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.ValueWriter;

import java.util.Arrays;

/** Helpers for what is in memory. */
final class Contents {
    private Contents() {}

    /** Writes characters up to a zero byte. */
    static void text(ValueWriter w, byte[] b, int from, int limit) {
        int end = from;
        while (end < from + limit && b[end] != 0) {
            end++;
        }
        w.text(Arrays.copyOfRange(b, from, end), false);
    }
}
