// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Threads that are stopped or traced can be injected into, and neither their parent nor their
 * tracer sees it ({@link TracerGuest}).
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DebianInjectStopTest {
    private static final Duration LIMIT = InjectedGuest.LIMIT;

    /** 128 and SIGHUP: a tracer has found nothing that is wrong until then. */
    private static final String HUNG_UP = "129";

    @TempDir Path folder;

    @BeforeAll
    static void onDemand() {
        InjectedGuest.onDemand();
    }

    private static int child(InjectedGuest g, int process) {
        String all = "";
        while (all.isBlank()) {
            all = g.text("/proc/" + process + "/task/" + process + "/children", 0);
        }
        return Integer.parseInt(all.strip());
    }

    private static String line(InjectedGuest g, int process, String name) {
        return g.text("/proc/" + process + "/status", 0)
                .lines()
                .filter(l -> l.startsWith(name + ":"))
                .findFirst()
                .orElse("");
    }

    private static void awaitState(InjectedGuest g, int process, String state) {
        while (!line(g, process, "State").contains(state)) {
            Thread.onSpinWait();
        }
    }

    private static void inject(InjectedGuest g, int process) {
        Injector i = g.injector();
        assertThat(g.text("/proc/self/status", process)).contains("\nPid:\t" + process + "\n");
        i.call("msleep", List.of(new CallArgument.Value(20)), process, LIMIT);
        byte[] data = {1, 2, 3};
        i.write("/tmp/by." + process, 0, data, process, LIMIT);
        assertThat(i.read("/tmp/by." + process, 0, 100, process, LIMIT)).isEqualTo(data);
        assertThat(g.text("/proc/self/cmdline", process)).startsWith("/opt/test/");
    }

    @ParameterizedTest
    @CsvSource({"debian, 1", "debian, 2", "debian, 4", "debian:6.12, 2", "debian:rt, 2"})
    void neitherParentNorTracerSeesIt(String image, int vcpus) throws Exception {
        try (InjectedGuest g =
                InjectedGuest.start(folder, image, "--memory", "1G", "--vcpus", "" + vcpus)) {
            g.makeBusy();
            jobControl(g);
            for (String how : List.of("a", "c", "s", "y")) {
                traced(g, how);
            }
            g.isHealthy();
        }
    }

    /** In its stops, and in between. */
    private static void traced(InjectedGuest g, String how) {
        String file = "/tmp/tracer." + how;
        String script = "/opt/test/tracer HOW & echo $! >FILE.pid; wait $!; echo $? >FILE.end";
        g.background("{ " + script.replace("HOW", how).replace("FILE", file) + "; }");
        g.shell("until [ -s FILE.pid ]; do sleep 0.1; done".replace("FILE", file));
        int tracer = Integer.parseInt(g.text(file + ".pid", 0).strip());
        int process = child(g, tracer);
        while (line(g, process, "TracerPid").endsWith("\t0")) {
            Thread.onSpinWait();
        }
        inject(g, process);
        inject(g, process);
        assertThat(line(g, process, "TracerPid")).endsWith("\t" + tracer);
        if (how.equals("a")) {
            awaitState(g, process, "t (tracing stop)");
        }
        assertThat(g.shell("kill -HUP " + tracer)).as(how).isZero();
        g.shell("until [ -s FILE.end ]; do sleep 0.1; done".replace("FILE", file));
        assertThat(g.text(file + ".end", 0)).as(how).isEqualTo(HUNG_UP + "\n");
    }

    /** By signals, as a shell does it. */
    private static void jobControl(InjectedGuest g) {
        int parent = g.background("exec /opt/test/waiter >/tmp/told");
        while (!line(g, parent, "Name").endsWith("\twaiter")) {
            Thread.onSpinWait();
        }
        int process = child(g, parent);
        assertThat(g.shell("kill -STOP " + process)).isZero();
        awaitState(g, process, "T (stopped)");
        String before = g.text("/proc/" + process + "/syscall", 0);
        inject(g, process);
        awaitState(g, process, "T (stopped)");
        assertThat(g.text("/proc/" + process + "/syscall", 0)).isEqualTo(before);
        assertThat(line(g, process, "SigPnd")).endsWith("\t0000000000000000");
        // Signals that it does not get before it is continued.
        assertThat(g.shell("kill -USR1 " + process)).isZero();
        inject(g, process);
        awaitState(g, process, "T (stopped)");
        assertThat(line(g, process, "ShdPnd")).endsWith("\t0000000000000200");
        assertThat(g.text("/tmp/told", 0)).isEqualTo("S");
        // The signal ends it.
        assertThat(g.shell("kill -CONT " + process)).isZero();
        g.shell("while [ -d /proc/" + parent + " ]; do sleep 0.1; done");
        assertThat(g.text("/tmp/told", 0)).isIn("SX", "SCX");
    }
}
