// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.Addresses;

import java.util.Arrays;

/**
 * Who talks to whom in a packet of IPv4 or IPv6.
 *
 * @param protocol tcp, udp, icmp or its like; a number if it has no name here; empty if it is no IP
 * @param source address, with the port behind a colon if it has one
 * @param destination the same
 */
record PacketSummary(String protocol, String source, String destination) {
    private static final PacketSummary NONE = new PacketSummary("", "", "");
    private static final int IP4 = 0x0800;
    private static final int IP6 = 0x86DD;
    private static final int IP4_HEADER = 20;
    private static final int IP6_HEADER = 40;
    private static final int FRAGMENT_OFFSET = 0x1FFF;

    /**
     * Looks at a packet.
     *
     * @param etherType of the packet
     * @param at where its IP header would begin
     */
    static PacketSummary of(byte[] b, int at, int etherType) {
        if (etherType == IP4 && b.length >= at + IP4_HEADER && (b[at] & 0xF0) == 0x40) {
            int header = 4 * (b[at] & 15);
            boolean first = (u16(b, at + 6) & FRAGMENT_OFFSET) == 0;
            return of(
                    b,
                    b[at + 9] & 0xFF,
                    Addresses.ip4(b, at + 12),
                    Addresses.ip4(b, at + 16),
                    first ? at + header : b.length);
        }
        if (etherType == IP6 && b.length >= at + IP6_HEADER && (b[at] & 0xF0) == 0x60) {
            return of(
                    b,
                    b[at + 6] & 0xFF,
                    "[" + Addresses.ip6(Arrays.copyOfRange(b, at + 8, at + 24)) + "]",
                    "[" + Addresses.ip6(Arrays.copyOfRange(b, at + 24, at + 40)) + "]",
                    at + IP6_HEADER);
        }
        return NONE;
    }

    private static PacketSummary of(byte[] b, int protocol, String from, String to, int ports) {
        String name =
                switch (protocol) {
                    case 1 -> "icmp";
                    case 2 -> "igmp";
                    case 6 -> "tcp";
                    case 17 -> "udp";
                    case 58 -> "icmpv6";
                    case 132 -> "sctp";
                    default -> String.valueOf(protocol);
                };
        boolean known = protocol == 6 || protocol == 17 || protocol == 132;
        return known && ports + 4 <= b.length
                ? new PacketSummary(name, from + ":" + u16(b, ports), to + ":" + u16(b, ports + 2))
                : new PacketSummary(name, from, to);
    }

    private static int u16(byte[] b, int at) {
        return (b[at] & 0xFF) << 8 | b[at + 1] & 0xFF;
    }
}
