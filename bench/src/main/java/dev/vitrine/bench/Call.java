// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Label;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.OperationsPerInvocation;

/** CALL and RET. */
public class Call extends Guest {

    public Call() {
        loop(
                a -> {},
                a -> {
                    Label function = a.label();
                    Label behind = a.label();
                    a.call(function).jmp(behind).bind(function).add(RAX, RCX).ret().bind(behind);
                });
    }

    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void calls(Rounds count) {
        run(count);
    }
}
