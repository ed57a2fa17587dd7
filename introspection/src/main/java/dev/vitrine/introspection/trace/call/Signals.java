// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.ValueWriter;

/** Sets of signals. */
final class Signals {
    private static final int COUNT = 64;

    /** From so many on a set is told by what is not in it. */
    private static final int MANY = COUNT * 2 / 3;

    private Signals() {}

    /**
     * Writes a set.
     *
     * @param set bit 0 is signal 1
     */
    static void write(ValueWriter w, long set) {
        if (w.brief()) {
            StringBuilder s = new StringBuilder();
            boolean most = Long.bitCount(set) >= MANY;
            names(most ? ~set : set, s);
            w.symbol((most ? "~[" : "[") + s + "]");
            return;
        }
        w.beginArray();
        for (int n = 1; n <= COUNT; n++) {
            if ((set >>> n - 1 & 1) != 0) {
                w.symbol(String.valueOf(Scalars.signal(n)));
            }
        }
        w.endArray();
    }

    private static void names(long set, StringBuilder s) {
        for (int n = 1; n <= COUNT; n++) {
            if ((set >>> n - 1 & 1) != 0) {
                String name = String.valueOf(Scalars.signal(n));
                s.append(s.isEmpty() ? "" : " ")
                        .append(n == 32 ? "RTMIN" : name.substring("SIG".length()));
            }
        }
    }
}
