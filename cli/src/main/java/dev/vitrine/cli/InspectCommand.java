// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine inspect}: the options. {@link Inspection} does what is asked for. */
@Command(
        name = "vitrine inspect",
        header = {
            "Shows what is inside a running guest or a memory image, without the guest's help.",
            ""
        },
        synopsisHeading = "usage: ",
        customSynopsis = "vitrine inspect TARGET ACTION [ARGUMENT...] [OPTION...]",
        parameterListHeading = "%n",
        optionListHeading = "%n",
        sortOptions = false,
        footer = {
            "",
            "actions:",
            "  ps                processes, as 'ps -e -o pid,ppid,euid,comm' in the guest",
            "  modules           modules of the kernel, as lsmod",
            "  maps PID          what a process has mapped, as /proc/PID/maps",
            "  files PID         what files a process has open, as ls -l /proc/PID/fd",
            "  sockets           TCP, UDP and unix sockets, as netstat -an",
            "  symbols [PATTERN] symbols of kernel and modules, as /proc/kallsyms; * and ? are wildcards",
            "  read ADDR LEN     bytes of the kernel's memory, or with --pid of a process's",
            "  dump PID DIR      the memory of a process, a file for each mapping",
            "  core FILE         a memory image: an ELF core with memory and registers, which crash,",
            "                    drgn, Volatility and vitrine inspect read",
            "",
            "ADDR is a number (0x...), a symbol, a symbol+offset, or p:0x... for a physical address.",
            "",
            "The guest's Linux kernel is found in its memory, and so are its symbols and types. Its vCPUs",
            "stand still while a list is made; its memory is not changed.",
            "",
            "examples:",
            "  vitrine run debian --control /tmp/guest",
            "  vitrine inspect /tmp/guest ps",
            "  vitrine inspect /tmp/guest read linux_banner 64",
            "  vitrine inspect /tmp/guest core guest.core && vitrine inspect guest.core maps 1"
        })
final class InspectCommand implements Callable<Integer> {
    private final Streams streams;

    @Parameters(
            index = "0",
            paramLabel = "TARGET",
            description = {
                "the control socket of a running guest (vitrine run --control),",
                "or a memory image"
            })
    private String target = "";

    @Parameters(index = "1", paramLabel = "ACTION", description = "what to show; see below")
    private String action = "";

    @Parameters(
            index = "2..*",
            arity = "0..*",
            paramLabel = "ARGUMENT",
            description = "what the action needs")
    private List<String> arguments = new ArrayList<>();

    @Option(
            names = "--format",
            paramLabel = "text|json",
            description = "json: an object on each line (default: text)")
    private String format = "text";

    @Option(
            names = "--pid",
            paramLabel = "PID",
            description = "with read: addresses are those of this process")
    private @Nullable String pid;

    @Option(
            names = "--symbols",
            paramLabel = "FILE",
            description = {
                "symbols and types for a kernel that has none of its own: Volatility's ISF",
                "(.json, .json.xz) or a System.map; may be repeated"
            })
    private List<String> symbols = new ArrayList<>();

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "this text")
    private boolean help;

    InspectCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Integer call() throws IOException {
        boolean json =
                switch (format) {
                    case "text" -> false;
                    case "json" -> true;
                    default ->
                            throw new BadInputException(
                                    "--format "
                                            + Sizes.shown(format)
                                            + " is not a format: it is text or json.");
                };
        Inspection.Request request = Inspection.Request.of(action, arguments, pid);
        List<SymbolFile> files = new ArrayList<>();
        for (String s : symbols) {
            files.add(SymbolFile.load(PathNames.path("--symbols", s)));
        }
        try (Target t = Target.open(PathNames.path("TARGET", target));
                InspectOutput out = new InspectOutput(streams.out(), json)) {
            new Inspection(t, files, out).run(request);
        }
        return ExitStatus.OK;
    }
}
