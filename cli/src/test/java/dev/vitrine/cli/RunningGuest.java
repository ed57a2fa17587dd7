// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** A guest that {@code vitrine run} runs on another thread, while a test looks at it. */
final class RunningGuest implements AutoCloseable {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final PipedOutputStream input = new PipedOutputStream();
    private final Thread thread;
    private volatile int status = -1;

    RunningGuest(String... args) throws IOException {
        PipedInputStream in = new PipedInputStream(input);
        thread =
                new Thread(
                        () ->
                                status =
                                        Main.execute(
                                                args,
                                                new Streams(
                                                        in,
                                                        out,
                                                        new PrintStream(
                                                                err, true, StandardCharsets.UTF_8),
                                                        false)),
                        "guest " + Arrays.toString(args));
        thread.start();
    }

    /** A small guest of a kernel alone, with a control socket. */
    static RunningGuest controlled(Path kernel, Path socket) throws IOException {
        return new RunningGuest(
                "run",
                "--kernel",
                kernel.toString(),
                "--memory",
                "16M",
                "--control",
                socket.toString());
    }

    /** What the guest has printed, once it has printed a text. */
    String await(String text) throws InterruptedException {
        while (!printed().contains(text)) {
            if (!thread.isAlive()) {
                throw new AssertionError("the guest ended before it said " + text + ": " + all());
            }
            Thread.sleep(20);
        }
        return printed();
    }

    /** What the guest has printed so far. */
    String printed() {
        return out.toString(StandardCharsets.UTF_8).replace("\r", "");
    }

    private String all() {
        return printed() + err.toString(StandardCharsets.UTF_8);
    }

    /** Sends the guest some text. */
    void type(String text) throws IOException {
        input.write(text.getBytes(StandardCharsets.UTF_8));
        input.flush();
    }

    /** Sends the guest a line, waits for its end and returns the exit status. */
    int finish(String line) throws IOException, InterruptedException {
        input.write(line.getBytes(StandardCharsets.UTF_8));
        input.close();
        thread.join();
        return status;
    }

    /** Ends its input; a guest that goes on for a minute is stopped. */
    @Override
    public void close() throws IOException, InterruptedException {
        input.close();
        thread.join(60_000);
        if (thread.isAlive()) {
            thread.interrupt();
            thread.join();
        }
    }
}
