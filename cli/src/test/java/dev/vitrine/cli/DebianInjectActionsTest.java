// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** The least of injection, for each build: all actions, by the command line. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class DebianInjectActionsTest {
    @TempDir Path folder;

    private static String done(Cli.Result r) {
        assertThat(r.status()).as(r.err()).isZero();
        return r.out();
    }

    @Test
    void allActions() throws Exception {
        try (InjectedGuest g = InjectedGuest.start(folder, "debian")) {
            String at = g.socket();
            byte[] data = new byte[70_000];
            for (int i = 0; i < data.length; i++) {
                data[i] = (byte) (i * 7 ^ i >> 8);
            }
            Path local = Files.write(folder.resolve("local"), data);
            done(Cli.run("inject", at, "write", "/tmp/data", local.toString()));
            Path back = folder.resolve("back");
            done(Cli.run("inject", at, "read", "/tmp/data", back.toString()));
            assertThat(Files.mismatch(local, back)).isEqualTo(-1);
            String size = "exit $(($(wc -c </tmp/data) / 1000))";
            Cli.Result r = Cli.run("inject", "--wait", at, "exec", "/bin/sh", "-c", size);
            assertThat(r.status()).as(r.err()).isEqualTo(70);
            assertThat(done(Cli.run("inject", at, "call", "strlen", "text:hello")))
                    .isEqualTo("0x0000000000000005 5\n");

            int sleeper = g.background("exec sleep 1000");
            for (String signal : new String[] {"CONT", "STOP"}) {
                assertThat(g.shell("kill -" + signal + " " + sleeper)).isZero();
                r = Cli.run("inject", "--pid", "" + sleeper, at, "read", "/proc/self/status");
                assertThat(done(r)).contains("\nPid:\t" + sleeper + "\n");
            }
            assertThat(g.text("/proc/" + sleeper + "/status", 0)).contains("State:\tT");
            Cli.run("inject", at, "read", "/no/such").isBadInput("/no/such: ENOENT");
            g.makeBusy();
            g.isHealthy();
        }
    }
}
