// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** Exit statuses of the commands. */
final class ExitStatus {
    /** The guest powered off (with --exec: or rebooted), or the command did what it was asked. */
    static final int OK = 0;

    /** Usage, bad input, or output that cannot be written. */
    static final int BAD_INPUT = 2;

    /** The guest crashed. */
    static final int CRASHED = 3;

    /** Translated code did something else than the interpreter: a fault of Vitrine. */
    static final int TRANSLATION_DIFFERS = 4;

    /** A replay came to another state than the recorded run. */
    static final int REPLAY_DIFFERS = 5;

    /** An error of Vitrine itself, or memory that does not do: EX_SOFTWARE of sysexits.h. */
    static final int SOFTWARE = 70;

    /** The time given with --timeout passed. */
    static final int TIMEOUT = 124;

    /** Nobody reads standard output any more: what a shell gives for a program SIGPIPE ended. */
    static final int OUTPUT_CLOSED = 128 + 13;

    private ExitStatus() {}
}
