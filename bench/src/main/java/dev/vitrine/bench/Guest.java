// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.bench;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.guest.FlatMachine;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * A processor in an endless loop of the guest. The score is guest instructions per microsecond,
 * that is millions a second. R15 counts the loop's rounds: {@code rounds} is how many of the events
 * that a benchmark is named after were done per microsecond.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
        value = 1,
        jvmArgsAppend = {"--enable-native-access=ALL-UNNAMED", "-XX:+UseSerialGC", "-Xmx512m"})
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 1)
public abstract class Guest {
    /** Instructions of one invocation. */
    static final int BATCH = 1_000_000;

    /** Rounds of the guest's loop. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Rounds {
        /** Rounds in this iteration. */
        public long rounds;
    }

    final FlatMachine machine = new FlatMachine(1, 512L << 20);
    private final Processor processor = machine.processor(0);

    /** Assembles code before the loop, and the loop's body; CS:RIP comes back to its beginning. */
    final void loop(Consumer<Asm> before, Consumer<Asm> body) {
        machine.code(
                0,
                a -> {
                    Label again = a.label();
                    FlatMachine.startup(a);
                    before.accept(a);
                    a.bind(again);
                    body.accept(a);
                    a.inc(Reg.R15).jmp(again);
                });
    }

    /** Runs one batch. */
    final void run(Rounds count) {
        long before = processor.gpr(15);
        Processor.Exit exit = processor.run(BATCH);
        if (exit != Processor.Exit.BUDGET) {
            throw new IllegalStateException(exit + "\n" + String.join("\n", processor.registers()));
        }
        count.rounds += processor.gpr(15) - before;
    }
}
