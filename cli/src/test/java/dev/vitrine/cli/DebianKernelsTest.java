// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** All plugins tell of other kernels what a script does, with no file but the guest. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianKernelsTest {
    private static final String SCRIPT =
            """
            ip link set lo up
            cd /tmp; echo hello >a; mv a b; cat b c; chmod 640 b
            /opt/test/i386; echo "i386 $?"
            /opt/test/starts 5; echo "starts $?"
            /opt/test/ring; echo "ring $?"
            /opt/test/far; echo "far $?"
            /opt/test/crash; echo "crash $?"
            sleep 1000 & kill -TERM $!; wait $!; echo "killed $?"
            sleep 2 | nc -l -p 4444 >/dev/null & until netstat -ltn | grep -q :4444; do sleep 0.1; done
            echo ping | nc 127.0.0.1 4444; wait
            su -s /bin/sh nobody -c 'id -u'
            exit 42
            """;

    @TempDir Path folder;

    private static List<String> of(List<String> events, String... parts) {
        return events.stream().filter(e -> List.of(parts).stream().allMatch(e::contains)).toList();
    }

    private static void image(String name) {
        if (ImageStore.ofUser().list().stream().noneMatch(i -> i.name().equals(name))) {
            System.out.println(name + " is not traced: it has not been pulled");
            abort("no image " + name);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:full", "debian:rt", "debian:6.12"})
    void pluginsTellWhatAGuestDoes(String image) throws IOException {
        image(image);
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        Cli.Result r =
                Cli.runWithInput(
                        SCRIPT,
                        "trace",
                        image,
                        "--copy",
                        programs + ":/opt/test",
                        "--plugins",
                        "syscalls,processes,files,network,modules,ptrace,crashes",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        assertThat(r.out())
                .contains("i386 7", "starts 0", "ring 4", "far 0", "crash 139", "killed 143");
        List<String> all = Files.readAllLines(events);
        String[][] once = {
            {"\"abi\":\"i386\"", "\"name\":\"write\"", "\"data\":\"hi!\\n\"", "\"result\":4"},
            {"\"abi\":\"i386\"", "\"name\":\"close\"", "\"fd\":99", "\"error\":\"EBADF\""},
            {"\"name\":\"execve\"", "\"argv\":[\"true\",\"far\"]", "\"result\":0"},
            {"\"event\":\"file\"", "\"rename\",\"path\":\"/tmp/a\",\"new_path\":\"/tmp/b\""},
            {"\"event\":\"file\"", "\"open\",\"path\":\"/tmp/c\"", "\"error\":\"ENOENT\""},
            {"\"event\":\"file\"", "\"chmod\",\"path\":\"/tmp/b\"", "\"mode\":\"0640\""},
            {"\"event\":\"network\"", "\"listen\"", "\"local\":\"[::]:4444\""},
            {
                "\"event\":\"network\"",
                "\"connect\"",
                "\"remote\":\"127.0.0.1:4444\"",
                "\"result\":0"
            },
            {"\"event\":\"crash\"", "\"SIGSEGV\"", "\"address\":\"0x10\""},
            {"\"event\":\"exit\"", "\"signal\":\"SIGTERM\""},
            {"\"event\":\"io_uring\"", "\"IORING_OP_OPENAT\"", "\"filename\":\"/etc/passwd\""},
            {"\"event\":\"io_uring\"", "\"IORING_OP_WRITE\"", "\"data\":\"ring\\n\""},
            {"\"event\":\"io_uring_completion\"", "\"user_data\":\"0x1234\"", "\"result\":0"},
            {"\"event\":\"io_uring_completion\"", "\"user_data\":\"0x9abc\"", "\"result\":5"},
            {
                "\"event\":\"io_uring_completion\"",
                "\"user_data\":\"0xdef0\"",
                "\"error\":\"EBADF\""
            },
        };
        for (String[] parts : once) {
            assertThat(of(all, parts)).as(String.join(" ", parts)).hasSize(1);
        }
        String[][] five = {
            {"\"event\":\"fork\"", "\"comm\":\"starts\""},
            {"\"event\":\"exec\"", "\"argv\":[\"/opt/test/starts\"]"},
            {"\"event\":\"exit\"", "\"comm\":\"starts\"", "\"status\":7"},
            {"\"name\":\"vfork\"", "\"comm\":\"starts\"", "\"result\""},
            {"\"name\":\"wait4\"", "\"comm\":\"starts\"", "\"result\""},
        };
        for (String[] parts : five) {
            assertThat(of(all, parts)).as(String.join(" ", parts)).hasSize(5);
        }
        assertThat(of(all, "\"event\":\"credentials\"", "\"old_uid\":0")).isNotEmpty();
        assertThat(of(all, "\"event\":\"kernel_crash\"")).isEmpty();
        // Who it was is known: 0 processors and no name are what cannot be read.
        assertThat(of(all, "\"vcpu\":-1")).isEmpty();
        assertThat(of(all, "\"comm\":\"\"")).isEmpty();
        assertThat(
                        of(
                                all,
                                "\"comm\":\"i386\"",
                                "\"executable\":\"/opt/test/i386\"",
                                "\"cgroup\":\"/\""))
                .isNotEmpty();
    }

    /** x32 programs, which the full kernel runs when it is asked to; the cloud kernel does not. */
    @Test
    void x32() throws IOException {
        image("debian:full");
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        Cli.Result r =
                Cli.runWithInput(
                        "/opt/test/x32; exit $?\n",
                        "trace",
                        "debian:full",
                        "--cmdline",
                        "syscall.x32=y",
                        "--copy",
                        programs + ":/opt/test",
                        "--filter",
                        "comm == x32",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err()).isEqualTo(9);
        assertThat(r.out()).contains("x32");
        List<String> all = Files.readAllLines(events);
        List<String> write = of(all, "\"abi\":\"x32\",\"nr\":1,\"name\":\"write\"");
        assertThat(write).hasSize(1);
        assertThat(write.getFirst())
                .contains("{\"fd\":1,\"buf\":{\"size\":4,\"data\":\"x32\\n\"}", "\"result\":4,");
        String pid = write.getFirst().replaceFirst(".*\"pid\":([0-9]+).*", "$1");
        assertThat(of(all, "\"abi\":\"x32\",\"nr\":39,\"name\":\"getpid\"", "\"result\":" + pid))
                .hasSize(1);
        assertThat(
                        of(
                                all,
                                "\"abi\":\"x32\",\"nr\":520,\"name\":\"execve\"",
                                "\"filename\":\"/no/such/file\"",
                                "\"error\":\"ENOENT\""))
                .hasSize(1);
        assertThat(of(all, "\"abi\":\"x64\"", "\"name\":\"exit_group\"", "\"error_code\":9"))
                .hasSize(1);
    }
}
