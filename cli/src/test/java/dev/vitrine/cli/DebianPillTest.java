// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.found;
import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;

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
import java.util.concurrent.TimeUnit;

/** A kernel module and a program that look for breakpoints find none, but those of INT3. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianPillTest {
    private static final String PILL =
            """
            cat /proc/kallsyms >/tmp/symbols
            symbol() { echo "0x$(grep " $1$" /tmp/symbols | head -n 1 | cut -d ' ' -f 1)"; }
            pill() {
                insmod /opt/test/pill.ko from=$(symbol _stext) to=$(symbol _etext) \\
                    hook=$(symbol do_syscall_64) beyond=0x1000000000 chain=$(symbol die_chain)
            }
            """;

    private static final String NOTICE =
            PILL
                    + """
                    /opt/test/vdso; echo "vdso $?"
                    pill; ls -l / >/dev/null; /opt/test/vdso; rmmod pill
                    dmesg | grep -A 40 pill:; cat /proc/uptime
                    exit 0
                    """;

    /** What {@link #NOTICE} prints without breakpoints; empty as long as it has not been run. */
    private static String untraced = "";

    @TempDir Path folder;

    /** Written once: a guest knows when its files were written, and takes its time by that. */
    @TempDir static Path programs;

    private static Path programs() throws IOException {
        Path pill = programs.resolve("pill.ko");
        if (!Files.exists(pill)) {
            GuestPrograms.write(programs);
            Path kernel = KernelFile.image("debian").kernel();
            Files.write(pill, PillModule.build(new KernelFile(kernel)));
        }
        return programs;
    }

    private Cli.Result run(String script, String command, String... options) throws IOException {
        String[] common = {
            "debian", "--clock", "virtual", "--cmdline", "nokaslr", "--timeout", "10m", "--copy"
        };
        List<String> all = new ArrayList<>(List.of(command));
        all.addAll(List.of(common));
        all.add(programs() + ":/opt/test");
        all.addAll(List.of(options));
        all.addAll(List.of("--exec", "sh"));
        return Cli.runWithInput(script, all.toArray(String[]::new));
    }

    /** The pill's lines are what they are untraced, and so is all else that the guest prints. */
    @ParameterizedTest
    @ValueSource(strings = {"engine", "shadow"})
    void findsNothing(String breakpoints) throws IOException {
        if (untraced.isEmpty()) {
            Cli.Result without = run(NOTICE, "run");
            assertThat(without.status()).as(without.err()).isZero();
            untraced = without.out();
        }
        String text = found("pill: text ([0-9a-f]+) with", untraced);
        assertThat(found("direct ([0-9a-f]+) with", untraced)).isEqualTo(text);
        assertThat(found("pill: beyond ([0-9]+)", untraced)).isEqualTo("0");
        assertThat(untraced).contains("pill: rewritten 0 ", "pill: enter c8", "vdso 0");
        // The debug register was reached, and led to single steps over the function.
        assertThat(Long.parseLong(found("hits ([0-9]+) steps", untraced))).isGreaterThan(20);
        assertThat(Long.parseLong(found("steps ([0-9]+) path", untraced))).isGreaterThan(2000);
        Path events = folder.resolve("events");
        Cli.Result with =
                run(NOTICE, "trace", "--breakpoints", breakpoints, "--output", events.toString());
        assertThat(with.out()).isEqualTo(untraced);
        List<String> all = Files.readAllLines(events);
        assertThat(of(all, "\"name\":\"exit_group\"", "\"comm\":\"rmmod\"")).hasSize(1);
    }

    /** The same pill finds INT3 that somebody has written where nothing is executed. */
    @Test
    void findsInt3() throws Exception {
        Path socket = folder.resolve("guest");
        try (RunningGuest g =
                new RunningGuest(
                        "run",
                        "debian",
                        "--control",
                        socket.toString(),
                        "--copy",
                        programs() + ":/opt/test",
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh")) {
            g.type(PILL + "pill; rmmod pill; dmesg | grep pill:; echo rea''dy\n");
            String before = g.await("ready");
            try (Target target = Target.open(socket)) {
                LinuxKernel k = LinuxKernel.attach(target, List.of());
                k.write(k.resolve("__x64_sys_sysinfo") + 6, new byte[] {(byte) 0xCC});
            }
            g.type("dmesg -c >/dev/null; pill; rmmod pill; dmesg | grep pill:; echo do''ne\n");
            String after = g.await("done").substring(before.length());
            String hash = found("pill: text ([0-9a-f]+) with", before);
            assertThat(found("pill: text ([0-9a-f]+) with", after)).isNotEqualTo(hash);
            assertThat(found("direct ([0-9a-f]+) with", after)).isNotEqualTo(hash);
            long count = Long.parseLong(found("with ([0-9]+) direct", before));
            assertThat(Long.parseLong(found("with ([0-9]+) direct", after))).isEqualTo(count + 1);
            assertThat(g.finish("exit 0\n")).as(g.printed()).isZero();
        }
    }

    /**
     * One processor makes system calls while the pill on the other writes the function's first
     * instructions anew, by another mapping, in two encodings: the function stays what it was, and
     * each call is told, once.
     */
    @ParameterizedTest
    @ValueSource(strings = {"engine", "shadow"})
    void callsAreToldWhileTheFunctionIsRewritten(String breakpoints) throws IOException {
        Path events = folder.resolve("events");
        String script =
                PILL
                        + """
                        taskset 1 /opt/test/calls & taskset 2 \\
                            insmod /opt/test/rewrite.ko hook=$(symbol do_syscall_64) count=300000
                        wait; rmmod rewrite; dmesg | grep rewrite:
                        exit 0
                        """;
        Path kernel = KernelFile.image("debian").kernel();
        Path programs = programs();
        Files.write(programs.resolve("rewrite.ko"), RewriteModule.build(new KernelFile(kernel)));
        Cli.Result r =
                Cli.runWithInput(
                        script,
                        "trace",
                        "debian",
                        "--vcpus",
                        "2",
                        "--copy",
                        programs + ":/opt/test",
                        "--breakpoints",
                        breakpoints,
                        "--filter",
                        "comm == calls && name in (getppid, exit_group)",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "10m",
                        "--exec",
                        "sh");
        assertThat(r.status()).as(r.err() + r.out()).isZero();
        assertThat(r.out()).contains("rewrite: 300000 wrong 0.");
        List<String> all = Files.readAllLines(events);
        assertThat(of(all, "\"name\":\"getppid\"")).hasSize(20_000);
        assertThat(of(all, "\"name\":\"exit_group\"")).hasSize(1);
    }
}
