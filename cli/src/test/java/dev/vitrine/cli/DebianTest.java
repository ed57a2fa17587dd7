// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A real guest: Debian's own kernel with busybox. Left out where the packages cannot be had. */
class DebianTest {
    /** Only there to end a test that hangs; a boot takes a small part of it. */
    private static final String LIMIT = "15m";

    private static final String SCRIPT =
            """
            cd /tmp
            seq 1 2000 >numbers
            sort -rn numbers | head -n 3
            md5sum numbers
            sha256sum numbers | cut -c 1-16
            gzip -c numbers | gunzip -c | cmp - numbers && echo same
            tar cf - numbers | tar tf -
            awk '{ s += $1; r += 1 / $1 } END { printf "%d %.10f\\n", s, r }' numbers
            echo abc | sed 's/b/B/' | od -An -tx1
            mkdir a && ln -s ../numbers a/link && wc -l <a/link
            (sleep 0.2; echo later) & echo sooner; wait
            dd if=/dev/zero of=big bs=64k count=32 2>/dev/null && stat -c %s big
            cat /sys/hypervisor/type
            uname -sm
            echo "cpus $(nproc) $(grep -c ^processor /proc/cpuinfo)"
            sleep 1000 & kill $! && { wait $!; } 2>/dev/null; echo "killed $?"
            for i in 1 2 3 4; do (seq 1 4000 | sort -rn | head -n 1) & done | uniq -c
            wait
            i=0; while [ $i -lt 50 ]; do /bin/true & i=$((i + 1)); done; wait; echo "forks $i"
            awk 'BEGIN { e = 1; for (i = 20; i; i--) e = 1 + e / i; printf "%.12f %g\\n", e, -7.5 % 2 }'
            dmesg | grep -c -i -e 'BUG:' -e 'Oops' -e 'WARNING:' -e 'Call Trace' -e 'lockup'
            cat "$1/copied"
            exit 42
            """;

    private static final String EXPECTED =
            """
            2000
            1999
            1998
            ea4d0a24dabcaa11f9aa979b872d162b  numbers
            6251e5743b6fd6a7
            same
            numbers
            2001000 8.1783681036
             61 42 63 0a
            2000
            sooner
            later
            2097152
            xen
            Linux x86_64
            cpus %1$d %1$d
            killed 143
                  4 4000
            forks 50
            2.718281828459 -1.5
            0
            from the host
            """;

    @TempDir Path folder;

    @BeforeAll
    static void pull() {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("Debian is not booted: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
    }

    /** What the guest printed, without the kernel's own messages. */
    private static String printed(Cli.Result r) {
        return r.out()
                .replace("\r", "")
                .lines()
                .filter(l -> !l.matches("\\[ *[0-9]+[.][0-9]+\\].*"))
                .reduce("", (a, b) -> a + b + "\n");
    }

    private void runsScript(int vcpus) throws IOException {
        Files.writeString(folder.resolve("script"), SCRIPT);
        Files.writeString(folder.resolve("copied"), "from the host\n");
        Cli.Result r =
                Cli.run(
                        "run",
                        "debian",
                        "--vcpus",
                        Integer.toString(vcpus),
                        "--copy",
                        folder + ":/opt/test",
                        "--exec",
                        "sh /opt/test/script /opt/test",
                        "--timeout",
                        LIMIT);
        assertThat(printed(r)).as(r.err()).isEqualTo(EXPECTED.formatted(vcpus));
        assertThat(r.status()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
    }

    @Test
    void oneVcpuRunsScript() throws IOException {
        runsScript(1);
    }

    @Test
    void fourVcpusRunScript() throws IOException {
        runsScript(4);
    }

    /** The least memory that is not refused is enough. */
    @Test
    void bootsInTheLeastMemory() {
        String[] args = {"run", "debian", "--exec", "exit 7", "--timeout", LIMIT, "--memory", "2M"};
        Cli.Result refused = Cli.run(args).isBadInput("debian: ", "2 MiB is too small");
        Matcher least = Pattern.compile("at least ([0-9]+) MiB").matcher(refused.err());
        assertThat(least.find()).isTrue();
        args[args.length - 1] = Long.parseLong(least.group(1)) - 1 + "M";
        Cli.run(args).isBadInput(least.group());
        args[args.length - 1] = least.group(1) + "M";
        Cli.Result r = Cli.run(args);
        assertThat(r.status()).as(r.err()).isEqualTo(7);
    }

    /** With scripts on standard input and a power-off in the guest, as in the README. */
    @Test
    @EnabledIfSystemProperty(named = "vitrine.long", matches = "true")
    void standardInputIsAScript() {
        Cli.Result r =
                Cli.runWithInput(
                        "echo $((6 * 7))\npoweroff -f\n", "run", "debian", "--timeout", LIMIT);
        assertThat(printed(r)).isEqualTo("42\n");
        assertThat(r.status()).isZero();
    }

    /** Time, random numbers, interrupts and input: all come at the same instruction again. */
    @Test
    void virtualClockRepeatsByteForByte() {
        String[] args = {
            "run", "debian", "--clock", "virtual", "--timeout", LIMIT, "--cmdline", "loglevel=8"
        };
        String script =
                """
                cat /proc/uptime /proc/interrupts; date
                head -c 32 /dev/urandom | od -An -tx1
                (sleep 0.3; echo later) & wait
                mktemp
                dmesg
                poweroff -f
                """;
        Cli.Result first = Cli.runWithInput(script, args);
        assertThat(first.status()).as(first.err()).isZero();
        assertThat(first.out())
                .contains("Linux version", " UTC ", "later", "/tmp/tmp.")
                .doesNotContain("BUG:", "Oops", "WARNING:");
        assertThat(Cli.runWithInput(script, args).out()).isEqualTo(first.out());
    }
}
