// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Where a command reads and writes.
 *
 * @param in standard input, raw bytes
 * @param out standard output, raw bytes and not buffered: a guest's console is flushed as it comes
 * @param err standard error, text for the user
 * @param terminal whether standard input is a terminal
 */
record Streams(InputStream in, OutputStream out, PrintStream err, boolean terminal) {
    /** Those of the process. */
    static Streams ofProcess() {
        return new Streams(
                new FileInputStream(FileDescriptor.in),
                StandardOutput.ofProcess(),
                System.err,
                inputIsTerminal());
    }

    /**
     * Java tells only whether input and output both are terminals, but `vitrine run debian | tee
     * log` wants a raw terminal, too. Linux tells by the name of the open file.
     */
    private static boolean inputIsTerminal() {
        try {
            String name = Files.readSymbolicLink(Path.of("/proc/self/fd/0")).toString();
            return name.startsWith("/dev/pts/")
                    || name.startsWith("/dev/tty")
                    || name.equals("/dev/console");
        } catch (IOException | RuntimeException e) {
            java.io.Console console = System.console();
            return console != null && console.isTerminal();
        }
    }
}
