// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.Addresses;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.call.SocketNames;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;

/** Reads the kernel's sockets. */
final class SocketReader {
    private static final int UNIX = 1;
    private static final int INET = 2;
    private static final int INET6 = 10;
    private static final int UNIX_PATH = 108;
    private static final int FAMILY_SIZE = 2;

    /**
     * A socket.
     *
     * @param family such as AF_INET
     * @param type such as SOCK_STREAM
     * @param local its address, with the port behind a colon; empty if it has none
     * @param remote that of its peer
     */
    record Socket(String family, String type, String local, String remote) {}

    private final long operations;
    private final long filePrivate;
    private final long fileOperations;
    private final long socketType;
    private final long sock;
    private final long family;
    private final long localAddress;
    private final long localPort;
    private final long remoteAddress;
    private final long remotePort;
    private final long local6;
    private final long remote6;
    private final long unixAddress;
    private final long unixPeer;
    private final long unixLength;
    private final long unixName;

    SocketReader(LinuxKernel k) {
        operations = k.resolve("socket_file_ops");
        filePrivate = k.offset("file", "private_data");
        fileOperations = k.offset("file", "f_op");
        socketType = k.offset("socket", "type");
        sock = k.offset("socket", "sk");
        family = k.offset("sock_common", "skc_family");
        localAddress = k.offset("sock_common", "skc_rcv_saddr");
        localPort = k.offset("sock_common", "skc_num");
        remoteAddress = k.offset("sock_common", "skc_daddr");
        remotePort = k.offset("sock_common", "skc_dport");
        local6 = k.optionalOffset("sock_common", "skc_v6_rcv_saddr");
        remote6 = k.optionalOffset("sock_common", "skc_v6_daddr");
        unixAddress = k.optionalOffset("unix_sock", "addr");
        unixPeer = k.optionalOffset("unix_sock", "peer");
        unixLength = k.optionalOffset("unix_address", "len");
        unixName = k.optionalOffset("unix_address", "name");
    }

    /** The socket behind a struct file; null if it is none. */
    @Nullable Socket read(Moment m, long file) {
        if (file == 0 || m.pointer(file + fileOperations) != operations) {
            return null;
        }
        long socket = m.pointer(file + filePrivate);
        long sk = socket == 0 ? 0 : m.pointer(socket + sock);
        if (sk == 0) {
            return null;
        }
        int f = (int) m.number(sk + family, 2);
        return new Socket(
                SocketNames.family(f),
                SocketNames.type((int) m.number(socket + socketType, 2)),
                local(m, sk, f),
                remote(m, sk, f));
    }

    private String local(Moment m, long sk, int f) {
        int port = (int) m.number(sk + localPort, 2);
        return switch (f) {
            case INET -> port == 0 ? "" : ip4(m, sk + localAddress) + ":" + port;
            case INET6 -> local6 < 0 || port == 0 ? "" : "[" + ip6(m, sk + local6) + "]:" + port;
            case UNIX -> unix(m, sk);
            default -> "";
        };
    }

    private String remote(Moment m, long sk, int f) {
        int port = Short.toUnsignedInt(Short.reverseBytes((short) m.number(sk + remotePort, 2)));
        return switch (f) {
            case INET -> port == 0 ? "" : ip4(m, sk + remoteAddress) + ":" + port;
            case INET6 -> remote6 < 0 || port == 0 ? "" : "[" + ip6(m, sk + remote6) + "]:" + port;
            case UNIX -> {
                long peer = unixPeer < 0 ? 0 : m.pointer(sk + unixPeer);
                yield peer == 0 ? "" : unix(m, peer);
            }
            default -> "";
        };
    }

    private static String ip4(Moment m, long at) {
        byte[] b = new byte[4];
        return m.read(at, b, 0, 4) ? Addresses.ip4(b, 0) : "";
    }

    private static String ip6(Moment m, long at) {
        byte[] b = new byte[16];
        return m.read(at, b, 0, 16) ? Addresses.ip6(b) : "";
    }

    /** The name that a unix socket is bound to; @ stands for the zero byte of an abstract one. */
    private String unix(Moment m, long sk) {
        long address = unixAddress < 0 ? 0 : m.pointer(sk + unixAddress);
        if (address == 0 || unixLength < 0 || unixName < 0) {
            return "";
        }
        int length =
                (int) Math.clamp(m.number(address + unixLength, 4) - FAMILY_SIZE, 0, UNIX_PATH);
        byte[] b = new byte[length];
        if (length == 0 || !m.read(address + unixName + FAMILY_SIZE, b, 0, length)) {
            return "";
        }
        if (b[0] == 0) {
            b[0] = '@';
            return new String(b, StandardCharsets.UTF_8);
        }
        int end = 0;
        while (end < length && b[end] != 0) {
            end++;
        }
        return new String(b, 0, end, StandardCharsets.UTF_8);
    }
}
