// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * Sees that pointers lead in a circle, by Brent's method: one of those that have come is
 * remembered, and another one whenever twice as many have come. So it takes at the most three times
 * as many pointers as there are before the circle is closed for the first time, and no memory.
 */
final class CircleFinder {
    private long remembered;
    private int since;
    private int enough = 1;

    /**
     * Whether a pointer has come before.
     *
     * @param pointer the next one, not 0
     */
    boolean closes(long pointer) {
        if (pointer == remembered) {
            return true;
        }
        if (++since == enough) {
            remembered = pointer;
            since = 0;
            enough *= 2;
        }
        return false;
    }
}
