// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** Exit statuses of the commands. */
final class ExitStatus {
    /** The guest powered off, or the command did what it was asked. */
    static final int OK = 0;

    /** Usage or bad input. */
    static final int BAD_INPUT = 2;

    /** The guest crashed. */
    static final int CRASHED = 3;

    /** Translated code did something else than the interpreter: a fault of Vitrine. */
    static final int TRANSLATION_DIFFERS = 4;

    /** The time given with --timeout passed. */
    static final int TIMEOUT = 124;

    private ExitStatus() {}
}
