// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What the trace says of programs is what strace, in the guest, says of the same run. */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DebianStraceTest {
    private static final int MANY_CALLS = 3000;
    private static final Pattern EVENT = Pattern.compile("[\\d.]+ .*?\\((\\d+)\\) (.*)");

    /** Programs of busybox with as many different calls as there are. */
    private static final String WORKLOAD =
            """
            cd /tmp
            umask 022
            /opt/test/i386
            /opt/test/x32
            echo hello >a; cat a; mv a b; ls -l /tmp >/dev/null; mkdir d; chmod 750 d; ln -s b c
            readlink c; ln b e; rm c e; rmdir d
            find /etc -name 'host*'
            echo abc | wc -c
            (exit 3)
            trap 'echo got' USR1
            kill -USR1 $$
            sleep 1000 & sleep 0.2; kill -9 $!; wait $!
            sleep 0.01
            dd if=/dev/zero of=z bs=1000 count=3 2>/dev/null; truncate -s 100 z
            touch -d '2020-01-01 00:00:00' z; stat z; chown 5:6 z; df /tmp; free; uname -a; sync
            mknod n c 1 3; stat n; rm n; mkfifo p; (echo x >p & cat p)
            tar cf t.tar z b; tar tf t.tar; gzip t.tar; gunzip t.tar.gz; sort </etc/passwd | uniq
            ip link set lo up; ifconfig lo; ip addr
            (nc -l -p 4444 </dev/null & sleep 0.2; echo ping | nc 127.0.0.1 4444; wait)
            mkdir m; mount -t tmpfs none m; df m; umount m
            hostname; id; nice -n 5 true; setsid true; timeout 5 true; ulimit -a >/dev/null
            cat /no/such; stty -a </dev/console >/dev/null; pidof sh; ps >/dev/null; uptime
            chroot / true; cat /proc/self/stat >/dev/null; usleep 1000; md5sum z
            awk 'BEGIN{print 1}'; sed -n 1p /etc/passwd; flock b true; hexdump -C b; split -b 2 b
            cp b bb; cmp b bb; diff b bb; tee q <b; xargs echo <b; mktemp; unshare -m true; nproc
            fsync b; sysctl kernel.ostype; chattr +i b; lsattr b; taskset 1 true; chrt -p 1; renice 1 $$
            /opt/test/interfaces; /opt/test/messages
            su -c id; (inotifyd - b:x & sleep 0.1; kill $!)
            """;

    private static final String SCRIPT =
            """
            strace -f -s 4096 -o /tmp/log sh /opt/test/workload
            echo BEGIN
            cat /tmp/log
            echo END
            exit 42
            """;

    @TempDir Path folder;
    private TracingImage image = TracingImage.NONE;

    @BeforeEach
    void image() {
        image = TracingImage.use();
    }

    @AfterEach
    void restore() {
        image.close();
    }

    @Test
    void saysWhatStraceSays() throws IOException {
        GuestPrograms.write(folder);
        InterfacePrograms.write(folder);
        Files.writeString(folder.resolve("workload"), WORKLOAD);
        Path events = Files.createTempFile("events", null);
        Cli.Result r =
                Cli.runWithInput(
                        SCRIPT,
                        "trace",
                        "debian",
                        "--copy",
                        folder + ":/opt/test",
                        "--format",
                        "text",
                        "--data",
                        "4096",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "18m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        String printed = r.out().replace("\r", "");
        String log =
                printed.substring(printed.indexOf("BEGIN\n") + 6, printed.lastIndexOf("\nEND\n"));
        Map<String, List<String>> there = StraceLog.read(log);
        Map<String, List<String>> here = events(events);
        Files.delete(events);
        List<String> different = new ArrayList<>();
        int calls = 0;
        for (Map.Entry<String, List<String>> e : there.entrySet()) {
            List<String> theirs = e.getValue().stream().map(StraceLog::plain).toList();
            List<String> ours =
                    here.getOrDefault(e.getKey(), List.of()).stream()
                            .map(StraceLog::plain)
                            .toList();
            // strace sees its first process from execve on.
            int skip = ours.indexOf(theirs.getFirst());
            calls += theirs.size();
            ours = skip < 0 ? ours : ours.subList(skip, ours.size());
            for (int i = 0; i < Math.max(ours.size(), theirs.size()); i++) {
                String a = i < theirs.size() ? theirs.get(i) : "nothing";
                String b = i < ours.size() ? ours.get(i) : "nothing";
                if (!StraceLog.same(a, b)) {
                    different.add(e.getKey() + " " + i + "\n  strace: " + a + "\n  trace:  " + b);
                }
            }
        }
        assertThat(different).as(String.join("\n", different)).isEmpty();
        assertThat(calls).isGreaterThan(MANY_CALLS);
        System.out.println(calls + " calls of " + there.size() + " threads are as strace has them");
        // Calls of all three ABIs have been made; Debian's kernels refuse those of x32.
        assertThat(log)
                .contains("fstat64(3, {st_mode=S_IFREG|0644")
                .contains("write(1, \"x32\\n\", 4)              = -1 ENOSYS")
                .contains("execve(\"/no/such/file\", NULL, NULL) = -1 ENOSYS");
    }

    private static Map<String, List<String>> events(Path file) throws IOException {
        Map<String, List<String>> all = new HashMap<>();
        for (String line : Files.readAllLines(file, StandardCharsets.ISO_8859_1)) {
            Matcher m = EVENT.matcher(line);
            assertThat(m.matches()).as(line).isTrue();
            all.computeIfAbsent(m.group(1), t -> new ArrayList<>()).add(m.group(2));
        }
        return all;
    }
}
