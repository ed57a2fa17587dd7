// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.introspection.trace.SystemCallTracer;
import dev.vitrine.introspection.trace.SystemCallWriter;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Machine;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** {@code vitrine trace}: {@code vitrine run} with what happens inside the guest written down. */
@Command(
        name = "vitrine trace",
        header = {
            "Boots a Xen PVH guest as 'vitrine run' does, and writes what happens inside it.",
            ""
        },
        synopsisHeading = "usage: ",
        customSynopsis = "vitrine trace [IMAGE | FILE.cfg] --output F [OPTION...]",
        parameterListHeading = "%n",
        optionListHeading = "%n",
        sortOptions = false,
        footer = {
            "",
            "Each system call by SYSCALL is an event, from the first one of the first process on: a line",
            "with who called, the arguments with the texts that they point to, and the result. The guest",
            "needs no agent and no symbols, its memory is not changed, and with --clock virtual its time",
            "is what it is without. Standard input, standard output and the exit status are those of",
            "'vitrine run'; docs/trace.md has the fields of events.",
            "",
            "  2    also: events could not be written, or the guest is no Linux that can be traced",
            "",
            "examples:",
            "  vitrine trace debian --exec 'ls /' --output ls.jsonl",
            "  vitrine trace debian --output - --format text --exec true"
        })
final class TraceCommand extends RunCommand {
    private final Streams streams;

    @Option(
            names = "--plugins",
            paramLabel = "NAME,...",
            split = ",",
            description = "what is traced (default, and all that there is: syscalls)")
    List<String> plugins = new ArrayList<>(List.of("syscalls"));

    @Option(
            names = "--output",
            paramLabel = "F",
            description = "where the events go; - is standard output, with the guest's console")
    @Nullable String output;

    @Option(
            names = "--format",
            paramLabel = "json|text",
            description = "json: an object on each line; text: as strace has it (default: json)")
    String format = "json";

    @Option(
            names = "--symbols",
            paramLabel = "FILE",
            description = {
                "symbols and types for a kernel that has none of its own: Volatility's ISF",
                "(.json, .json.xz) or a System.map; may be repeated"
            })
    List<String> symbols = new ArrayList<>();

    private @Nullable String failure;

    TraceCommand(Streams streams) {
        super(streams);
        this.streams = streams;
    }

    @Override
    int run(RunPlan plan, Streams to, @Nullable Duration limit) throws InterruptedException {
        for (String plugin : plugins) {
            if (!plugin.equals("syscalls")) {
                throw new BadInputException(
                        "There is no plugin " + Sizes.shown(plugin) + "; there is syscalls.");
            }
        }
        if (plan.verifyTranslation()) {
            throw new BadInputException("--verify-translation is for vitrine run.");
        }
        SystemCallWriter.Format kind =
                switch (format) {
                    case "json" -> SystemCallWriter.Format.JSON;
                    case "text" -> SystemCallWriter.Format.TEXT;
                    default ->
                            throw new BadInputException(
                                    "--format "
                                            + Sizes.shown(format)
                                            + " is not a format: it is json or text.");
                };
        List<SymbolFile> files = new ArrayList<>();
        for (String s : symbols) {
            files.add(SymbolFile.load(PathNames.path("--symbols", s)));
        }
        try (SystemCallWriter writer = new SystemCallWriter(plan.name(), kind, open())) {
            int status =
                    new GuestRun(plan, to, limit, machine -> trace(machine, files, writer)).run();
            writer.close();
            return written(writer) ? status : ExitStatus.BAD_INPUT;
        }
    }

    private OutputStream open() {
        if (output == null) {
            throw new BadInputException(
                    "Where are the events to go? Give --output FILE, or --output - for standard output.");
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
            Machine machine, List<SymbolFile> files, SystemCallWriter writer) {
        return new SystemCallTracer(machine.domain(), files, writer, this::failed)::close;
    }

    private synchronized void failed(String sentence) {
        failure = sentence;
    }

    /** Says what went wrong; false if something did. */
    private synchronized boolean written(SystemCallWriter writer) {
        IOException e = writer.failure();
        if (e != null) {
            streams.err()
                    .println(
                            "vitrine: "
                                    + output
                                    + ": "
                                    + writer.lost()
                                    + " events could not be written: "
                                    + e.getMessage()
                                    + ".");
        }
        if (failure != null) {
            streams.err().println("vitrine: nothing was traced: " + failure);
        }
        return e == null && failure == null;
    }

    /** Standard output stays open. */
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
