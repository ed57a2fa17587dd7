// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import java.util.concurrent.ConcurrentHashMap;

/**
 * Those guest frames of a view whose forbidden accesses may become exceptions of the guest: where
 * bit 63 of an EPT entry, "suppress #VE", is clear (SDM volume 3, 26.5.7.1). It is set where nobody
 * has said otherwise. Thread-safe.
 */
final class ConvertiblePages {
    /** 64 frames each, by the number of the first divided by 64. */
    private final ConcurrentHashMap<Long, Long> words = new ConcurrentHashMap<>();

    void suppress(long gfn, boolean on) {
        long bit = 1L << gfn;
        words.compute(
                gfn >>> 6,
                (k, old) -> {
                    long word = old == null ? 0 : old;
                    word = on ? word & ~bit : word | bit;
                    return word == 0 ? null : word;
                });
    }

    boolean isSuppressed(long gfn) {
        Long word = words.isEmpty() ? null : words.get(gfn >>> 6);
        return word == null || (word & 1L << gfn) == 0;
    }
}
