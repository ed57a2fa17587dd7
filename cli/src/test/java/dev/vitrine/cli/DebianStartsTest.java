// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Process starts, as many as {@code -Dvitrine.trace.starts} says, on several vCPUs at a time: of
 * each all is told, and once; the guest counts them itself, in /proc/stat and by exit statuses.
 */
@Timeout(value = 4, unit = TimeUnit.HOURS)
class DebianStartsTest {
    private static final int STARTS = Integer.getInteger("vitrine.trace.starts", 400);

    private static final Pattern COUNTED = Pattern.compile("processes ([0-9]+)");

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(ints = {2, 4})
    void losesNothing(int vcpus) throws IOException {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("process starts are not traced: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        int each = STARTS / vcpus;
        String script =
                """
                grep processes /proc/stat
                all=
                for i in $(seq VCPUS); do /opt/test/starts EACH & all="$all $!"; done
                for p in $all; do wait $p || exit 1; done
                grep processes /proc/stat
                exit 0
                """
                        .replace("VCPUS", Integer.toString(vcpus))
                        .replace("EACH", Integer.toString(each));
        long begin = System.nanoTime();
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        "debian",
                        "--vcpus",
                        Integer.toString(vcpus),
                        "--copy",
                        programs + ":/opt/test",
                        "--plugins",
                        "syscalls,processes",
                        "--filter",
                        "event == fork || comm == starts",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "3h",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isZero();
        assertThat(r.err()).isEmpty();
        Map<String, Integer> seen = new TreeMap<>();
        try (Stream<String> lines = Files.lines(events)) {
            lines.forEach(e -> seen.merge(kind(e), 1, Integer::sum));
        }
        System.out.printf(
                "%d process starts on %d vCPUs in %d s: %s%n",
                each * vcpus, vcpus, (System.nanoTime() - begin) / 1_000_000_000, seen);
        int n = each * vcpus;
        for (String kind :
                new String[] {"fork", "exec", "exit", "vfork", "execve", "wait4", "exit_group"}) {
            assertThat(seen.getOrDefault(kind, 0)).as(kind).isEqualTo(n);
        }
        // Those that made them end, too.
        assertThat(seen.get("SIGCHLD")).isEqualTo(n + vcpus);
        Matcher m = COUNTED.matcher(r.out());
        assertThat(m.find()).as(r.out()).isTrue();
        long before = Long.parseLong(m.group(1));
        assertThat(m.find()).as(r.out()).isTrue();
        // Besides the starts: the programs that make them, seq, and the second grep. The kernel may
        // start threads of its own meanwhile.
        long own = Long.parseLong(m.group(1)) - before - n - vcpus - 2;
        assertThat(own).isBetween(0L, (long) seen.getOrDefault("kernel", 0));
    }

    /** What an event is of a start; "other" if of none. */
    private static String kind(String e) {
        boolean starts = e.contains("\"comm\":\"starts\"");
        if (e.contains("\"event\":\"fork\"")) {
            return starts ? "fork" : e.contains("\"executable\":\"\"") ? "kernel" : "others";
        }
        if (e.contains("\"event\":\"exec\"")) {
            return e.contains("\"argv\":[\"/opt/test/starts\"]") ? "exec" : "other";
        }
        if (e.contains("\"event\":\"exit\"")) {
            return e.contains("\"status\":7") ? "exit" : "other";
        }
        if (e.contains("\"event\":\"signal\"")) {
            return e.contains("\"SIGCHLD\"") ? "SIGCHLD" : "other";
        }
        if (e.contains("\"name\":\"vfork\"")) {
            return e.contains("\"error\"") || !e.contains("\"result\"") ? "other" : "vfork";
        }
        if (e.contains("\"name\":\"execve\"")) {
            return e.contains("\"argv\":[\"/opt/test/starts\"]") && e.contains("\"result\":0")
                    ? "execve"
                    : "other";
        }
        if (e.contains("\"name\":\"wait4\"")) {
            return e.contains("\"error\"") || !e.contains("\"result\"") ? "other" : "wait4";
        }
        return e.contains("\"name\":\"exit_group\",\"args\":{\"error_code\":7}")
                ? "exit_group"
                : "other";
    }
}
