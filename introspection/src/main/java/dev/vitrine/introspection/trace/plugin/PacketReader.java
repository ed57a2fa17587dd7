// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.linux.PageFrames;
import dev.vitrine.introspection.trace.Moment;

import java.util.Arrays;

/**
 * Reads the kernel's socket buffers (Documentation/networking/skbuff.rst): some bytes in one piece,
 * others in pages, others in further buffers.
 */
final class PacketReader {
    /** There is no header of the device's layer. */
    private static final int UNSET = 0xFFFF;

    /** Pieces of one packet, empty ones too; the kernel makes a few hundred at the most. */
    private static final int MAX_PIECES = 4096;

    private static final int MAX_DEPTH = 4;
    private static final int MAX_HEADER = 512;

    private final PhysicalMemory memory;
    private final PageFrames frames;
    private final long next;
    private final long length;
    private final long pagedLength;
    private final long data;
    private final long head;
    private final long end;
    private final long macHeader;
    private final long networkHeader;
    private final long protocol;
    private final Member packetType;
    private final long fragments;
    private final long fragmentCount;
    private final long fragmentSize;
    private final long fragmentPage;
    private final long fragmentOffset;
    private final long fragmentLength;
    private final long list;

    PacketReader(LinuxKernel k) {
        memory = k.target().memory();
        frames = new PageFrames(k);
        next = k.offset("sk_buff", "next");
        length = k.offset("sk_buff", "len");
        pagedLength = k.offset("sk_buff", "data_len");
        data = k.offset("sk_buff", "data");
        head = k.offset("sk_buff", "head");
        end = k.offset("sk_buff", "end");
        macHeader = k.offset("sk_buff", "mac_header");
        networkHeader = k.offset("sk_buff", "network_header");
        protocol = k.offset("sk_buff", "protocol");
        packetType = k.member("sk_buff", "pkt_type");
        fragments = k.offset("skb_shared_info", "frags");
        fragmentCount = k.offset("skb_shared_info", "nr_frags");
        list = k.offset("skb_shared_info", "frag_list");
        // Since 6.9 a fragment is a structure of its own, before it was a bio_vec.
        boolean own = k.types().member("skb_frag", "netmem") != null;
        String type = own ? "skb_frag" : "bio_vec";
        fragmentSize = k.types().size(type);
        fragmentPage = k.offset(type, own ? "netmem" : "bv_page");
        fragmentOffset = k.offset(type, own ? "offset" : "bv_offset");
        fragmentLength = k.offset(type, own ? "len" : "bv_len");
    }

    /** The next buffer of a list; 0 if there is none. */
    long next(Moment m, long skb) {
        return m.pointer(skb + next);
    }

    /** The EtherType, as a number. */
    int protocol(Moment m, long skb) {
        return Short.toUnsignedInt(Short.reverseBytes((short) m.number(skb + protocol, 2)));
    }

    /** Whether it is for this machine: PACKET_HOST and so on, of if_packet.h. */
    int packetType(Moment m, long skb) {
        return (int) packetType.value(m.number(skb + packetType.offset(), (int) packetType.size()));
    }

    /** Bytes of the header of the device's layer that stand before the data. */
    int deviceHeader(Moment m, long skb) {
        return before(m, skb, macHeader);
    }

    /** Bytes of the network layer before the data; negative if the data begins before it. */
    int networkHeader(Moment m, long skb) {
        return before(m, skb, networkHeader);
    }

    private int before(Moment m, long skb, long header) {
        int at = (int) m.number(skb + header, 2);
        long before = at == UNSET ? 0 : m.pointer(skb + data) - (m.pointer(skb + head) + at);
        return Math.abs(before) > MAX_HEADER ? 0 : (int) before;
    }

    /** Bytes of a packet from its data on. */
    long length(Moment m, long skb) {
        return m.number(skb + length, 4);
    }

    /**
     * The content of a packet.
     *
     * @param before bytes before its data that belong to it; if it is negative, so many of the data
     *     do not
     * @param limit of bytes
     * @return as much as is in memory, from the beginning
     */
    byte[] content(Moment m, long skb, int before, int limit) {
        Buffer b = new Buffer((int) Math.clamp(before + length(m, skb), 0, limit));
        collect(m, skb, before, b, 0);
        return Arrays.copyOf(b.bytes, b.filled);
    }

    private void collect(Moment m, long skb, int before, Buffer b, int depth) {
        long straight = length(m, skb) - m.number(skb + pagedLength, 4) + before;
        b.linear(m, m.pointer(skb + data) - before, straight);
        long shared = m.pointer(skb + head) + m.number(skb + end, 4);
        int count = (int) m.number(shared + fragmentCount, 1);
        for (int i = 0; i < count && b.takesMore(); i++) {
            long f = shared + fragments + i * fragmentSize;
            b.paged(
                    m.pointer(f + fragmentPage),
                    m.number(f + fragmentOffset, 4),
                    m.number(f + fragmentLength, 4));
        }
        long part = m.pointer(shared + list);
        while (part != 0 && depth < MAX_DEPTH && b.takesMore()) {
            collect(m, part, 0, b, depth + 1);
            part = next(m, part);
        }
    }

    /** A packet that is put together; what cannot be read ends it. */
    private final class Buffer {
        private final byte[] bytes;
        private int filled;
        private int pieces;
        private boolean broken;

        Buffer(int size) {
            bytes = new byte[size];
        }

        /** Whether there is room for another piece; each is counted. */
        boolean takesMore() {
            return !broken && filled < bytes.length && ++pieces <= MAX_PIECES;
        }

        private int room(long wanted) {
            return broken ? 0 : (int) Math.clamp(wanted, 0, bytes.length - filled);
        }

        void linear(Moment m, long address, long size) {
            int n = room(size);
            done(n, n == 0 || m.read(address, bytes, filled, n));
        }

        void paged(long page, long offset, long size) {
            int n = room(size);
            long physical = frames.physical(page);
            done(n, n == 0 || physical >= 0 && memory.read(physical + offset, bytes, filled, n));
        }

        private void done(int n, boolean read) {
            if (read) {
                filled += n;
            } else {
                broken = true;
            }
        }
    }
}
