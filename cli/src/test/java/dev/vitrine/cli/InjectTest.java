// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code vitrine inject} without a Linux guest. */
@Timeout(120)
class InjectTest {
    @TempDir Path folder;

    @Test
    void mistakesAreExplained() throws IOException {
        String f = Files.writeString(folder.resolve("file"), "x".repeat(5000)).toString();
        Cli.run("inject").isBadInput("TARGET", "missing");
        Cli.run("inject", f).isBadInput("ACTION", "missing");
        Cli.run("inject", f, "look")
                .isBadInput("'look' is not an action", "exec, read, write and call");
        Cli.run("inject", f, "call").isBadInput("call FUNCTION ARG...;");
        Cli.run("inject", f, "call", "f", "0xg").isBadInput("'0xg' is no address");
        Cli.run("inject", f, "call", "f", "p:1").isBadInput("is physical");
        Cli.run("inject", f, "call", "f", "1", "2", "3", "4", "5", "6", "7")
                .isBadInput("at most 6 arguments");
        Cli.run("inject", f, "exec").isBadInput("Usage: vitrine inject TARGET exec PATH ARGS...;");
        Cli.run("inject", f, "read").isBadInput("Usage: vitrine inject TARGET read PATH [LOCAL];");
        Cli.run("inject", f, "read", "/a", "b", "c").isBadInput("Usage:");
        Cli.run("inject", f, "write", "/a").isBadInput("write PATH LOCAL;");
        Cli.run("inject", f, "write", "/a", folder + "/none").isBadInput("/none does not exist");
        Cli.run("inject", f, "write", "/a", folder.toString()).isBadInput("is a folder");
        Cli.run("inject", f, "exec", "--wait", "/bin/true").isBadInput("'--wait'", "before TARGET");
        Cli.run("inject", "--wait", f, "read", "/a").isBadInput("--wait is for the action exec");
        Cli.run("inject", "--pid", "0", f, "read", "/a").isBadInput("--pid", "'0'");
        Cli.run("inject", "--timeout", "x", f, "read", "/a").isBadInput("--timeout", "'x'");
        Cli.run("inject", "--timeout", "2h", f, "read", "/a").isBadInput("--timeout", "an hour");
        Cli.run("inject", f, "exec", "/bin/true").isBadInput("is not a memory image");
        Cli.run("inject", folder + "/none", "exec", "/bin/true").isBadInput("There is no file");
    }

    /** A guest without Linux cannot be injected into, nor can its image. */
    @Test
    void aGuestWithoutLinuxAndAnImage() throws Exception {
        Path kernel = Guests.kernel(folder, Guests.ECHO);
        Path socket = folder.resolve("control");
        Path core = folder.resolve("core");
        try (RunningGuest g = RunningGuest.controlled(kernel, socket)) {
            g.await("hello");
            String s = socket.toString();
            Cli.run("inject", s, "exec", "/bin/true").isBadInput("No Linux kernel was found");
            Cli.run("inject", s, "exec", "true").isBadInput("'true' is no path in the guest");
            Cli.run("inject", s, "read", "/" + "x".repeat(4096)).isBadInput("4095 bytes");
            assertThat(Cli.run("inspect", s, "core", core.toString()).status()).isZero();
            Cli.run("inject", core.toString(), "exec", "/bin/true")
                    .isBadInput("is a memory image", "control socket");
            assertThat(g.finish("\u0004")).isZero();
        }
    }
}
