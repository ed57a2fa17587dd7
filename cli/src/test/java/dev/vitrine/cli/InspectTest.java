// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** {@code vitrine inspect} without a Linux guest. */
@Timeout(120)
class InspectTest {
    @TempDir Path folder;

    @Test
    void mistakesAreExplained() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "x".repeat(5000));
        String f = file.toString();
        Cli.run("inspect").isBadInput("TARGET", "missing");
        Cli.run("inspect", f).isBadInput("ACTION", "missing");
        Cli.run("inspect", f, "look").isBadInput("'look' is not an action", "ps, modules");
        Cli.run("inspect", f, "ps", "1").isBadInput("Usage: vitrine inspect TARGET ps;");
        Cli.run("inspect", f, "maps").isBadInput("Usage: vitrine inspect TARGET maps PID;");
        Cli.run("inspect", f, "maps", "x").isBadInput("PID", "'x'");
        Cli.run("inspect", f, "maps", "1", "--pid", "2").isBadInput("--pid is for the action read");
        Cli.run("inspect", f, "ps", "--format", "xml").isBadInput("--format", "text or json");
        Cli.run("inspect", f, "read", "0", "-1").isBadInput("'-1'");
        Cli.run("inspect", f, "read", "0", "2000000000").isBadInput("LEN '2000000000'", "1 GiB");
        Cli.run("inspect", f, "ps", "--symbols", "/no/such").isBadInput("/no/such");
        Cli.run("inspect", f, "ps").isBadInput("is not a memory image", "no 64-bit ELF file");
        Cli.run("inspect", folder.toString(), "ps").isBadInput("is a folder");
        Cli.run("inspect", folder + "/nothing", "ps").isBadInput("There is no file");
    }

    /** A process may call itself what it likes. */
    @Test
    void namesDoNothingToATerminal() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (InspectOutput out = new InspectOutput(bytes, false)) {
            out.row("a\u001b[2Jb\nc\u009bd\te\u00e9");
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo("a\\033[2Jb\\012c\\233d\te\u00e9\n");
        bytes.reset();
        try (InspectOutput out = new InspectOutput(bytes, true)) {
            out.row("", "name", "a\u001b\n\"b", "list", List.of("x", "y"), "n", 7L, "b", true);
            out.row("", "n", 1);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8))
                .isEqualTo(
                        "{\"name\":\"a\\u001B\\n\\\"b\",\"list\":[\"x\",\"y\"],\"n\":7,\"b\":true}\n"
                                + "{\"n\":1}\n");
    }

    @Test
    void helpNamesEveryAction() {
        Cli.Result r = Cli.run("inspect", "--help");
        assertThat(r.status()).isZero();
        assertThat(r.out())
                .contains(
                        "ps ", "modules ", "maps PID", "files PID", "sockets ", "symbols [PATTERN]")
                .contains("read ADDR LEN", "dump PID DIR", "core FILE");
    }

    /** A guest that is no Linux has memory and registers all the same. */
    @Test
    void anyGuestHasMemory() throws Exception {
        Path kernel = Guests.kernel(folder, Guests.ECHO);
        Path socket = folder.resolve("control");
        Path core = folder.resolve("core");
        try (RunningGuest g = RunningGuest.controlled(kernel, socket)) {
            g.await("hello");
            String s = socket.toString();
            String code =
                    "0000000000100000  bc 00 00 09 00 b8 22 00  00 00                    |......\"...|\n";
            assertThat(Cli.run("inspect", s, "read", "p:0x100000", "10").out()).isEqualTo(code);
            assertThat(Cli.run("inspect", s, "read", "p:1048576", "2", "--format", "json").out())
                    .isEqualTo("{\"address\":\"0x100000\",\"bytes\":\"bc00\"}\n");
            Cli.run("inspect", s, "read", "p:0x7000000000", "4")
                    .isBadInput("no memory at 0x7000000000");
            Cli.run("inspect", s, "read", "nothing", "4").isBadInput("No Linux kernel was found");
            Cli.run("inspect", s, "read", "p:nothing", "4").isBadInput("is no address");
            Cli.run("inspect", s, "read", "0x10000x", "4").isBadInput("is no address");
            Cli.run("inspect", s, "ps")
                    .isBadInput("No Linux kernel was found in guest", "64-bit mode");
            Cli.Result written = Cli.run("inspect", s, "core", core.toString());
            assertThat(written.err()).isEmpty();
            assertThat(written.out()).contains("16 MiB of memory, 1 vCPU");
            assertThat(Cli.run("inspect", core.toString(), "read", "p:0x100000", "10").out())
                    .isEqualTo(code);
            // A second guest does not take the first one's socket.
            Cli.run("run", "--kernel", kernel.toString(), "--memory", "16M", "--control", s)
                    .isBadInput("in use");
            assertThat(g.finish("\u0004")).isZero();
        }
        assertThat(socket).doesNotExist();
        Cli.run("inspect", socket.toString(), "ps").isBadInput("There is no file");
    }

    @Test
    void aControlSocketThatCannotBeMadeIsSaid() {
        Path kernel = Guests.kernel(folder, Guests.POWEROFF);
        String[] args = {"run", "--kernel", kernel.toString(), "--memory", "16M", "--control", ""};
        for (String bad :
                new String[] {
                    "/no/such/folder/socket",
                    kernel.toString(),
                    folder.toString(),
                    folder.resolve("x".repeat(120)).toString()
                }) {
            args[args.length - 1] = bad;
            Cli.run(args).isBadInput("control socket", bad);
        }
    }
}
