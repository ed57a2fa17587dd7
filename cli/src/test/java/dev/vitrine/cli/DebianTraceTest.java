// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.BeforeAll;
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

/** Debian's system calls, as its own programs make them. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianTraceTest {
    private static final String LIMIT = "10m";

    @TempDir Path folder;

    @BeforeAll
    static void image() {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("debian is not traced: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"engine", "shadow"})
    void tellsWhatProgramsDo(String breakpoints) throws IOException {
        Path events = folder.resolve("events.jsonl");
        String script =
                """
                for i in 1 2 3 4 5 6 7 8 9 10; do /bin/busybox true $i; done
                /bin/busybox cat /etc/nothing-there
                echo hello >/tmp/written-by-test
                /bin/busybox mv /tmp/written-by-test /tmp/moved-by-test
                exit 7
                """;
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        "debian",
                        "--output",
                        events.toString(),
                        "--breakpoints",
                        breakpoints,
                        "--timeout",
                        LIMIT,
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err()).isEqualTo(7);
        List<String> all = Files.readAllLines(events);
        // The kernel starts programs of its own before the first process; all are there from their
        // first call on, and every line is an object.
        assertThat(of(all, "\"seq\":0,")).hasSize(1);
        assertThat(of(all, "\"pid\":1,")).isNotEmpty();
        assertThat(all).allMatch(e -> e.startsWith("{") && e.endsWith("}"));
        for (int i = 1; i <= 10; i++) {
            assertThat(
                            of(
                                    all,
                                    "\"name\":\"execve\"",
                                    "\"argv\":[\"/bin/busybox\",\"true\",\"" + i + "\"]",
                                    "\"filename\":\"/bin/busybox\"",
                                    "\"result\":0"))
                    .hasSize(1);
        }
        assertThat(of(all, "/etc/nothing-there", "\"comm\":\"busybox\"", "\"error\":\"ENOENT\""))
                .hasSize(1);
        assertThat(of(all, "open", "/tmp/written-by-test", "\"comm\":\"sh\"", "\"result\":"))
                .hasSize(1);
        assertThat(of(all, "\"name\":\"rename", "/tmp/written-by-test", "/tmp/moved-by-test"))
                .hasSize(1);
        assertThat(of(all, "\"name\":\"exit_group\"", "\"error_code\":7}")).isNotEmpty();
        // Of each call there is one event.
        assertThat(all.stream().map(e -> e.replaceFirst(".*\"seq\":([0-9]+).*", "$1")).distinct())
                .hasSize(all.size());
    }

    /**
     * Neither the kernel's clock nor anything else that a guest prints is another one; and the
     * kernel's text, through /proc/kcore by its own address and by that of the direct map, hashes
     * to what it does without breakpoints.
     */
    @ParameterizedTest
    @ValueSource(strings = {"engine", "shadow"})
    void guestDoesNotNotice(String breakpoints) {
        String script =
                """
                cat /proc/uptime /proc/interrupts; date; dmesg
                hash() {
                    dd if=$1 bs=4096 skip=$2 count=$3 2>/dev/null | tee /tmp/bytes | sha256sum
                    wc -c </tmp/bytes
                }
                symbol() { grep " $1$" /proc/kallsyms | head -n 1 | cut -d ' ' -f 1; }
                text=0x$(symbol _stext)
                code=0x$(grep 'Kernel code' /proc/iomem | head -n 1 | sed 's/-.*//;s/ //g')
                # An address is at its place in a file of 2^47 bytes, behind up to four pages.
                hash /proc/kcore $(( ((text & 0x7fffffffffff) >> 12) + 4 )) 2048
                hash /proc/kcore $(( (((0xffff888000000000 + code) & 0x7fffffffffff) >> 12) + 4 )) 2048
                cat /proc/uptime
                exit 0
                """;
        String[] run = {
            "run",
            "debian",
            "--clock",
            "virtual",
            "--timeout",
            LIMIT,
            "--cmdline",
            "nokaslr",
            "--exec",
            "sh"
        };
        String[] trace = {
            "trace",
            "debian",
            "--clock",
            "virtual",
            "--timeout",
            LIMIT,
            "--cmdline",
            "nokaslr",
            "--exec",
            "sh",
            "--breakpoints",
            breakpoints
        };
        Cli.Result without = Cli.runWithInput(script, run);
        assertThat(without.status()).as(without.err()).isZero();
        // All of the text was there to be hashed, twice.
        assertThat(without.out()).contains("Linux version");
        assertThat(without.out().lines().filter("8388608"::equals)).hasSize(2);
        Cli.Result traced = Cli.runWithInput(script, trace);
        assertThat(traced.out()).isEqualTo(without.out());
        // Without --output events go to standard error.
        assertThat(traced.err().lines())
                .hasSizeGreaterThan(100)
                .allMatch(l -> l.startsWith("{\"event\":\"syscall\""));
    }

    /** Processes that several vCPUs start at a time: each fork, exec and exit is told, and once. */
    @Test
    void losesNothing() throws IOException {
        Path events = folder.resolve("events");
        String script =
                """
                run() { for i in $(seq 300); do /bin/busybox true $1 $i; done; }
                run a & run b & run c & wait
                exit 0
                """;
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        "debian",
                        "--vcpus",
                        "2",
                        "--plugins",
                        "syscalls,processes",
                        "--filter",
                        "event in (exec, fork, exit) || name in (execve, exit_group)",
                        "--output",
                        events.toString(),
                        "--timeout",
                        LIMIT,
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err()).isZero();
        assertThat(r.err()).isEmpty();
        List<String> all = Files.readAllLines(events);
        for (String loop : List.of("a", "b", "c")) {
            for (int i = 1; i <= 300; i++) {
                String argv = "\"argv\":[\"/bin/busybox\",\"true\",\"" + loop + "\",\"" + i + "\"]";
                List<String> exec = of(all, "\"event\":\"exec\"", argv);
                assertThat(exec).hasSize(1);
                assertThat(of(all, "\"event\":\"syscall\"", argv, "\"result\":0")).hasSize(1);
                String pid = exec.getFirst().replaceFirst(".*\"pid\":([0-9]+).*", "$1");
                assertThat(of(all, "\"event\":\"fork\"", "\"child\":" + pid + ",")).hasSize(1);
                assertThat(of(all, "\"event\":\"exit\"", "\"pid\":" + pid + ",", "\"status\":0"))
                        .hasSize(1);
                assertThat(of(all, "\"name\":\"exit_group\"", "\"pid\":" + pid + ",")).hasSize(1);
            }
        }
    }

    /**
     * What a tracer in the guest makes of a call is told, by all plugins, and not what was asked.
     */
    @Test
    void callsThatPtraceChangesAreToldAsTheyAreDone() throws IOException {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events.jsonl");
        Cli.Result r =
                Cli.run(
                        "trace",
                        "debian",
                        "--output",
                        events.toString(),
                        "--plugins",
                        "syscalls,files",
                        "--copy",
                        programs + ":/programs",
                        "--timeout",
                        LIMIT,
                        "--exec",
                        "sh -c '/programs/changer && test -d /tmp/made'");
        assertThat(r.status()).as(r.err()).isZero();
        List<String> all = of(Files.readAllLines(events), "\"comm\":\"changer\"");
        assertThat(of(all, "/asked")).isEmpty();
        assertThat(of(all, "\"name\":\"chdir\"", "\"/done\"", "\"error\":\"ENOENT\"")).hasSize(1);
        assertThat(of(all, "\"name\":\"getppid\"")).isEmpty();
        assertThat(of(all, "\"name\":\"mkdir\"", "\"/tmp/made\"", "\"result\":0")).hasSize(1);
        assertThat(of(all, "\"event\":\"file\"", "\"mkdir\"", "\"/tmp/made\"")).hasSize(1);
        // Nothing was done: the result is the tracer's.
        assertThat(of(all, "\"name\":\"getpgrp\"", "\"error\":\"ENOSYS\"")).hasSize(1);
        assertThat(of(all, "\"name\":\"exit_group\"")).hasSize(2);
    }

    @Test
    void badOptions() {
        Cli.run("trace", "debian", "--output", folder.toString()).isBadInput("cannot be written");
        Cli.run("trace", "debian", "--output", "-", "--plugins", "mind").isBadInput("mind");
        Cli.run("trace", "debian", "--output", "-", "--format", "xml").isBadInput("xml", "csv");
        Cli.run("trace", "debian", "--output", "-", "--breakpoints", "int3")
                .isBadInput("int3", "engine", "shadow");
        Cli.run("trace", "debian", "--output", "-", "--data", "70000").isBadInput("--data");
        Cli.run("trace", "debian", "--output", "-", "--filter", "pid == ")
                .isBadInput("--filter", "character 8");
        Cli.run("trace", "debian", "--output", "-", "--plugins", "ptrace", "--filter", "nr == 1")
                .isBadInput("character 1", "nr");
    }
}
