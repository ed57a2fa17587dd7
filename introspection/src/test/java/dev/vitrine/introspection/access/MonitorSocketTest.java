// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import static dev.vitrine.hypervisor.guest.AssembledGuest.DATA;
import static dev.vitrine.processor.asm.Reg.*;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.hypervisor.guest.AssembledGuest;
import dev.vitrine.introspection.ControlServer;
import dev.vitrine.processor.asm.Asm.Cond;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;

import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** The monitor in the hands of another process. */
@Timeout(120)
class MonitorSocketTest {
    private static final int ROUNDS = 40;
    private static final int RESULT = DATA + 0x10000;

    @TempDir Path folder;

    /** Adds up what it finds on a page that is hidden from it, and executes INT3 now and then. */
    private static AssembledGuest guest() {
        AssembledGuest g =
                new AssembledGuest(a -> {
                    Label again = a.label();
                    a.mov(RBX, DATA).xor(EDX, EDX).mov(R8, ROUNDS).bind(again);
                    a.add(RDX, Mem.base(RBX).disp(16)).int3();
                    a.dec(R8).jcc(Cond.NZ, again);
                    a.mov(R15, RESULT).mov(Mem.base(R15), RDX);
                });
        g.handler(
                3,
                a -> a.push(R15).mov(R15, RESULT).inc(Mem.base(R15).disp(8).q()).pop(R15).iret(64));
        g.domain.physical().putLong(DATA + 16, 7);
        return g;
    }

    private ControlServer serve(AssembledGuest g) {
        return ControlServer.open(g.domain, folder.resolve("control"));
    }

    private Process client(ControlServer s, String mode) throws IOException {
        return new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xshare:auto",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        classes(),
                        MonitorClient.class.getName(),
                        s.path().toString(),
                        mode,
                        Integer.toString(DATA >>> 12))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
    }

    /** Where this class is, whatever the tests' own class path. */
    private static String classes() {
        return Path.of(
                        URI.create(
                                MonitorClient.class
                                        .getProtectionDomain()
                                        .getCodeSource()
                                        .getLocation()
                                        .toString()))
                .toString();
    }

    private static void end(AssembledGuest g) throws InterruptedException {
        assertThat(g.domain.await(Duration.ofSeconds(60)).reason()).isEqualTo(StopReason.POWEROFF);
    }

    @Test
    void anotherProcessServesAllEvents() throws Exception {
        assertEvents("serve");
    }

    /** What is wrong in the ring is not looked at; what is right behind it, is. */
    @Test
    void liesInTheRingHarmNobody() throws Exception {
        assertEvents("lie");
    }

    private void assertEvents(String mode) throws Exception {
        assertEvents(s -> client(s, mode));
    }

    /** Starts a tool. */
    private interface Tool {
        Process start(ControlServer s) throws IOException, InterruptedException;
    }

    private void assertEvents(Tool tool) throws Exception {
        try (AssembledGuest g = guest()) {
            Process p;
            try (ControlServer s = serve(g)) {
                p = tool.start(s);
                try (BufferedReader out = p.inputReader()) {
                    assertThat(out.readLine()).isEqualTo("ready");
                    g.domain.unpause();
                    end(g);
                    // The data that the tool supplies: 1000 and the offset in the page.
                    assertThat(g.read(RESULT)).isEqualTo(ROUNDS * 1016L);
                    assertThat(g.read(RESULT + 8)).as("INT3").isEqualTo(ROUNDS);
                    s.close();
                    assertThat(out.readLine()).isEqualTo("events " + 2 * ROUNDS);
                }
            }
            assertThat(p.waitFor()).isZero();
            until(() -> rings().isEmpty());
        }
    }

    /** Structures as a C compiler lays them out, and a ring that C maps. */
    @Test
    void aToolInCServesAllEvents(@TempDir Path build) throws Exception {
        Path source = build.resolve("monitor.c");
        try (InputStream in = MonitorSocketTest.class.getResourceAsStream("monitor.c")) {
            Files.copy(Objects.requireNonNull(in), source);
        }
        Path program = build.resolve("monitor");
        Process cc;
        try {
            cc =
                    new ProcessBuilder("cc", "-O1", "-o", program.toString(), source.toString())
                            .inheritIO()
                            .start();
        } catch (IOException e) {
            Assumptions.abort("there is no C compiler: " + e.getMessage());
            return;
        }
        assertThat(cc.waitFor()).isZero();
        assertEvents(s ->
                new ProcessBuilder(
                                program.toString(),
                                s.path().toString(),
                                Integer.toString(DATA >>> 12))
                        .redirectError(ProcessBuilder.Redirect.INHERIT)
                        .start());
    }

    /** A tool that dies leaves a domain that runs on as if there had been none. */
    @Test
    void aToolThatDiesHoldsNobody() throws Exception {
        try (AssembledGuest g = guest();
                ControlServer s = serve(g)) {
            Process p = client(s, "die");
            try (BufferedReader out = p.inputReader()) {
                assertThat(out.readLine()).isEqualTo("ready");
                assertThat(g.domain.vcpu(0).view()).isEqualTo(1);
                g.domain.unpause();
                assertThat(out.readLine()).isEqualTo("dies");
            }
            end(g);
            assertThat(g.read(RESULT)).isEqualTo(ROUNDS * 7L);
            assertThat(g.read(RESULT + 8)).as("INT3").isEqualTo(ROUNDS);
            until(() -> rings().isEmpty() && !g.domain.views().exists(1));
            assertThat(g.domain.vcpu(0).view()).isZero();
        }
    }

    /** The server learns from another thread that a tool has gone. */
    private static void until(Callable<Boolean> what) throws Exception {
        while (!what.call()) {
            Thread.sleep(1);
        }
    }

    private List<Path> rings() throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(f -> !f.endsWith("control")).toList();
        }
    }

    private static ByteBuffer altp2m(int command) {
        ByteBuffer op = ByteBuffer.allocate(80).order(ByteOrder.LITTLE_ENDIAN);
        return op.putInt(0, 1).putInt(4, command);
    }

    private static Path monitor(MonitorClient.Connection c) throws IOException {
        return Path.of(new String(c.ask("monitor", new byte[0]), StandardCharsets.UTF_8));
    }

    @Test
    void thereIsOneToolAtATime() throws Exception {
        try (AssembledGuest g = guest();
                ControlServer s = serve(g)) {
            MonitorClient.Connection control = MonitorClient.Connection.open(s.path());
            assertThatThrownBy(() -> control.call("altp2m", altp2m(1)))
                    .hasMessageContaining("no connection has the monitor");
            MonitorClient.Connection first = MonitorClient.Connection.open(s.path());
            Path ring = monitor(first);
            assertThat(Files.getPosixFilePermissions(ring))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
            MonitorClient.Connection second = MonitorClient.Connection.open(s.path());
            assertThatThrownBy(() -> monitor(second)).hasMessageContaining("another tool");
            assertThat(control.call("altp2m", altp2m(1)).get(16)).isZero();
            first.channel().close();
            until(() -> rings().isEmpty());
            MonitorClient.Connection third = MonitorClient.Connection.open(s.path());
            assertThat(monitor(third)).isNotEqualTo(ring);
        }
    }

    /** The ring's file is the tool's to spoil: then it loses the ring, and nobody waits. */
    @Test
    void aFileThatIsMadeShorterEndsTheRing() throws Exception {
        try (AssembledGuest g = guest();
                ControlServer s = serve(g)) {
            MonitorClient.Connection control = MonitorClient.Connection.open(s.path());
            MonitorClient.Connection bell = MonitorClient.Connection.open(s.path());
            Path ring = monitor(bell);
            control.altp2m(2, 1, 0, 0);
            control.altp2m(4, 0, 7, 0);
            control.altp2m(7, 1, 0, DATA >>> 12);
            control.altp2m(6, 1, 0, 0);
            try (RandomAccessFile f = new RandomAccessFile(ring.toFile(), "rw")) {
                f.setLength(100);
            }
            g.domain.unpause();
            end(g);
            assertThat(g.read(RESULT)).isEqualTo(ROUNDS * 7L);
            while (bell.in().read() >= 0) {
                // Bells, until the connection ends.
            }
        }
    }

    @Test
    void pagesAndRightsAreTheToolsUntilItGoes() throws Exception {
        try (AssembledGuest g = guest();
                ControlServer s = serve(g)) {
            MonitorClient.Connection control = MonitorClient.Connection.open(s.path());
            MonitorClient.Connection bell = MonitorClient.Connection.open(s.path());
            monitor(bell);
            long beyond = g.domain.physicalMap().maxGfn() + 5;
            assertThat(control.ask("populate " + beyond, new byte[0])).asString().isEqualTo("0");
            assertThat(control.ask("populate " + beyond, new byte[0])).asString().isEqualTo("-17");
            assertThat(control.ask("populate 5", new byte[0])).asString().isEqualTo("-17");
            assertThat(control.ask("depopulate 5", new byte[0])).asString().isEqualTo("-22");
            assertThat(g.domain.physicalMap().lookup(beyond)).isNotZero();
            // XENMEM_access_op: a list of two, then what has become of one of them.
            ByteBuffer multi = ByteBuffer.allocate(32 + 18).order(ByteOrder.LITTLE_ENDIAN);
            multi.put(0, (byte) 4).putInt(4, 2).putLong(32, 8).putLong(40, 9);
            multi.put(48, (byte) 1).put(49, (byte) 5);
            control.call("mem-access", multi);
            ByteBuffer get = ByteBuffer.allocate(32).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(control.call("mem-access", get.put(0, (byte) 1).putLong(8, 9)).get(1))
                    .isEqualTo((byte) 5);
            assertThatThrownBy(() -> control.call("mem-access", get.putLong(8, 1L << 40)))
                    .hasMessageContaining("-22");
            assertThatThrownBy(() -> control.call("mem-access", get.put(0, (byte) 9)))
                    .hasMessageContaining("-38");
            assertThat(control.ask("inject-event 9 3 6 0 0 1", new byte[0]))
                    .asString()
                    .isEqualTo("-22");
            assertThatThrownBy(() -> control.ask("inject-event 0 300 6 0 0 1", new byte[0]))
                    .hasMessageContaining("0 to 255");
            bell.channel().close();
            until(() -> g.domain.physicalMap().lookup(beyond) == 0);
        }
    }
}
