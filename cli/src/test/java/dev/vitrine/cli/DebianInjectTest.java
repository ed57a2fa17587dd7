// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What is injected has its effect in Debian, and nothing else. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianInjectTest {
    private static final Duration LIMIT = InjectedGuest.LIMIT;
    private static final Duration SOON = Duration.ofSeconds(2);
    private static final long ERESTARTSYS = -512;

    @TempDir Path folder;

    @BeforeAll
    static void onDemand() {
        InjectedGuest.onDemand();
    }

    private static int exec(InjectedGuest g, String... command) {
        String[] all = new String[command.length + 4];
        System.arraycopy(new String[] {"inject", "--wait", g.socket(), "exec"}, 0, all, 0, 4);
        System.arraycopy(command, 0, all, 4, command.length);
        Cli.Result r = Cli.run(all);
        assertThat(r.err()).isEmpty();
        return r.status();
    }

    private static void isDone(Cli.Result r) {
        assertThat(r.status()).as(r.err()).isZero();
    }

    /** In a guest that does nothing: it waits for input. */
    @Test
    void programsAndFiles() throws Exception {
        byte[] data = new byte[20_000_003];
        new SplittableRandom(1).nextBytes(data);
        String sum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(data));
        Path local = Files.write(folder.resolve("data"), data);
        try (InjectedGuest g = InjectedGuest.start(folder, "debian", "--memory", "512M")) {
            Injector i = g.injector();
            String print = "printf '%s|' \"$@\" >'/tmp/out file é'";
            assertThat(exec(g, "/bin/sh", "-c", print, "sh", "a b", "", "c'd\n")).isZero();
            assertThat(g.text("/tmp/out file é", 0)).isEqualTo("a b||c'd\n|");
            assertThat(exec(g, "/bin/sh", "-c", "exit 7")).isEqualTo(7);
            assertThat(exec(g, "/bin/sh", "-c", "kill -9 $$")).isEqualTo(137);

            isDone(Cli.run("inject", g.socket(), "write", "/tmp/data", local.toString()));
            assertThat(g.shell("sha256sum </tmp/data | grep -q " + sum)).isZero();
            Path back = folder.resolve("back");
            isDone(Cli.run("inject", g.socket(), "read", "/tmp/data", back.toString()));
            assertThat(Files.mismatch(local, back)).isEqualTo(-1);
            assertThat(g.shell("rm /tmp/data")).isZero();
            // What has been written is closed: it can be started at once.
            Path tool = Files.writeString(folder.resolve("tool"), "#!/bin/sh\nexit 9\n");
            assertThat(g.shell("cp /bin/true /tmp/tool; chmod 755 /tmp/tool")).isZero();
            isDone(Cli.run("inject", g.socket(), "write", "/tmp/tool", tool.toString()));
            assertThat(exec(g, "/tmp/tool")).isEqualTo(9);
            assertThat(g.text("/proc/1/status", 0)).contains("Pid:\t1\n").endsWith("\n");
            buffersOfPrograms(g);
            errors(g);
            pipes(g);
            late(g);
            g.makeBusy();
            g.isHealthy();
        }
    }

    /** Files and devices that only know buffers of programs; by a worker, and by a process. */
    private static void buffersOfPrograms(InjectedGuest g) {
        Injector i = g.injector();
        int sleeper = g.background("exec sleep 1000");
        g.awaitSleep(sleeper, "hrtimer_nanosleep");
        String maps = g.text("/proc/" + sleeper + "/maps", 0);
        for (int process : new int[] {0, sleeper}) {
            String at = process == 0 ? "/proc/" + sleeper : "/proc/self";
            assertThat(g.text(at + "/cmdline", process)).isEqualTo("sleep\0" + "1000\0");
            assertThat(g.text(at + "/environ", process)).contains("PATH=");
            assertThat(g.text("/dev/kmsg", process)).contains("Linux version ");
            assertThat(g.text("/dev/null", process)).isEmpty();
            String score = process == 0 ? "300" : "301";
            byte[] bytes = score.getBytes(StandardCharsets.US_ASCII);
            i.write(at + "/oom_score_adj", 0, bytes, process, LIMIT);
            assertThat(g.text(at + "/oom_score_adj", process)).isEqualTo(score + "\n");
        }
        assertThat(g.text("/proc/" + sleeper + "/maps", 0)).isEqualTo(maps);
        assertThat(g.shell("kill -9 " + sleeper)).isZero();
    }

    private void errors(InjectedGuest g) {
        String[][] cases = {
            {"read", "/no/such", "ENOENT"},
            {"read", "/tmp", "EISDIR"},
            {"read", "/etc/passwd/x", "ENOTDIR"},
            {"write", "/no/such/file", "ENOENT"},
            {"write", "/tmp", "EISDIR"},
            {"exec", "/no/such", "ENOENT"},
            {"exec", "/etc/passwd", "EACCES"},
            {"exec", "/tmp", "EACCES"},
            {"read", "/proc/sysrq-trigger", "EIO"},
            {"write", "/proc/sys/kernel/ostype", "EACCES"},
        };
        Path there = folder.resolve("tool");
        for (String[] c : cases) {
            Cli.run("inject", g.socket(), c[0], c[1], there.toString())
                    .isBadInput("The guest's kernel could not", c[1], c[2]);
        }
        assertThat(there).hasContent("#!/bin/sh\nexit 9");
        Cli.run("inject", g.socket(), "call", "no_such_function")
                .isBadInput("no symbol no_such_function");
        Cli.run("inject", g.socket(), "call", "init_task").isBadInput("init_task is no function");
        Cli.run("inject", "--pid", "4000000", g.socket(), "read", "/etc/passwd")
                .isBadInput("The guest has no process 4000000");
        Cli.run("inject", "--pid", "2", g.socket(), "read", "/etc/passwd")
                .isBadInput("Process 2 is a thread of the kernel");
    }

    /** Nobody is at the other end. */
    private static void pipes(InjectedGuest g) {
        Injector i = g.injector();
        assertThat(g.shell("mkfifo /tmp/pipe")).isZero();
        assertThat(i.read("/tmp/pipe", 0, 100, 0, LIMIT)).isEmpty();
        assertThatThrownBy(() -> i.write("/tmp/pipe", 0, new byte[1], 0, LIMIT))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("ENXIO");
    }

    /** A program that takes longer is told of, and goes on. */
    private static void late(InjectedGuest g) {
        String program = "until [ -e /tmp/go ]; do sleep 1; done; echo late >/tmp/late";
        Cli.Result r;
        do {
            r =
                    Cli.run(
                            "inject",
                            "--wait",
                            "--timeout",
                            "3s",
                            g.socket(),
                            "exec",
                            "/bin/sh",
                            "-c",
                            program);
        } while (r.err().contains("nothing was injected")); // an idle guest: nobody came by
        r.isBadInput("/bin/sh did not end within 3.0 s; it goes on");
        assertThat(g.shell("touch /tmp/go; until [ -s /tmp/late ]; do sleep 1; done")).isZero();
    }

    @Test
    void functionsAndProcesses() throws Exception {
        try (InjectedGuest g = InjectedGuest.start(folder, "debian", "--vcpus", "2")) {
            Injector i = g.injector();
            g.makeBusy();
            Cli.Result r = Cli.run("inject", g.socket(), "call", "strlen", "text:hello");
            isDone(r);
            assertThat(r.out()).isEqualTo("0x0000000000000005 5\n");
            r =
                    Cli.run(
                            "inject",
                            g.socket(),
                            "call",
                            "memcmp",
                            "linux_banner+6",
                            "text:version",
                            "7");
            isDone(r);
            assertThat(r.out()).endsWith(" 0\n");

            String own = "/proc/self/status";
            int sleeper = g.background("exec sleep 1000");
            g.awaitSleep(sleeper, "hrtimer_nanosleep");
            int busy = g.background("while :; do :; done");
            for (int n = 0; n < 3; n++) {
                assertThat(g.text(own, sleeper)).contains("Name:\tsleep", pid(sleeper));
                assertThat(g.text(own, busy)).contains("Name:\tsh", pid(busy));
            }
            assertThat(g.text("/proc/" + sleeper + "/status", 0)).contains("State:\tS");
            assertThat(g.text("/proc/" + busy + "/status", 0)).contains("State:\tR");
            // One with a root folder of its own.
            String make = "mkdir /tmp/root; cp /bin/busybox /tmp/root; echo in >/tmp/root/where";
            assertThat(g.shell(make + "; echo out >/where")).isZero();
            int jailed = g.background("exec chroot /tmp/root /busybox sleep 1000");
            while (!g.text("/proc/" + jailed + "/comm", 0).equals("busybox\n")) {
                Thread.onSpinWait();
            }
            assertThat(g.text("/where", jailed)).isEqualTo("in\n");
            assertThat(g.text("/where", 0)).isEqualTo("out\n");
            assertThat(g.shell("kill -STOP " + busy)).isZero();
            awaitStop(g, busy);
            for (int n = 0; n < 3; n++) {
                assertThat(g.text(own, busy)).contains("Name:\tsh", pid(busy));
                assertThat(g.text("/proc/" + busy + "/status", 0)).contains("State:\tT");
            }
            assertThat(g.shell("kill -KILL " + busy)).isZero();

            // A function that the kernel does not survive, in this thread.
            assertThatThrownBy(() ->
                            i.call("strlen", List.of(new CallArgument.Value(8)), sleeper, LIMIT))
                    .isInstanceOf(IntrospectionException.class)
                    .hasMessageContaining("ended in strlen");
            assertThat(g.shell("dmesg | grep -q 'BUG: kernel NULL pointer'")).isZero();
            g.ended();
        }
    }

    /** It may be anywhere on its way to the stop. */
    private static void awaitStop(InjectedGuest g, int process) {
        while (!g.text("/proc/" + process + "/status", 0).contains("State:\tT")) {
            Thread.onSpinWait();
        }
    }

    private static String pid(int process) {
        return "\nPid:\t" + process + "\n";
    }

    /** Threads that are killed where an injected function blocks, and threads that are not. */
    @Test
    void killedAndBlocked() throws Exception {
        try (InjectedGuest g = InjectedGuest.start(folder, "debian", "--vcpus", "4");
                Injector other = g.another()) {
            Injector i = g.injector();
            g.makeBusy();
            assertThat(g.shell("mkfifo /tmp/fifo")).isZero();
            CallArgument path = new CallArgument.Text("/tmp/fifo");
            CallArgument zero = new CallArgument.Value(0);
            for (int n = 0; n < 20; n++) {
                int victim = g.background("while :; do : </dev/null; done");
                CompletableFuture<Long> open =
                        CompletableFuture.supplyAsync(() ->
                                other.call("filp_open", List.of(path, zero, zero), victim, LIMIT));
                g.awaitSleep(victim, "wait_for_partner");
                assertThat(g.shell("kill -9 " + victim)).isZero();
                assertThat(open.get()).isEqualTo(ERESTARTSYS);
            }
            interrupted(g, path, zero);
            // A pipe that is full, in a process that goes on when it has been read.
            int writer = g.background("while :; do : </dev/null; done");
            long file =
                    i.call("filp_open", List.of(path, new CallArgument.Value(2), zero), 0, LIMIT);
            CallArgument pipe = new CallArgument.Value(file);
            CallArgument block = new CallArgument.Text("x".repeat(8192));
            CallArgument size = new CallArgument.Value(8192);
            for (int n = 0; n < 8; n++) {
                assertThat(i.call("kernel_write", List.of(pipe, block, size, zero), 0, LIMIT))
                        .isEqualTo(8192);
            }
            CompletableFuture<Long> write =
                    CompletableFuture.supplyAsync(() ->
                            other.call(
                                    "kernel_write",
                                    List.of(pipe, block, size, zero),
                                    writer,
                                    LIMIT));
            g.awaitSleep(writer, "pipe_write");
            assertThat(g.shell("head -c 65536 /tmp/fifo | wc -c | grep -q 65536")).isZero();
            assertThat(write.get()).isEqualTo(8192);
            assertThat((int) i.call("filp_close", List.of(pipe, zero), 0, LIMIT)).isZero();
            assertThat(g.text("/proc/self/status", writer)).contains(pid(writer));
            // Ended and started at any moment, with files moved meanwhile.
            byte[] data = new byte[300_000];
            new SplittableRandom(2).nextBytes(data);
            for (int n = 0; n < 10; n++) {
                int victim = g.background("while :; do : </dev/null; done");
                CompletableFuture<Void> kill =
                        CompletableFuture.runAsync(() ->
                                other.exec(
                                        List.of("/bin/kill", "-9", "" + victim), true, 0, LIMIT));
                try {
                    while (true) {
                        i.write("/tmp/moved", 0, data, victim, LIMIT);
                        assertThat(i.read("/tmp/moved", 0, Injector.BLOCK, victim, LIMIT))
                                .isEqualTo(data);
                    }
                } catch (IntrospectionException e) {
                    assertThat(e).hasMessageMatching(".*(no process|ended).*");
                }
                kill.get();
            }
            assertThat(g.shell("kill -9 " + writer)).isZero();
            g.isHealthy();
        }
    }

    /** What waits for ever is interrupted when the time is over, and the process goes on. */
    private static void interrupted(InjectedGuest g, CallArgument path, CallArgument zero) {
        String told = "";
        for (int n = 0; n < 10 && !told.contains("was interrupted"); n++) {
            // One that could not be taken in time, or for which nobody came by, tells nothing.
            int victim = g.background("while :; do : </dev/null; done");
            List<CallArgument> all = List.of(path, zero, zero);
            told =
                    catchThrowable(() -> g.injector().call("filp_open", all, victim, SOON))
                            .getMessage();
            if (told.contains("was interrupted")) {
                assertThat(told).contains("filp_open", "did not return within 2.0 s");
                assertThat(g.text("/proc/self/status", victim)).contains(pid(victim));
            }
            assertThat(g.shell("kill -9 " + victim)).isZero();
        }
        assertThat(told).contains("was interrupted");
    }

    /** The least and the most, on other kernels and with the clock of instructions. */
    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:full", "debian:rt", "debian:6.12"})
    void otherGuests(String image) throws Exception {
        String clock = image.equals("debian") ? "virtual" : "real";
        try (InjectedGuest g =
                InjectedGuest.start(folder, image, "--clock", clock, "--memory", "1G")) {
            Injector i = g.injector();
            assertThat(g.shell("exit 5")).isEqualTo(5);
            i.write("/tmp/f", 0, new byte[] {65, 66}, 0, LIMIT);
            assertThat(g.text("/tmp/f", 0)).isEqualTo("AB");
            assertThat(g.text("/proc/version", 0)).startsWith("Linux version ");
            int sleeper = g.background("exec sleep 1000");
            assertThat(g.text("/proc/self/status", sleeper)).contains(pid(sleeper));
            int busy = g.background("while :; do :; done");
            assertThat(g.text("/proc/self/status", busy)).contains(pid(busy));
            assertThat(g.shell("kill -9 " + busy)).isZero();
            g.makeBusy();
            g.isHealthy();
        }
    }
}
