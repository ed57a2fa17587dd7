// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

/** A command of the launcher. */
interface Command {
    /** The text of {@code --help}. */
    String help();

    /** The arguments that it takes. */
    Arguments arguments();

    /**
     * Does its work.
     *
     * @param arguments those of {@link #arguments}, read
     * @return the exit status
     */
    int run(Arguments arguments) throws InterruptedException;
}
