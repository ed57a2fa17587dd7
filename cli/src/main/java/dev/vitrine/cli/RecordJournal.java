// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;
import dev.vitrine.toolstack.console.GuestConsole;
import dev.vitrine.toolstack.record.Recorder;
import dev.vitrine.toolstack.record.Recording;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;

/** Records a run. */
final class RecordJournal implements RunJournal {
    private final Path folder;
    private final RunPlan plan;
    private final Streams streams;
    private @Nullable GuestConsole console;
    private @Nullable Recorder recorder;

    RecordJournal(Path folder, RunPlan plan, Streams streams) {
        this.folder = folder;
        this.plan = plan;
        this.streams = streams;
    }

    @Override
    public boolean takesInput() {
        return true;
    }

    @Override
    public GuestConsole console(GuestConsole given) {
        console = given;
        return given;
    }

    @Override
    public InputJournal open(Domain domain) {
        Recorder r = Recording.create(folder, RunManifest.of(plan, console)).record(domain);
        recorder = r;
        return r;
    }

    @Override
    public CompletableFuture<?> done() {
        return new CompletableFuture<>();
    }

    @Override
    public int ended(Machine machine, @Nullable Outcome outcome, int status) {
        Recorder r = recorder;
        if (r == null || outcome == null) {
            throw new IllegalStateException("nothing was recorded");
        }
        r.end(outcome.reason(), outcome.message());
        r.close();
        IOException e = r.failure();
        if (e != null) {
            streams.err()
                    .println(
                            "vitrine: "
                                    + folder
                                    + ": the recording could not be written to its end: "
                                    + e.getMessage()
                                    + ".");
            return ExitStatus.BAD_INPUT;
        }
        return status;
    }

    @Override
    public void close() {
        if (recorder != null) {
            recorder.close();
        }
    }
}
