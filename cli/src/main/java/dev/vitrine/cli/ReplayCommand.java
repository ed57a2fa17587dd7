// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;
import dev.vitrine.toolstack.record.Recording;
import dev.vitrine.toolstack.record.Replayer;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code vitrine replay}: runs a recorded guest again. */
final class ReplayCommand implements Callable<Integer>, Described {
    private final Streams streams;

    private String run = "";
    private @Nullable String until;
    private @Nullable String core;
    private @Nullable String control;
    private List<String> tracing = new ArrayList<>();
    private boolean stats;

    ReplayCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return new Options(
                        "vitrine replay",
                        "vitrine replay RUN [OPTION...] [--plugins ... and options of vitrine trace]")
                .header(
                        "Runs a guest again as 'vitrine record' has recorded it, and compares its state with the",
                        "recorded one at each checkpoint.",
                        "")
                .footer(
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
                        "  vitrine replay crash --plugins syscalls --output calls.jsonl",
                        "  vitrine replay crash --until event:4711")
                .argument("RUN", v -> run = v, "the folder of the recording")
                .text(
                        "--until",
                        "WHERE",
                        v -> until = v,
                        "stops there and shows the registers: N, after so many instructions of all vCPUs;",
                        "time:N, when the guest's clock is at so many nanoseconds; or event:N, where the",
                        "event of that number (seq) begins, which takes a second replay to find")
                .text(
                        "--core",
                        "FILE",
                        v -> core = v,
                        "writes a memory image of the guest as it is in the end")
                .text(
                        "--control",
                        "SOCKET",
                        v -> control = v,
                        "makes a control socket for vitrine inspect; the guest then stands still where the",
                        "replay ends, until the process is ended")
                .rest(v -> tracing = v)
                .flag("--stats", () -> stats = true, "prints what processor and hypervisor did")
                .help();
    }

    @Override
    public Integer call() throws InterruptedException {
        Place place = Place.of(until);
        TraceCommand trace = tracing.isEmpty() ? null : trace(streams);
        Path coreFile = core == null ? null : PathNames.path("--core", core);
        Path socket = control == null ? null : PathNames.path("--control", control);
        Recording recording = Recording.open(PathNames.path("RUN", run));
        recording.checkLog();
        Replayer.Until where = place.event() < 0 ? place.until() : timeOf(place.event(), recording);
        RunPlan plan = RunManifest.plan(recording, stats, socket, streams);
        return replay(plan, trace, recording, where, coreFile, streams);
    }

    private static int replay(
            RunPlan plan,
            @Nullable TraceCommand trace,
            Recording recording,
            Replayer.Until where,
            @Nullable Path coreFile,
            Streams to)
            throws InterruptedException {
        // The console is no terminal's: what the guest gets is what the recording has.
        Streams own = new Streams(InputStream.nullInputStream(), to.out(), to.err(), false);
        boolean stay = plan.control() != null;
        try (ReplayJournal journal = new ReplayJournal(recording, where, coreFile, stay, own)) {
            RunPlan journaled = plan.withJournal(journal);
            return trace == null
                    ? new GuestRun(journaled, own, null, machine -> () -> {}).run()
                    : trace.run(journaled, own, null);
        }
    }

    /**
     * When an event begins: replays all of the recording once to see.
     *
     * @throws BadInputException there is no such event
     */
    private Replayer.Until timeOf(long event, Recording recording) throws InterruptedException {
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Streams silent =
                new Streams(
                        InputStream.nullInputStream(),
                        OutputStream.nullOutputStream(),
                        new PrintStream(err, true, StandardCharsets.UTF_8),
                        false);
        try {
            Path events = Files.createTempFile("vitrine-events", ".jsonl");
            try {
                TraceCommand trace = trace(silent);
                trace.output = events.toString();
                trace.format = "json";
                trace.settings.clear();
                RunPlan plan = RunManifest.plan(recording, false, null, silent);
                int status = replay(plan, trace, recording, Replayer.Until.END, null, silent);
                if (status == ExitStatus.REPLAY_DIFFERS) {
                    streams.err().print(err.toString(StandardCharsets.UTF_8));
                    throw new BadInputException(
                            "Where event " + event + " is cannot be told: the replay differs.");
                }
                return new Replayer.Until(Long.MAX_VALUE, timeOf(event, events));
            } finally {
                Files.delete(events);
            }
        } catch (IOException e) {
            throw new BadInputException("The events cannot be kept in a temporary file.", e);
        }
    }

    private static long timeOf(long event, Path events) throws IOException {
        // Within a text each quote has a backslash before it: what is found is the field.
        Pattern field = Pattern.compile("(?<!\\\\)\"seq\":" + event + ",.*?\"time\":([0-9]{1,18})");
        try (Stream<String> lines = Files.lines(events)) {
            return lines.map(field::matcher)
                    .filter(Matcher::find)
                    .map(m -> Long.parseLong(m.group(1)))
                    .findFirst()
                    .orElseThrow(() ->
                            new BadInputException("There is no event " + event + " in this run."));
        }
    }

    /**
     * Where to stop, as the user said it.
     *
     * @param event number of an event; -1 if it is another kind of place
     */
    private record Place(Replayer.Until until, long event) {
        static Place of(@Nullable String text) {
            if (text == null) {
                return new Place(Replayer.Until.END, -1);
            }
            Matcher m = Pattern.compile("(|time:|event:)([0-9]{1,18})").matcher(text);
            if (!m.matches()) {
                throw new BadInputException(
                        "--until "
                                + Sizes.shown(text)
                                + " is no place in a recording: it is a count of instructions, time:"
                                + " and nanoseconds, or event: and the number of an event.");
            }
            long n = Long.parseLong(m.group(2));
            return switch (m.group(1)) {
                case "time:" -> new Place(new Replayer.Until(Long.MAX_VALUE, n), -1);
                case "event:" -> new Place(Replayer.Until.END, n);
                default -> new Place(new Replayer.Until(n, Long.MAX_VALUE), -1);
            };
        }
    }

    /**
     * What traces the replay, by the options of vitrine trace that are no options of vitrine run.
     */
    private TraceCommand trace(Streams to) {
        TraceCommand trace = new TraceCommand(to);
        CommandLineParser.parse(trace, tracing.toArray(String[]::new), to);
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
}
