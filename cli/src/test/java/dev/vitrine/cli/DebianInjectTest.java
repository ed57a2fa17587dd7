// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

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
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** What is injected has its effect in Debian, and nothing else. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DebianInjectTest {
    /**
     * Idle; then two loops that fork and pipe and look at what comes of it, until there is
     * /tmp/stop; in the end what the kernel has to complain about.
     */
    private static final String SCRIPT =
            """
            echo READY
            read x
            for i in 1 2; do
                ( n=0; while [ ! -e /tmp/stop ]; do
                    [ "$(echo a b | cat | tr a-z A-Z)" = "A B" ] || echo "LOOP WRONG"
                    n=$((n+1))
                done; echo "LOOP $i $n" ) &
            done
            echo BUSY
            wait
            dmesg | grep -E 'BUG:|WARNING:|Oops|Call Trace|self-detected|blocked for|kernel read not' && echo DIRTY
            echo FINISHED
            read x
            exit 42
            """;

    private static final Duration LIMIT = Duration.ofMinutes(2);
    private static final long ERESTARTSYS = -512;

    @TempDir Path folder;

    private String socket() {
        return folder.resolve("control").toString();
    }

    /** Minutes of guests that fork, kill and block: not for each build. */
    @BeforeAll
    static void onDemand() {
        if (!Boolean.getBoolean("vitrine.long")) {
            String reason = "injection into Debian takes minutes: -Dvitrine.long=true";
            System.out.println(reason);
            abort(reason);
        }
    }

    private RunningGuest start(String image, String... options) throws Exception {
        try {
            if (image.equals("debian")) {
                ImageStore.ofUser().get(image, line -> {});
            } else if (ImageStore.ofUser().find(image) == null) {
                throw new BadInputException(image + " has not been pulled");
            }
        } catch (BadInputException e) {
            System.out.println("nothing is injected: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        Path files = Files.createDirectories(folder.resolve("files"));
        Files.writeString(files.resolve("script"), SCRIPT);
        List<String> all =
                new ArrayList<>(
                        List.of(
                                "run",
                                image,
                                "--control",
                                socket(),
                                "--copy",
                                files + ":/opt/test"));
        all.addAll(List.of("--exec", "sh /opt/test/script", "--timeout", "5m"));
        all.addAll(List.of(options));
        RunningGuest g = new RunningGuest(all.toArray(new String[0]));
        g.await("READY\n");
        return g;
    }

    private Injector injector() {
        return Injector.open(Path.of(socket()));
    }

    private static int shell(Injector i, String command) {
        int status = i.exec(List.of("/bin/sh", "-c", command), true, 0, LIMIT);
        assertThat(status & 0x7F).as(command).isZero();
        return status >> 8;
    }

    private static String text(Injector i, String path, int process) {
        byte[] b = i.read(path, 0, Injector.BLOCK, process, LIMIT);
        return new String(b, StandardCharsets.UTF_8);
    }

    /** Starts a program that goes on, and returns its number. */
    private static int background(Injector i, String command) {
        assertThat(shell(i, command + " & echo $! >/tmp/pid")).isZero();
        return Integer.parseInt(text(i, "/tmp/pid", 0).strip());
    }

    /** Where a process sleeps in the kernel. */
    private static void awaitSleep(Injector i, int process, String where) {
        while (!text(i, "/proc/" + process + "/wchan", 0).contains(where)) {
            Thread.onSpinWait();
        }
    }

    /** The guest has noticed nothing. */
    private static void isHealthy(RunningGuest g) throws Exception {
        String end = g.await("\nFINISHED\n");
        assertThat(end)
                .containsPattern("LOOP 1 [0-9]+\n")
                .containsPattern("LOOP 2 [0-9]+\n")
                .doesNotContain("DIRTY", "LOOP WRONG");
        assertThat(g.finish("\n")).isEqualTo(42);
    }

    private int exec(String... command) {
        String[] all = new String[command.length + 4];
        System.arraycopy(new String[] {"inject", "--wait", socket(), "exec"}, 0, all, 0, 4);
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
        try (RunningGuest g = start("debian", "--memory", "512M");
                Injector i = injector()) {
            String print = "printf '%s|' \"$@\" >'/tmp/out file é'";
            assertThat(exec("/bin/sh", "-c", print, "sh", "a b", "", "c'd\n")).isZero();
            assertThat(text(i, "/tmp/out file é", 0)).isEqualTo("a b||c'd\n|");
            assertThat(exec("/bin/sh", "-c", "exit 7")).isEqualTo(7);
            assertThat(exec("/bin/sh", "-c", "kill -9 $$")).isEqualTo(137);

            isDone(Cli.run("inject", socket(), "write", "/tmp/data", local.toString()));
            assertThat(shell(i, "sha256sum </tmp/data | grep -q " + sum)).isZero();
            Path back = folder.resolve("back");
            isDone(Cli.run("inject", socket(), "read", "/tmp/data", back.toString()));
            assertThat(Files.mismatch(local, back)).isEqualTo(-1);
            assertThat(shell(i, "rm /tmp/data")).isZero();
            // What has been written is closed: it can be started at once.
            Path tool = Files.writeString(folder.resolve("tool"), "#!/bin/sh\nexit 9\n");
            assertThat(shell(i, "cp /bin/true /tmp/tool; chmod 755 /tmp/tool")).isZero();
            isDone(Cli.run("inject", socket(), "write", "/tmp/tool", tool.toString()));
            assertThat(exec("/tmp/tool")).isEqualTo(9);
            assertThat(text(i, "/proc/1/status", 0)).contains("Pid:\t1\n").endsWith("\n");
            errors();
            pipes(i);
            late(i);
            g.type("\n");
            g.await("\nBUSY\n");
            assertThat(shell(i, "touch /tmp/stop")).isZero();
            isHealthy(g);
        }
    }

    private void errors() {
        String[][] cases = {
            {"read", "/no/such", "ENOENT"},
            {"read", "/tmp", "EISDIR"},
            {"read", "/etc/passwd/x", "ENOTDIR"},
            {"write", "/no/such/file", "ENOENT"},
            {"write", "/tmp", "EISDIR"},
            {"exec", "/no/such", "ENOENT"},
            {"exec", "/etc/passwd", "EACCES"},
            {"exec", "/tmp", "EACCES"},
        };
        Path there = folder.resolve("tool");
        for (String[] c : cases) {
            Cli.run("inject", socket(), c[0], c[1], there.toString())
                    .isBadInput("The guest's kernel could not", c[1], c[2]);
        }
        assertThat(there).hasContent("#!/bin/sh\nexit 9");
        Cli.run("inject", socket(), "call", "no_such_function")
                .isBadInput("no symbol no_such_function");
        Cli.run("inject", socket(), "call", "init_task").isBadInput("init_task is no function");
        Cli.run("inject", "--pid", "4000000", socket(), "read", "/etc/passwd")
                .isBadInput("The guest has no process 4000000");
        Cli.run("inject", "--pid", "2", socket(), "read", "/etc/passwd")
                .isBadInput("Process 2 is a thread of the kernel");
    }

    /** Nobody is at the other end. */
    private static void pipes(Injector i) {
        assertThat(shell(i, "mkfifo /tmp/pipe")).isZero();
        assertThat(i.read("/tmp/pipe", 0, 100, 0, LIMIT)).isEmpty();
        assertThatThrownBy(() -> i.write("/tmp/pipe", 0, new byte[1], 0, LIMIT))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("ENXIO");
    }

    /** A program that takes longer is told of, and goes on. */
    private void late(Injector i) {
        String program = "until [ -e /tmp/go ]; do sleep 1; done; echo late >/tmp/late";
        Cli.run("inject", "--wait", "--timeout", "2s", socket(), "exec", "/bin/sh", "-c", program)
                .isBadInput("/bin/sh did not end within 2.0 s; it goes on");
        assertThat(shell(i, "touch /tmp/go; until [ -s /tmp/late ]; do sleep 1; done")).isZero();
    }

    @Test
    void functionsAndProcesses() throws Exception {
        try (RunningGuest g = start("debian", "--vcpus", "2");
                Injector i = injector()) {
            g.type("\n");
            g.await("\nBUSY\n");
            Cli.Result r = Cli.run("inject", socket(), "call", "strlen", "text:hello");
            isDone(r);
            assertThat(r.out()).isEqualTo("0x0000000000000005 5\n");
            r =
                    Cli.run(
                            "inject",
                            socket(),
                            "call",
                            "memcmp",
                            "linux_banner+6",
                            "text:version",
                            "7");
            isDone(r);
            assertThat(r.out()).endsWith(" 0\n");

            String own = "/proc/self/status";
            int sleeper = background(i, "exec sleep 1000");
            int busy = background(i, "while :; do :; done");
            for (int n = 0; n < 3; n++) {
                assertThat(text(i, own, sleeper)).contains("Name:\tsleep", pid(sleeper));
                assertThat(text(i, own, busy)).contains("Name:\tsh", pid(busy));
            }
            assertThat(text(i, "/proc/" + sleeper + "/status", 0)).contains("State:\tS");
            assertThat(text(i, "/proc/" + busy + "/status", 0)).contains("State:\tR");
            // One with a root folder of its own.
            String make = "mkdir /tmp/root; cp /bin/busybox /tmp/root; echo in >/tmp/root/where";
            assertThat(shell(i, make + "; echo out >/where")).isZero();
            int jailed = background(i, "exec chroot /tmp/root /busybox sleep 1000");
            while (!text(i, "/proc/" + jailed + "/comm", 0).equals("busybox\n")) {
                Thread.onSpinWait();
            }
            assertThat(text(i, "/where", jailed)).isEqualTo("in\n");
            assertThat(text(i, "/where", 0)).isEqualTo("out\n");
            assertThat(shell(i, "kill -STOP " + busy)).isZero();
            Cli.run("inject", "--pid", "" + busy, "--timeout", "1s", socket(), "read", own)
                    .isBadInput("process " + busy, "is stopped");
            assertThat(shell(i, "kill -KILL " + busy)).isZero();

            // A function that the kernel does not survive, in this thread.
            assertThatThrownBy(() ->
                            i.call("strlen", List.of(new CallArgument.Value(8)), sleeper, LIMIT))
                    .isInstanceOf(IntrospectionException.class)
                    .hasMessageContaining("ended in strlen");
            assertThat(shell(i, "dmesg | grep -q 'BUG: kernel NULL pointer'")).isZero();
            assertThat(shell(i, "touch /tmp/stop")).isZero();
            String end = g.await("\nFINISHED\n");
            assertThat(end).doesNotContain("LOOP WRONG");
            assertThat(g.finish("\n")).isEqualTo(42);
        }
    }

    private static String pid(int process) {
        return "\nPid:\t" + process + "\n";
    }

    /** Threads that are killed where an injected function blocks, and threads that are not. */
    @Test
    void killedAndBlocked() throws Exception {
        try (RunningGuest g = start("debian", "--vcpus", "4");
                Injector i = injector();
                Injector other = injector()) {
            g.type("\n");
            g.await("\nBUSY\n");
            assertThat(shell(i, "mkfifo /tmp/fifo")).isZero();
            CallArgument path = new CallArgument.Text("/tmp/fifo");
            CallArgument zero = new CallArgument.Value(0);
            for (int n = 0; n < 20; n++) {
                int victim = background(i, "while :; do : </dev/null; done");
                CompletableFuture<Long> open =
                        CompletableFuture.supplyAsync(() ->
                                other.call("filp_open", List.of(path, zero, zero), victim, LIMIT));
                awaitSleep(i, victim, "wait_for_partner");
                assertThat(shell(i, "kill -9 " + victim)).isZero();
                assertThat(open.get()).isEqualTo(ERESTARTSYS);
            }
            // A pipe that is full, in a process that goes on when it has been read.
            int writer = background(i, "while :; do : </dev/null; done");
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
            awaitSleep(i, writer, "pipe_write");
            assertThat(shell(i, "head -c 65536 /tmp/fifo | wc -c | grep -q 65536")).isZero();
            assertThat(write.get()).isEqualTo(8192);
            assertThat((int) i.call("filp_close", List.of(pipe, zero), 0, LIMIT)).isZero();
            assertThat(text(i, "/proc/self/status", writer)).contains(pid(writer));
            // Ended and started at any moment, with files moved meanwhile.
            byte[] data = new byte[300_000];
            new SplittableRandom(2).nextBytes(data);
            for (int n = 0; n < 10; n++) {
                int victim = background(i, "while :; do : </dev/null; done");
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
            assertThat(shell(i, "kill -9 " + writer + "; touch /tmp/stop")).isZero();
            isHealthy(g);
        }
    }

    /** The least and the most, on other kernels and with the clock of instructions. */
    @ParameterizedTest
    @ValueSource(strings = {"debian", "debian:full", "debian:rt"})
    void otherGuests(String image) throws Exception {
        String clock = image.equals("debian") ? "virtual" : "real";
        try (RunningGuest g = start(image, "--clock", clock, "--memory", "1G");
                Injector i = injector()) {
            assertThat(shell(i, "exit 5")).isEqualTo(5);
            i.write("/tmp/f", 0, new byte[] {65, 66}, 0, LIMIT);
            assertThat(text(i, "/tmp/f", 0)).isEqualTo("AB");
            assertThat(text(i, "/proc/version", 0)).startsWith("Linux version ");
            int sleeper = background(i, "exec sleep 1000");
            assertThat(text(i, "/proc/self/status", sleeper)).contains(pid(sleeper));
            int busy = background(i, "while :; do :; done");
            assertThat(text(i, "/proc/self/status", busy)).contains(pid(busy));
            assertThat(shell(i, "kill -9 " + busy + "; touch /tmp/stop")).isZero();
            g.type("\n");
            isHealthy(g);
        }
    }
}
