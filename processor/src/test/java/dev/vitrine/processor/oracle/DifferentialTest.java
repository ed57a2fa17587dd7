// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.decode.InstructionTable;
import dev.vitrine.processor.translate.AtOnce;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The software processor against the host's: every form of the instruction table, and sequences of
 * instructions; in the interpreter, and in both stages of translation.
 *
 * <p>System properties: {@code vitrine.differential.tier} (interpreter, first or second, to run
 * only that), {@code vitrine.differential.cases} (2 million interpreted, 200,000 in each stage),
 * {@code vitrine.differential.seed}, {@code vitrine.differential.form} (a mnemonic, or a form's
 * number, to run only that), {@code vitrine.differential.case} (a case's number from a report, to
 * run that one and print it).
 */
class DifferentialTest {
    private static final long DEFAULT_CASES = 2_000_000;
    private static final long LONG_CASES = 400_000_000;
    private static final long DEFAULT_TRANSLATED_CASES = 200_000;
    private static final long LONG_TRANSLATED_CASES = 20_000_000;

    /** Each is compiled by HotSpot's second compiler before it runs. */
    private static final long DEFAULT_COMPILED_CASES = 3_000;

    private static final long LONG_COMPILED_CASES = 200_000;

    /** Share of the runs that must enter a region; the rest faults at once or is single-stepped. */
    private static final double ENTERED = 0.8;

    /** How many differing forms are printed in full. */
    private static final int SHOWN = 60;

    @Test
    void softwareProcessorDoesWhatTheHostDoes() throws InterruptedException, IOException {
        run("interpreter", 0);
    }

    @Test
    void firstStageOfTranslationDoesWhatTheHostDoes() throws InterruptedException, IOException {
        run("first", 1);
    }

    @Test
    void secondStageOfTranslationDoesWhatTheHostDoes() throws InterruptedException, IOException {
        run("second", 2);
    }

    /**
     * As above, in machine code of the second compiler, which may be wrong where all else is right.
     */
    @Test
    void compiledTranslationDoesWhatTheHostDoes() throws InterruptedException, IOException {
        assumeTrue(AtOnce.canCompile(), "HotSpot's compile queue is not open in this JVM");
        run("compiled", AtOnce.COMPILED);
    }

    private static void run(String tier, int stage) throws InterruptedException, IOException {
        assumeTrue(NativeOracle.available(), NativeOracle.whyNot());
        String onlyTier = System.getProperty("vitrine.differential.tier", tier);
        assumeTrue(onlyTier.equals(tier), "not asked for");
        boolean longRun = Boolean.getBoolean("vitrine.long");
        long defaultCases =
                switch (stage) {
                    case 0 -> longRun ? LONG_CASES : DEFAULT_CASES;
                    case AtOnce.COMPILED -> longRun ? LONG_COMPILED_CASES : DEFAULT_COMPILED_CASES;
                    default -> longRun ? LONG_TRANSLATED_CASES : DEFAULT_TRANSLATED_CASES;
                };
        long cases = Long.getLong("vitrine.differential.cases", defaultCases);
        long seed = Long.getLong("vitrine.differential.seed", 20261122L);
        String only = System.getProperty("vitrine.differential.form", "");
        String replay = System.getProperty("vitrine.differential.case", "");
        if (!replay.isEmpty()) {
            System.out.println(
                    new DifferentialRun(seed, 1, stage, f -> true).replay(Long.decode(replay)));
            return;
        }
        int threads = Math.max(1, Math.min(8, Runtime.getRuntime().availableProcessors()));

        DifferentialRun run =
                new DifferentialRun(
                        seed,
                        threads,
                        stage,
                        f ->
                                only.isEmpty()
                                        || f.mnemonic.equals(only)
                                        || String.valueOf(f.index).equals(only));
        long wanted =
                InstructionTable.forms().stream()
                        .filter(f ->
                                only.isEmpty()
                                        || f.mnemonic.equals(only)
                                        || String.valueOf(f.index).equals(only))
                        .count();
        // Translated code has more to do with what stands next to it.
        long share = stage == 0 ? 8 : 3;
        int sequences = only.isEmpty() ? (int) Math.min(cases / share, Integer.MAX_VALUE) : 0;
        int perForm =
                (int) Math.min((cases - sequences) / Math.max(1, wanted) + 1, Integer.MAX_VALUE);
        run.run(perForm, sequences);

        Path path = Path.of("target", "differential-report-" + tier + ".txt");
        System.out.println(report(run, path, seed, sequences > 0));
        if (stage > 0) {
            System.out.println("differential, stage " + stage + ": " + run.regions());
        }
        List<String> empty = new ArrayList<>();
        List<String> different = new ArrayList<>();
        for (DifferentialRun.Outcome o : run.outcomes()) {
            if (o.skipped == null && o.cases == 0 && (o.form != null || sequences > 0)) {
                empty.add(o.name);
            }
            if (o.differences > 0) {
                different.add(o.name);
            }
        }
        if (stage != AtOnce.COMPILED) {
            // There each form has two cases, and both may be left out on this host.
            assertThat(empty).as("forms without a case").isEmpty();
        }
        assertThat(different)
                .as("forms on which the processors differ (see " + path + ")")
                .isEmpty();
        if (stage > 0 && only.isEmpty()) {
            assertThat(run.enteredShare()).as("share of runs in regions").isGreaterThan(ENTERED);
        }
    }

    /** Writes all forms with their numbers of cases to a file; returns the summary. */
    private static String report(DifferentialRun run, Path path, long seed, boolean sequences)
            throws IOException {
        StringBuilder summary = new StringBuilder();
        StringBuilder all = new StringBuilder();
        Map<String, Integer> skipped = new TreeMap<>();
        Map<HostDifference, Long> leftOut = HostDifference.noCounts();
        int covered = 0;
        int shown = 0;
        for (DifferentialRun.Outcome o : run.outcomes()) {
            if (o.form == null && !sequences) {
                continue;
            }
            String why = o.skipped;
            all.append(
                    String.format("%9d cases %7d different  %s", o.cases, o.differences, o.name));
            all.append(o.leftOut.isEmpty() ? "" : "  left out: " + o.leftOut);
            all.append(why == null ? "\n" : "  skipped: " + why + "\n");
            o.leftOut.forEach((d, n) -> leftOut.merge(d, n, Long::sum));
            if (why != null) {
                skipped.merge(why, 1, Integer::sum);
            } else if (o.cases > 0) {
                covered++;
            }
            if (o.differences > 0) {
                o.samples.values().forEach(all::append);
                if (shown++ < SHOWN) {
                    summary.append(
                            String.format(
                                    "%d of %d cases differ: %s%n", o.differences, o.cases, o.name));
                    o.samples.values().stream().limit(1).forEach(summary::append);
                }
            }
        }
        summary.append(
                String.format(
                        "differential: %d cases, %d forms and sequences covered, %d of them different, seed %d%n",
                        run.cases(), covered, shown, seed));
        skipped.forEach((why, n) ->
                summary.append("  ").append(n).append(" forms skipped: ").append(why).append('\n'));
        leftOut.forEach((d, n) ->
                summary.append("  ").append(n).append(" cases left out: ").append(d).append('\n'));
        Path directory = path.getParent();
        if (directory != null && Files.isDirectory(directory)) {
            Files.writeString(path, summary.toString() + '\n' + all);
        }
        return summary.toString();
    }
}
