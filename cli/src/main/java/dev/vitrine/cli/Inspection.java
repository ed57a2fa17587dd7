// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.InspectOutput.address;

import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.KernelModule;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.LinuxProcess;
import dev.vitrine.introspection.linux.LinuxSocket;
import dev.vitrine.introspection.linux.Mapping;
import dev.vitrine.introspection.linux.OpenFile;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Does what {@code vitrine inspect} is asked for. */
final class Inspection {
    /** How many arguments each action takes: the least, the most, and what they are. */
    private record Shape(int least, int most, String arguments) {}

    private static final Map<String, Shape> ACTIONS =
            Map.of(
                    "ps", new Shape(0, 0, ""),
                    "modules", new Shape(0, 0, ""),
                    "maps", new Shape(1, 1, "PID"),
                    "files", new Shape(1, 1, "PID"),
                    "sockets", new Shape(0, 0, ""),
                    "symbols", new Shape(0, 1, "[PATTERN]"),
                    "read", new Shape(2, 2, "ADDR LEN"),
                    "dump", new Shape(2, 2, "PID DIR"),
                    "core", new Shape(1, 1, "FILE"));

    private static final String NAMES =
            "ps, modules, maps, files, sockets, symbols, read, dump and core";

    /**
     * An action with its arguments.
     *
     * @param pid the value of --pid, 0 if it is not given
     */
    record Request(String action, List<String> arguments, int pid) {
        /**
         * Checks an action before anything is opened.
         *
         * @throws BadInputException there is no such action, or its arguments make no sense
         */
        static Request of(String action, List<String> arguments, @Nullable String pid) {
            Shape s = ACTIONS.get(action);
            if (s == null) {
                throw new BadInputException(
                        Sizes.shown(action)
                                + " is not an action of vitrine inspect: they are "
                                + NAMES
                                + ".");
            }
            if (arguments.size() < s.least || arguments.size() > s.most) {
                throw new BadInputException(
                        "Usage: vitrine inspect TARGET "
                                + (action + " " + s.arguments).strip()
                                + "; vitrine inspect --help tells more.");
            }
            if (pid != null && !action.equals("read")) {
                throw new BadInputException("--pid is for the action read.");
            }
            Request r = new Request(action, arguments, pid == null ? 0 : number("--pid", pid));
            if (s.arguments.startsWith("PID")) {
                number("PID", arguments.getFirst());
            }
            if (action.equals("read")) {
                AddressText.length(arguments.get(1));
            }
            return r;
        }

        int process() {
            return number("PID", arguments.getFirst());
        }
    }

    private static int number(String what, String text) {
        return Sizes.number(what, text, 1, 1 << 22);
    }

    private final Target target;
    private final List<SymbolFile> files;
    private final InspectOutput out;
    private long damaged;
    private @Nullable IntrospectionException firstDamage;

    Inspection(Target target, List<SymbolFile> files, InspectOutput out) {
        this.target = target;
        this.files = files;
        this.out = out;
    }

    /**
     * @throws IntrospectionException there is nothing to be shown, or not all of it was shown
     */
    void run(Request r) throws IOException {
        try {
            show(r);
        } catch (IntrospectionException e) {
            throw firstDamage == null
                    ? e
                    : new IntrospectionException(e.getMessage() + " " + damage(firstDamage), e);
        }
        if (firstDamage != null) {
            throw new IntrospectionException(damage(firstDamage), firstDamage);
        }
    }

    private String damage(IntrospectionException first) {
        return "Of what the guest has "
                + damaged
                + (damaged == 1 ? " part is" : " parts are")
                + " missing here. "
                + first.getMessage();
    }

    private void show(Request r) throws IOException {
        switch (r.action) {
            case "ps" -> processes();
            case "modules" -> modules();
            case "maps" -> maps(r.process());
            case "files" -> files(r.process());
            case "sockets" -> sockets();
            case "symbols" -> symbols(r.arguments.isEmpty() ? "*" : r.arguments.getFirst());
            case "read" -> new MemoryReader(target, files, out).run(r.arguments, r.pid);
            case "dump" ->
                    new ProcessDump(kernel(), r.process(), out)
                            .run(PathNames.path("DIR", r.arguments.get(1)));
            case "core" -> core(r.arguments.getFirst());
            default -> throw new IllegalStateException(r.action);
        }
    }

    private LinuxKernel kernel() {
        return LinuxKernel.attach(target, files);
    }

    /** A list, of which what the guest has damaged is told at the end. */
    private <T> List<T> list(Function<LinuxKernel, List<T>> reader) {
        LinuxKernel k = kernel();
        return k.despiteDamage(this::damaged, () -> reader.apply(k));
    }

    private void damaged(IntrospectionException e) {
        damaged++;
        firstDamage = firstDamage == null ? e : firstDamage;
    }

    private void processes() throws IOException {
        List<LinuxProcess> list = list(LinuxKernel::processes);
        out.header("    PID    PPID  EUID COMMAND");
        for (LinuxProcess p : list) {
            out.row(
                    String.format("%7d %7d %5d %s", p.pid(), p.ppid(), p.uid(), p.name()),
                    "pid",
                    p.pid(),
                    "ppid",
                    p.ppid(),
                    "euid",
                    p.uid(),
                    "name",
                    p.name(),
                    "comm",
                    p.comm(),
                    "state",
                    String.valueOf(p.state()),
                    "threads",
                    p.threads(),
                    "arguments",
                    p.arguments(),
                    "directory",
                    address(p.directory()),
                    "ns_pids",
                    p.numbers(),
                    "pid_ns",
                    p.pidNamespace(),
                    "mnt_ns",
                    p.mountNamespace(),
                    "net_ns",
                    p.networkNamespace(),
                    "task",
                    address(p.task()));
        }
    }

    private void modules() throws IOException {
        List<KernelModule> list = list(LinuxKernel::modules);
        out.header("Module                  Size  Used by");
        for (KernelModule m : list) {
            out.row(
                    String.format(
                                    "%-19s %8d  %d %s",
                                    m.name(), m.size(), m.uses(), String.join(",", m.usedBy()))
                            .stripTrailing(),
                    "name",
                    m.name(),
                    "size",
                    m.size(),
                    "uses",
                    m.uses(),
                    "used_by",
                    m.usedBy(),
                    "state",
                    m.state(),
                    "base",
                    address(m.base()),
                    "module",
                    address(m.address()));
        }
    }

    private void maps(int pid) throws IOException {
        for (Mapping m : list(k -> k.maps(pid))) {
            out.row(
                    m.toString(),
                    "start",
                    address(m.start()),
                    "end",
                    address(m.end()),
                    "rights",
                    m.rights(),
                    "offset",
                    m.offset(),
                    "device",
                    (m.device() >>> 20) + ":" + (m.device() & 0xFFFFF),
                    "inode",
                    m.inode(),
                    "name",
                    m.name());
        }
    }

    private void files(int pid) throws IOException {
        for (OpenFile f : list(k -> k.files(pid))) {
            out.row(
                    f.mode() + " " + f.descriptor() + " -> " + f.name(),
                    "descriptor",
                    f.descriptor(),
                    "mode",
                    f.mode(),
                    "flags",
                    f.flags(),
                    "position",
                    f.position(),
                    "name",
                    f.name(),
                    "file",
                    address(f.file()));
        }
    }

    private void sockets() throws IOException {
        String row = "%-8s %-27s %-27s %-20s %5s %8s %10s";
        List<LinuxSocket> list = list(LinuxKernel::sockets);
        out.header(
                row.formatted(
                        "Proto",
                        "Local Address",
                        "Foreign Address",
                        "State",
                        "UID",
                        "Inode",
                        "NetNS"));
        for (LinuxSocket s : list) {
            out.row(
                    row.formatted(
                            s.protocol(),
                            s.local(),
                            s.remote(),
                            s.state(),
                            s.uid(),
                            s.inode(),
                            s.namespace()),
                    "protocol",
                    s.protocol(),
                    "local",
                    s.local(),
                    "remote",
                    s.remote(),
                    "state",
                    s.state(),
                    "uid",
                    s.uid(),
                    "inode",
                    s.inode(),
                    "net_ns",
                    s.namespace(),
                    "sock",
                    address(s.address()));
        }
    }

    private void symbols(String pattern) throws IOException {
        Pattern wanted = glob(pattern);
        boolean found = false;
        for (Symbol s : list(LinuxKernel::symbols)) {
            if (wanted.matcher(s.name()).matches()) {
                found = true;
                out.row(
                        s.toString(),
                        "address",
                        address(s.address()),
                        "type",
                        String.valueOf(s.type()),
                        "name",
                        s.name(),
                        "module",
                        s.module());
            }
        }
        if (!found) {
            throw new BadInputException(
                    "The guest's kernel has no symbol " + Sizes.shown(pattern) + ".");
        }
    }

    private static Pattern glob(String pattern) {
        StringBuilder s = new StringBuilder();
        for (char c : pattern.toCharArray()) {
            s.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
        }
        return Pattern.compile(s.toString(), Pattern.DOTALL);
    }

    private void core(String file) {
        try (Hold held = target.hold()) {
            Core.KernelNotes notes = Core.KernelNotes.NONE;
            try {
                notes = kernel().coreNotes();
            } catch (IntrospectionException e) {
                // Whatever runs there, its memory and registers can be written.
            }
            long bytes = Core.write(target, PathNames.path("FILE", file), notes);
            out.row(
                    String.format(
                            Locale.ROOT,
                            "%s: %d MiB of memory, %d vCPU%s",
                            file,
                            bytes >> 20,
                            target.vcpus(),
                            target.vcpus() == 1 ? "" : "s"),
                    "file",
                    file,
                    "memory",
                    bytes,
                    "vcpus",
                    target.vcpus(),
                    "vmcoreinfo",
                    notes.vmcoreinfo().length > 0);
        } catch (IOException e) {
            throw new BadInputException(
                    "The memory image " + file + " cannot be written: " + e.getMessage() + ".", e);
        }
    }
}
