// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** A hot integer loop: from one micro-operation to the next. */
public class Dispatch extends Guest {

    public Dispatch() {
        loop(
                a -> a.mov(RAX, 0).mov(RDX, 7),
                a -> a.add(RAX, RCX).xor(RAX, RDX).shr(RDX, 3).add(RDX, 0x1234).dec(RCX));
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void integers(Rounds count) {
        run(count);
    }
}
