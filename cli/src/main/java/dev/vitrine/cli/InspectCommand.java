// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine inspect}: the options. {@link Inspection} does what is asked for. */
final class InspectCommand implements Callable<Integer>, Described {
    private final Streams streams;

    private String target = "";
    private String action = "";
    private List<String> arguments = new ArrayList<>();
    private String format = "text";
    private @Nullable String pid;
    private List<String> symbols = new ArrayList<>();

    InspectCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return new Options(
                        "vitrine inspect",
                        "vitrine inspect TARGET ACTION [ARGUMENT...] [OPTION...]")
                .header(
                        "Shows what is inside a running guest or a memory image, without the guest's help.",
                        "")
                .footer(
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
                        "  vitrine inspect /tmp/guest core guest.core && vitrine inspect guest.core maps 1")
                .argument(
                        "TARGET",
                        v -> target = v,
                        "the control socket of a running guest (vitrine run --control),",
                        "or a memory image")
                .argument("ACTION", v -> action = v, "what to show; see below")
                .arguments("ARGUMENT", v -> arguments = v, "what the action needs")
                .text(
                        "--format",
                        "text|json",
                        v -> format = v,
                        "json: an object on each line (default: text)")
                .text(
                        "--pid",
                        "PID",
                        v -> pid = v,
                        "with read: addresses are those of this process")
                .repeated(
                        "--symbols",
                        "FILE",
                        v -> symbols = v,
                        "symbols and types for a kernel that has none of its own: Volatility's ISF",
                        "(.json, .json.xz) or a System.map; may be repeated")
                .help();
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
