// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.LongConsumer;

/** Sockets in the kernel's hash tables, of the first network namespace. */
final class SocketList {
    private static final int LIMIT = 1 << 20;
    private static final long MAX_MASK = 1 << 24;
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int TCP_ESTABLISHED = 1;
    private static final int TCP_TIME_WAIT = 6;
    private static final int TCP_LISTEN = 10;
    private static final int TCP_NEW_SYN_RECV = 12;

    private static final String[] STATES = {
        "0",
        "ESTABLISHED",
        "SYN_SENT",
        "SYN_RECV",
        "FIN_WAIT1",
        "FIN_WAIT2",
        "TIME_WAIT",
        "CLOSE",
        "CLOSE_WAIT",
        "LAST_ACK",
        "LISTEN",
        "CLOSING",
        "SYN_RECV"
    };

    /** UNIX_HASH_SIZE, for sockets with and without names. */
    private static final int UNIX_BUCKETS = 512;

    private static final int MAX_UNIX_NAME = 110;

    private final LinuxKernel kernel;
    private final long namespace;
    private final List<LinuxSocket> list = new ArrayList<>();

    SocketList(LinuxKernel kernel) {
        this.kernel = kernel;
        this.namespace = kernel.resolve("init_net");
    }

    List<LinuxSocket> all() {
        table("tcp_hashinfo", "The table of TCP sockets", this::tcp);
        table("udp_table", "The table of UDP sockets", this::udp);
        kernel.part("The table of unix sockets", namespace, this::unix);
        list.sort(Comparator.comparing(LinuxSocket::protocol).thenComparing(LinuxSocket::inode));
        return list;
    }

    private void table(String symbol, String what, LongConsumer reader) {
        if (kernel.hasSymbol(symbol)) {
            long at = kernel.resolve(symbol);
            kernel.part(what, at, () -> reader.accept(at));
        }
    }

    private void udp(long address) {
        KernelObject table = kernel.object("udp_table", address);
        buckets(
                table.number("hash"),
                table.number("mask"),
                "udp_hslot",
                "head",
                at -> internet("udp", at));
    }

    private void tcp(long address) {
        KernelObject info = kernel.object("inet_hashinfo", address);
        if (info.has("listening_hash")) { // up to 5.18
            Member m = kernel.member("inet_hashinfo", "listening_hash");
            buckets(
                    info.addressOf("listening_hash"),
                    m.count() - 1,
                    "inet_listen_hashbucket",
                    "nulls_head",
                    at -> internet("tcp", at));
        } else {
            buckets(
                    info.number("lhash2"),
                    info.number("lhash2_mask"),
                    "inet_listen_hashbucket",
                    "nulls_head",
                    at -> internet("tcp", at));
        }
        buckets(
                info.number("ehash"),
                info.number("ehash_mask"),
                "inet_ehash_bucket",
                "chain",
                at -> internet("tcp", at));
    }

    /** All sockets (struct sock_common) in a table. */
    private void buckets(long table, long mask, String bucket, String head, LongConsumer each) {
        if (table == 0) {
            // The kernel has not made it yet.
            return;
        }
        mask &= 0xFFFF_FFFFL;
        if (mask > MAX_MASK) {
            throw new IntrospectionException("A hash table of the guest is too large.");
        }
        long size = kernel.types().size(bucket);
        long at =
                kernel.types().member(bucket, head) == null
                        ? 0
                        : kernel.member(bucket, head).offset();
        if (size < 8 || size > 4096 || at < 0 || at > size - 8) {
            throw new IntrospectionException("The guest's struct " + bucket + " makes no sense.");
        }
        long node = kernel.member("sock_common", "skc_node").offset();
        int page = (int) Math.max(1, 4096 / size);
        for (long i = 0; i <= mask; i += page) {
            int n = (int) Math.min(page, mask + 1 - i);
            byte[] some = kernel.read(table + i * size, (int) (n * size));
            for (int j = 0; j < n; j++) {
                long first = LittleEndian.i64(some, (int) (j * size + at));
                if (first != 0 && (first & 1) == 0) {
                    chain(table + (i + j) * size + at, node, each);
                }
            }
        }
    }

    private void chain(long head, long node, LongConsumer each) {
        kernel.part(
                "The chain of sockets",
                head,
                () ->
                        KernelList.chain(
                                kernel,
                                head,
                                LIMIT,
                                x ->
                                        kernel.part(
                                                "The socket",
                                                x - node,
                                                () -> each.accept(x - node))));
    }

    private boolean elsewhere(KernelObject common) {
        return common.has("skc_net.net") && common.number("skc_net.net") != namespace;
    }

    private void internet(String protocol, long address) {
        KernelObject c = kernel.object("sock_common", address);
        if (elsewhere(c)) {
            return;
        }
        int family = (int) c.number("skc_family");
        if (family != AF_INET && family != AF_INET6) {
            return;
        }
        int state = (int) c.number("skc_state");
        boolean six = family == AF_INET6;
        long[] owner =
                state == TCP_TIME_WAIT || state == TCP_NEW_SYN_RECV ? new long[2] : owner(address);
        String port = Long.toString(c.number("skc_num"));
        long be = c.number("skc_dport");
        long remotePort = (be & 0xFF) << 8 | be >>> 8;
        list.add(
                new LinuxSocket(
                        six ? protocol + "6" : protocol,
                        (six ? ip6(c, "skc_v6_rcv_saddr") : ip4(c, "skc_rcv_saddr")) + ":" + port,
                        (six ? ip6(c, "skc_v6_daddr") : ip4(c, "skc_daddr"))
                                + ":"
                                + (remotePort == 0 ? "*" : Long.toString(remotePort)),
                        state < STATES.length ? STATES[state] : Integer.toString(state),
                        owner[0],
                        owner[1],
                        address));
    }

    /** User and inode of a socket; zeros if no file belongs to it. */
    private long[] owner(long sock) {
        KernelObject socket = kernel.object("sock", sock).follow("sk_socket", "socket");
        if (socket.isNull()) {
            return new long[2];
        }
        KernelObject inode =
                socket.container("socket_alloc", "socket").inside("vfs_inode", "inode");
        return new long[] {inode.number("i_uid.val"), inode.number("i_ino")};
    }

    private static String ip4(KernelObject c, String member) {
        return Addresses.ip4(c.kernel().read(c.addressOf(member), 4), 0);
    }

    private static String ip6(KernelObject c, String member) {
        return Addresses.ip6(c.kernel().read(c.addressOf(member), 16));
    }

    private void unix() {
        KernelObject net = kernel.object("net", namespace);
        long table;
        if (net.has("unx.table.buckets")) {
            table = net.number("unx.table.buckets");
        } else if (kernel.hasSymbol("unix_socket_table")) {
            table = kernel.resolve("unix_socket_table");
        } else {
            return;
        }
        buckets(table, UNIX_BUCKETS - 1, "hlist_head", "first", this::unix);
    }

    private void unix(long address) {
        if (elsewhere(kernel.object("sock_common", address))) {
            return;
        }
        KernelObject sock = kernel.object("sock", address);
        long state = sock.number("__sk_common.skc_state");
        boolean file = sock.number("sk_socket") != 0;
        String type =
                switch ((int) sock.number("sk_type")) {
                    case 1 -> "STREAM";
                    case 2 -> "DGRAM";
                    case 5 -> "SEQPACKET";
                    default -> "?";
                };
        String shown =
                state == TCP_LISTEN
                        ? "LISTEN"
                        : state == TCP_ESTABLISHED
                                ? file ? "CONNECTED" : "CONNECTING"
                                : file ? "UNCONNECTED" : "DISCONNECTING";
        long[] owner = owner(address);
        list.add(
                new LinuxSocket(
                        "unix",
                        unixName(kernel.object("unix_sock", address)),
                        "",
                        type + " " + shown,
                        owner[0],
                        owner[1],
                        address));
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
}
