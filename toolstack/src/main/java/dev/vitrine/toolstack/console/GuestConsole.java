// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.console;

import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * What the init of a Vitrine image is told about its console, on the kernel's command line.
 *
 * <p>There are two ways to use a console. As a terminal, the guest echoes, edits lines and shows
 * prompts; the host's terminal is raw and passes each key on. As a pipe, the guest's shell reads
 * the input as a script and its output comes back byte for byte, as with {@code ssh HOST sh <
 * script}; the end of the input is told by {@link #END_OF_INPUT}.
 *
 * @param token the random word that shows the host that a message is init's, see {@link
 *     ExecStatusFilter}
 * @param terminal whether the console is a terminal, else a pipe
 * @param rows the terminal's lines, 0 if not known
 * @param columns its columns, 0 if not known
 * @param term the value of TERM for the guest, empty for Linux's own
 */
public record GuestConsole(String token, boolean terminal, int rows, int columns, String term) {
    /**
     * Sent to a guest whose console is a pipe, it ends the input: Ctrl-D at the start of a line.
     */
    public static final byte END_OF_INPUT = 4;

    /** A console whose input is not a terminal. */
    public static GuestConsole pipe() {
        return new GuestConsole(newToken(), false, 0, 0, "");
    }

    /** A console that is the user's terminal. */
    public static GuestConsole terminal(int rows, int columns, String term) {
        return new GuestConsole(newToken(), true, rows, columns, term);
    }

    /** The same console with a token of the caller's, for runs that are to be repeatable. */
    public GuestConsole withToken(String newToken) {
        return new GuestConsole(newToken, terminal, rows, columns, term);
    }

    /** The words for the kernel's command line. */
    public String cmdline() {
        StringBuilder words = new StringBuilder();
        words.append("vitrine.token=").append(token);
        words.append(" vitrine.console=").append(terminal ? "tty" : "pipe");
        if (terminal && rows > 0 && columns > 0) {
            words.append(" vitrine.rows=").append(rows).append(" vitrine.cols=").append(columns);
        }
        if (terminal && term.matches("[A-Za-z0-9+._-]{1,40}")) {
            words.append(" vitrine.term=").append(term);
        }
        return words.toString();
    }

    private static String newToken() {
        // It is no secret, the guest is told; a SecureRandom would take some milliseconds to be
        // made.
        return HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    }
}
