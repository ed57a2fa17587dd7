// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.ValueWriter;
import dev.vitrine.introspection.trace.call.Scalar.Style;
import dev.vitrine.introspection.trace.call.Scalar.Width;

import org.jspecify.annotations.Nullable;

import java.util.HashMap;
import java.util.Map;

/** Scalar types by the names that the tables have for them. */
final class Scalars {
    private static final Map<String, Scalar> PLAIN = new HashMap<>();

    private static final int SIGNALS = 32;
    private static final int SIGNAL_LAST = 64;

    static {
        Style number = (w, v, c) -> w.number(v);
        Style unsigned = (w, v, c) -> w.unsigned(v);
        Style hex = (w, v, c) -> w.hexadecimal(v);
        Style octal = (w, v, c) -> w.octal(v);
        put("int", Width.W4, true, number);
        put("fd", Width.W4, true, number);
        put("port", Width.W2, false, SocketAddresses::port);
        put("ip4", Width.W4, false, SocketAddresses::host);
        put("i64", Width.W8, true, number);
        put("long", Width.POINTER, true, number);
        put("klong", Width.KERNEL_LONG, true, number);
        put("u8", Width.W1, false, unsigned);
        put("u16", Width.W2, false, unsigned);
        put("u32", Width.W4, false, unsigned);
        put("uint", Width.W4, false, unsigned);
        put("u64", Width.W8, false, unsigned);
        put("packed64", Width.W8, false, Scalars::eventData);
        put("sigval", Width.POINTER, false, Scalars::signalValue);
        put("ulong", Width.POINTER, false, unsigned);
        put("id", Width.W4, false, (w, v, c) -> w.number(v == 0xFFFF_FFFFL ? -1 : v));
        put("hex", Width.POINTER, false, hex);
        put("hex16", Width.W2, false, hex);
        put("hex32", Width.W4, false, hex);
        put("hex64", Width.W8, false, hex);
        put("i16", Width.W2, true, number);
        put("ptr64", Width.W8, false, (w, v, c) -> w.address(v));
        put("signal64", Width.W8, false, (w, v, c) -> numbered(w, signal(v), v));
        put("open_zero", Width.KERNEL_LONG, false, bits("open_flags"));
        put("ptr", Width.POINTER, false, (w, v, c) -> w.address(v));
        put("octal", Width.W2, false, octal);
        put("octal64", Width.W8, false, octal);
        put("pages", Width.POINTER, false, (w, v, c) -> w.hexadecimal(w.brief() ? v << 12 : v));
        put("pad16", Width.W2, false, number);
        put("pad32", Width.W4, false, number);
        put("pad64", Width.KERNEL_LONG, false, number);
        put("file_mode", Width.W4, false, (w, v, c) -> w.symbol(fileMode(v)));
        put("file_mode16", Width.W2, false, (w, v, c) -> w.symbol(fileMode(v)));
        put("dev", Width.W4, false, (w, v, c) -> device(w, v));
        put("dev64", Width.W8, false, (w, v, c) -> device(w, v));
        put("dev32", Width.W4, false, (w, v, c) -> device(w, v));
        put("signal", Width.W4, true, (w, v, c) -> numbered(w, signal(v), v));
        put(
                "ptracer",
                Width.W4,
                true,
                (w, v, c) -> numbered(w, v == -1 ? "PR_SET_PTRACER_ANY" : null, v));
        put("ipc_key", Width.W4, false, Scalars::ipcKey);
        put("msgget_flags", Width.W4, false, ipcFlags("msgget_flags"));
        put("shmget_flags", Width.W4, false, ipcFlags("shmget_flags"));
        put("ioprio", Width.W4, false, Scalars::ioPriority);
        put(
                "keyring",
                Width.W4,
                true,
                (w, v, c) -> numbered(w, Constants.of("keyring").name(v), v));
        put("futex_value", Width.W4, false, Scalars::futexValue);
        put("handler", Width.POINTER, false, Scalars::handler);
        put("limitk", Width.KERNEL_LONG, false, (w, v, c) -> limit(w, v, "RLIM_INFINITY", c));
        put("limit64", Width.W8, false, (w, v, c) -> limit(w, v, "RLIM64_INFINITY", c));
        put("dirfd", Width.W4, true, (w, v, c) -> numbered(w, v == -100 ? "AT_FDCWD" : null, v));
        put("open_flags", Width.W4, false, (w, v, c) -> w.symbol(openFlags(v)));
        put("open_flags64", Width.W8, false, (w, v, c) -> w.symbol(openFlags(v)));
        put("open_bits", Width.W4, false, bits("open_flags"));
        put("access_mode", Width.W4, false, Scalars::access);
        put("map_flags", Width.POINTER, false, mixed("map_type", 0xF, "map_flags"));
        put("map_flags32", Width.W4, false, mixed("map_type", 0xF, "map_flags"));
        put("clone_flags", Width.POINTER, false, Scalars::cloneFlags);
        put("clone_flags64", Width.W8, false, bits("clone"));
        put("clone_bits", Width.POINTER, false, bits("clone"));
        put("socket_type", Width.W4, false, mixed("socket_type", 0xF, "socket_flags"));
        put("fanotify_flags", Width.W4, false, mixed("fanotify_class", 0xC, "fanotify_flags"));
        put("personality", Width.W4, false, Scalars::personality);
        put("protocol", Width.W4, true, Scalars::protocol);
        put("sockopt", Width.W4, true, Scalars::option);
        put("futex_operation", Width.W4, false, Scalars::futex);
        put("statx_flags", Width.W4, false, Scalars::statx);
        put("create_mode", Width.W2, false, octal);
    }

    private Scalars() {}

    private static void put(String name, Width width, boolean signed, Style style) {
        PLAIN.put(name, new Scalar(width, signed, style));
    }

    /**
     * A scalar type; null if there is none of that name. Besides those above there are {@code
     * flags(SET)} and {@code enum(SET)} of an int, and the same with 16, 32, 64, l (as a pointer)
     * or k (as __kernel_long_t) behind the word; {@code enumx} tells what has no name in
     * hexadecimal.
     */
    static @Nullable Scalar of(String name) {
        Scalar known = PLAIN.get(name);
        int open = name.indexOf('(');
        if (known != null || open < 0 || !name.endsWith(")")) {
            return known;
        }
        String set = name.substring(open + 1, name.length() - 1);
        String word = name.substring(0, open);
        return switch (word) {
            case "flags16" -> new Scalar(Width.W2, false, bits(set));
            case "flags", "flags32" -> new Scalar(Width.W4, false, bits(set));
            case "flags64" -> new Scalar(Width.W8, false, bits(set));
            case "flagsk" -> new Scalar(Width.KERNEL_LONG, false, bits(set));
            case "flagsl" -> new Scalar(Width.POINTER, false, bits(set));
            case "enum", "enum32" -> new Scalar(Width.W4, true, named(set, 0xFFFF_FFFFL));
            case "enum16" -> new Scalar(Width.W2, true, named(set, 0xFFFF));
            case "enumk" -> new Scalar(Width.KERNEL_LONG, false, hexNamed(set));
            case "enumioctl" -> new Scalar(Width.W4, false, request(set));
            case "enumx" -> new Scalar(Width.W4, false, hexNamed(set));
            default -> null;
        };
    }

    private static Style bits(String set) {
        Constants names = Constants.of(set);
        return (w, v, c) -> w.symbol(names.bits(v));
    }

    private static Style named(String set, long mask) {
        Constants names = Constants.of(set);
        return (w, v, c) -> {
            String name = names.name(v);
            if (name == null && w.brief()) {
                w.hexadecimal(v & mask);
            } else {
                numbered(w, name, v);
            }
        };
    }

    /** One of a set under a mask, and bits beside it. */
    private static Style mixed(String set, long mask, String bits) {
        Constants names = Constants.of(set);
        Constants others = Constants.of(bits);
        return (w, v, c) -> {
            String name = names.name(v & mask);
            String first = name == null ? hex(v & mask) : name;
            w.symbol((v & ~mask) == 0 ? first : first + "|" + others.bits(v & ~mask));
        };
    }

    /** What an event of epoll brings back, which is a number or a pointer. */
    private static void eventData(ValueWriter w, long v, CallView c) {
        if (w.brief()) {
            w.symbol("{u32=" + (v & 0xFFFF_FFFFL) + ", u64=" + Long.toUnsignedString(v) + "}");
        } else {
            w.hexadecimal(v);
        }
    }

    private static void signalValue(ValueWriter w, long v, CallView c) {
        if (w.brief()) {
            w.symbol("{sival_int=" + (int) v + ", sival_ptr=" + (v == 0 ? "NULL" : hex(v)) + "}");
        } else {
            w.hexadecimal(v);
        }
    }

    private static void ipcKey(ValueWriter w, long v, CallView c) {
        if (v == 0) {
            w.symbol("IPC_PRIVATE");
        } else {
            w.hexadecimal(v);
        }
    }

    private static Style ipcFlags(String set) {
        Constants names = Constants.of(set);
        return (w, v, c) -> {
            String bits = (v & ~0x1FFL) == 0 ? "" : names.bits(v & ~0x1FFL) + "|";
            w.symbol(bits + octalText(v & 0x1FF));
        };
    }

    /** IOPRIO_PRIO_VALUE: the class is in the upper bits. */
    private static void ioPriority(ValueWriter w, long v, CallView c) {
        if (!w.brief()) {
            w.hexadecimal(v);
            return;
        }
        String name = Constants.of("ioprio_class").name(v >>> 13);
        String first = name == null ? hex(v >>> 13) : name;
        w.symbol("IOPRIO_PRIO_VALUE(" + first + ", " + (v & 0x1FFF) + ")");
    }

    private static void personality(ValueWriter w, long v, CallView c) {
        if (v == 0xFFFF_FFFFL) {
            w.hexadecimal(v);
        } else {
            PERSONALITY.write(w, v, c);
        }
    }

    private static final Style PERSONALITY = mixed("personality", 0xFF, "personality_flags");

    private static final long BITSET_OPERATIONS = 1 << 9 | 1 << 10;

    /** The third number of futex: a set of bits for some operations. */
    private static void futexValue(ValueWriter w, long v, CallView c) {
        boolean bits = (BITSET_OPERATIONS >>> (c.value(1) & 0x7F) & 1) != 0;
        if (bits && v == 0xFFFF_FFFFL) {
            w.symbol("FUTEX_BITSET_MATCH_ANY");
        } else if (bits) {
            w.hexadecimal(v);
        } else {
            w.unsigned(v);
        }
    }

    /** A request of ioctl; one without a name says direction, device, number and size. */
    private static Style request(String set) {
        Style named = hexNamed(set);
        return (w, v, c) -> {
            if (!w.brief() || Constants.of(set).name(v) != null) {
                named.write(w, v, c);
                return;
            }
            String direction = Constants.of("ioctl_direction").name(v >>> 30);
            String rest =
                    hex(v >>> 8 & 0xFF) + ", " + hex(v & 0xFF) + ", " + hex(v >>> 16 & 0x3FFF);
            w.symbol("_IOC(" + direction + ", " + rest + ")");
        };
    }

    private static Style hexNamed(String set) {
        Constants names = Constants.of(set);
        return (w, v, c) -> {
            String n = names.name(v);
            if (n == null) {
                w.hexadecimal(v);
            } else {
                w.symbol(n);
            }
        };
    }

    private static void numbered(ValueWriter w, @Nullable String name, long value) {
        if (name == null) {
            w.number(value);
        } else {
            w.symbol(name);
        }
    }

    /** Name of a signal; null if it has none. */
    static @Nullable String signal(long n) {
        String name = Constants.of("signal").name(n);
        if (name != null) {
            return name;
        }
        // The C library keeps the first two for itself, and calls the third SIGRTMIN.
        return n >= SIGNALS && n <= SIGNAL_LAST ? "SIGRT_" + (n - SIGNALS) : null;
    }

    private static String octalText(long n) {
        String s = Long.toOctalString(n);
        return "0".repeat(Math.max(0, 3 - s.length()))
                + (s.startsWith("0") || s.length() < 3 ? "" : "0")
                + s;
    }

    private static String fileMode(long mode) {
        StringBuilder s = new StringBuilder();
        String type = Constants.of("file_type").name(mode & 0xF000);
        long rest = mode & 0xFFF;
        if (type == null) {
            rest = mode;
        } else {
            s.append(type).append('|');
        }
        if (type != null && (mode & 0xE00) != 0) {
            s.append(Constants.of("mode_bits").bits(mode & 0xE00)).append('|');
            rest = mode & 0x1FF;
        }
        return s.append(octalText(rest)).toString();
    }

    private static void device(ValueWriter w, long dev) {
        long major = dev >>> 8 & 0xFFF | dev >>> 32 & 0xFFFF_F000L;
        long minor = dev & 0xFF | dev >>> 12 & 0xFFFF_FF00L;
        w.symbol("makedev(" + hex(major) + ", " + hex(minor) + ")");
    }

    private static String hex(long n) {
        return n == 0 ? "0" : "0x" + Long.toHexString(n);
    }

    private static void handler(ValueWriter w, long v, CallView c) {
        if (v <= 2) {
            w.symbol(v == 0 ? "SIG_DFL" : v == 1 ? "SIG_IGN" : "SIG_HOLD");
        } else {
            w.address(v);
        }
    }

    private static void limit(ValueWriter w, long v, String infinity, CallView c) {
        boolean all = infinity.contains("64") || c.abi().kernelLong() == 8;
        if (all ? v == -1 : v == 0xFFFF_FFFFL) {
            w.symbol(infinity);
        } else if (w.brief() && Long.compareUnsigned(v, 1024) > 0 && v % 1024 == 0) {
            w.symbol(Long.toUnsignedString(Long.divideUnsigned(v, 1024)) + "*1024");
        } else {
            w.unsigned(v);
        }
    }

    private static String openFlags(long v) {
        long mode = v & 3;
        String access = Constants.of("open_access").name(mode);
        String rest = Constants.of("open_flags").bits(v & ~3L);
        String first = access == null ? "0x3" : access;
        return rest.equals("0") ? first : first + "|" + rest;
    }

    private static void access(ValueWriter w, long v, CallView c) {
        w.symbol(v == 0 ? "F_OK" : Constants.of("access").bits(v));
    }

    private static void cloneFlags(ValueWriter w, long v, CallView c) {
        String bits = Constants.of("clone").bits(v & ~0xFFL);
        String signal = (v & 0xFF) == 0 ? null : signal(v & 0xFF);
        String last = (v & 0xFF) == 0 ? "" : signal != null ? signal : Long.toString(v & 0xFF);
        w.symbol(last.isEmpty() ? bits : bits.equals("0") ? last : bits + "|" + last);
    }

    /** The family, which is the first parameter, says whose protocols they are. */
    private static void protocol(ValueWriter w, long v, CallView c) {
        String family = Constants.of("address_family").name((int) c.value(0));
        String set =
                "AF_INET".equals(family) || "AF_INET6".equals(family)
                        ? "ip_protocol"
                        : "AF_NETLINK".equals(family) ? "netlink" : "";
        numbered(w, set.isEmpty() ? null : Constants.of(set).name(v), v);
    }

    /** The level is the parameter before. */
    private static void option(ValueWriter w, long v, CallView c) {
        String level = Constants.of("socket_level").name((int) c.value(1));
        String set =
                level == null
                        ? ""
                        : switch (level) {
                            case "SOL_SOCKET" -> "socket_option";
                            case "SOL_TCP" -> "tcp_option";
                            case "SOL_IP" -> "ip_option";
                            case "SOL_IPV6" -> "ipv6_option";
                            default -> "";
                        };
        numbered(w, set.isEmpty() ? null : Constants.of(set).name(v), v);
    }

    private static void futex(ValueWriter w, long v, CallView c) {
        String name = Constants.of("futex_operation").name(v & 0x7F);
        String s = name == null ? "0x" + Long.toHexString(v & 0x7F) : name;
        if ((v & 0x80) != 0) {
            s += "_PRIVATE";
        }
        long rest = v & ~0xFFL;
        w.symbol(rest == 0 ? s : s + "|" + Constants.of("futex_flags").bits(rest));
    }

    private static void statx(ValueWriter w, long v, CallView c) {
        String sync =
                switch ((int) v & 0x6000) {
                    case 0 -> "AT_STATX_SYNC_AS_STAT";
                    case 0x2000 -> "AT_STATX_FORCE_SYNC";
                    case 0x4000 -> "AT_STATX_DONT_SYNC";
                    default -> "0x6000";
                };
        long rest = v & ~0x6000L;
        w.symbol(rest == 0 ? sync : sync + "|" + Constants.of("at_flags").bits(rest));
    }
}
