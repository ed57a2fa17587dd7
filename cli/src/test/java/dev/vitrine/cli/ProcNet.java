// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import dev.vitrine.introspection.linux.Addresses;

import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** Sockets as files of /proc/net have them, and as {@code inspect} has, in one form. */
final class ProcNet {
    private static final String[] STATES = {
        "",
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

    private static final Map<String, String> TYPES =
            Map.of(
                    "0001",
                    "STREAM",
                    "0002",
                    "DGRAM",
                    "0005",
                    "SEQPACKET",
                    "2",
                    "DGRAM",
                    "3",
                    "RAW");

    private static final String[] UNIX = {
        "", "UNCONNECTED", "CONNECTING", "CONNECTED", "DISCONNECTING"
    };

    private ProcNet() {}

    /**
     * The sockets of files that are printed one after the other.
     *
     * @param lines of each first {@code @NAME}, then its header
     * @param devices names by number
     */
    static List<String> of(List<String> lines, Map<String, String> devices) {
        List<String> all = new ArrayList<>();
        String file = "";
        boolean header = false;
        for (String line : lines) {
            if (line.startsWith("@")) {
                file = line.substring(1);
                header = true;
            } else if (header) {
                header = false;
            } else {
                all.add(line(file, line.strip().split(" +"), devices));
            }
        }
        return all;
    }

    private static String line(String file, String[] w, Map<String, String> devices) {
        return switch (file) {
            case "unix" -> {
                boolean listens = (Integer.parseUnsignedInt(w[3], 16) & 0x1_0000) != 0;
                String state = listens ? "LISTEN" : UNIX[Integer.parseInt(w[5], 16)];
                String path = w.length > 7 ? w[7] : "";
                yield String.join(" ", "unix", path, TYPES.get(w[4]), state, w[6]);
            }
            case "netlink" -> String.join(" ", "netlink", w[1] + ":" + w[2], w[9]);
            case "packet" -> {
                String device = w[4].equals("0") ? "*" : devices.get(w[4]);
                yield String.join(" ", "packet", w[3] + ":" + device, TYPES.get(w[2]), w[7], w[8]);
            }
            default -> {
                String state = STATES[Integer.parseInt(w[3], 16)];
                yield String.join(
                        " ", file, address(w[1], false), address(w[2], true), state, w[7], w[9]);
            }
        };
    }

    private static String address(String text, boolean remote) {
        String[] parts = text.split(":");
        byte[] b = HexFormat.of().parseHex(parts[0]);
        for (int i = 0; i < b.length; i += 4) {
            byte first = b[i];
            byte second = b[i + 1];
            b[i] = b[i + 3];
            b[i + 1] = b[i + 2];
            b[i + 2] = second;
            b[i + 3] = first;
        }
        int port = Integer.parseInt(parts[1], 16);
        return (b.length == 4 ? Addresses.ip4(b, 0) : Addresses.ip6(b))
                + ":"
                + (remote && port == 0 ? "*" : Integer.toString(port));
    }

    /** The same of an object of {@code inspect sockets --format json}. */
    static String line(Map<?, ?> s) {
        String protocol = String.valueOf(s.get("protocol"));
        return switch (protocol) {
            case "unix" ->
                    String.join(
                            " ",
                            protocol,
                            String.valueOf(s.get("local")),
                            String.valueOf(s.get("state")),
                            String.valueOf(s.get("inode")));
            case "netlink" ->
                    String.join(
                            " ",
                            protocol,
                            String.valueOf(s.get("local")),
                            String.valueOf(s.get("inode")));
            case "packet" ->
                    String.join(
                            " ",
                            protocol,
                            String.valueOf(s.get("local")),
                            String.valueOf(s.get("state")),
                            String.valueOf(s.get("uid")),
                            String.valueOf(s.get("inode")));
            default ->
                    String.join(
                            " ",
                            protocol,
                            String.valueOf(s.get("local")),
                            String.valueOf(s.get("remote")),
                            String.valueOf(s.get("state")),
                            String.valueOf(s.get("uid")),
                            String.valueOf(s.get("inode")));
        };
    }
}
