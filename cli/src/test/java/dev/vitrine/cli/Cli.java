// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Runs commands in this process. */
final class Cli {
    /** What a command has left behind. */
    record Result(int status, String out, String err) {
        List<String> errLines() {
            return err.lines().toList();
        }

        /**
         * Bad input: status 2, nothing on standard output, and one sentence that has these parts.
         */
        Result isBadInput(String... parts) {
            assertThat(status).as(err).isEqualTo(ExitStatus.BAD_INPUT);
            assertThat(out).isEmpty();
            return saysOneSentence(parts);
        }

        /** One sentence on standard error and no trace of Java. */
        Result saysOneSentence(String... parts) {
            assertThat(errLines()).as(err).hasSize(1);
            String line = errLines().getFirst();
            assertThat(line).startsWith("vitrine: ").contains(parts).matches(".*[^. ][.]");
            assertThat(line.length()).as(line).isLessThan(400);
            hasNoTrace();
            return this;
        }

        void hasNoTrace() {
            assertThat(err).doesNotContain("Exception", "\tat ", "java.", "null", "Vitrine itself");
        }
    }

    private Cli() {}

    static Result run(String... args) {
        return runWithInput("", args);
    }

    static Result runWithInput(String input, String... args) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        int status =
                Main.execute(
                        args,
                        new Streams(
                                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                                out,
                                new PrintStream(err, true, StandardCharsets.UTF_8),
                                false));
        return new Result(
                status, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
