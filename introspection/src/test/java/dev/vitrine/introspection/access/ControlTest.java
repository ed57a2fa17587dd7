// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.Hypervisor;
import dev.vitrine.introspection.ControlServer;
import dev.vitrine.introspection.FakeMemory;
import dev.vitrine.introspection.Fakes;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;

@Timeout(60)
class ControlTest {
    /** Counts at 0x800 for ever. */
    private static final byte[] COUNT = {
        (byte) 0xFA, (byte) 0xFF, 0x05, 0x00, 0x08, 0x00, 0x00, (byte) 0xEB, (byte) 0xF8
    };

    private final Hypervisor hypervisor = Hypervisor.create(1);
    private final Domain domain = hypervisor.createDomain(DomainConfig.of("counter", 4 << 20, 1));

    @TempDir Path folder;

    @AfterEach
    void close() {
        hypervisor.close();
    }

    private ControlServer serve() {
        domain.addRam(0, 512);
        domain.physical().write(0x1000, COUNT);
        domain.startPvh(0x1000, 0);
        domain.unpause();
        return ControlServer.open(domain, folder.resolve("control"));
    }

    @Test
    void aClientSeesMemoryAndRegisters() throws IOException {
        try (ControlServer s = serve();
                Target t = Target.open(s.path())) {
            assertThat(Files.getPosixFilePermissions(s.path()))
                    .isEqualTo(PosixFilePermissions.fromString("rw-------"));
            assertThat(t.name()).isEqualTo("counter");
            assertThat(t.vcpus()).isEqualTo(1);
            assertThat(t.memory().ranges()).containsExactly(new PhysicalRange(0, 512 * 4096));
            assertThat(t.registers(0).rip()).isBetween(0x1000L, 0x1009L);
            byte[] b = new byte[COUNT.length];
            assertThat(t.memory().read(0x1000, b, 0, b.length)).isTrue();
            assertThat(b).isEqualTo(COUNT);
            assertThat(t.memory().read(512 * 4096 - 4, b, 0, 8)).isFalse();
            byte[] all = new byte[512 * 4096];
            assertThat(t.memory().read(0, all, 0, all.length)).isTrue();
            assertThat(t.memory().write(0x9FFE, new byte[] {1, 2, 3}, 0, 3)).isTrue();
            assertThat(domain.physical().getByte(0xA000)).isEqualTo(3);
            assertThat(t.memory().write(512 * 4096 - 1, new byte[] {1, 2}, 0, 2)).isFalse();
        }
        assertThat(folder).isEmptyDirectory();
    }

    @Test
    void aHoldHoldsUntilItsClientGoes() {
        try (ControlServer s = serve()) {
            Target t = Target.open(s.path());
            try (Hold outer = t.hold()) {
                int count = domain.physical().getInt(0x800);
                try (Hold inner = t.hold()) {
                    assertThat(domain.isPaused()).isTrue();
                }
                for (int i = 0; i < 1000; i++) {
                    assertThat(domain.physical().getInt(0x800)).isEqualTo(count);
                }
                assertThat(domain.isPaused()).isTrue();
            }
            assertThat(domain.isPaused()).isFalse();
            Hold forgotten = t.hold();
            assertThat(domain.isPaused()).isTrue();
            t.close();
            while (domain.isPaused()) {
                Thread.onSpinWait();
            }
            forgotten.close();
        }
    }

    @Test
    void aSocketInUseAndAFileAreNotReplaced() throws IOException {
        try (ControlServer s = serve()) {
            assertThatThrownBy(() -> ControlServer.open(domain, s.path()))
                    .isInstanceOf(IntrospectionException.class)
                    .hasMessageContaining("in use");
            Path file = Files.writeString(folder.resolve("file"), "precious");
            assertThatThrownBy(() -> ControlServer.open(domain, file))
                    .isInstanceOf(IntrospectionException.class);
            assertThat(file).hasContent("precious");
        }
    }

    @Test
    void aSocketThatIsLeftOverIsReplaced() throws IOException {
        Path path = folder.resolve("control");
        java.nio.channels.ServerSocketChannel.open(java.net.StandardProtocolFamily.UNIX)
                .bind(java.net.UnixDomainSocketAddress.of(path))
                .close();
        assertThat(path).exists();
        assertThatThrownBy(() -> Target.open(path))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining("cannot be reached");
        try (ControlServer s = serve();
                Target t = Target.open(path)) {
            assertThat(t.vcpus()).isEqualTo(1);
        }
    }

    // ------------------------------------------------------------------------ requests

    static FakeMemory memory() {
        return new FakeMemory().put(0x1000, "0123456789".getBytes(StandardCharsets.US_ASCII));
    }

    /** What a server answers to these bytes, without the greeting. */
    static String answer(FakeMemory memory, byte[] request) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Target t = Target.of(memory, List.of(Fakes.registers(0x1000, 4, 1, 2)));
        new ControlConnection(new ByteArrayInputStream(request), out, t).run();
        String text = out.toString(StandardCharsets.ISO_8859_1);
        assertThat(text).startsWith("vitrine control 1\n");
        return text.substring(text.indexOf('\n') + 1);
    }

    private static String answer(String request) {
        return answer(memory(), request.getBytes(StandardCharsets.ISO_8859_1));
    }

    @Test
    void requestsAreAnswered() {
        assertThat(answer("info\n")).isEqualTo("ok 21\ndomain image\nvcpus 1\n");
        assertThat(answer("ranges\n")).isEqualTo("ok 10\n1000 1000\n");
        assertThat(answer("read 0x1000 4\n")).isEqualTo("ok 4\n0123");
        assertThat(answer("read 4098 0x2\nread 0x1000 0\n")).isEqualTo("ok 2\n23ok 0\n");
        assertThat(answer("write 0x1001 3\nabcread 0x1000 5\n")).isEqualTo("ok 0\nok 5\n0abc4");
        assertThat(answer("registers 0\n"))
                .startsWith("ok ")
                .contains("\nr15 ffff", "\ncr3 1000\n");
        assertThat(answer("pause\npause\nresume\nresume\n")).isEqualTo("ok 0\n".repeat(4));
    }

    @Test
    void badRequestsAreAnswered() {
        for (String bad :
                List.of(
                        "\n",
                        "nonsense\n",
                        "read\n",
                        "read 1\n",
                        "read 0x1000 x\n",
                        "read 0x 1\n",
                        "read 0x1000 -1\n",
                        "read 0x1000 1048577\n",
                        "read 0x1000 99999999999999999999\n",
                        "read 0xffffffffffffffff 8\n",
                        "read 0x0 8\n",
                        "registers\n",
                        "registers 1\n",
                        "registers -1\n",
                        "resume\n")) {
            String a = answer(bad + "read 0x1000 1\n");
            assertThat(a).as(bad).startsWith("error ").endsWith("\nok 1\n0".substring(1));
        }
        // Nobody knows where the next request would begin.
        assertThat(answer("write 0x1000 9999999\nread 0x1000 1\n")).doesNotContain("ok");
        assertThat(answer("write 0x1000 5\nab")).isEmpty();
        assertThat(answer("x".repeat(300) + "\nread 0x1000 1\n")).isEmpty();
        assertThat(answer("pause\n".repeat(100))).contains("paused too often");
    }
}
