// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Sockets in the kernel's hash tables, of all network namespaces. */
final class SocketList {
    private static final int AF_INET = 2;
    private static final int AF_INET6 = 10;
    private static final int TCP_TIME_WAIT = 6;
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

    /** RAW_HTABLE_SIZE and PING_HTABLE_SIZE, where their tables are no arrays. */
    private static final int RAW_BUCKETS = 256;

    private static final int PING_BUCKETS = 64;

    private final LinuxKernel kernel;
    private final NetworkNamespaces namespaces;
    private final HashBuckets buckets;
    private final List<LinuxSocket> list = new ArrayList<>();

    /** Tables that have been read: a namespace may have its own, or the first one's. */
    private final Set<Long> seen = new HashSet<>();

    SocketList(LinuxKernel kernel) {
        this.kernel = kernel;
        this.namespaces = new NetworkNamespaces(kernel);
        this.buckets = new HashBuckets(kernel);
    }

    List<LinuxSocket> all() {
        if (kernel.hasSymbol("tcp_hashinfo")) {
            tcp(kernel.resolve("tcp_hashinfo"));
        }
        for (String protocol : new String[] {"udp", "udplite"}) {
            if (kernel.hasSymbol(protocol + "_table")) {
                udp(protocol, kernel.resolve(protocol + "_table"));
            }
        }
        raw();
        ping();
        for (KernelObject net : namespaces.all()) {
            // Since 6.1 and 6.2 a namespace may have tables of its own.
            if (net.has("ipv4.tcp_death_row.hashinfo")) {
                tcp(net.number("ipv4.tcp_death_row.hashinfo"));
            }
            if (net.has("ipv4.udp_table")) {
                udp("udp", net.number("ipv4.udp_table"));
            }
        }
        new LocalSockets(kernel, namespaces, buckets, list).all();
        list.sort(
                Comparator.comparing(LinuxSocket::protocol)
                        .thenComparing(LinuxSocket::inode)
                        .thenComparing(LinuxSocket::address));
        return list;
    }

    private void udp(String protocol, long at) {
        if (at != 0 && seen.add(at)) {
            kernel.part("The table of UDP sockets", at, () -> hashed(protocol, at));
        }
    }

    private void hashed(String protocol, long at) {
        KernelObject table = kernel.object("udp_table", at);
        buckets.walk(
                table.number("hash"),
                table.number("mask"),
                "udp_hslot",
                "head",
                s -> internet(protocol, s));
    }

    private void raw() {
        for (String symbol : new String[] {"raw_v4_hashinfo", "raw_v6_hashinfo"}) {
            if (kernel.hasSymbol(symbol)) {
                long table = kernel.object("raw_hashinfo", kernel.resolve(symbol)).addressOf("ht");
                buckets.walk(
                        table, RAW_BUCKETS - 1, "hlist_head", "first", s -> internet("raw", s));
            }
        }
    }

    private void ping() {
        if (kernel.hasSymbol("ping_table") && kernel.types().size("ping_table") > 0) {
            long table =
                    kernel.object("ping_table", kernel.resolve("ping_table")).addressOf("hash");
            buckets.walk(table, PING_BUCKETS - 1, "hlist_head", "first", s -> internet("icmp", s));
        }
    }

    private void tcp(long table) {
        if (table != 0 && seen.add(table)) {
            kernel.part("The table of TCP sockets", table, () -> connections(table));
        }
    }

    private void connections(long table) {
        KernelObject info = kernel.object("inet_hashinfo", table);
        if (info.has("listening_hash")) { // up to 5.18
            Member m = kernel.member("inet_hashinfo", "listening_hash");
            buckets.walk(
                    info.addressOf("listening_hash"),
                    m.count() - 1,
                    "inet_listen_hashbucket",
                    "nulls_head",
                    at -> internet("tcp", at));
        } else {
            buckets.walk(
                    info.number("lhash2"),
                    info.number("lhash2_mask"),
                    "inet_listen_hashbucket",
                    "nulls_head",
                    at -> internet("tcp", at));
        }
        buckets.walk(
                info.number("ehash"),
                info.number("ehash_mask"),
                "inet_ehash_bucket",
                "chain",
                at -> internet("tcp", at));
    }

    private void internet(String protocol, long address) {
        KernelObject c = kernel.object("sock_common", address);
        int family = (int) c.number("skc_family");
        if (family != AF_INET && family != AF_INET6) {
            return;
        }
        int state = (int) c.number("skc_state");
        boolean waits = state == TCP_TIME_WAIT;
        boolean six = family == AF_INET6;
        long[] owner = waits || state == TCP_NEW_SYN_RECV ? new long[2] : namespaces.owner(address);
        if (waits) { // or it waits for the other's end
            state = (int) kernel.object("inet_timewait_sock", address).number("tw_substate");
        }
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
                        namespaces.of(address),
                        address));
    }

    private static String ip4(KernelObject c, String member) {
        return Addresses.ip4(c.kernel().read(c.addressOf(member), 4), 0);
    }

    private static String ip6(KernelObject c, String member) {
        return Addresses.ip6(c.kernel().read(c.addressOf(member), 16));
    }
}
