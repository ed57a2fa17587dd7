// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/**
 * The work that something found in a guest may cause. Tables of a hostile guest may be as large as
 * its memory, lead in circles, or be made so that a search in them goes wrong as often as possible:
 * whoever reads them counts steps, and stops with a sentence when there are more than any real
 * guest needs.
 */
public final class Effort {
    private final String what;
    private final long limit;
    private long left;

    /**
     * @param what what is looked for, as in "the kernel"
     * @param limit steps, each about a nanosecond's or a memory access's worth
     */
    public Effort(String what, long limit) {
        this.what = what;
        this.limit = limit;
        this.left = limit;
    }

    /** Begins anew. */
    public void reset() {
        left = limit;
    }

    /** Whether there have been too many steps. */
    public boolean isSpent() {
        return left < 0;
    }

    /**
     * Takes some steps.
     *
     * @throws IntrospectionException there have been too many
     */
    public void spend(long steps) {
        left -= steps;
        if (left < 0) {
            throw new IntrospectionException(
                    "The guest's memory is such that looking for " + what + " would not end.");
        }
    }
}
