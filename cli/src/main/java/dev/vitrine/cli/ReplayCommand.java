// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;
import dev.vitrine.toolstack.record.Recording;
import dev.vitrine.toolstack.record.Replayer;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Unmatched;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine replay}: runs a recorded guest again. */
@Command(
        name = "vitrine replay",
        header = {
            "Runs a guest again as 'vitrine record' has recorded it, and compares its state with the",
            "recorded one at each checkpoint.",
            ""
        },
        synopsisHeading = "usage: ",
        customSynopsis =
                "vitrine replay RUN [OPTION...] [--plugins ... and options of vitrine trace]",
        parameterListHeading = "%n",
        optionListHeading = "%n",
        sortOptions = false,
        footer = {
            "",
            "The guest's console is on standard output once more; it gets the recorded input. Kernel,",
            "ramdisk and files of --copy have to be what they were. With --output or --plugins what",
            "happens inside is traced as 'vitrine trace' does; the guest does not notice.",
            "",
            "exit status:",
            "  0    all states were as recorded, to the end or to --until",
            "  2    usage or bad input: the recording is damaged, kernel or ramdisk are others, or the",
            "       recording ends before --until",
            "  5    the replay differs from the recording; the first difference is on standard error",
            "  70   an error of Vitrine itself, or Java's heap is too small",
            "  141  nobody reads standard output any more",
            "",
            "examples:",
            "  vitrine replay crash",
            "  vitrine replay crash --until 1500000000 --core then.core",
            "  vitrine replay crash --until time:2500000000 --control /tmp/guest",
            "  vitrine replay crash --plugins syscalls --output calls.jsonl"
        })
final class ReplayCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(index = "0", paramLabel = "RUN", description = "the folder of the recording")
    private String run = "";

    @Option(
            names = "--until",
            paramLabel = "WHERE",
            description = {
                "stops there and shows the registers: N, after so many instructions of all vCPUs;",
                "or time:N, when the guest's clock is at so many nanoseconds, as events have it"
            })
    private @Nullable String until;

    @Option(
            names = "--core",
            paramLabel = "FILE",
            description = "writes a memory image of the guest as it is in the end")
    private @Nullable String core;

    @Option(
            names = "--control",
            paramLabel = "SOCKET",
            description = {
                "makes a control socket for vitrine inspect; the guest then stands still where the",
                "replay ends, until the process is ended"
            })
    private @Nullable String control;

    @Unmatched private List<String> tracing = new ArrayList<>();

    @Option(names = "--stats", description = "prints what processor and hypervisor did")
    private boolean stats;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "this text")
    private boolean help;

    ReplayCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws InterruptedException {
        Replayer.Until where = until();
        TraceCommand trace = trace();
        Path coreFile = core == null ? null : PathNames.path("--core", core);
        Path socket = control == null ? null : PathNames.path("--control", control);
        Recording recording = Recording.open(PathNames.path("RUN", run));
        recording.checkLog();
        // The console is no terminal's: what the guest gets is what the recording has.
        Streams own =
                new Streams(InputStream.nullInputStream(), streams.out(), streams.err(), false);
        RunPlan plan = RunManifest.plan(recording, stats, socket, own);
        try (ReplayJournal journal =
                new ReplayJournal(recording, where, coreFile, control != null, own)) {
            RunPlan journaled = plan.withJournal(journal);
            return trace == null
                    ? new GuestRun(journaled, own, null, machine -> () -> {}).run()
                    : trace.run(journaled, own, null);
        }
    }

    /**
     * What traces the replay, by the options of vitrine trace that are no options of vitrine run.
     */
    private @Nullable TraceCommand trace() {
        if (tracing.isEmpty()) {
            return null;
        }
        TraceCommand trace = new TraceCommand(streams);
        CommandLineParser.parse(trace, tracing.toArray(String[]::new), streams);
        if (trace.what != null) {
            throw new BadInputException(
                    "The argument '"
                            + trace.what
                            + "' is one too many; vitrine replay --help tells more.");
        }
        if (trace.changesGuest()) {
            throw new BadInputException(
                    "What is run is in the recording: vitrine replay takes of the options of vitrine"
                            + " trace only those that say what is traced.");
        }
        return trace;
    }

    private Replayer.Until until() {
        if (until == null) {
            return Replayer.Until.END;
        }
        boolean time = until.startsWith("time:");
        String digits = time ? until.substring("time:".length()) : until;
        if (!digits.matches("[0-9]{1,18}")) {
            throw new BadInputException(
                    "--until "
                            + Sizes.shown(until)
                            + " is no place in a recording: it is a count of instructions, or time:"
                            + " and nanoseconds.");
        }
        long n = Long.parseLong(digits);
        return time ? new Replayer.Until(Long.MAX_VALUE, n) : new Replayer.Until(n, Long.MAX_VALUE);
    }
}
