// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a pcapng file of one section (draft-ietf-opsawg-pcapng), and takes nothing that is not
 * exactly as the draft has it.
 *
 * @param devices interface description blocks
 * @param packets enhanced packet blocks
 */
record PcapngFile(List<Device> devices, List<Packet> packets) {
    record Device(int link, int snapLength, String name) {}

    /**
     * A packet.
     *
     * @param time ns
     * @param length that it had
     * @param direction 1 for inbound, 2 for outbound
     */
    record Packet(
            Device device,
            long time,
            byte[] content,
            int length,
            int direction,
            @Nullable String comment) {}

    static PcapngFile read(Path path) throws IOException {
        ByteBuffer all = ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
        PcapngFile file = new PcapngFile(new ArrayList<>(), new ArrayList<>());
        for (boolean first = true; all.hasRemaining(); first = false) {
            int start = all.position();
            int type = all.getInt();
            int length = all.getInt();
            assertThat(length).isGreaterThanOrEqualTo(12).isLessThanOrEqualTo(all.limit() - start);
            assertThat(length % 4).isZero();
            ByteBuffer body = all.slice(start + 8, length - 12).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(all.getInt(start + length - 4)).isEqualTo(length);
            assertThat(type == 0x0A0D0D0A).isEqualTo(first);
            switch (type) {
                case 0x0A0D0D0A -> section(body);
                case 1 -> file.device(body);
                case 6 -> file.packet(body);
                default -> throw new AssertionError("block of type " + type);
            }
            all.position(start + length);
        }
        return file;
    }

    private static void section(ByteBuffer b) {
        assertThat(b.getInt()).isEqualTo(0x1A2B3C4D);
        assertThat(b.getShort()).isEqualTo((short) 1);
        assertThat(b.getShort()).isZero();
        assertThat(b.getLong()).isEqualTo(-1);
        options(b);
    }

    private void device(ByteBuffer b) {
        int link = Short.toUnsignedInt(b.getShort());
        assertThat(b.getShort()).isZero();
        int snap = b.getInt();
        Map<Integer, byte[]> options = options(b);
        assertThat(options.get(9)).containsExactly(9);
        devices.add(new Device(link, snap, new String(options.get(2), StandardCharsets.UTF_8)));
    }

    private void packet(ByteBuffer b) {
        Device device = devices.get(b.getInt());
        long time = (long) b.getInt() << 32 | b.getInt() & 0xFFFF_FFFFL;
        int captured = b.getInt();
        int length = b.getInt();
        assertThat(captured).isBetween(0, Math.min(length, device.snapLength));
        byte[] content = padded(b, captured);
        Map<Integer, byte[]> options = options(b);
        byte[] comment = options.get(1);
        int flags = ByteBuffer.wrap(options.get(2)).order(ByteOrder.LITTLE_ENDIAN).getInt();
        packets.add(
                new Packet(
                        device,
                        time,
                        content,
                        length,
                        flags & 3,
                        comment == null ? null : new String(comment, StandardCharsets.UTF_8)));
    }

    private static byte[] padded(ByteBuffer b, int length) {
        byte[] bytes = new byte[length];
        b.get(bytes);
        while (length++ % 4 != 0) {
            assertThat(b.get()).isZero();
        }
        return bytes;
    }

    /** Each code at most once, with the end as the draft wants it. */
    private static Map<Integer, byte[]> options(ByteBuffer b) {
        Map<Integer, byte[]> options = new HashMap<>();
        while (true) {
            int code = Short.toUnsignedInt(b.getShort());
            byte[] value = padded(b, Short.toUnsignedInt(b.getShort()));
            if (code == 0) {
                assertThat(value).isEmpty();
                assertThat(b.hasRemaining()).isFalse();
                return options;
            }
            assertThat(options.put(code, value)).isNull();
        }
    }
}
