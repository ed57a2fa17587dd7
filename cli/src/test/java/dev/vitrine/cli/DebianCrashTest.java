// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.TracedEvents.fitTheSchema;
import static dev.vitrine.cli.TracedEvents.of;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.image.ImageStore;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Plugin {@code crashes} tells of a program that fails, and of a kernel that gives up. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DebianCrashTest {
    @TempDir Path folder;

    @Test
    void tellsWhatFailedAndWithWhichRegisters() throws IOException {
        try {
            ImageStore.ofUser().get("debian", line -> {});
        } catch (BadInputException e) {
            System.out.println("crashes are not traced: no image: " + e.getMessage());
            abort("no image: " + e.getMessage());
        }
        Path programs = Files.createDirectory(folder.resolve("programs"));
        GuestPrograms.write(programs);
        Path events = folder.resolve("events");
        Cli.Result r =
                Cli.runWithInput(
                        "/opt/test/crash; echo \"crash $?\"; echo c >/proc/sysrq-trigger\n",
                        "trace",
                        "debian",
                        "--copy",
                        programs + ":/opt/test",
                        "--plugins",
                        "crashes",
                        "--output",
                        events.toString(),
                        "--timeout",
                        "5m",
                        "--exec",
                        "sh");
        assertThat(r.out()).contains("crash 139", "Kernel panic", "sysrq triggered crash");
        List<String> all = Files.readAllLines(events);
        fitTheSchema(all);
        // mov eax,16 ; mov eax,[rax] at the program's beginning.
        assertThat(
                        of(
                                all,
                                "\"event\":\"crash\"",
                                "\"signal\":\"SIGSEGV\"",
                                "\"address\":\"0x10\"",
                                "\"rip\":\"0x400005\"",
                                "\"rax\":\"0x10\"",
                                "\"cs\":\"0x33\""))
                .as(String.join("\n", all))
                .hasSize(1);
        assertThat(of(all, "\"event\":\"kernel_crash\"", "\"panic\"", "sysrq triggered crash"))
                .as(String.join("\n", all))
                .hasSize(1);
        assertThat(all).hasSize(2);
    }
}
