// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.litmus;

import java.util.Arrays;
import java.util.List;

/** What the processors have read, in order, and what the variables are in the end, in words. */
record Outcome(List<Long> results, List<Long> memory) {
    /**
     * @param values the results come first
     */
    static Outcome of(long[] values, int results, byte[] memory) {
        Long[] words = new Long[memory.length / 8];
        for (int w = 0; w < words.length; w++) {
            long v = 0;
            for (int i = 7; i >= 0; i--) {
                v = v << 8 | memory[8 * w + i] & 0xFF;
            }
            words[w] = v;
        }
        Long[] all = Arrays.stream(values, 0, results).boxed().toArray(Long[]::new);
        return new Outcome(List.of(all), List.of(words));
    }

    /** A number for it: to find it in a table of those that are allowed. */
    long key() {
        long key = 1;
        for (long r : results) {
            key = mix(key, r);
        }
        for (long m : memory) {
            key = mix(key, m);
        }
        return key;
    }

    static long mix(long key, long word) {
        long x = (key ^ word) * 0x9E3779B97F4A7C15L;
        x = (x ^ x >>> 32) * 0xD6E8FEB86659FD93L;
        return x ^ x >>> 29;
    }

    @Override
    public String toString() {
        StringBuilder b = new StringBuilder("read");
        results.forEach(r -> b.append(String.format(" %x", r)));
        b.append(", memory");
        memory.forEach(m -> b.append(String.format(" %x", m)));
        return b.toString();
    }
}
