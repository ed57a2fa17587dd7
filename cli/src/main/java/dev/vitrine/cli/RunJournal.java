// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;
import dev.vitrine.toolstack.console.GuestConsole;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.CompletableFuture;

/** What recording and replaying make of a run; of one guest, which is not started again. */
interface RunJournal extends AutoCloseable {
    /** Whether the guest's input is that of the process, and not what the journal gives it. */
    boolean takesInput();

    /** The console that the guest is told of; given is what the run would have. */
    GuestConsole console(GuestConsole given);

    /** Decides about the input of a domain, which is new. */
    InputJournal open(Domain domain);

    /** Completed when the guest stands still, though it has not stopped. */
    CompletableFuture<?> done();

    /**
     * The guest has stopped, or stands still. It is still there.
     *
     * @param outcome null if it stands still
     * @param status the exit status of a run that ended so
     * @return the exit status
     */
    int ended(Machine machine, @Nullable Outcome outcome, int status) throws InterruptedException;

    @Override
    void close();
}
