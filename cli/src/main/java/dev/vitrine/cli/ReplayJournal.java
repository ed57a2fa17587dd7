// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InputJournal;
import dev.vitrine.hypervisor.Vcpu;
import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.Outcome;
import dev.vitrine.toolstack.console.GuestConsole;
import dev.vitrine.toolstack.record.Recording;
import dev.vitrine.toolstack.record.Replayer;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/** Replays a run, and tells what came of it. */
final class ReplayJournal implements RunJournal {
    private final Recording recording;
    private final Replayer.Until until;
    private final @Nullable Path core;
    private final boolean stay;
    private final PrintStream err;
    private final CompletableFuture<Replayer.Result> done = new CompletableFuture<>();
    private @Nullable Replayer replayer;

    /**
     * @param core where a memory image of the guest goes at the end, or null
     * @param stay whether the guest stays there, at the end, until the process is ended
     */
    ReplayJournal(
            Recording recording,
            Replayer.Until until,
            @Nullable Path core,
            boolean stay,
            Streams streams) {
        this.recording = recording;
        this.until = until;
        this.core = core;
        this.stay = stay;
        this.err = streams.err();
    }

    @Override
    public boolean takesInput() {
        return false;
    }

    @Override
    public GuestConsole console(GuestConsole given) {
        return RunManifest.console(recording);
    }

    @Override
    public InputJournal open(Domain domain) {
        Replayer r = recording.replay(domain, until);
        replayer = r;
        r.result().thenAccept(done::complete);
        return r;
    }

    @Override
    public CompletableFuture<?> done() {
        return done;
    }

    @Override
    public int ended(Machine machine, @Nullable Outcome outcome, int status)
            throws InterruptedException {
        Replayer r = Objects.requireNonNull(replayer);
        if (outcome != null) {
            if (status == ExitStatus.OUTPUT_CLOSED || status == ExitStatus.SOFTWARE) {
                return status;
            }
            r.ended(outcome.reason(), outcome.message());
        }
        Replayer.Result result = r.result().join();
        int own = tell(result);
        if (result.ending() == Replayer.Ending.UNTIL
                || result.ending() == Replayer.Ending.DIFFERENCE) {
            registers(machine.domain());
        }
        if (core != null) {
            writeCore(machine.domain(), core);
        }
        if (stay && outcome == null) {
            say("the guest stands still; Ctrl-C or SIGTERM ends it");
            Thread.currentThread().join();
        }
        return own;
    }

    private int tell(Replayer.Result r) {
        String where = r.instructions() + " instructions, " + r.time() + " ns";
        String equal = r.checkpoints() + " states were as recorded";
        switch (r.ending()) {
            case END -> say("replayed to the end, " + where + ": " + equal + "; " + r.message());
            case CUT_OFF ->
                    say("the recording was cut off; replayed to its end, " + where + ": " + equal);
            case UNTIL -> say("stopped after " + where + ": " + equal);
            case DIFFERENCE -> {
                say("the replay differs after " + where + ": " + r.message());
                for (String line : r.differences()) {
                    err.println("  " + line);
                }
                return ExitStatus.REPLAY_DIFFERS;
            }
        }
        boolean reached =
                (until.instructions() == Long.MAX_VALUE && until.time() == Long.MAX_VALUE)
                        || r.ending() == Replayer.Ending.UNTIL;
        if (!reached) {
            say("the recording ends before what --until says");
            return ExitStatus.BAD_INPUT;
        }
        return ExitStatus.OK;
    }

    private void registers(Domain domain) {
        for (int i = 0; i < domain.vcpuCount(); i++) {
            Vcpu v = domain.vcpu(i);
            err.println("vCPU " + i + (v.isOnline() ? "" : ", offline"));
            List<String> lines = v.crashReport().registers();
            lines.forEach(line -> err.println("  " + line));
        }
    }

    private void writeCore(Domain domain, Path file) {
        try (Target target = Target.of(domain)) {
            Core.KernelNotes notes = Core.KernelNotes.NONE;
            try {
                notes = LinuxKernel.attach(target, List.of()).coreNotes();
            } catch (IntrospectionException e) {
                // Whatever runs there, its memory and registers can be written.
            }
            long bytes = Core.write(target, file, notes);
            say(file + ": " + bytes + " bytes of memory");
        } catch (IOException e) {
            throw new BadInputException(file + ": the memory image cannot be written.", e);
        }
    }

    private void say(String what) {
        err.println("vitrine: " + what.replaceAll("\\.$", "") + ".");
    }

    @Override
    public void close() {
        if (replayer != null) {
            replayer.close();
        }
    }
}
