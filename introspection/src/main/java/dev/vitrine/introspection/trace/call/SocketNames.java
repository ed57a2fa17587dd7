// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.Addresses;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** Names of what sockets are, and their addresses as short texts. */
public final class SocketNames {
    private static final int UNIX = 1;
    private static final int INET = 2;
    private static final int INET6 = 10;

    private SocketNames() {}

    private static String of(String set, int n) {
        String name = Constants.of(set).name(n);
        return name == null ? Integer.toString(n) : name;
    }

    /** A family of addresses, such as AF_INET. */
    public static String family(int n) {
        return of("address_family", n);
    }

    /** A type, such as SOCK_STREAM. */
    public static String type(int n) {
        return of("socket_type", n);
    }

    /**
     * The address in a struct sockaddr: IP address and port, or a path.
     *
     * @param b the bytes that there are; null if there are none
     * @return empty if it is of another kind
     */
    public static String address(byte @Nullable [] b) {
        if (b == null || b.length < 3) {
            return "";
        }
        int family = LittleEndian.u16(b, 0);
        if (family == INET && b.length >= 8) {
            return Addresses.ip4(b, 4) + ":" + port(b);
        }
        if (family == INET6 && b.length >= 24) {
            return "[" + Addresses.ip6(Arrays.copyOfRange(b, 8, 24)) + "]:" + port(b);
        }
        if (family != UNIX) {
            return "";
        }
        byte[] name = Arrays.copyOfRange(b, 2, b.length);
        int end = 0;
        if (name[0] == 0) {
            name[0] = '@';
            end = name.length;
        }
        while (end < name.length && name[end] != 0) {
            end++;
        }
        return new String(name, 0, end, StandardCharsets.UTF_8);
    }

    private static int port(byte[] b) {
        return LittleEndian.u8(b, 2) << 8 | LittleEndian.u8(b, 3);
    }
}
