// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import java.time.Duration;

/**
 * Until when something is waited for.
 *
 * @param end as {@link System#nanoTime} has it
 * @param given what the user gave, for messages
 */
record TimeLimit(long end, Duration given) {
    static TimeLimit of(Duration given) {
        return new TimeLimit(System.nanoTime() + given.toNanos(), given);
    }

    boolean passed() {
        return System.nanoTime() - end >= 0;
    }

    /** A part of the time, from now on. */
    TimeLimit atMost(Duration part) {
        long now = System.nanoTime();
        return new TimeLimit(end - now < part.toNanos() ? end : now + part.toNanos(), given);
    }

    @Override
    public String toString() {
        return given.toMillis() / 1000.0 + " s";
    }
}
