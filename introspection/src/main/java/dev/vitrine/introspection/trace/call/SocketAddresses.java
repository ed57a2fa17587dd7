// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.Addresses;
import dev.vitrine.introspection.trace.ValueWriter;
import dev.vitrine.introspection.trace.output.TextWriter;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/** Addresses of sockets (struct sockaddr and its forms). */
final class SocketAddresses {
    /** sizeof(struct sockaddr_storage). */
    private static final int MAX = 128;

    private static final int UNIX = 1;
    private static final int INET = 2;
    private static final int INET6 = 10;
    private static final int NETLINK = 16;
    private static final int IPV6_SIZE = 28;

    private SocketAddresses() {}

    /** An address of so many bytes; null if it is not there. */
    static byte @Nullable [] read(CallReader call, long address, long length) {
        byte[] b = new byte[(int) Math.clamp(length, 0, MAX)];
        return call.read(address, b, 0, b.length) ? b : null;
    }

    private static int port(byte[] b) {
        return LittleEndian.u8(b, 2) << 8 | LittleEndian.u8(b, 3);
    }

    private static String host(byte[] b, int from, int length) {
        return length == 4
                ? Addresses.ip4(b, from)
                : Addresses.ip6(Arrays.copyOfRange(b, from, from + length));
    }

    static void write(ValueWriter w, Object content) {
        byte[] b = (byte[]) content;
        w.beginObject();
        if (b.length >= 2) {
            int family = LittleEndian.u16(b, 0);
            String name = Constants.of("address_family").name(family);
            w.name("sa_family");
            if (name == null) {
                w.number(family);
            } else {
                w.symbol(name);
            }
            body(w, b, family);
        }
        w.endObject();
    }

    private static void body(ValueWriter w, byte[] b, int family) {
        if (family == UNIX && b.length > 2) {
            w.name("sun_path");
            if (b[2] == 0) {
                byte[] abstractName = Arrays.copyOfRange(b, 2, b.length);
                abstractName[0] = '@';
                if (w.brief()) {
                    // In front of the quotation marks, where no name of a file can have it.
                    TextWriter rest = new TextWriter();
                    rest.text(Arrays.copyOfRange(b, 3, b.length), false);
                    w.symbol("@" + rest);
                } else {
                    w.text(abstractName, false);
                }
            } else {
                Contents.text(w, b, 2, b.length - 2);
            }
        } else if (family == INET && b.length >= 8) {
            w.name("sin_port");
            call(w, "htons(", port(b), ")");
            w.name("sin_addr");
            quoted(w, "inet_addr(", host(b, 4, 4), ")");
        } else if (family == INET6 && b.length >= IPV6_SIZE - 4) {
            w.name("sin6_port");
            call(w, "htons(", port(b), ")");
            w.name("sin6_flowinfo");
            int flow = Integer.reverseBytes(LittleEndian.i32(b, 4));
            call(w, "htonl(", flow & 0xFFFF_FFFFL, ")");
            if (w.brief()) {
                w.symbol("inet_pton(AF_INET6, \"" + host(b, 8, 16) + "\", &sin6_addr)");
            } else {
                w.name("sin6_addr");
                w.text(host(b, 8, 16));
            }
            if (b.length >= IPV6_SIZE) {
                w.name("sin6_scope_id");
                w.number(LittleEndian.u32(b, 24));
            }
        } else if (family == NETLINK && b.length >= 12) {
            w.name("nl_pid");
            w.number(LittleEndian.i32(b, 4));
            w.name("nl_groups");
            if (w.brief()) {
                int groups = LittleEndian.i32(b, 8);
                w.symbol(groups == 0 ? "00000000" : String.format("0x%06x", groups));
            } else {
                w.unsigned(LittleEndian.u32(b, 8));
            }
        } else if (b.length > 2) {
            w.name("sa_data");
            w.data(Arrays.copyOfRange(b, 2, b.length), b.length - 2L);
        }
    }

    /** A port as a program has it in memory. */
    static void port(ValueWriter w, long raw, CallView call) {
        call(w, "htons(", Short.toUnsignedInt(Short.reverseBytes((short) raw)), ")");
    }

    /** An IPv4 address as a program has it in memory. */
    static void host(ValueWriter w, long raw, CallView call) {
        byte[] b = {(byte) raw, (byte) (raw >> 8), (byte) (raw >> 16), (byte) (raw >> 24)};
        quoted(w, "inet_addr(", host(b, 0, 4), ")");
    }

    /** The program has it in the order of the network; the number is told. */
    private static void call(ValueWriter w, String function, long number, String end) {
        if (w.brief()) {
            w.symbol(function + number + end);
        } else {
            w.number(number);
        }
    }

    private static void quoted(ValueWriter w, String function, String text, String end) {
        if (w.brief()) {
            w.symbol(function + '"' + text + '"' + end);
        } else {
            w.text(text);
        }
    }

    /** A pointer to an address. */
    record Pointer(Count length) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            return SocketAddresses.read(call, address, length.get(call));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            SocketAddresses.write(w, content);
        }

        @Override
        public byte[] bytes(Object content) {
            return (byte[]) content;
        }
    }
}
