// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.introspection.inject.Injector;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A Debian guest that is injected into, while two loops in it see whether they are disturbed. */
final class InjectedGuest implements AutoCloseable {
    static final Duration LIMIT = Duration.ofMinutes(2);

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

    private final Path socket;
    private final RunningGuest guest;
    private final Injector injector;

    private InjectedGuest(Path socket, RunningGuest guest) {
        this.socket = socket;
        this.guest = guest;
        this.injector = Injector.open(socket);
    }

    /** Minutes of guests that fork, kill and block: not for each build. */
    static void onDemand() {
        if (!Boolean.getBoolean("vitrine.long")) {
            String reason = "injection into Debian takes minutes: -Dvitrine.long=true";
            System.out.println(reason);
            abort(reason);
        }
    }

    /** Idle; the test is skipped if there is no such image. GuestPrograms are in /opt/test. */
    static InjectedGuest start(Path folder, String image, String... options) throws Exception {
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
        GuestPrograms.write(files);
        Path socket = folder.resolve("control");
        List<String> all = new ArrayList<>(List.of("run", image, "--control", socket.toString()));
        all.addAll(List.of("--copy", files + ":/opt/test"));
        all.addAll(List.of("--exec", "sh /opt/test/script", "--timeout", "5m"));
        all.addAll(List.of(options));
        RunningGuest g = new RunningGuest(all.toArray(new String[0]));
        g.await("READY\n");
        return new InjectedGuest(socket, g);
    }

    /** The control socket. */
    String socket() {
        return socket.toString();
    }

    Injector injector() {
        return injector;
    }

    /** One more, for another thread. */
    Injector another() {
        return Injector.open(socket);
    }

    /** The loops begin. */
    void makeBusy() throws Exception {
        guest.type("\n");
        guest.await("\nBUSY\n");
    }

    /** Status of a command of the shell, which must not be ended by a signal. */
    int shell(String command) {
        int status = injector.exec(List.of("/bin/sh", "-c", command), true, 0, LIMIT);
        assertThat(status & 0x7F).as(command).isZero();
        return status >> 8;
    }

    /** A file's beginning, as a process sees it; 0 is for root. */
    String text(String path, int process) {
        byte[] b = injector.read(path, 0, Injector.BLOCK, process, LIMIT);
        return new String(b, StandardCharsets.UTF_8);
    }

    /** Starts a program that goes on, and returns its number. */
    int background(String command) {
        assertThat(shell(command + " & echo $! >/tmp/pid")).isZero();
        return Integer.parseInt(text("/tmp/pid", 0).strip());
    }

    /** Waits until a process sleeps in a function of the kernel. */
    void awaitSleep(int process, String where) {
        while (!text("/proc/" + process + "/wchan", 0).contains(where)) {
            Thread.onSpinWait();
        }
    }

    /** The loops end, having noticed nothing, and the kernel has nothing to complain about. */
    void isHealthy() throws Exception {
        assertThat(ended()).doesNotContain("DIRTY");
    }

    /** The loops end, having noticed nothing; what the guest has printed. */
    String ended() throws Exception {
        assertThat(shell("touch /tmp/stop")).isZero();
        String end = guest.await("\nFINISHED\n");
        assertThat(end)
                .containsPattern("LOOP 1 [0-9]+\n")
                .containsPattern("LOOP 2 [0-9]+\n")
                .doesNotContain("LOOP WRONG");
        assertThat(guest.finish("\n")).isEqualTo(42);
        return end;
    }

    @Override
    public void close() throws Exception {
        injector.close();
        guest.close();
    }
}
