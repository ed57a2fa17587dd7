// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import java.security.SecureRandom;

/** The random numbers of hosts that supply none; made when a guest first asks. */
final class HostRandom {
    private static final SecureRandom SOURCE = new SecureRandom();

    private HostRandom() {}

    static long next() {
        return SOURCE.nextLong();
    }
}
