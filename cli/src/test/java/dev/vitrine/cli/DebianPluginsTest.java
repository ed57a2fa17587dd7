// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.fitTheSchema;
import static dev.vitrine.cli.TracedEvents.found;
import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What plugins tell of Debian is what the guest has done, and says itself. */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class DebianPluginsTest {
    private static final String SCRIPT =
            """
            ip link set lo up
            cd /tmp
            mkdir -p deep/er; cd deep/er
            echo hello >a; mv a ../b; ln -s ../b c; cat c >/dev/null; chmod 640 ../b
            chown 5:6 ../b; rm c; cat ../missing; cd ..; rmdir er; ln b d; unlink b
            ANSWER=42 /bin/busybox true one 'two  words'
            sh -c 'exit 9'
            sleep 1000 & until grep -q sleep /proc/$!/comm; do sleep 0.1; done; echo "victim $!"; kill -TERM $!; wait $!
            sleep 2 | nc -l -p 4444 >/dev/null & until netstat -ltn | grep -q :4444; do sleep 0.1; done
            echo ping | nc 127.0.0.1 4444; wait
            /opt/test/messages
            modprobe dummy && echo modprobed; rmmod dummy
            /opt/test/crash
            /opt/test/far || echo failed
            /opt/test/ring; echo "operations $?"
            strace -o /dev/null true
            grep ^nobody /etc/passwd
            su -s /bin/sh nobody -c 'id -u'
            cat /proc/$$/stat
            mount -t cgroup2 none /mnt; mkdir /mnt/box; echo $$ >/mnt/box/cgroup.procs
            echo "shell $$"; ls -l /proc/$$/ns; cat /proc/self/cgroup
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
    void tellWhatTheGuestDid() throws IOException {
        GuestPrograms.write(folder);
        InterfacePrograms.write(folder);
        Path events = Files.createTempFile("events", null);
        Cli.Result r =
                Cli.runWithInput(
                        SCRIPT,
                        "trace",
                        "debian",
                        "--copy",
                        folder + ":/opt/test",
                        "--plugins",
                        "syscalls,processes,files,network,modules,ptrace,crashes",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "18m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isEqualTo(42);
        assertThat(r.err()).isEmpty();
        List<String> all = Files.readAllLines(events);
        Files.delete(events);
        fitTheSchema(all);
        String printed = r.out().replace("\r", "");
        files(all);
        processes(all, printed);
        network(all);
        messages(all);
        others(all, printed);
    }

    private static void files(List<String> all) {
        String[] shell = {"\"event\":\"file\"", "\"comm\":\"sh\""};
        assertThat(
                        of(
                                all,
                                shell[0],
                                "\"open\",\"path\":\"/tmp/deep/er/a\"",
                                "O_WRONLY|O_CREAT|O_TRUNC"))
                .hasSize(1);
        assertThat(of(all, shell[0], "\"write\",\"path\":\"/tmp/deep/er/a\"", "\"result\":6"))
                .hasSize(1);
        assertThat(
                        of(
                                all,
                                "\"rename\",\"path\":\"/tmp/deep/er/a\",\"new_path\":\"/tmp/deep/er/../b\""))
                .hasSize(1);
        assertThat(of(all, "\"symlink\",\"path\":\"/tmp/deep/er/c\",\"new_path\":\"../b\""))
                .hasSize(1);
        // What is opened through the link is the file.
        assertThat(of(all, "\"open\",\"path\":\"/tmp/deep/b\"", "O_RDONLY", "\"comm\":\"cat\""))
                .hasSize(1);
        assertThat(of(all, "\"read\",\"path\":\"/tmp/deep/b\"", "\"result\":6")).hasSize(1);
        assertThat(of(all, "\"chmod\",\"path\":\"/tmp/deep/er/../b\"", "\"mode\":\"0640\""))
                .hasSize(1);
        assertThat(of(all, "\"chown\",\"path\":\"/tmp/deep/er/../b\"", "\"owner\":\"5:6\""))
                .hasSize(1);
        assertThat(of(all, "\"unlink\",\"path\":\"/tmp/deep/er/c\"")).hasSize(1);
        assertThat(of(all, "\"open\",\"path\":\"/tmp/deep/er/../missing\"", "\"error\":\"ENOENT\""))
                .hasSize(1);
        assertThat(of(all, "\"rmdir\",\"path\":\"/tmp/deep/er\"")).hasSize(1);
        assertThat(of(all, "\"link\",\"path\":\"/tmp/deep/b\",\"new_path\":\"/tmp/deep/d\""))
                .hasSize(1);
    }

    private static void processes(List<String> all, String printed) {
        assertThat(of(all, "\"event\":\"process\"", "\"process\":2,", "\"name\":\"kthreadd\""))
                .hasSize(1);
        List<String> exec =
                of(
                        all,
                        "\"event\":\"exec\"",
                        "\"argv\":[\"/bin/busybox\",\"true\",\"one\",\"two  words\"]");
        assertThat(exec).hasSize(1);
        assertThat(exec.getFirst())
                .contains(
                        "\"path\":\"/bin/busybox\"",
                        "\"ANSWER=42\"",
                        "\"executable\":\"/usr/bin/busybox\"");
        String pid = found("\"pid\":([0-9]+)", exec.getFirst());
        assertThat(of(all, "\"event\":\"fork\"", "\"child\":" + pid + ",", "\"thread\":false"))
                .hasSize(1);
        assertThat(of(all, "\"event\":\"exit\"", "\"pid\":" + pid + ",", "\"status\":0"))
                .hasSize(1);
        assertThat(of(all, "\"event\":\"exit\"", "\"status\":9")).hasSize(1);
        String victim = found("victim ([0-9]+)", printed);
        assertThat(
                        of(
                                all,
                                "\"signal\":\"SIGTERM\"",
                                "\"target\":" + victim + ",",
                                "\"comm\":\"sh\""))
                .hasSize(1);
        assertThat(
                        of(
                                all,
                                "\"event\":\"exit\"",
                                "\"pid\":" + victim + ",",
                                "\"signal\":\"SIGTERM\""))
                .hasSize(1);
        assertThat(of(all, "\"signal\":\"SIGCHLD\"", "\"pid\":" + victim + ",")).hasSize(1);
        // Every process that was made has ended, but for those that live on.
        long forks = of(all, "\"event\":\"fork\"").size();
        long exits = of(all, "\"event\":\"exit\"").size();
        assertThat(forks).isBetween(exits - 2, exits + 20);
        String uid = found("nobody:[^:]*:([0-9]+)", printed);
        assertThat(printed).contains("\n" + uid + "\n");
        assertThat(of(all, "\"event\":\"credentials\"", "\"old_uid\":0", "\"new_uid\":" + uid))
                .isNotEmpty();
        // Namespaces and control group are those that /proc tells.
        String shell = found("shell ([0-9]+)", printed);
        List<String> own = of(all, "\"event\":\"file\"", "\"pid\":" + shell + ",");
        assertThat(own.getLast())
                .contains(
                        "\"mnt_ns\":" + found("mnt:\\[([0-9]+)\\]", printed) + ",",
                        "\"pid_ns\":" + found("pid:\\[([0-9]+)\\]", printed) + ",",
                        "\"cgroup\":\"" + found("0::(/.*)", printed) + "\"");
    }

    private static void network(List<String> all) {
        String[] n = {"\"event\":\"network\"", "\"comm\":\"nc\""};
        assertThat(of(all, n[0], "\"bind\"", "\"local\":\"[::]:4444\"")).hasSize(1);
        assertThat(of(all, n[0], "\"listen\"", "\"local\":\"[::]:4444\"")).hasSize(1);
        List<String> connect =
                of(all, n[0], "\"connect\"", "\"remote\":\"127.0.0.1:4444\"", "\"result\":0");
        assertThat(connect).hasSize(1);
        String port = found("\"local\":\"127.0.0.1:([0-9]+)\"", connect.getFirst());
        assertThat(of(all, n[0], "\"accept\"", "\"remote\":\"[::ffff:127.0.0.1]:" + port + "\""))
                .hasSize(1);
        assertThat(of(all, n[0], "\"send\"", "\"remote\":\"127.0.0.1:4444\"", "\"result\":5"))
                .hasSize(1);
        assertThat(
                        of(
                                all,
                                n[0],
                                "\"receive\"",
                                "\"local\":\"[::ffff:127.0.0.1]:4444\"",
                                "\"result\":5"))
                .hasSize(1);
    }

    /** Each message has the address that it names, or that the kernel gives for it. */
    private static void messages(List<String> all) {
        List<String> told = new ArrayList<>();
        for (String line : of(all, "\"event\":\"network\"", "\"comm\":\"messages\"")) {
            String operation = found("\"operation\":\"(\\w+)\"", line);
            if (operation.equals("send") || operation.equals("receive")) {
                told.add(
                        operation
                                + " "
                                + found("\"local\":\"([^\"]*)\"", line)
                                + " "
                                + found("\"remote\":\"([^\"]*)\"", line)
                                + " "
                                + found("\"result\":([0-9]+)", line));
            }
        }
        assertThat(told)
                .containsExactly(
                        "send 127.0.0.1:5001 127.0.0.1:5002 3",
                        "send 127.0.0.1:5001 127.0.0.1:5002 3",
                        "send 127.0.0.1:5001 127.0.0.1:5003 5",
                        "receive 127.0.0.1:5002 127.0.0.1:5001 3",
                        "receive 127.0.0.1:5002 127.0.0.1:5001 3");
    }

    private static void others(List<String> all, String printed) {
        assertThat(printed).contains("modprobed");
        assertThat(of(all, "\"load\",\"module\":\"dummy\"")).hasSize(1);
        assertThat(of(all, "\"unload\",\"module\":\"dummy\"")).hasSize(1);
        assertThat(
                        of(
                                all,
                                "\"event\":\"crash\"",
                                "\"SIGSEGV\"",
                                "\"code\":1",
                                "\"address\":\"0x10\""))
                .hasSize(1);
        // Arguments that were not in memory when the call began.
        assertThat(
                        of(
                                all,
                                "\"name\":\"execve\"",
                                "\"filename\":\"/bin/busybox\",\"argv\":[\"true\",\"far\"]",
                                "\"result\":0"))
                .hasSize(1);
        assertThat(printed).contains("operations 4").doesNotContain("failed");
        assertThat(of(all, "\"IORING_OP_NOP\"", "\"user_data\":\"0x1234\"", "\"comm\":\"ring\""))
                .hasSize(1);
        assertThat(
                        of(
                                all,
                                "\"operation\":\"IORING_OP_OPENAT\"",
                                "\"args\":{\"dfd\":\"AT_FDCWD\",\"filename\":\"/etc/passwd\"",
                                "\"user_data\":\"0x5678\""))
                .hasSize(1);
        assertThat(of(all, "\"event\":\"ptrace\"", "PTRACE_SYSCALL", "\"comm\":\"strace\""))
                .isNotEmpty();
        assertThat(of(all, "\"event\":\"kernel_crash\"")).isEmpty();
    }
}
