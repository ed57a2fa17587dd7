// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.exec.Runner;

import org.junit.jupiter.api.Test;

import java.util.Random;

/**
 * Random programs under the interpreter and under the translator: whenever a run ends, everything
 * is the same in both. Regions are made of random parts of the program before it runs, or while it
 * runs, from what is hot.
 *
 * <p>System properties: {@code vitrine.programs} (how many, in each test), {@code
 * vitrine.programs.seed} (the first one's seed; a report names that of the program).
 */
class RandomProgramTest {
    private static final int PROGRAMS =
            Integer.getInteger(
                    "vitrine.programs", Boolean.getBoolean("vitrine.long") ? 50_000 : 400);
    private static final long SEED = Long.getLong("vitrine.programs.seed", 20261123L);

    /** Instructions of a program, at the most. */
    private static final int LENGTH = 12_000;

    private static final int REGIONS = 5;
    private static final String IN_REGIONS = "instructions in regions";

    private static void report(String what, ProgramMachine m, long all, long events) {
        long inside = m.statistic(IN_REGIONS);
        System.out.printf(
                "random programs, %s: %d from seed %d, %d of %d instructions in regions, %d entries, %d exits to the slow path, %d faults%n",
                what,
                PROGRAMS,
                SEED,
                inside,
                all,
                m.statistic("region entries"),
                m.statistic("region exits to the slow path"),
                events);
        if (PROGRAMS >= 100) {
            assertThat(inside).as("instructions in regions").isGreaterThan(all / 10);
        }
    }

    private static void same(
            ProgramMachine mine, ProgramMachine its, RandomProgram p, long seed, String when) {
        String text = mine.difference(its);
        if (!text.isEmpty()) {
            text = text + String.format("  at %x%n", its.cpu.rip);
            throw new AssertionError("program " + seed + ", " + when + ":\n" + text + p.text());
        }
    }

    private static int slice(Random random) {
        return random.nextInt(3) == 0 ? 1 + random.nextInt(60) : 200 + random.nextInt(3000);
    }

    /** Runs both to the end in the same slices. */
    private static long slices(
            ProgramMachine mine, ProgramMachine its, RandomProgram p, long seed, Random random) {
        int exit = Runner.BUDGET;
        for (int n = 0; exit == Runner.BUDGET && its.retired() < LENGTH; n++) {
            int budget = slice(random);
            exit = its.run(budget);
            int other = mine.run(budget);
            String when = "slice " + n;
            same(mine, its, p, seed, when);
            assertThat(other).as("exit of program %s, %s", seed, when).isEqualTo(exit);
        }
        return its.retired();
    }

    private static void translatedBefore(int stage, boolean smp) {
        translatedBefore(stage, smp, PROGRAMS);
    }

    private static void translatedBefore(int stage, boolean smp, int programs) {
        translatedBefore(stage, smp, Kind.KERNEL, programs);
    }

    /** What a program is. */
    private enum Kind {
        KERNEL,
        USER,
        CODE_16,
        CODE_32;

        RandomProgram program(long seed, boolean smp) {
            return switch (this) {
                case KERNEL -> new RandomProgram(seed, smp);
                case USER -> RandomProgram.user(seed, smp);
                case CODE_16 -> RandomProgram.segmented(seed, 16);
                case CODE_32 -> RandomProgram.segmented(seed, 32);
            };
        }

        String text() {
            return this == KERNEL ? "" : ", " + this;
        }
    }

    private static void translatedBefore(int stage, boolean smp, Kind kind, int programs) {
        long all = 0;
        long faults = 0;
        try (ProgramMachine mine = new ProgramMachine(smp);
                ProgramMachine its = new ProgramMachine(smp)) {
            for (int n = 0; n < programs; n++) {
                long seed = SEED + n;
                RandomProgram p = kind.program(seed, smp);
                Random random = new Random(seed);
                warm(mine, p, random, stage, true);
                its.load(p, true);
                all += slices(mine, its, p, seed, random);
                faults += its.faults();
            }
            report("stage " + stage + (smp ? ", smp" : "") + kind.text(), mine, all, faults);
        }
    }

    /** Interprets a program, and translates some of it; then puts it back to its start. */
    private static void warm(
            ProgramMachine m, RandomProgram p, Random random, int stage, boolean mend) {
        m.load(p, true);
        m.run(LENGTH / 4);
        m.sampleNext();
        m.run(LENGTH / 4);
        if (!mend) {
            m.load(p, false);
            m.run(LENGTH / 4);
        }
        m.restart(p);
        m.translateSome(random, REGIONS, stage);
    }

    private static void translatedMeanwhile(int reports) {
        translatedMeanwhile(reports, Kind.KERNEL);
    }

    private static void translatedMeanwhile(int reports, Kind kind) {
        long all = 0;
        long faults = 0;
        try (ProgramMachine mine = new ProgramMachine(false);
                ProgramMachine its = new ProgramMachine(false)) {
            mine.reports = reports;
            for (int n = 0; n < PROGRAMS; n++) {
                long seed = SEED + 1_000_000_007L * reports + n;
                RandomProgram p = kind.program(seed, false);
                mine.load(p, true);
                its.load(p, true);
                all += slices(mine, its, p, seed, new Random(seed));
                faults += its.faults();
            }
            report("while hot, reports to " + reports + kind.text(), mine, all, faults);
        }
    }

    @Test
    void translatedBeforeInTheFirstStage() {
        translatedBefore(1, false);
    }

    @Test
    void translatedBeforeInTheSecondStage() {
        translatedBefore(2, false);
    }

    /** In machine code of HotSpot's second compiler: a tenth of the programs, for its time. */
    @Test
    void translatedBeforeAndCompiled() {
        assumeTrue(AtOnce.canCompile(), "HotSpot's compile queue is not open in this JVM");
        translatedBefore(AtOnce.COMPILED, false, Math.max(1, PROGRAMS / 10));
    }

    @Test
    void translatedBeforeInEitherStageAsOneOfSeveralProcessors() {
        translatedBefore(3, true);
    }

    @Test
    void translatedWhileTheyRunInTheFirstStage() {
        translatedMeanwhile(1);
    }

    @Test
    void translatedWhileTheyRunInTheSecondStage() {
        translatedMeanwhile(2);
    }

    @Test
    void translatedWhileTheyRunInEitherStage() {
        translatedMeanwhile(3);
    }

    /** At CPL 3: faults, SYSCALL and interrupts lead into a kernel, and back. */
    @Test
    void userProgramsTranslatedBeforeInTheFirstStage() {
        translatedBefore(1, false, Kind.USER, PROGRAMS);
    }

    @Test
    void userProgramsTranslatedBeforeInTheSecondStage() {
        translatedBefore(2, false, Kind.USER, PROGRAMS);
    }

    @Test
    void userProgramsTranslatedBeforeAndCompiled() {
        assumeTrue(AtOnce.canCompile(), "HotSpot's compile queue is not open in this JVM");
        translatedBefore(AtOnce.COMPILED, false, Kind.USER, Math.max(1, PROGRAMS / 10));
    }

    @Test
    void userProgramsTranslatedBeforeInEitherStageAsOneOfSeveralProcessors() {
        translatedBefore(3, true, Kind.USER, PROGRAMS);
    }

    /** Code of 16 and of 32 bits, with segments that have bases and limits. */
    @Test
    void segmentedProgramsTranslatedBeforeInTheFirstStage() {
        translatedBefore(1, false, Kind.CODE_16, PROGRAMS);
        translatedBefore(1, false, Kind.CODE_32, PROGRAMS);
    }

    @Test
    void segmentedProgramsTranslatedBeforeInTheSecondStage() {
        translatedBefore(2, false, Kind.CODE_16, PROGRAMS);
        translatedBefore(2, false, Kind.CODE_32, PROGRAMS);
    }

    @Test
    void segmentedProgramsTranslatedWhileTheyRun() {
        translatedMeanwhile(3, Kind.CODE_16);
        translatedMeanwhile(3, Kind.CODE_32);
    }

    /** With their kernel. */
    @Test
    void userProgramsTranslatedWhileTheyRunInEitherStage() {
        translatedMeanwhile(3, Kind.USER);
    }

    /**
     * Takes one page after the other away, lets both run to the fault at the next access to it, and
     * gives the page back.
     */
    private static void faults(int stage, boolean smp) {
        long all = 0;
        long faults = 0;
        try (ProgramMachine mine = new ProgramMachine(smp);
                ProgramMachine its = new ProgramMachine(smp)) {
            for (int n = 0; n < PROGRAMS; n++) {
                long seed = SEED + 2_000_000_011L * stage + n;
                RandomProgram p = new RandomProgram(seed, smp);
                Random random = new Random(seed);
                warm(mine, p, random, stage, false);
                its.load(p, false);
                faults += faults(mine, its, p, seed, random);
                all += its.retired();
            }
            report("faults, stage " + stage, mine, all, faults);
            assertThat(faults).as("faults").isGreaterThan(PROGRAMS);
        }
    }

    private static int faults(
            ProgramMachine mine, ProgramMachine its, RandomProgram p, long seed, Random random) {
        int seen = 0;
        for (int round = 0; round < 60 && its.retired() < LENGTH; round++) {
            int page = ProgramMachine.LOSABLE[round % ProgramMachine.LOSABLE.length];
            // So that the fault is not always at the first access behind another fault.
            int budget = 1 + random.nextInt(400);
            int exit = its.run(budget);
            mine.run(budget);
            same(mine, its, p, seed, "before fault " + round);
            if (exit == Runner.BUDGET) {
                its.lose(page);
                mine.lose(page);
                exit = its.run(2000);
                mine.run(2000);
                same(mine, its, p, seed, "at fault " + round + ", page " + page);
                its.give(page);
                mine.give(page);
            }
            if (exit != Runner.BUDGET) {
                if (!its.stoppedByPageFault()) {
                    break;
                }
                seen++;
                mend(its);
                mend(mine);
            }
        }
        return seen;
    }

    /** Translates a program at one address, and runs it at another. */
    private static void elsewhere(int stage, boolean smp, int programs) {
        long all = 0;
        long faults = 0;
        try (ProgramMachine mine = new ProgramMachine(smp);
                ProgramMachine its = new ProgramMachine(smp)) {
            for (int n = 0; n < programs; n++) {
                long seed = SEED + 3_000_000_019L * stage + n;
                RandomProgram p = new RandomProgram(seed, smp, true);
                Random random = new Random(seed);
                boolean mend = n % 2 == 0;
                mine.origin = ProgramMachine.COPY;
                warm(mine, p, random, stage, mend);
                mine.origin = (n % 3 + 1) * ProgramMachine.COPY;
                its.origin = mine.origin;
                mine.restart(p);
                its.load(p, mend);
                if (mend) {
                    all += slices(mine, its, p, seed, random);
                    faults += its.faults();
                } else {
                    faults += faults(mine, its, p, seed, random);
                    all += its.retired();
                }
            }
            report("elsewhere, stage " + stage, mine, all, faults);
            long entered = mine.statistic("region entries at other addresses");
            assertThat(entered).as("entries at other addresses").isGreaterThan(programs);
        }
    }

    @Test
    void translatedAtAnotherAddressInTheFirstStage() {
        elsewhere(1, false, PROGRAMS);
    }

    @Test
    void translatedAtAnotherAddressInTheSecondStage() {
        elsewhere(2, false, PROGRAMS);
    }

    @Test
    void translatedAtAnotherAddressAndCompiled() {
        assumeTrue(AtOnce.canCompile(), "HotSpot's compile queue is not open in this JVM");
        elsewhere(AtOnce.COMPILED, false, Math.max(1, PROGRAMS / 10));
    }

    @Test
    void translatedAtAnotherAddressAsOneOfSeveralProcessors() {
        elsewhere(3, true, PROGRAMS);
    }

    private static void mend(ProgramMachine m) {
        m.allow();
        m.returnFromFault();
    }

    @Test
    void faultsInTheFirstStage() {
        faults(1, false);
    }

    @Test
    void faultsInTheSecondStage() {
        faults(2, false);
    }

    @Test
    void faultsInEitherStageAsOneOfSeveralProcessors() {
        faults(3, true);
    }
}
