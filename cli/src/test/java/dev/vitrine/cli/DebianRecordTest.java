// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Debian, recorded and replayed. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianRecordTest {
    private static final String LIMIT = "10m";

    @TempDir Path folder;

    @BeforeAll
    static void image() {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("debian is not recorded: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
    }

    private String run() {
        return folder.resolve("run").toString();
    }

    /** Lines typed while the guest runs, and inspections between them; then traced and stopped. */
    @Test
    void replaysWhatSomebodyTypes() throws Exception {
        Path socket = folder.resolve("control");
        String printed;
        try (RunningGuest g =
                new RunningGuest(
                        "record",
                        run(),
                        "debian",
                        "--control",
                        socket.toString(),
                        "--timeout",
                        LIMIT)) {
            g.type("echo ready\n");
            g.await("ready");
            assertThat(Cli.run("inspect", socket.toString(), "ps").out()).contains("init");
            g.type("head -c 16 /dev/urandom | od -An -tx1; cat /proc/uptime\n");
            g.type(
                    "for i in 1 2 3; do (seq 1 2000 | sort -rn | head -n 1) & done; wait; echo over\n");
            g.await("over");
            assertThat(Cli.run("inspect", socket.toString(), "maps", "1").status()).isZero();
            assertThat(g.finish("cat /proc/interrupts; poweroff -f\n")).isZero();
            printed = g.printed();
        }
        assertThat(Files.size(folder.resolve("run").resolve("log"))).isLessThan(1 << 20);
        Path events = folder.resolve("events.jsonl");
        Cli.Result again = Cli.run("replay", run(), "--output", events.toString());
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(again.out().replace("\r", "")).isEqualTo(printed);
        again.saysOneSentence("replayed to the end");
        // Back to one of the calls: the processor is about to do it.
        List<String> calls = Files.readAllLines(events);
        String call = calls.get(calls.size() / 2);
        String time = call.replaceFirst(".*\"time\":([0-9]+).*", "$1");
        Cli.Result then = Cli.run("replay", run(), "--until", "time:" + time);
        assertThat(then.status()).as(then.err()).isZero();
        String cr3 = call.replaceFirst(".*\"cr3\":\"0x([0-9a-f]+)\".*", "$1");
        assertThat(then.err()).contains("CR3 " + "0".repeat(16 - cr3.length()) + cr3);
        String seq = call.replaceFirst(".*\"seq\":([0-9]+).*", "$1");
        assertThat(Cli.run("replay", run(), "--until", "event:" + seq).err()).isEqualTo(then.err());
        Cli.run("replay", run(), "--until", "event:99999999").isBadInput("no event 99999999");
        Cli.run("replay", run(), "--output", "-", "--vcpus", "2")
                .isBadInput("What is run is in the recording");
    }

    @Test
    void threeVcpusTakeTheSameTurnsAgain() throws IOException {
        Cli.Result recorded =
                Cli.run(
                        "record",
                        run(),
                        "debian",
                        "--vcpus",
                        "3",
                        "--timeout",
                        LIMIT,
                        "--exec",
                        "for i in 1 2 3 4; do (seq 1 3000 | sort -rn | head -n 1) & done; wait;"
                                + " cat /proc/interrupts /proc/stat; nproc; exit 9");
        assertThat(recorded.status()).as(recorded.err()).isEqualTo(9);
        assertThat(recorded.out()).contains("3000", "\n3");
        Cli.Result again = Cli.run("replay", run());
        assertThat(again.status()).as(again.err()).isZero();
        assertThat(again.out()).isEqualTo(recorded.out());
    }

    /**
     * A guest that clears accessed bits without flushing the TLB, and looks which are set again:
     * that must not depend on what the processor has cached, or translated.
     */
    @Test
    void accessedBitsAreSetAtTheSameAccesses() throws IOException {
        String script =
                """
                awk 'BEGIN {
                    for (k = 0; k < 3000; k++) a[k] = k "x" k;
                    for (i = 0; i < 300; i++) {
                        print 1 > "/proc/self/clear_refs"; close("/proc/self/clear_refs");
                        for (k = 0; k < 200; k++) s += length(a[(i * 7 + k * 13) % 3000]);
                        r = 0;
                        while ((getline line < "/proc/self/smaps") > 0)
                            if (line ~ /^Referenced/) { split(line, f, " "); r += f[2] }
                        close("/proc/self/smaps");
                        printf "%d ", r;
                    }
                    print s;
                }'
                """;
        Path file = Files.writeString(folder.resolve("script"), script);
        Cli.Result recorded =
                Cli.run(
                        "record",
                        run(),
                        "debian",
                        "--copy",
                        file + ":/script",
                        "--timeout",
                        LIMIT,
                        "--exec",
                        "sh /script");
        assertThat(recorded.status()).as(recorded.err()).isZero();
        // Rounds use different pages, so that there is something to be seen.
        assertThat(recorded.out().split(" ")).hasSizeGreaterThan(300);
        assertThat(new HashSet<>(List.of(recorded.out().split(" ")))).hasSizeGreaterThan(4);
        for (int i = 0; i < 2; i++) {
            Cli.Result again = Cli.run("replay", run());
            assertThat(again.status()).as(again.err()).isZero();
            assertThat(again.out()).isEqualTo(recorded.out());
        }
    }
}
