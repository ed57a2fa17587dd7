// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.inject.CallArgument;
import dev.vitrine.introspection.inject.Injector;
import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.PathNames;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** {@code vitrine inject}: programs and files of a running guest. */
final class InjectCommand implements Callable<Integer>, Described {
    private static final int MAX_SECONDS = 3600;

    /** How an argument begins of which the function gets the address. */
    private static final String TEXT = "text:";

    private final Streams streams;

    private String target = "";
    private String action = "";
    private List<String> arguments = new ArrayList<>();
    private @Nullable String pid;
    private boolean wait;
    private String timeout = "30s";

    InjectCommand(Streams streams) {
        this.streams = streams;
    }

    @Override
    public Options options() {
        return new Options("vitrine inject", "vitrine inject [OPTION...] TARGET ACTION ARGUMENT...")
                .header(
                        "Starts a program in a running Linux guest, reads or writes a file of it, or calls a function of",
                        "its kernel, without an agent.",
                        "")
                .footer(
                        "",
                        "actions:",
                        "  exec PATH ARGS...   starts a program as root, without terminal",
                        "  read PATH [LOCAL]   reads a file of the guest, to standard output or a file",
                        "  write PATH LOCAL    writes a file of the guest",
                        "  call FUNCTION ARG...  calls a function of the kernel and prints what it returns;",
                        "                      ARG is a number (-1, 0x...), a symbol, a symbol+offset, or text:...",
                        "",
                        "Options go before TARGET: what is behind ACTION is for the program. A thread of the guest",
                        "does it when it has made a system call, or a worker of the kernel, and goes on as before.",
                        "",
                        "exit status:",
                        "  0    it is done; with --wait: the status of the program, 128 + N if signal N ended it",
                        "  2    usage or bad input, or the guest's kernel could not do it or not in time;",
                        "       a function has been called and has returned with status 0, whatever it returns",
                        "",
                        "examples:",
                        "  vitrine run debian --control /tmp/guest",
                        "  vitrine inject /tmp/guest write /tmp/tool ./tool",
                        "  vitrine inject --wait /tmp/guest exec /bin/sh -c 'chmod +x /tmp/tool && /tmp/tool >/tmp/log'",
                        "  vitrine inject /tmp/guest read /tmp/log",
                        "  vitrine inject --pid 1 /tmp/guest call msleep 100")
                .argument(
                        "TARGET",
                        v -> target = v,
                        "the control socket of a running guest (vitrine run --control)")
                .argument("ACTION", v -> action = v, "exec, read, write or call")
                .arguments("ARGUMENT", v -> arguments = v, "what the action needs")
                .text(
                        "--pid",
                        "PID",
                        v -> pid = v,
                        "takes a thread of this process, which is woken if need be; read and write then have",
                        "its rights and its root folder (default: any thread of root's, with the kernel's",
                        "root folder)")
                .flag("--wait", () -> wait = true, "with exec: waits for the end of the program")
                .text(
                        "--timeout",
                        "TIME",
                        v -> timeout = v,
                        "gives up after it, such as 90, 90s, 500ms or 5m (default: 30s)")
                .help();
    }

    @Override
    public Integer call() throws IOException {
        String usage =
                switch (action) {
                    case "exec" -> arguments.isEmpty() ? "exec PATH ARGS..." : "";
                    case "read" ->
                            arguments.isEmpty() || arguments.size() > 2 ? "read PATH [LOCAL]" : "";
                    case "write" -> arguments.size() != 2 ? "write PATH LOCAL" : "";
                    case "call" -> arguments.isEmpty() ? "call FUNCTION ARG..." : "";
                    default ->
                            throw new BadInputException(
                                    Sizes.shown(action)
                                            + " is not an action of vitrine inject: they are exec,"
                                            + " read, write and call.");
                };
        if (!usage.isEmpty()) {
            throw new BadInputException(
                    "Usage: vitrine inject TARGET "
                            + usage
                            + "; vitrine inject --help tells more.");
        }
        String path = arguments.getFirst();
        if (path.startsWith("-")) {
            throw new BadInputException(
                    Sizes.shown(path)
                            + (action.equals("call")
                                    ? " is no function"
                                    : " is no path in the guest")
                            + "; options of vitrine inject go before"
                            + " TARGET.");
        }
        if (wait && !action.equals("exec")) {
            throw new BadInputException("--wait is for the action exec.");
        }
        Duration limit = Sizes.time("--timeout", timeout);
        if (limit.toSeconds() > MAX_SECONDS) {
            throw new BadInputException("--timeout of vitrine inject is an hour at most.");
        }
        int process = pid == null ? 0 : Sizes.number("--pid", pid, 1, 1 << 22);
        boolean file = action.equals("read") || action.equals("write");
        Path local = arguments.size() == 2 && file ? local() : null;
        List<CallArgument> values = action.equals("call") ? values() : List.of();
        try (Injector injector = Injector.open(PathNames.path("TARGET", target))) {
            return switch (action) {
                case "exec" -> status(injector.exec(arguments, wait, process, limit));
                case "read" -> {
                    if (local == null) {
                        read(injector, path, process, limit, streams.out());
                    } else {
                        readTo(injector, path, process, limit, local);
                    }
                    yield ExitStatus.OK;
                }
                case "call" -> {
                    print(injector.call(path, values, process, limit));
                    yield ExitStatus.OK;
                }
                default -> {
                    write(injector, path, process, limit, local == null ? local() : local);
                    yield ExitStatus.OK;
                }
            };
        }
    }

    private Path local() {
        Path local = PathNames.path("LOCAL", arguments.get(1));
        if (Files.isDirectory(local)) {
            throw new BadInputException(local + " is a folder; LOCAL is a file.");
        }
        if (action.equals("write") && !Files.isReadable(local)) {
            throw new BadInputException(
                    local
                            + (Files.exists(local)
                                    ? " cannot be read."
                                    : " does not exist; LOCAL is the file to write."));
        }
        return local;
    }

    private List<CallArgument> values() {
        if (arguments.size() > 1 + Injector.MAX_CALL_ARGUMENTS) {
            throw new BadInputException(
                    "A function of the kernel is called with at most "
                            + Injector.MAX_CALL_ARGUMENTS
                            + " arguments.");
        }
        List<CallArgument> list = new ArrayList<>();
        for (String a : arguments.subList(1, arguments.size())) {
            list.add(value(a));
        }
        return list;
    }

    private static CallArgument value(String a) {
        if (a.startsWith(TEXT)) {
            return new CallArgument.Text(a.substring(TEXT.length()));
        }
        if (a.matches("-[0-9]{1,18}")) {
            return new CallArgument.Value(Long.parseLong(a));
        }
        AddressText t = AddressText.of(a);
        if (t.physical()) {
            throw new BadInputException(
                    Sizes.shown(a)
                            + " is physical, and functions of the kernel take linear addresses.");
        }
        return t.symbol().isEmpty()
                ? new CallArgument.Value(t.value())
                : new CallArgument.Symbolic(t.symbol(), t.value());
    }

    private void print(long result) throws IOException {
        String line = String.format("0x%016x %d\n", result, result);
        streams.out().write(line.getBytes(StandardCharsets.US_ASCII));
    }

    /** Status of wait(2), as a shell has it. */
    private static int status(int waited) {
        int signal = waited & 0x7F;
        return signal != 0 ? 128 + signal : waited >>> 8 & 0xFF;
    }

    private static void read(
            Injector injector, String path, int process, Duration limit, OutputStream out)
            throws IOException {
        for (long done = 0; ; ) {
            byte[] part = injector.read(path, done, Injector.BLOCK, process, limit);
            out.write(part);
            done += part.length;
            if (part.length < Injector.BLOCK) {
                return;
            }
        }
    }

    /** What is at the place stays there until all has been read. */
    private static void readTo(
            Injector injector, String path, int process, Duration limit, Path local)
            throws IOException {
        Path part = local.resolveSibling(local.getFileName() + ".part");
        boolean made = false;
        try {
            try (OutputStream out = Files.newOutputStream(part)) {
                made = true;
                read(injector, path, process, limit, out);
            }
            Files.move(part, local, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new BadInputException(
                    "The file " + local + " cannot be written: " + e.getMessage() + ".", e);
        } finally {
            if (made) {
                Files.deleteIfExists(part);
            }
        }
    }

    private static void write(
            Injector injector, String path, int process, Duration limit, Path local)
            throws IOException {
        try (InputStream in = Files.newInputStream(local)) {
            long done = 0;
            byte[] part;
            do {
                try {
                    part = in.readNBytes(Injector.BLOCK);
                } catch (IOException e) {
                    throw new BadInputException(
                            "The file " + local + " cannot be read: " + e.getMessage() + ".", e);
                }
                if (part.length > 0 || done == 0) {
                    injector.write(path, done, part, process, limit);
                }
                done += part.length;
            } while (part.length == Injector.BLOCK);
        }
    }
}
