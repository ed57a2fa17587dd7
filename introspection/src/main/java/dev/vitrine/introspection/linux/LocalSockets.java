// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** Sockets that lead to the same machine or to its devices: unix, packet and netlink. */
final class LocalSockets {
    private static final int TCP_ESTABLISHED = 1;
    private static final int TCP_LISTEN = 10;

    /** UNIX_HASH_SIZE, for sockets with and without names. */
    private static final int UNIX_BUCKETS = 512;

    private static final int MAX_UNIX_NAME = 110;
    private static final int NETLINK_PROTOCOLS = 32;
    private static final int DEVICE_NAME = 16;

    private final LinuxKernel kernel;
    private final NetworkNamespaces namespaces;
    private final HashBuckets buckets;
    private final List<LinuxSocket> list;

    /**
     * @param list gets what is found
     */
    LocalSockets(
            LinuxKernel kernel,
            NetworkNamespaces namespaces,
            HashBuckets buckets,
            List<LinuxSocket> list) {
        this.kernel = kernel;
        this.namespaces = namespaces;
        this.buckets = buckets;
        this.list = list;
    }

    void all() {
        unix();
        for (KernelObject net : namespaces.all()) {
            if (net.has("packet.sklist")) {
                long node = kernel.member("sock_common", "skc_node").offset();
                buckets.chain(net.addressOf("packet.sklist"), node, this::packet);
            }
        }
        long tables = kernel.hasSymbol("nl_table") ? kernel.pointer(kernel.resolve("nl_table")) : 0;
        if (tables != 0) {
            long size = kernel.types().size("netlink_table");
            long hash = kernel.offset("netlink_table", "hash");
            long node = kernel.offset("netlink_sock", "node");
            for (int protocol = 0; protocol < NETLINK_PROTOCOLS; protocol++) {
                int number = protocol;
                long table = tables + protocol * size + hash;
                if (kernel.object("rhashtable", table).number("tbl") != 0) {
                    buckets.resizable(table, x -> netlink(number, x - node));
                }
            }
        }
    }

    private void unix() {
        boolean own = false;
        for (KernelObject net : namespaces.all()) {
            if (net.has("unx.table.buckets")) {
                own = true;
                buckets.walk(
                        net.number("unx.table.buckets"),
                        UNIX_BUCKETS - 1,
                        "hlist_head",
                        "first",
                        this::unix);
            }
        }
        if (!own && kernel.hasSymbol("unix_socket_table")) {
            buckets.walk(
                    kernel.resolve("unix_socket_table"),
                    UNIX_BUCKETS - 1,
                    "hlist_head",
                    "first",
                    this::unix);
        }
    }

    private void unix(long address) {
        KernelObject sock = kernel.object("sock", address);
        long state = sock.number("__sk_common.skc_state");
        boolean file = sock.number("sk_socket") != 0;
        String shown =
                state == TCP_LISTEN
                        ? "LISTEN"
                        : state == TCP_ESTABLISHED
                                ? file ? "CONNECTED" : "CONNECTING"
                                : file ? "UNCONNECTED" : "DISCONNECTING";
        add(
                "unix",
                unixName(kernel.object("unix_sock", address)),
                "",
                type(sock) + " " + shown,
                address);
    }

    private String unixName(KernelObject sock) {
        KernelObject address = sock.follow("addr", "unix_address");
        if (address.isNull()) {
            return "";
        }
        int length = (int) Math.clamp((int) address.number("len") - 2L, 0, MAX_UNIX_NAME);
        byte[] b = kernel.read(address.addressOf("name") + 2, length);
        String name = new String(b, StandardCharsets.UTF_8);
        if (name.startsWith("\0")) {
            return name.replace('\0', '@');
        }
        int end = name.indexOf('\0');
        return end < 0 ? name : name.substring(0, end);
    }

    /** The protocol that it gets (ETH_P_*), and the device; it hears of all if that is *. */
    private void packet(long address) {
        KernelObject sock = kernel.object("packet_sock", address);
        int be = (int) sock.number("num");
        long device = sock.number("ifindex");
        KernelObject hook = sock.follow("prot_hook.dev", "net_device");
        String name =
                device == 0
                        ? "*"
                        : hook.isNull()
                                ? Long.toString(device)
                                : kernel.text(hook.addressOf("name"), DEVICE_NAME);
        add(
                "packet",
                String.format("%04x:%s", (be & 0xFF) << 8 | be >>> 8, name),
                "",
                type(kernel.object("sock", address)),
                address);
    }

    /** Which of netlink's protocols, and the port; the kernel's own sockets have port 0. */
    private void netlink(int protocol, long address) {
        KernelObject sock = kernel.object("netlink_sock", address);
        add(
                "netlink",
                protocol + ":" + sock.number("portid"),
                protocol + ":" + sock.number("dst_portid"),
                type(kernel.object("sock", address)),
                address);
    }

    private static String type(KernelObject sock) {
        return switch ((int) sock.number("sk_type")) {
            case 1 -> "STREAM";
            case 2 -> "DGRAM";
            case 3 -> "RAW";
            case 5 -> "SEQPACKET";
            case 10 -> "PACKET";
            default -> "?";
        };
    }

    private void add(String protocol, String local, String remote, String state, long address) {
        long[] owner = namespaces.owner(address);
        list.add(
                new LinuxSocket(
                        protocol,
                        local,
                        remote,
                        state,
                        owner[0],
                        owner[1],
                        namespaces.of(address),
                        address));
    }
}
