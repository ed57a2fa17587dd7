// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.TranslationDifference;
import dev.vitrine.processor.exec.Runner;

import org.junit.jupiter.api.Test;

import java.util.Random;

/**
 * Random programs in lock-step mode: nothing differs where nothing is wrong. A property {@code
 * vitrine.programs} says how many, in each test.
 */
class LockStepTest {
    private static final int PROGRAMS =
            Integer.getInteger("vitrine.programs", Boolean.getBoolean("vitrine.long") ? 2000 : 100);
    private static final long SEED = Long.getLong("vitrine.programs.seed", 20261124L);
    private static final int LENGTH = 12_000;
    private static final int REGIONS = 5;

    /** Runs a program to its end. */
    private static void run(ProgramMachine m, RandomProgram p, Random random, String which) {
        try {
            int exit = Runner.BUDGET;
            while (exit == Runner.BUDGET && m.retired() < LENGTH) {
                exit = m.run(random.nextInt(3) == 0 ? 1 + random.nextInt(60) : 3000);
            }
        } catch (TranslationDifference e) {
            throw new AssertionError(
                    which + ":\n" + String.join("\n", e.lines()) + "\n" + p.text(), e);
        }
    }

    private static void report(String what, ProgramMachine m) {
        long inside = m.statistic("instructions in regions");
        long verified = m.statistic("instructions verified");
        System.out.printf(
                "lock step, %s: %d programs from seed %d, %d instructions in regions, %d verified in"
                        + " %d executions%n",
                what, PROGRAMS, SEED, inside, verified, m.statistic("region executions verified"));
        // A region that a helper leaves by an exception is verified and not counted as entered.
        assertThat(verified).isGreaterThanOrEqualTo(inside);
        if (PROGRAMS >= 50) {
            assertThat(inside).isGreaterThan(PROGRAMS * 1000L);
        }
    }

    private static void before(int stage) {
        try (ProgramMachine m = new ProgramMachine(false, true)) {
            for (int n = 0; n < PROGRAMS; n++) {
                RandomProgram p = new RandomProgram(SEED + n, false);
                Random random = new Random(SEED + n);
                m.load(p, true);
                m.run(LENGTH / 4);
                m.sampleNext();
                m.run(LENGTH / 4);
                m.restart(p);
                m.translateSome(random, REGIONS, stage);
                run(m, p, random, "program " + (SEED + n));
            }
            report("stage " + stage, m);
        }
    }

    @Test
    void translatedBeforeInTheFirstStage() {
        before(1);
    }

    @Test
    void translatedBeforeInTheSecondStage() {
        before(2);
    }

    @Test
    void translatedWhileTheyRun() {
        try (ProgramMachine m = new ProgramMachine(false, true)) {
            m.reports = 3;
            for (int n = 0; n < PROGRAMS; n++) {
                long seed = SEED + 1_000_000_007L + n;
                RandomProgram p = new RandomProgram(seed, false);
                m.load(p, true);
                run(m, p, new Random(seed), "program " + seed);
            }
            report("while hot", m);
        }
    }
}
