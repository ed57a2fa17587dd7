// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** VMCALL to a host that does nothing. */
public class Hypercall extends Guest {

    public Hypercall() {
        loop(a -> {}, a -> a.vmcall());
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void calls(Rounds count) {
        run(count);
    }
}
