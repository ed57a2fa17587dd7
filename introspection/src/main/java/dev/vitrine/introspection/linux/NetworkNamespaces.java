// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import java.util.ArrayList;
import java.util.List;

/** Whose sockets are: network namespaces, users, files. */
final class NetworkNamespaces {
    private static final int LIMIT = 1 << 16;

    private final LinuxKernel kernel;
    private final List<KernelObject> all = new ArrayList<>();

    NetworkNamespaces(LinuxKernel kernel) {
        this.kernel = kernel;
        if (kernel.hasSymbol("net_namespace_list")) {
            long head = kernel.resolve("net_namespace_list");
            kernel.part(
                    "The list of network namespaces",
                    head,
                    () -> KernelList.walk(kernel, head, "net", "list", LIMIT, all::add));
        } else {
            all.add(kernel.object("net", kernel.resolve("init_net")));
        }
    }

    /** Each a struct net. */
    List<KernelObject> all() {
        return all;
    }

    /** Inode number of the namespace of a socket, as /proc/PID/ns/net has it. */
    long of(long sock) {
        KernelObject c = kernel.object("sock_common", sock);
        long net = c.has("skc_net.net") ? c.number("skc_net.net") : kernel.resolve("init_net");
        return net == 0 ? 0 : kernel.object("net", net).number("ns.inum");
    }

    /** User and inode of a socket; zeros if no file belongs to it. */
    long[] owner(long sock) {
        KernelObject socket = kernel.object("sock", sock).follow("sk_socket", "socket");
        if (socket.isNull()) {
            return new long[2];
        }
        KernelObject inode =
                socket.container("socket_alloc", "socket").inside("vfs_inode", "inode");
        return new long[] {inode.number("i_uid.val"), inode.number("i_ino")};
    }
}
