// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The launcher, with a script in place of the JVM that tells what it was started with. */
@Timeout(120)
class LauncherTest {
    /**
     * Prints its arguments, one a line, and makes the cache if it is to. It fails, as a JVM that
     * does not start, while there is a file "broken".
     */
    private static final String JAVA =
            """
            #!/bin/sh
            [ ! -e "${0%/*}/broken" ] || exit 1
            for argument; do
                case $argument in
                    -XX:AOTCacheOutput=*)
                        [ -e "${0%/*}/no-cache" ] || echo cache >"${argument#*=}" ;;
                esac
                printf '%s\\n' "$argument"
            done
            [ ! -e "${0%/*}/standard-input" ] || cat
            [ ! -e "${0%/*}/environment" ] || env
            """;

    @TempDir Path folder;

    private Path home;
    private Path bin;
    private Path launcher;

    private record Result(int status, String out, String err) {}

    @BeforeEach
    void makeInstallation() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")), "no /bin/sh");
        Path root = Files.createDirectories(folder.resolve("a path  with $spaces"));
        launcher = Files.copy(Path.of("..", "vitrine"), root.resolve("vitrine"));
        home = root.resolve("target/vitrine");
        Files.createDirectories(home.resolve("lib"));
        Files.createFile(home.resolve("lib/vitrine-cli-1.jar"));
        Files.createFile(home.resolve("lib/vitrine-hotspot-1.jar"));
        Files.createFile(home.resolve("lib/vitrine-processor-1.jar"));
        Files.createFile(home.resolve("stamp"));
        bin = Files.createDirectories(folder.resolve("a jdk/bin"));
        Files.writeString(bin.resolveSibling("release"), "JAVA_VERSION=\"25.0.1\"\n");
        for (String program : List.of("java", "javac")) {
            Path file = Files.writeString(bin.resolve(program), JAVA);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
        }
    }

    /**
     * Runs the launcher by a shell.
     *
     * @param redirections those of the shell, such as {@code <&-}
     */
    private Result run(String redirections, Map<String, String> environment)
            throws IOException, InterruptedException {
        Path out = folder.resolve("out");
        Path err = folder.resolve("err");
        ProcessBuilder builder =
                new ProcessBuilder(
                        "/bin/sh",
                        "-c",
                        "exec /bin/sh \"$0\" run 'two  words' '*' " + redirections,
                        launcher.toString());
        builder.environment().put("JAVA_HOME", bin.getParent().toString());
        builder.environment().remove("VITRINE_JAVA_OPTS");
        builder.environment().put("XDG_CACHE_HOME", folder.resolve("cache").toString());
        builder.environment().putAll(environment);
        Process process =
                builder.redirectInput(Path.of("/dev/null").toFile())
                        .redirectOutput(out.toFile())
                        .redirectError(err.toFile())
                        .start();
        int status = process.waitFor();
        return new Result(status, Files.readString(out), Files.readString(err));
    }

    private Result run() throws IOException, InterruptedException {
        return run("", Map.of());
    }

    private Path cache() throws IOException {
        try (var files = Files.list(home.resolve("aot"))) {
            List<Path> all = files.filter(f -> f.toString().endsWith(".aot")).toList();
            assertThat(all).hasSize(1);
            return all.getFirst();
        }
    }

    @Test
    void pathsAreWholeArguments() throws IOException, InterruptedException {
        Result r = run("", Map.of("VITRINE_JAVA_OPTS", "-Xmx2g -ea"));
        assertThat(r.err()).isEmpty();
        assertThat(r.status()).isZero();
        List<String> arguments = new ArrayList<>(r.out().lines().toList());
        assertThat(arguments)
                .contains("-XX:CompilerDirectivesFile=" + home + "/compiler.json")
                .contains("-Xbootclasspath/a:" + home + "/lib/vitrine-hotspot-1.jar")
                .contains("-XX:AOTCache=" + cache())
                .containsSubsequence(
                        "-cp",
                        home + "/lib/vitrine-processor-1.jar:" + home + "/lib/vitrine-cli-1.jar",
                        "-Xmx2g",
                        "-ea")
                .endsWith("dev.vitrine.cli.Main", "run", "two  words", "*");
    }

    @Test
    void trainsOnce() throws IOException, InterruptedException {
        run();
        assertThat(cache()).hasContent("cache");
        assertThat(Files.readString(home.resolve("aot.log"))).contains("--train");
        Files.delete(home.resolve("aot.log"));
        run();
        assertThat(home.resolve("aot.log")).doesNotExist();
    }

    @Test
    void aJvmThatMakesNoCacheIsAskedOnce() throws IOException, InterruptedException {
        Files.createFile(bin.resolve("no-cache"));
        assertThat(run().out()).doesNotContain("-XX:AOTCache=");
        assertThat(cache()).isEmptyFile();
        Files.delete(home.resolve("aot.log"));
        assertThat(run().status()).isZero();
        assertThat(home.resolve("aot.log")).doesNotExist();
    }

    @Test
    void aJvmThatDidNotStartIsAskedAgain() throws IOException, InterruptedException {
        Files.createFile(bin.resolve("broken"));
        assertThat(run().status()).isEqualTo(1);
        Files.delete(bin.resolve("broken"));
        assertThat(run().out()).contains("-XX:AOTCache=");
        assertThat(cache()).hasContent("cache");
    }

    private void makeImage(Path cache) throws IOException {
        Path image = Files.createDirectories(cache.resolve("vitrine/images/debian"));
        Files.writeString(image.resolve("current"), "id\n");
    }

    /** Whether the launcher trains, once more or for the first time. */
    private boolean trains(Map<String, String> environment)
            throws IOException, InterruptedException {
        Files.deleteIfExists(home.resolve("aot.log"));
        Result r = run("", environment);
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.out()).doesNotContain("--train");
        return Files.exists(home.resolve("aot.log"));
    }

    @Test
    void trainsOnceMoreWhenThereIsAnImage() throws IOException, InterruptedException {
        assertThat(trains(Map.of())).isTrue();
        assertThat(trains(Map.of())).isFalse();
        makeImage(folder.resolve("cache"));
        Result r = run();
        assertThat(r.err()).startsWith("vitrine: there is an image now").hasLineCount(1);
        assertThat(r.out()).contains("-XX:AOTCache=");
        assertThat(trains(Map.of())).isFalse();
        Files.delete(folder.resolve("cache/vitrine/images/debian/current"));
        assertThat(trains(Map.of())).isFalse();
        makeImage(folder.resolve("cache"));
        assertThat(trains(Map.of())).isFalse();
    }

    @Test
    void whoHasAnImageTrainsOnce() throws IOException, InterruptedException {
        makeImage(folder.resolve("cache"));
        assertThat(run().err()).isEmpty();
        assertThat(trains(Map.of())).isFalse();
    }

    @Test
    void trainsOnceMoreForAnotherLauncher() throws IOException, InterruptedException {
        run();
        Path before = cache();
        Files.writeString(launcher, "\n# Changed.\n", StandardOpenOption.APPEND);
        assertThat(trains(Map.of())).isTrue();
        Files.delete(before);
        assertThat(cache()).hasContent("cache");
        assertThat(run().out()).contains("-XX:AOTCache=" + cache());
        assertThat(trains(Map.of())).isFalse();
    }

    @Test
    void aTrainingThatFailsWithTheImageIsNotDoneAgain() throws IOException, InterruptedException {
        run();
        makeImage(folder.resolve("cache"));
        Files.createFile(bin.resolve("no-cache"));
        assertThat(trains(Map.of())).isTrue();
        assertThat(cache()).hasContent("cache");
        assertThat(trains(Map.of())).isFalse();
        assertThat(run().out()).contains("-XX:AOTCache=");
    }

    @Test
    void imagesAreLookedForWhereTheyAre() throws IOException, InterruptedException {
        Path user = folder.resolve("a user");
        Map<String, String> relative = Map.of("XDG_CACHE_HOME", "cache", "HOME", user.toString());
        assertThat(trains(relative)).isTrue();
        makeImage(folder.resolve("elsewhere"));
        makeImage(folder.resolve("a  path with $spaces/cache"));
        assertThat(trains(relative)).isFalse();
        makeImage(user.resolve(".cache"));
        assertThat(trains(relative)).isTrue();
        assertThat(trains(relative)).isFalse();
    }

    @Test
    void closedInputIsEmptyInput() throws IOException, InterruptedException {
        Files.createFile(bin.resolve("standard-input"));
        Result r = run("<&-", Map.of());
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.out()).endsWith("\n*\n");
        assertThat(r.err()).isEmpty();
    }

    @Test
    void closedOutputIsAnError() throws IOException, InterruptedException {
        Result r = run(">&-", Map.of());
        assertThat(r.status()).isEqualTo(ExitStatus.BAD_INPUT);
        assertThat(r.err())
                .isEqualTo("vitrine: standard output cannot be written: it is closed.\n");
    }

    @Test
    void closedErrorTakesNothingElse() throws IOException, InterruptedException {
        Files.createFile(bin.resolve("standard-input"));
        Path input = Files.writeString(folder.resolve("input"), "input\n");
        Result r = run("<'" + input + "' 2>&-", Map.of());
        assertThat(r.status()).isZero();
        assertThat(r.out()).endsWith("\n*\ninput\n");
        assertThat(Files.readString(input)).isEqualTo("input\n");
        // Nobody is there to read the sentence; the status remains.
        assertThat(run(">&- 2>&-", Map.of()).status()).isEqualTo(ExitStatus.BAD_INPUT);
    }

    @Test
    void namesAreNotAsciiOnly() throws IOException, InterruptedException {
        assumeTrue(runs("locale", "charmap"), "no locale(1)");
        Files.createFile(bin.resolve("environment"));
        for (String ascii : List.of("C", "POSIX", "xx_YY.UTF-8")) {
            assertThat(run("", Map.of("LC_ALL", ascii)).out().lines()).contains("LC_ALL=C.UTF-8");
        }
        assertThat(run("", Map.of("LC_ALL", "C.utf8")).out().lines()).contains("LC_ALL=C.utf8");
    }

    private static boolean runs(String... command) throws InterruptedException {
        try {
            return new ProcessBuilder(command).start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }
}
