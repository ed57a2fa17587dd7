// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What is injected has its effect in Debian, and nothing else. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianInjectTest {
    /** Idle; then two loops that fork and pipe, and a process that is to be killed; then a look. */
    private static final String SCRIPT =
            """
            echo READY
            read x
            echo "SUM $(sha256sum </tmp/data)"
            for i in 1 2; do
                ( n=0; while [ ! -e /tmp/stop ]; do
                    [ "$(echo a b | cat | tr a-z A-Z)" = "A B" ] || echo "LOOP WRONG"
                    n=$((n+1))
                done; echo "LOOP $i $n" ) &
            done
            ( while :; do : </dev/null; done ) &
            V=$!
            echo "VICTIM $V"
            read x
            wait $V
            echo "ENDED $?"
            touch /tmp/stop
            wait
            dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|self-detected|blocked for|kernel read not' && echo DIRTY
            echo FINISHED
            read x
            exit 42
            """;

    @TempDir Path folder;

    private String socket() {
        return folder.resolve("control").toString();
    }

    private String read(String path) {
        Cli.Result r = Cli.run("inject", socket(), "read", path);
        assertThat(r.status()).as(r.err()).isZero();
        return r.out();
    }

    private int exec(String... command) {
        String[] all = new String[command.length + 4];
        System.arraycopy(new String[] {"inject", "--wait", socket(), "exec"}, 0, all, 0, 4);
        System.arraycopy(command, 0, all, 4, command.length);
        Cli.Result r = Cli.run(all);
        assertThat(r.err()).isEmpty();
        return r.status();
    }

    private static RunningGuest start(Path folder, String socket) throws Exception {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("nothing is injected: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        Files.writeString(folder.resolve("script"), SCRIPT);
        return new RunningGuest(
                "run",
                "debian",
                "--vcpus",
                "2",
                "--control",
                socket,
                "--copy",
                folder + ":/opt/test",
                "--exec",
                "sh /opt/test/script",
                "--timeout",
                "14m");
    }

    @Test
    void programsAndFiles() throws Exception {
        byte[] data = new byte[100_003];
        new SplittableRandom(1).nextBytes(data);
        Path local = Files.write(folder.resolve("data"), data);
        try (RunningGuest g = start(folder, socket())) {
            g.await("\nREADY\n");
            // Nothing happens in the guest: it waits for input.
            String print = "printf '%s|' \"$@\" >'/tmp/out file'";
            assertThat(exec("/bin/sh", "-c", print, "sh", "a b", "", "c'd\n")).isZero();
            assertThat(read("/tmp/out file")).isEqualTo("a b||c'd\n|");
            assertThat(exec("/bin/sh", "-c", "exit 7")).isEqualTo(7);
            assertThat(exec("/bin/sh", "-c", "kill -9 $$")).isEqualTo(137);

            Cli.Result w = Cli.run("inject", socket(), "write", "/tmp/data", local.toString());
            assertThat(w.status()).as(w.err()).isZero();
            Path back = folder.resolve("back");
            Cli.Result r = Cli.run("inject", socket(), "read", "/tmp/data", back.toString());
            assertThat(r.status()).as(r.err()).isZero();
            assertThat(back).hasBinaryContent(data);
            // What has been written is closed: it can be started at once.
            Path tool = Files.writeString(folder.resolve("tool"), "#!/bin/sh\nexit 9\n");
            assertThat(exec("/bin/sh", "-c", "cp /bin/true /tmp/tool")).isZero();
            assertThat(exec("/bin/chmod", "755", "/tmp/tool")).isZero();
            w = Cli.run("inject", socket(), "write", "/tmp/tool", tool.toString());
            assertThat(w.status()).as(w.err()).isZero();
            assertThat(exec("/tmp/tool")).isEqualTo(9);
            errors();
            g.type("\n");
            String sum =
                    HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
            Matcher victim = Pattern.compile("VICTIM ([0-9]+)\n").matcher(g.await("VICTIM"));
            assertThat(g.printed()).contains("SUM " + sum);
            while (!victim.reset(g.printed()).find()) {
                Thread.sleep(20);
            }
            String pid = victim.group(1);
            for (int i = 0; i < 20; i++) {
                assertThat(exec("/bin/sh", "-c", "echo " + i + " >>/tmp/count")).isZero();
            }
            assertThat(read("/tmp/count").lines()).hasSize(20).endsWith("18", "19");

            // Killed while it waits for what it has been made to start.
            String kill = "kill -9 " + pid + "; sleep 1; exit 3";
            Cli.Result killed =
                    Cli.run(
                            "inject", "--wait", "--pid", pid, socket(), "exec", "/bin/sh", "-c",
                            kill);
            assertThat(killed.err()).isEmpty();
            assertThat(killed.status()).isEqualTo(3);

            // Not back in time: told, and the thread goes on all the same.
            Cli.run(
                            "inject",
                            "--wait",
                            "--timeout",
                            "15s",
                            socket(),
                            "exec",
                            "/bin/sh",
                            "-c",
                            "until [ -e /tmp/go ]; do sleep 1; done; echo late >/tmp/late")
                    .isBadInput("call_usermodehelper", "did not return within 15.0 s");
            assertThat(exec("/bin/touch", "/tmp/go")).isZero();
            Cli.run("inject", "--pid", "4000000", "--timeout", "1s", socket(), "read", "/tmp/data")
                    .isBadInput("No thread of process 4000000 made a system call within 1.0 s");
            assertThat(exec("/bin/sh", "-c", "until [ -s /tmp/late ]; do sleep 1; done")).isZero();

            g.type("\n");
            String end = g.await("\nFINISHED\n");
            assertThat(end)
                    .contains("ENDED 137\n")
                    .containsPattern("LOOP 1 [0-9]+\n")
                    .containsPattern("LOOP 2 [0-9]+\n")
                    .doesNotContain("DIRTY", "LOOP WRONG");
            assertThat(g.finish("\n")).isEqualTo(42);
        }
    }

    private void errors() {
        String[][] cases = {
            {"read", "/no/such", "ENOENT"},
            {"read", "/tmp", "EISDIR"},
            {"read", "/etc/passwd/x", "ENOTDIR"},
            {"write", "/no/such/file", "ENOENT"},
            {"write", "/tmp", "EISDIR"},
            {"exec", "/no/such", "ENOENT"},
            {"exec", "/etc/passwd", "EACCES"},
            {"exec", "/tmp", "EACCES"},
        };
        for (String[] c : cases) {
            String[] args = {"inject", socket(), c[0], c[1], folder.resolve("data").toString()};
            Cli.run(args).isBadInput("The guest's kernel could not", c[1], c[2]);
        }
        assertThat(folder.resolve("data")).hasSize(100_003);
    }
}
