// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Commands, options and help. */
class UsageTest {
    @Test
    void helpNamesAllCommands() {
        Cli.Result r = Cli.run("--help");
        assertThat(r.status()).isZero();
        assertThat(r.err()).isEmpty();
        assertThat(r.out()).contains("vitrine run", "vitrine pull", "vitrine images", "124");
    }

    @Test
    void helpOfRunNamesAllOptions() {
        Cli.Result r = Cli.run("run", "--help");
        assertThat(r.status()).isZero();
        assertThat(r.err()).isEmpty();
        assertThat(r.out())
                .contains("--kernel", "--ramdisk", "--cmdline", "--memory", "--vcpus", "--copy")
                .contains("--exec", "--timeout", "--clock", "--stats", "Ctrl-]")
                .contains("--verify-translation", "  4 ", "Standard input");
    }

    @ParameterizedTest
    @ValueSource(strings = {"pull", "images", "inject"})
    void helpOfOtherCommands(String command) {
        Cli.Result r = Cli.run(command, "--help");
        assertThat(r.status()).isZero();
        assertThat(r.err()).isEmpty();
        assertThat(r.out()).contains("usage: vitrine " + command);
    }

    @Test
    void helpGoesBeforeErrors() {
        assertThat(Cli.run("run", "--help", "a", "b").out()).contains("usage:");
    }

    @Test
    void helpNamesTheExitStatuses() {
        for (String[] command : new String[][] {{"--help"}, {"run", "--help"}}) {
            String help = Cli.run(command).out();
            for (int status : new int[] {0, 2, 3, 4, 70, 124, 141}) {
                assertThat(help).containsPattern("(?m)^  " + status + " +[a-z-]");
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"--help", "--version", "images"})
    void outputThatCannotBeWritten(String command) throws IOException {
        assumeTrue(Files.exists(Path.of("/dev/full")), "no /dev/full");
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        try (OutputStream full = Files.newOutputStream(Path.of("/dev/full"))) {
            int status =
                    Main.execute(
                            new String[] {command},
                            new Streams(
                                    InputStream.nullInputStream(),
                                    full,
                                    new PrintStream(err, true, StandardCharsets.UTF_8),
                                    false));
            new Cli.Result(status, "", err.toString(StandardCharsets.UTF_8))
                    .isBadInput("Standard output cannot be written: ");
        }
    }

    @Test
    void anErrorOfVitrineItselfHasAStatusOfItsOwn() {
        for (Throwable thrown :
                new Throwable[] {new IllegalStateException("bug"), new OutOfMemoryError("heap")}) {
            OutputStream broken =
                    new OutputStream() {
                        @Override
                        public void write(int b) {
                            if (thrown instanceof Error e) {
                                throw e;
                            }
                            throw (RuntimeException) thrown;
                        }
                    };
            PrintStream err = new PrintStream(OutputStream.nullOutputStream());
            Streams streams = new Streams(InputStream.nullInputStream(), broken, err, false);
            assertThat(Main.execute(new String[] {"--version"}, streams))
                    .isEqualTo(ExitStatus.SOFTWARE);
        }
    }

    @Test
    void versionIsThatOfTheBuild() {
        Cli.Result r = Cli.run("--version");
        assertThat(r.status()).isZero();
        assertThat(r.out()).matches("vitrine [^ $]+ \\(Java [0-9.+a-zA-Z-]+\\)\\R");
    }

    @Test
    void noCommand() {
        Cli.run().isBadInput("run, trace, record, replay, inspect, inject, pull and images");
    }

    @ParameterizedTest
    @ValueSource(strings = {"frobnicate", "--frobnicate", "", "RUN"})
    void unknownCommand(String command) {
        Cli.run(command).isBadInput("'" + command + "'");
    }

    @Test
    void unknownOption() {
        Cli.run("run", "debian", "--frobnicate").isBadInput("--frobnicate");
        Cli.run("pull", "debian", "--frobnicate").isBadInput("--frobnicate");
        Cli.run("images", "--frobnicate").isBadInput("--frobnicate");
        Cli.run("images", "x").isBadInput("'x'");
    }

    @Test
    void missingValue() {
        Cli.run("run", "debian", "--memory").isBadInput("--memory", "SIZE");
        Cli.run("run", "debian", "--copy").isBadInput("--copy", "HOST:GUEST");
        Cli.run("pull").isBadInput("IMAGE");
    }

    @Test
    void tooMuch() {
        Cli.run("run", "debian", "x").isBadInput("'x'");
        Cli.run("run", "--memory", "1G", "--memory", "2G").isBadInput("--memory", "more than once");
    }

    @Test
    void nothingToRun() {
        Cli.run("run").isBadInput("--kernel");
        Cli.run("run", "--memory", "1G").isBadInput("--kernel");
    }

    @Test
    void unknownImage() {
        Cli.run("run", "dabian").isBadInput("'dabian'", "debian:full");
        Cli.run("pull", "dabian").isBadInput("'dabian'", "debian:full");
        Cli.run("run", "debian:nope").isBadInput("'debian:nope'");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-5",
                "-1G",
                "0K",
                "9T",
                "99999999999999999999G",
                "1",
                "x",
                "",
                "1.5G",
                "12Q",
                "M"
            })
    void memoryOutOfRange(String size) {
        if (size.equals("1")) {
            // One MiB is a size; it is too small for a real kernel only.
            assertThat(Sizes.memory("--memory", size)).isEqualTo(1 << 20);
            return;
        }
        Cli.run("run", "--kernel", "k", "--memory", size).isBadInput("--memory", "'" + size + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "129", "4294967297", "x", "", "1.5"})
    void vcpusOutOfRange(String n) {
        Cli.run("run", "--kernel", "k", "--vcpus", n).isBadInput("--vcpus", "'" + n + "'");
    }

    @Test
    void translationIsVerifiedWithOneVcpuOnly() {
        Cli.run("run", "--kernel", "k", "--verify-translation", "--vcpus", "2")
                .isBadInput("--verify-translation", "one vCPU");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0", "-1", "0s", "x", "", "99999999h", "5 minutes", "1e9"})
    void timeoutOutOfRange(String time) {
        Cli.run("run", "--kernel", "k", "--timeout", time)
                .isBadInput("--timeout", "'" + time + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"Real", "x", ""})
    void unknownClock(String clock) {
        Cli.run("run", "--kernel", "k", "--clock", clock).isBadInput("--clock", "'" + clock + "'");
    }

    @ParameterizedTest
    @CsvSource({
        "512, 536870912",
        "512M, 536870912",
        "512m, 536870912",
        "512MiB, 536870912",
        "2G, 2147483648",
        "8T, 8796093022208",
        "1025K, 1048576",
        "4096k, 4194304"
    })
    void memorySizes(String text, long bytes) {
        assertThat(Sizes.memory("--memory", text)).isEqualTo(bytes);
    }

    @ParameterizedTest
    @CsvSource({"60, 60000", "60s, 60000", "500ms, 500", "5m, 300000", "1h, 3600000", "1.5s, 1500"})
    void times(String text, long millis) {
        assertThat(Sizes.time("--timeout", text).toMillis()).isEqualTo(millis);
    }

    @Test
    void imagesOptionsNeedAnImage() {
        Cli.run("run", "--kernel", "k", "--exec", "ls").isBadInput("--exec", "image");
        Cli.run("run", "--kernel", "k", "--copy", "a:/b").isBadInput("--copy", "image");
    }

    @Test
    void flagsTakeTrueAndFalse() {
        Cli.run("run", "--kernel", "/no/such/file", "--stats=false").isBadInput("/no/such/file");
        Cli.run("run", "--kernel", "/no/such/file", "--stats=x")
                .isBadInput("Invalid value for option '--stats': 'x' is not a boolean");
        Cli.run("run", "--stats", "--stats").isBadInput("--stats is given more than once");
    }

    @Test
    void optionsThatMayBeRepeatedKeepAllValues() {
        Cli.run("run", "debian", "--copy", "pom.xml:/a", "--copy", "/no/such/file:/b")
                .isBadInput("/no/such/file");
        Cli.run("run", "debian", "--copy", "/no/such/file:/b", "--copy", "pom.xml:/a")
                .isBadInput("/no/such/file");
        Cli.run("pull", "nope", "--with", "a,b", "--with", "c").isBadInput("'nope'");
    }

    @Test
    void copyNeedsTwoPaths() {
        Cli.run("run", "debian", "--copy", "nowhere").isBadInput("'nowhere'");
        Cli.run("run", "debian", "--copy", "pom.xml:relative").isBadInput("pom.xml:relative");
        Cli.run("run", "debian", "--copy", "/no/such/file:/x").isBadInput("/no/such/file");
    }
}
