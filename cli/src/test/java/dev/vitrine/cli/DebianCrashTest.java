// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Plugin {@code crashes} tells of programs that fail, of a kernel that does, and of what it
 * reports, as the guest's own log has it.
 */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianCrashTest {
    private static final String PROGRAMS =
            """
            cd /opt/test; dmesg -n 1
            for p in crash crash32 inthread overflow divide illegal abort jailed halfjailed strict; do
                ./$p; echo "$p $?"
            done
            mount -t cgroup2 none /mnt; echo +memory >/mnt/cgroup.subtree_control
            mkdir /mnt/box; echo 8M >/mnt/box/memory.max
            sh -c 'echo $$ >/mnt/box/cgroup.procs; exec tail /dev/zero'
            echo "<log>"; dmesg; echo "</log>"
            echo c >/proc/sysrq-trigger
            """;

    /** On a busy host the watchdog does not report each spin. */
    private static final String REPORTS =
            """
            cd /opt/test; dmesg -n 1
            echo 1 >/proc/sys/kernel/watchdog_thresh
            echo 1 >/proc/sys/kernel/hung_task_timeout_secs
            echo 3 >/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout
            echo 0 >/proc/sys/kernel/panic_on_oops
            echo "<0>BUG: soft lockup, says a program" >/dev/kmsg
            insmod sleeper.ko count=6
            insmod warner.ko
            for m in nullread badread wildread nullcall badcode lister; do insmod $m.ko; done
            for turn in 1 2 3 4 5; do
                insmod spinner.ko count=6000; rmmod spinner
                dmesg | grep -q 'soft lockup - CPU' && break
            done
            dmesg -c >/tmp/log
            echo 10 >/sys/module/kfence/parameters/sample_interval && insmod freed.ko count=200000
            echo "<log>"; cat /tmp/log; echo "</log>"
            insmod deep.ko
            """;

    /** How lines of the log begin, and what they are told as. */
    private static final Map<String, String> LOGGED =
            Map.of(
                    // In 6.12 all of them begin with "Oops".
                    "(Oops|invalid opcode|general protection fault).*[\\[]#[0-9]+[\\]].*",
                    "oops",
                    "WARNING: CPU: .*",
                    "warning",
                    "INFO: task .* blocked for more than .*",
                    "hung_task",
                    "watchdog: BUG: soft lockup.*",
                    "soft_lockup",
                    "rcu: INFO: .*(self-detected stall|detected stalls).*",
                    "rcu_stall");

    @TempDir Path folder;

    /** What the guest's dmesg prints at the end of a script. */
    private List<String> log = List.of();

    private Cli.Result trace(String image, String script, String... options) throws IOException {
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        CrashPrograms.write(programs);
        TroubleModules.write(new KernelFile(KernelFile.image(image).kernel()), programs);
        List<String> command = new ArrayList<>(List.of("trace", image, "--copy"));
        command.add(programs + ":/opt/test");
        command.addAll(List.of("--plugins", "crashes", "--timeout", "12m"));
        command.addAll(List.of("--output", folder.resolve("events").toString()));
        command.addAll(List.of(options));
        command.addAll(List.of("--exec", "sh"));
        Cli.Result r = Cli.runWithInput(script, command.toArray(String[]::new));
        String all = r.out().replace("\r", "");
        int from = all.indexOf("<log>");
        int to = all.indexOf("</log>");
        assertThat(from).as(r.err() + all).isPositive().isLessThan(to);
        log = all.substring(from, to).lines().toList();
        return r;
    }

    private List<Map<?, ?>> events() throws IOException {
        List<String> lines = Files.readAllLines(folder.resolve("events"));
        TracedEvents.fitTheSchema(lines);
        List<Map<?, ?>> all = new ArrayList<>();
        for (String line : lines) {
            all.add((Map<?, ?>) JsonSchema.parse(line));
        }
        return all;
    }

    @Test
    void programsThatDie() throws IOException {
        Cli.Result r = trace("debian", PROGRAMS);
        List<Map<?, ?>> all = events();
        List<String> told = new ArrayList<>();
        List<String> faults = new ArrayList<>();
        for (Map<?, ?> e : all) {
            if (e.get("event").equals("crash")) {
                Map<?, ?> registers = (Map<?, ?>) e.get("registers");
                told.add(
                        String.format(
                                "%s %s %s %s %s",
                                e.get("comm"),
                                e.get("signal"),
                                e.get("cause"),
                                registers.get("cs"),
                                e.get("pid").equals(e.get("tid"))));
                if (e.get("signal").equals("SIGSEGV")) {
                    faults.add(
                            String.format(
                                    "%s[%s]: segfault at %s ip %016x sp %016x",
                                    e.get("comm"),
                                    e.get("tid"),
                                    String.valueOf(e.get("address")).substring(2),
                                    Long.decode(String.valueOf(registers.get("rip"))),
                                    Long.decode(String.valueOf(registers.get("rsp")))));
                }
            }
        }
        assertThat(told)
                .as(r.out())
                .containsExactly(
                        "crash SIGSEGV SEGV_MAPERR 0x33 true",
                        "crash32 SIGSEGV SEGV_MAPERR 0x23 true",
                        "inthread SIGSEGV SEGV_MAPERR 0x33 false",
                        "overflow SIGSEGV SEGV_MAPERR 0x33 true",
                        "divide SIGFPE FPE_INTDIV 0x33 true",
                        "illegal SIGILL ILL_ILLOPN 0x33 true",
                        "abort SIGABRT SI_USER 0x33 true",
                        "jailed SIGSYS SYS_SECCOMP 0x33 true",
                        "halfjailed SIGSYS seccomp 0x33 false",
                        "strict SIGKILL seccomp 0x33 true");
        assertThat(r.out().replace("\r", ""))
                .contains("crash 139\n", "crash32 139\n", "inthread 139\n", "overflow 139\n")
                .contains("divide 136\n", "illegal 132\n", "abort 134\n", "jailed 159\n")
                .contains("halfjailed 5\n", "strict 137\n");
        // The kernel leaves out zeros of 32-bit programs' registers.
        List<String> logged =
                log.stream()
                        .filter(l -> l.contains("segfault at"))
                        .map(l -> l.replaceFirst("^\\[ *[0-9.]+\\] ", ""))
                        .map(l -> l.replaceFirst(" error.*", ""))
                        .toList();
        assertThat(faults).isEqualTo(logged);
        String killed =
                log.stream().filter(l -> l.contains("Killed process")).findFirst().orElse("");
        Map<?, ?> oom =
                all.stream()
                        .filter(e -> e.get("event").equals("oom_kill"))
                        .findFirst()
                        .orElseThrow();
        assertThat(killed)
                .contains(
                        oom.get("reason")
                                + ": Killed process "
                                + oom.get("process")
                                + " ("
                                + oom.get("name")
                                + ")");
        Map<?, ?> panic = all.getLast();
        assertThat(panic.get("operation")).isEqualTo("panic");
        assertThat(panic.get("message"))
                .isEqualTo("Kernel panic - not syncing: sysrq triggered crash");
        assertThat(String.valueOf(panic.get("backtrace"))).contains("sysrq_handle_crash+0x");
        assertThat(r.out()).contains(String.valueOf(panic.get("message")));
        assertThat(all).hasSize(told.size() + 2);
    }

    /**
     * Each report of the kernel's log is told, with its backtrace, and nothing that is not there.
     */
    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:6.12"})
    void whatTheKernelReports(String image) throws IOException {
        Cli.Result r = trace(image, REPORTS);
        List<Map<?, ?>> all = new ArrayList<>(events());
        Map<?, ?> last = all.removeLast();
        assertThat(last.get("operation")).isEqualTo("panic");
        Map<?, ?> overflow = all.removeLast();
        assertThat(overflow.get("operation")).isEqualTo("oops");
        assertThat(overflow.get("module")).isEqualTo("deep");
        assertThat(r.out())
                .contains(String.valueOf(last.get("message")))
                .contains(String.valueOf(overflow.get("message")));
        Map<String, Integer> counts = new TreeMap<>();
        for (Map<?, ?> e : all) {
            String operation = String.valueOf(e.get("operation"));
            counts.merge(operation, 1, Integer::sum);
            List<String> report = KernelLog.report(log, String.valueOf(e.get("message")));
            List<String> expected = KernelLog.backtrace(report);
            if (operation.equals("bad_memory")) {
                assertThat(String.valueOf(e.get("message"))).contains("[freed]");
                assertThat(e.get("module")).isEqualTo("freed");
            } else {
                assertThat(expected).as(e + " in " + String.join("\n", log)).isNotEmpty();
                if (String.valueOf(e.get("message")).contains("detected stalls on")) {
                    // Where others find a stall, they print what the stalled ones do.
                    assertThat((List<?>) e.get("backtrace")).isNotEmpty();
                } else {
                    assertThat(e.get("backtrace"))
                            .as(String.join("\n", report))
                            .isEqualTo(expected);
                }
            }
        }
        // KFENCE finds more than the log has room for.
        boolean freed = counts.remove("bad_memory") != null;
        assertThat(freed).isEqualTo(image.endsWith("6.12"));
        Map<String, Integer> logged = new TreeMap<>();
        for (String line : log) {
            LOGGED.forEach((pattern, operation) -> {
                if (line.matches("\\[ *[0-9.]+\\] " + pattern)) {
                    logged.merge(operation, 1, Integer::sum);
                }
            });
        }
        assertThat(counts).as(String.join("\n", log)).isEqualTo(logged);
        assertThat(counts)
                .containsKeys("oops", "warning", "hung_task", "soft_lockup")
                .containsEntry("oops", 6);
        Map<?, ?> hung = all.getFirst();
        assertThat(hung.get("message"))
                .isEqualTo(
                        "INFO: task insmod:"
                                + hung.get("process")
                                + " blocked for more than 1 seconds.");
        assertThat(all.stream().map(e -> String.valueOf(e.get("module"))))
                .contains(
                        "sleeper",
                        "warner",
                        "nullread",
                        "badread",
                        "wildread",
                        "nullcall",
                        "badcode",
                        "lister",
                        "spinner");
    }
}
