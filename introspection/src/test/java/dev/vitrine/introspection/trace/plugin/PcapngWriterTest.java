// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.introspection.IntrospectionException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class PcapngWriterTest {
    private static final int PACKET = 6;

    @TempDir Path temporary;

    /** Types of the blocks of a file, which has nothing else. */
    private static List<Integer> blocks(Path file) throws IOException {
        ByteBuffer b = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
        List<Integer> types = new ArrayList<>();
        for (int at = 0; at < b.limit(); at += b.getInt(at + 4)) {
            types.add(b.getInt(at));
            assertThat(b.getInt(at + b.getInt(at + 4) - 4)).isEqualTo(b.getInt(at + 4));
        }
        return types;
    }

    private static void packet(PcapngWriter w, int device, int size) {
        w.packet(device, 1, true, new byte[size], size, null);
    }

    @Test
    void theFileIsNoLargerThanAllowed() throws IOException {
        Path whole = temporary.resolve("whole");
        PcapngWriter w = new PcapngWriter(whole, 1 << 20);
        int device = w.device(1, "eth0", new byte[6]);
        packet(w, device, 1000);
        packet(w, device, 500);
        assertThat(w.end()).isNull();
        assertThat(blocks(whole)).endsWith(PACKET, PACKET);

        Path exact = temporary.resolve("exact");
        w = new PcapngWriter(exact, Files.size(whole));
        device = w.device(1, "eth0", new byte[6]);
        packet(w, device, 1000);
        packet(w, device, 500);
        assertThat(w.end()).isNull();
        assertThat(exact).hasSameBinaryContentAs(whole);

        Path less = temporary.resolve("less");
        long limit = Files.size(whole) - 1;
        w = new PcapngWriter(less, limit);
        device = w.device(1, "eth0", new byte[6]);
        packet(w, device, 1000);
        packet(w, device, 500);
        // It would have room, but the one before was left out.
        packet(w, device, 1);
        assertThat(w.end()).contains(less.toString(), "last 2 packets", limit + " bytes");
        assertThat(blocks(less)).hasSize(3).endsWith(PACKET);
    }

    /** A device's block that has no room leaves no packets that name it. */
    @Test
    void packetsOfUnknownDevicesAreLeftOut() throws IOException {
        Path file = temporary.resolve("file");
        PcapngWriter w = new PcapngWriter(file, 1 << 20);
        w.end();
        long section = Files.size(file);
        w = new PcapngWriter(file, section + 55);
        packet(w, w.device(1, "a-name-too-long", new byte[6]), 1);
        assertThat(w.end()).contains("1 packets");
        assertThat(file).hasSize(section);
        assertThat(blocks(file)).hasSize(1);
    }

    @Test
    void whatCannotBeWrittenIsSaid() {
        assertThatThrownBy(() -> new PcapngWriter(temporary, 1 << 20))
                .isInstanceOf(IntrospectionException.class)
                .hasMessageContaining(temporary.toString());
    }
}
