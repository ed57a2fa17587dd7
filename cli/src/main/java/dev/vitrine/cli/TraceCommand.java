// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.Tracer;
import dev.vitrine.introspection.trace.output.EventFilter;
import dev.vitrine.introspection.trace.output.EventWriter;
import dev.vitrine.introspection.trace.output.FilterException;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** {@code vitrine trace}: {@code vitrine run} with what happens inside the guest written down. */
final class TraceCommand extends RunCommand {
    private final Streams streams;

    List<String> plugins = new ArrayList<>(List.of("syscalls"));
    List<String> pluginPath = new ArrayList<>();
    @Nullable String output;
    String format = "json";
    @Nullable String filter;
    int data = 32;
    String breakpoints = "engine";
    List<String> symbols = new ArrayList<>();
    final PluginOptions settings = new PluginOptions();

    private static final int MAX_DATA = 1 << 16;

    // Of the guests that have ended; there are several if one is started again.
    private @Nullable String failure;
    private @Nullable String problem;
    private long problems;

    TraceCommand(Streams streams) {
        super(streams);
        this.streams = streams;
    }

    @Override
    public Options options() {
        Options options =
                give(new Options(
                                        "vitrine trace",
                                        "vitrine trace [IMAGE | FILE.cfg] [--output F] [OPTION...]")
                                .header(
                                        "Boots a Xen PVH guest as 'vitrine run' does, and writes what happens inside it.",
                                        "")
                                .footer(
                                        "",
                                        "Events are lines, from the first system call of the first process on. The guest needs no",
                                        "agent and no symbols, its memory is not changed, and with --clock virtual its time is what",
                                        "it is without. Standard input, standard output and the exit status are those of",
                                        "'vitrine run'; docs/trace.md has the fields of events.",
                                        "",
                                        "plugins:",
                                        "  syscalls    each system call with its arguments and result",
                                        "  processes   fork, exec with arguments and environment, exit, signals, credentials",
                                        "  files       open, read, write, rename, unlink, chmod and others, with paths",
                                        "  network     sockets: bind, connect, accept, send and receive, with addresses",
                                        "  modules     modules of the kernel that are loaded and unloaded",
                                        "  ptrace      processes that look into others",
                                        "  extract     content of written and deleted files, with SHA-256; see --extract-to",
                                        "  keys        what is read from and written to terminals, by name",
                                        "  pcap        packets of network devices; see --pcap",
                                        "  crashes     programs that die of faults, and what the kernel reports of itself",
                                        "  memory      memory made executable without a file, written code that is executed",
                                        "  rootkit     changes to the kernel's code, tables and entries, hooks, hidden modules",
                                        "  ebpf        BPF programs and maps, and what programs are attached to",
                                        "",
                                        "  2    also: events could not be written, or the guest is no Linux that can be traced",
                                        "",
                                        "examples:",
                                        "  vitrine trace debian --exec 'ls /' --output ls.jsonl",
                                        "  vitrine trace debian --output - --format text --exec true"))
                        .commas(
                                "--plugins",
                                "NAME,...",
                                v -> plugins = v,
                                "what is traced, see below (default: syscalls)")
                        .repeated(
                                "--plugin-path",
                                "JAR|FOLDER",
                                v -> pluginPath = v,
                                "where plugins of other makers are; may be repeated")
                        .text(
                                "--output",
                                "F",
                                v -> output = v,
                                "where the events go; - is standard output, with the guest's console",
                                "(default: standard error)")
                        .text(
                                "--format",
                                "json|csv|kv|text",
                                v -> format = v,
                                "json: an object on each line; csv; kv: name=value; text: as strace has it",
                                "(default: json)")
                        .text(
                                "--filter",
                                "EXPR",
                                v -> filter = v,
                                "only events for which this is true, such as",
                                "'name == openat && args.filename ~ \"/etc/*\" || error'")
                        .number(
                                "--data",
                                "BYTES",
                                v -> data = v,
                                "how much of a buffer an event has, 0 to 65536 (default: 32)")
                        .text(
                                "--breakpoints",
                                "engine|shadow",
                                v -> breakpoints = v,
                                "engine: the processor knows where they are; shadow: INT3 in copies of pages that",
                                "only instruction fetch is shown, as tools for Xen do it (default: engine)")
                        .repeated(
                                "--symbols",
                                "FILE",
                                v -> symbols = v,
                                "symbols and types for a kernel that has none of its own: Volatility's ISF",
                                "(.json, .json.xz) or a System.map; may be repeated");
        settings.give(options);
        return options;
    }

    @Override
    int run(RunPlan plan, Streams to, @Nullable Duration limit) throws InterruptedException {
        List<TracePlugin> chosen = TracePlugins.choose(plugins, pluginPath);
        if (data < 0 || data > MAX_DATA) {
            throw new BadInputException(
                    "--data " + data + " is not between 0 and " + MAX_DATA + ".");
        }
        Breakpoints.Mechanism mechanism = mechanism();
        EventWriter.Format kind = format();
        EventFilter wanted = filter(plan.name(), chosen);
        List<SymbolFile> files = new ArrayList<>();
        for (String s : symbols) {
            files.add(SymbolFile.load(PathNames.path("--symbols", s)));
        }
        settings.give(chosen);
        try (EventWriter writer = new EventWriter(plan.name(), kind, wanted, open())) {
            int status =
                    new GuestRun(
                                    plan,
                                    to,
                                    limit,
                                    machine -> trace(machine, files, chosen, writer, mechanism))
                            .run();
            writer.close();
            return written(writer) & ended(chosen) ? status : ExitStatus.BAD_INPUT;
        } finally {
            // What they have begun to write is ended when the guest could not be run, too.
            chosen.forEach(TracePlugin::end);
        }
    }

    private EventWriter.Format format() {
        return switch (format) {
            case "json" -> EventWriter.Format.JSON;
            case "csv" -> EventWriter.Format.CSV;
            case "kv" -> EventWriter.Format.KV;
            case "text" -> EventWriter.Format.TEXT;
            default ->
                    throw new BadInputException(
                            "--format "
                                    + Sizes.shown(format)
                                    + " is not a format: it is json, csv, kv or text.");
        };
    }

    private Breakpoints.Mechanism mechanism() {
        return switch (breakpoints) {
            case "engine" -> Breakpoints.Mechanism.ENGINE;
            case "shadow" -> Breakpoints.Mechanism.SHADOW;
            default ->
                    throw new BadInputException(
                            "--breakpoints "
                                    + Sizes.shown(breakpoints)
                                    + " is no mechanism: it is engine or shadow.");
        };
    }

    private @Nullable EventFilter filter(String domain, List<TracePlugin> chosen) {
        if (filter == null) {
            return null;
        }
        List<Class<? extends Event>> events = new ArrayList<>();
        chosen.forEach(p -> events.addAll(p.events()));
        try {
            return EventFilter.parse(filter, domain, events);
        } catch (FilterException e) {
            throw new BadInputException("--filter: " + e.getMessage(), e);
        }
    }

    private OutputStream open() {
        if (output == null) {
            return new Uncloseable(streams.err());
        }
        if (output.equals("-")) {
            return new Uncloseable(streams.out());
        }
        Path path = PathNames.path("--output", output);
        try {
            return Files.newOutputStream(path);
        } catch (IOException e) {
            throw new BadInputException(path + ": events cannot be written there.", e);
        }
    }

    private GuestRun.Closing trace(
            Machine machine,
            List<SymbolFile> files,
            List<TracePlugin> chosen,
            EventWriter writer,
            Breakpoints.Mechanism mechanism) {
        Tracer tracer = new Tracer(machine.domain(), files, chosen, writer, data, mechanism);
        return () -> {
            tracer.close();
            ended(tracer);
        };
    }

    private synchronized void ended(Tracer tracer) {
        failure = failure == null ? tracer.failure() : failure;
        problems += tracer.problems();
        problem = problem == null ? tracer.firstProblem() : problem;
    }

    /** Says what went wrong; false if something did. */
    private synchronized boolean written(EventWriter writer) {
        String e = writer.failure();
        if (e != null) {
            String where = output == null ? "standard error" : output;
            say(where + ": " + writer.lost() + " events could not be written: " + e + ".");
        }
        if (failure != null) {
            say("nothing was traced: " + failure);
        }
        if (problem != null) {
            say(
                    "warning: "
                            + problems
                            + " times an event could not be read; the first: "
                            + problem);
        }
        return e == null && failure == null;
    }

    /** What plugins write besides events; false if it could not be written. */
    private boolean ended(List<TracePlugin> chosen) {
        boolean well = true;
        for (TracePlugin p : chosen) {
            String problem = p.end();
            if (problem != null) {
                say(problem);
                well = false;
            }
        }
        return well;
    }

    private void say(String sentence) {
        streams.err().println("vitrine: " + sentence);
    }

    /** Standard output and standard error stay open. */
    private static final class Uncloseable extends java.io.FilterOutputStream {
        Uncloseable(OutputStream out) {
            super(out);
        }

        @Override
        public void write(byte[] b, int from, int length) throws IOException {
            out.write(b, from, length);
        }

        @Override
        public void close() throws IOException {
            flush();
        }
    }
}
