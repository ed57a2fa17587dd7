// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Moment;

import java.util.HexFormat;

/** Reads the kernel's network devices. */
final class DeviceReader {
    /** LINKTYPE_ numbers of the registry of link types (draft-ietf-opsawg-pcaplinktype). */
    static final int ETHERNET = 1;

    static final int RAW_IP = 101;
    static final int COOKED = 276;

    static final int COOKED_HEADER = 20;

    private static final int NAME = 16;
    private static final int MAX_ADDRESS = 8;
    private static final int ETHERNET_HEADER = 14;
    private static final int LOOPBACK = 8;

    /**
     * A device.
     *
     * @param type an ARPHRD_ number, of if_arp.h
     * @param flags IFF_ flags
     * @param address the hardware address in hexadecimal, at most 8 bytes
     * @param namespace inode number of its network namespace
     */
    record Device(String name, int index, int type, int flags, String address, long namespace) {
        boolean isLoopback() {
            return (flags & LOOPBACK) != 0;
        }

        byte[] hardwareAddress() {
            return HexFormat.of().parseHex(address);
        }

        /** As what its packets are written. */
        int link() {
            return switch (type) {
                // ARPHRD_ETHER and ARPHRD_LOOPBACK, whose packets have the same header.
                case 1, 772 -> ETHERNET;
                // ARPHRD_PPP, TUNNEL, TUNNEL6, SIT, IPGRE, IP6GRE, NONE.
                case 512, 768, 769, 776, 778, 823, 0xFFFE -> RAW_IP;
                default -> COOKED;
            };
        }

        /** Bytes before the network layer in what is read of a packet. */
        int headerLength() {
            return link() == ETHERNET ? ETHERNET_HEADER : 0;
        }
    }

    private final long ofPacket;
    private final long name;
    private final long index;
    private final long type;
    private final long flags;
    private final long address;
    private final boolean addressIsPointer;
    private final long addressLength;
    private final long namespace;
    private final long namespaceNumber;

    DeviceReader(LinuxKernel k) {
        ofPacket = k.offset("sk_buff", "dev");
        name = k.offset("net_device", "name");
        index = k.offset("net_device", "ifindex");
        type = k.offset("net_device", "type");
        flags = k.offset("net_device", "flags");
        address = k.offset("net_device", "dev_addr");
        addressIsPointer = k.member("net_device", "dev_addr").count() == 1;
        addressLength = k.offset("net_device", "addr_len");
        namespace = k.offset("net_device", "nd_net.net");
        namespaceNumber = k.offset("net", "ns.inum");
    }

    /** The device at which a packet is. */
    Device ofPacket(Moment m, long skb) {
        return read(m, m.pointer(skb + ofPacket));
    }

    /**
     * A device by the address of its struct net_device.
     *
     * @throws dev.vitrine.introspection.IntrospectionException it is not in memory
     */
    Device read(Moment m, long device) {
        int n = (int) Math.min(MAX_ADDRESS, m.number(device + addressLength, 1));
        byte[] hardware = new byte[n];
        long at = addressIsPointer ? m.pointer(device + address) : device + address;
        String shown = m.read(at, hardware, 0, n) ? HexFormat.of().formatHex(hardware) : "";
        return new Device(
                m.text(device + name, NAME),
                (int) m.number(device + index, 4),
                (int) m.number(device + type, 2),
                (int) m.number(device + flags, 4),
                shown,
                m.number(m.pointer(device + namespace) + namespaceNumber, 4));
    }
}
