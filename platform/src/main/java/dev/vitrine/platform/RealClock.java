// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import java.time.Instant;

/** Time that passes as it does on the host, from 0 at the clock's creation. */
public final class RealClock extends VirtualClock {
    private final long start;
    private final long wallClockBase;

    public RealClock() {
        this(DEFAULT_FREQUENCY);
    }

    public RealClock(long frequency) {
        super(frequency);
        start = System.nanoTime();
        Instant i = Instant.now();
        wallClockBase = i.getEpochSecond() * 1_000_000_000L + i.getNano();
    }

    @Override
    public long now() {
        return System.nanoTime() - start;
    }

    @Override
    public long wallClockBase() {
        return wallClockBase;
    }

    @Override
    public boolean isVirtual() {
        return false;
    }
}
