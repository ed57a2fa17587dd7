// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.HashMap;
import java.util.Map;

/** Regions that call each other: functions, more than a region knows the targets of a branch. */
class RegionChainTest {
    private static final int FUNCTIONS = 32;

    /** What a run leaves: the sum, and how many instructions it took. */
    private record Result(long sum, long retired, Map<String, Long> statistics) {}

    /**
     * A loop that calls functions through a table, in an order that nothing predicts; some of them
     * go on in one another by jumps, and one in eight divides.
     *
     * @param more instructions of each function beside these: runs of less than twenty are looked
     *     at in another way
     */
    private static Result run(int rounds, int more) {
        try (FlatMachine m = new FlatMachine(1, 16 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label table = a.label();
                        Label loop = a.label();
                        Label end = a.label();
                        a.mov(R8, table).mov(RCX, rounds).xor(R10D, R10D).mov(R11, 12345);
                        a.mov(RBP, 7);
                        a.bind(loop).imul(R11, R11, 1103515245).add(R11, 12345);
                        a.mov(RAX, R11).shr(RAX, 16).and(RAX, FUNCTIONS - 1);
                        a.call(Mem.base(R8).index(RAX, 8));
                        a.dec(RCX).jcc(Cond.NZ, loop).jmp(end);
                        Label[] functions = new Label[FUNCTIONS];
                        a.align(8).bind(table);
                        for (int i = 0; i < FUNCTIONS; i++) {
                            functions[i] = a.label();
                            a.dq(functions[i]);
                        }
                        for (int i = 0; i < FUNCTIONS; i++) {
                            a.align(64).bind(functions[i]).add(R10, i + 1).lea(R9, Mem.base(R10));
                            for (int k = 0; k < more; k++) {
                                a.add(R10, k);
                            }
                            if (i % 8 == 3) {
                                a.mov(RAX, R9).xor(EDX, EDX).div(RBP).xor(R10, RDX);
                            }
                            if (i % 2 == 1) {
                                a.jmp(functions[i * 7 % FUNCTIONS & ~1]);
                            } else {
                                a.ret();
                            }
                        }
                        a.bind(end);
                    });
            m.runAll(60_000_000_000L, () -> {});
            Map<String, Long> statistics = new HashMap<>();
            m.group.translationStatistics(statistics::put);
            return new Result(m.processor(0).gpr(10), m.processor(0).retired(), statistics);
        }
    }

    @ParameterizedTest
    @CsvSource({"3000000, 0", "300000, 300"})
    void doesWhatTheInterpreterDoes(int rounds, int more) {
        Result interpreted = BothWays.interpreted(() -> run(rounds, more));
        assertThat(interpreted.statistics.get("region entries")).isZero();
        Result translated = BothWays.translated(() -> run(rounds, more));
        assertThat(translated.sum).isEqualTo(interpreted.sum);
        assertThat(translated.retired).isEqualTo(interpreted.retired);
        assertThat(translated.statistics.get("region entries from others"))
                .as("of %s", translated.statistics)
                .isGreaterThan(rounds / 4);
        assertThat(translated.statistics.get("region entries"))
                .isGreaterThan(translated.statistics.get("region entries from others"));
    }
}
