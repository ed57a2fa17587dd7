// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.HypercallNumber;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.LongAdder;

/** Counts of a domain's hypercalls. */
final class Statistics {
    private final AtomicLongArray calls = new AtomicLongArray(HypercallNumber.LIMIT + 1);
    private final ConcurrentHashMap<String, LongAdder> missing = new ConcurrentHashMap<>();

    void called(long number) {
        int n =
                number >= 0 && number < HypercallNumber.LIMIT
                        ? (int) number
                        : HypercallNumber.LIMIT;
        calls.lazySet(n, calls.get(n) + 1); // a lost count does no harm
    }

    /** Notes a hypercall, or a sub-operation of one, that does not exist here. */
    void missing(int number, long operation) {
        if (missing.size() < 1000) {
            missing.computeIfAbsent(
                            HypercallNumber.name(number) + " " + operation, k -> new LongAdder())
                    .increment();
        }
    }

    /** Notes an instruction that the processor lacks. */
    void unknownInstruction(String name) {
        if (missing.size() < 1000) {
            missing.computeIfAbsent("instruction " + name, k -> new LongAdder()).increment();
        }
    }

    void addTo(Map<String, Long> out) {
        for (int i = 0; i <= HypercallNumber.LIMIT; i++) {
            long n = calls.get(i);
            if (n != 0) {
                String name = i == HypercallNumber.LIMIT ? "other" : HypercallNumber.name(i);
                out.put("hypercall " + name, n);
            }
        }
        missing.forEach((k, v) -> out.put("not implemented: " + k, v.sum()));
    }
}
