// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes packets as a pcapng file (draft-ietf-opsawg-pcapng): one section, little-endian, with a
 * block for each device and one for each packet. Times are nanoseconds. For any number of threads.
 */
final class PcapngWriter {
    /** Bytes of a packet that are written at the most; what tcpdump takes by default. */
    static final int SNAP_LENGTH = 262_144;

    private static final int SECTION = 0x0A0D_0D0A;
    private static final int BYTE_ORDER = 0x1A2B_3C4D;
    private static final int INTERFACE = 1;
    private static final int PACKET = 6;

    private static final int END = 0;
    private static final int COMMENT = 1;
    private static final int IF_NAME = 2;
    private static final int EPB_FLAGS = 2;
    private static final int IF_MAC = 6;
    private static final int USER_APPLICATION = 4;
    private static final int IF_RESOLUTION = 9;
    private static final byte NANOSECONDS = 9;
    private static final int INBOUND = 1;
    private static final int OUTBOUND = 2;

    /** All that a block has besides a packet; options are short. */
    private static final int ROOM = 4096;

    private static final int MAX_TEXT = 1024;

    private final Path path;
    private final long limit;
    private @Nullable OutputStream out;
    private long written;
    private int devices;

    /** A block had no room, so that what comes later is left out, too. */
    private boolean full;

    private long leftOut;

    private long lost;
    private @Nullable String failure;

    /**
     * Makes the file.
     *
     * @param limit bytes that it may have; the first packet that does not fit, and all that come
     *     later, are left out
     * @throws IntrospectionException it cannot be written
     */
    PcapngWriter(Path path, long limit) {
        this.path = path;
        this.limit = limit;
        try {
            out = new BufferedOutputStream(Files.newOutputStream(path), 1 << 16);
        } catch (IOException e) {
            throw new IntrospectionException(path + ": packets cannot be written there.", e);
        }
        ByteBuffer b = block(SECTION, 0);
        b.putInt(BYTE_ORDER).putShort((short) 1).putShort((short) 0).putLong(-1);
        option(b, USER_APPLICATION, "Vitrine".getBytes(StandardCharsets.UTF_8));
        write(b, 0);
    }

    /**
     * Tells of a device.
     *
     * @param link a LINKTYPE_ number
     * @param address its hardware address; used if it has 6 bytes
     * @return the number by which packets name it
     */
    synchronized int device(int link, String name, byte[] address) {
        ByteBuffer b = block(INTERFACE, 0);
        b.putShort((short) link).putShort((short) 0).putInt(SNAP_LENGTH);
        option(b, IF_NAME, text(name));
        if (address.length == 6) {
            option(b, IF_MAC, address);
        }
        option(b, IF_RESOLUTION, new byte[] {NANOSECONDS});
        write(b, 0);
        return devices++;
    }

    /**
     * Writes a packet.
     *
     * @param device what {@link #device} gave
     * @param time ns
     * @param content at most {@link #SNAP_LENGTH} bytes
     * @param length that it had on the device
     * @param comment who has sent it; null if it is not known
     */
    synchronized void packet(
            int device,
            long time,
            boolean inbound,
            byte[] content,
            long length,
            @Nullable String comment) {
        ByteBuffer b = block(PACKET, content.length);
        b.putInt(device).putInt((int) (time >>> 32)).putInt((int) time);
        b.putInt(content.length).putInt((int) length);
        padded(b, content);
        if (comment != null) {
            option(b, COMMENT, text(comment));
        }
        byte[] flags = {(byte) (inbound ? INBOUND : OUTBOUND), 0, 0, 0};
        option(b, EPB_FLAGS, flags);
        write(b, 1);
    }

    private static byte[] text(String s) {
        return s.substring(0, Math.min(MAX_TEXT, s.length())).getBytes(StandardCharsets.UTF_8);
    }

    private static ByteBuffer block(int type, int content) {
        return ByteBuffer.allocate(ROOM + content)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(type)
                .putInt(0);
    }

    private static void padded(ByteBuffer b, byte[] bytes) {
        b.put(bytes).position(b.position() + 3 & -4);
    }

    private static void option(ByteBuffer b, int code, byte[] value) {
        b.putShort((short) code).putShort((short) value.length);
        padded(b, value);
    }

    /** Ends the options and the block, and writes it. */
    private synchronized void write(ByteBuffer b, int packets) {
        OutputStream o = out;
        if (o == null) {
            lost += packets;
            return;
        }
        b.putInt(END);
        int length = b.position() + 4;
        b.putInt(length).putInt(4, length);
        if (full || length > limit - written) {
            full = true;
            leftOut += packets;
            return;
        }
        written += length;
        try {
            o.write(b.array(), 0, length);
        } catch (IOException e) {
            failed(e);
            lost += packets;
        }
    }

    private void failed(IOException e) {
        out = null;
        failure = e.getMessage() == null ? e.toString() : e.getMessage();
    }

    /**
     * Writes what is left; packets that come later are not written.
     *
     * @return a sentence that says that not all could be written; null if all were
     */
    synchronized @Nullable String end() {
        OutputStream o = out;
        if (o != null) {
            try {
                o.close();
            } catch (IOException e) {
                failed(e);
            }
        }
        out = null;
        String why = failure;
        if (why != null) {
            return path
                    + ": not all packets could be written ("
                    + lost
                    + " came after the error): "
                    + why
                    + ".";
        }
        return leftOut == 0
                ? null
                : path
                        + ": the last "
                        + leftOut
                        + " packets are left out: the file may have "
                        + limit
                        + " bytes (--pcap-size).";
    }
}
