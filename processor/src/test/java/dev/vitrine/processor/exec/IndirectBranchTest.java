// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.guest.FlatMachine;

import org.junit.jupiter.api.Test;

import java.util.HashMap;
import java.util.Map;

/** Targets of an indirect branch that come up only when the code around has been translated. */
class IndirectBranchTest {
    private static final int TARGETS = 8;
    private static final int FEW = 400_000;
    private static final int MANY = 1_000_000;

    /** A loop that jumps through a table; first to two places of it, then to all. */
    private static Map<String, Long> run() {
        try (FlatMachine m = new FlatMachine(1, 16 << 20)) {
            m.code(
                    0,
                    a -> {
                        Label table = a.label();
                        Label loop = a.label();
                        Label next = a.label();
                        Label end = a.label();
                        a.mov(R8, table).mov(R9, 1).mov(RCX, FEW + MANY).xor(R10D, R10D);
                        a.bind(loop).mov(RAX, RCX).and(RAX, R9);
                        a.jmp(Mem.base(R8).index(RAX, 8));
                        a.align(8).bind(table);
                        Label[] targets = new Label[TARGETS];
                        for (int i = 0; i < TARGETS; i++) {
                            targets[i] = a.label();
                            a.dq(targets[i]);
                        }
                        for (int i = 0; i < TARGETS; i++) {
                            a.bind(targets[i]).add(R10, i).jmp(next);
                        }
                        a.bind(next).dec(RCX).jcc(Cond.Z, end);
                        a.cmp(RCX, MANY).jcc(Cond.NZ, loop);
                        a.mov(R9, TARGETS - 1).jmp(loop);
                        a.bind(end);
                    });
            m.runAll(20_000_000_000L, () -> {});
            long sum = FEW / 2L + MANY / TARGETS * (TARGETS * (TARGETS - 1) / 2L);
            assertThat(m.processor(0).gpr(10)).isEqualTo(sum);
            Map<String, Long> statistics = new HashMap<>();
            m.group.translationStatistics(statistics::put);
            return statistics;
        }
    }

    @Test
    void interpreted() {
        System.setProperty("vitrine.translate.off", "true");
        try {
            assertThat(run().get("region entries")).isZero();
        } finally {
            System.clearProperty("vitrine.translate.off");
        }
    }

    /** The region is translated once more, and then knows them. */
    @Test
    void newTargetsAreLearnt() {
        System.setProperty("vitrine.translate.now", "true");
        System.setProperty("vitrine.translate.threshold", "64");
        try {
            Map<String, Long> statistics = run();
            assertThat(statistics.get("instructions in regions")).isGreaterThan(6L * MANY);
            assertThat(statistics.get("region exits by other indirect branches"))
                    .as("exits, of %d branches to new targets", MANY / TARGETS * (TARGETS - 2))
                    .isLessThan(MANY / 4);
        } finally {
            System.clearProperty("vitrine.translate.now");
            System.clearProperty("vitrine.translate.threshold");
        }
    }
}
