// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.vitrine.processor.decode.InstructionTable;

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
 * instructions.
 *
 * <p>System properties: {@code vitrine.differential.cases} (2 million), {@code
 * vitrine.differential.seed}, {@code vitrine.differential.form} (a mnemonic, or a form's number, to
 * run only that), {@code vitrine.differential.case} (a case's number from a report, to run that one
 * and print it).
 */
class DifferentialTest {
    private static final long DEFAULT_CASES = 2_000_000;
    private static final long LONG_CASES = 400_000_000;
    private static final Path REPORT = Path.of("target", "differential-report.txt");

    /** How many differing forms are printed in full. */
    private static final int SHOWN = 60;

    @Test
    void softwareProcessorDoesWhatTheHostDoes() throws InterruptedException, IOException {
        assumeTrue(NativeOracle.available(), NativeOracle.whyNot());
        long defaultCases = Boolean.getBoolean("vitrine.long") ? LONG_CASES : DEFAULT_CASES;
        long cases = Long.getLong("vitrine.differential.cases", defaultCases);
        long seed = Long.getLong("vitrine.differential.seed", 20261122L);
        String only = System.getProperty("vitrine.differential.form", "");
        String replay = System.getProperty("vitrine.differential.case", "");
        if (!replay.isEmpty()) {
            System.out.println(new DifferentialRun(seed, 1, f -> true).replay(Long.decode(replay)));
            return;
        }
        int threads = Math.max(1, Math.min(8, Runtime.getRuntime().availableProcessors()));

        DifferentialRun run =
                new DifferentialRun(
                        seed,
                        threads,
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
        int sequences = only.isEmpty() ? (int) Math.min(cases / 8, Integer.MAX_VALUE) : 0;
        int perForm =
                (int) Math.min((cases - sequences) / Math.max(1, wanted) + 1, Integer.MAX_VALUE);
        run.run(perForm, sequences);

        System.out.println(report(run, seed, sequences > 0));
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
        assertThat(empty).as("forms without a case").isEmpty();
        assertThat(different)
                .as("forms on which the processors differ (see " + REPORT + ")")
                .isEmpty();
    }

    /** Writes all forms with their numbers of cases to a file; returns the summary. */
    private static String report(DifferentialRun run, long seed, boolean sequences)
            throws IOException {
        StringBuilder summary = new StringBuilder();
        StringBuilder all = new StringBuilder();
        Map<String, Integer> skipped = new TreeMap<>();
        int covered = 0;
        int shown = 0;
        for (DifferentialRun.Outcome o : run.outcomes()) {
            if (o.form == null && !sequences) {
                continue;
            }
            String why = o.skipped;
            all.append(
                    String.format("%9d cases %7d different  %s", o.cases, o.differences, o.name));
            all.append(why == null ? "\n" : "  skipped: " + why + "\n");
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
        Path directory = REPORT.getParent();
        if (directory != null && Files.isDirectory(directory)) {
            Files.writeString(REPORT, summary.toString() + '\n' + all);
        }
        return summary.toString();
    }
}
