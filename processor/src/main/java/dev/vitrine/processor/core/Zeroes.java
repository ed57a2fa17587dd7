// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.util.Arrays;

/**
 * Fills large arrays with zeroes, by copies of what is zero already: while a guest starts the JVM
 * interprets loops, and one of a hundred thousand turns shows in a profile.
 */
final class Zeroes {
    /** Elements that are filled in a loop. */
    private static final int FIRST = 64;

    private Zeroes() {}

    static void fill(long[] array) {
        Arrays.fill(array, 0, Math.min(FIRST, array.length), 0);
        spread(array, array.length);
    }

    static void fill(short[] array) {
        Arrays.fill(array, 0, Math.min(FIRST, array.length), (short) 0);
        spread(array, array.length);
    }

    private static void spread(Object array, int length) {
        int done = FIRST;
        while (done < length) {
            int more = Math.min(done, length - done);
            System.arraycopy(array, 0, array, done, more);
            done += more;
        }
    }
}
