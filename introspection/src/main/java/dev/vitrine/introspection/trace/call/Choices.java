// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;
import dev.vitrine.introspection.trace.call.Parameter.Chosen;
import dev.vitrine.introspection.trace.call.Parameter.Presence;
import dev.vitrine.introspection.trace.call.Parameter.When;
import dev.vitrine.introspection.trace.call.Scalar.Style;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.Objects;
import java.util.Set;

/** Arguments whose meaning another argument decides. */
final class Choices {
    private Choices() {}

    /** What a request's third argument points to, and when. */
    private record Choice(String type, When when) {}

    private static final Map<String, Choice> IOCTL =
            Map.ofEntries(
                    Map.entry("TCGETS", new Choice("termios", When.RETURN)),
                    Map.entry("TCSETS", new Choice("termios", When.ENTRY)),
                    Map.entry("TCSETSW", new Choice("termios", When.ENTRY)),
                    Map.entry("TCSETSF", new Choice("termios", When.ENTRY)),
                    Map.entry("TIOCGWINSZ", new Choice("winsize", When.RETURN)),
                    Map.entry("TIOCSWINSZ", new Choice("winsize", When.ENTRY)),
                    Map.entry("TIOCGPGRP", new Choice("int", When.RETURN)),
                    Map.entry("TIOCSPGRP", new Choice("int", When.ENTRY)),
                    Map.entry("TIOCGSID", new Choice("int", When.RETURN)),
                    Map.entry("TIOCGPTN", new Choice("int", When.RETURN)),
                    Map.entry("TIOCSPTLCK", new Choice("int", When.ENTRY)),
                    Map.entry("TIOCOUTQ", new Choice("int", When.RETURN)),
                    Map.entry("FIONREAD", new Choice("int", When.RETURN)),
                    Map.entry("FIONBIO", new Choice("int", When.ENTRY)),
                    Map.entry("FIOASYNC", new Choice("int", When.ENTRY)),
                    Map.entry("BLKGETSIZE64", new Choice("u64", When.RETURN)));

    private static final Map<String, Choice> FCNTL =
            Map.of(
                    "F_GETLK", new Choice("flock", When.BOTH),
                    "F_SETLK", new Choice("flock", When.ENTRY),
                    "F_SETLKW", new Choice("flock", When.ENTRY),
                    "F_OFD_GETLK", new Choice("flock64", When.BOTH),
                    "F_OFD_SETLK", new Choice("flock64", When.ENTRY),
                    "F_OFD_SETLKW", new Choice("flock64", When.ENTRY));

    private static final Set<String> FCNTL_ALONE =
            Set.of(
                    "F_GETFD",
                    "F_GETFL",
                    "F_GETOWN",
                    "F_GETSIG",
                    "F_GETLEASE",
                    "F_GETPIPE_SZ",
                    "F_GET_SEALS");

    private static final Set<String> PRCTL_ALONE =
            Set.of(
                    "PR_GET_DUMPABLE",
                    "PR_GET_KEEPCAPS",
                    "PR_GET_NO_NEW_PRIVS",
                    "PR_GET_SECUREBITS",
                    "PR_GET_SECCOMP",
                    "PR_GET_TIMERSLACK");

    /** FUTEX_WAIT and others with a timeout. */
    private static final Set<Long> FUTEX_TIMED = Set.of(0L, 6L, 9L, 11L, 13L);

    private static final Set<Long> FUTEX_SECOND = Set.of(3L, 4L, 5L, 11L, 12L);
    private static final Set<Long> FUTEX_THIRD = Set.of(4L, 5L, 9L, 10L, 12L);
    private static final long FUTEX_COMMAND = 0x7F;
    private static final long CREATE = 0x40;
    private static final long TEMPORARY = 0x40_0000;

    /** The mode of a call that may make a file; the flags are the parameter before. */
    static Presence creates(int flags) {
        return c -> (c.value(flags) & (CREATE | TEMPORARY)) != 0;
    }

    /** The number of a device; the mode of the file is the parameter before. */
    static Presence device(int mode) {
        return c -> (c.value(mode) & 0xF000) == 0x2000 || (c.value(mode) & 0xF000) == 0x6000;
    }

    static final Presence FCNTL_ARGUMENT =
            c -> !FCNTL_ALONE.contains(name("fcntl", (int) c.value(1)));

    private static final Set<String> PRCTL_ONE =
            Set.of(
                    "PR_SET_NAME",
                    "PR_GET_NAME",
                    "PR_SET_PDEATHSIG",
                    "PR_GET_PDEATHSIG",
                    "PR_SET_DUMPABLE",
                    "PR_SET_KEEPCAPS",
                    "PR_SET_TIMERSLACK",
                    "PR_SET_SECUREBITS",
                    "PR_SET_CHILD_SUBREAPER",
                    "PR_GET_CHILD_SUBREAPER",
                    "PR_CAPBSET_READ",
                    "PR_CAPBSET_DROP");

    static final Presence PRCTL_MORE =
            c -> {
                String option = name("prctl", (int) c.value(0));
                return !PRCTL_ALONE.contains(option) && !PRCTL_ONE.contains(option);
            };

    static final Presence PRCTL_ARGUMENT =
            c -> !PRCTL_ALONE.contains(name("prctl", (int) c.value(0)));

    static final Presence FUTEX_TIME = c -> FUTEX_TIMED.contains(c.value(1) & FUTEX_COMMAND);
    static final Presence FUTEX_ADDRESS = c -> FUTEX_SECOND.contains(c.value(1) & FUTEX_COMMAND);
    static final Presence FUTEX_VALUE = c -> FUTEX_THIRD.contains(c.value(1) & FUTEX_COMMAND);

    private static String name(String set, long value) {
        return Objects.requireNonNullElse(Constants.of(set).name(value), "");
    }

    static final Style FCNTL_STYLE =
            (w, v, c) -> {
                switch (name("fcntl", (int) c.value(1))) {
                    case "F_SETFD" -> w.symbol(v == 1 ? "FD_CLOEXEC" : Long.toString(v));
                    case "F_SETFL" ->
                            Objects.requireNonNull(Scalars.of("open_flags")).write(w, v, c);
                    case "F_DUPFD", "F_DUPFD_CLOEXEC", "F_SETOWN", "F_SETSIG", "F_SETPIPE_SZ" ->
                            w.number((int) v);
                    default -> w.hexadecimal(v);
                }
            };

    private static @Nullable Pointed pointed(@Nullable Choice choice) {
        if (choice == null) {
            return null;
        }
        Scalar s = Scalars.of(choice.type);
        return s != null ? new Items.Number(s) : new Items.Structure(choice.type);
    }

    /** A pointer by the name that the parameter before it has. */
    private record ByName(String set, Map<String, Choice> choices) implements Chosen {
        private @Nullable Choice choice(CallView call) {
            long request = call.value(1) & 0xFFFF_FFFFL;
            return choices.get(name(set, request));
        }

        @Override
        public When when(CallView call) {
            Choice c = choice(call);
            return c == null ? When.RETURN : c.when;
        }

        @Override
        public @Nullable Object read(CallReader call, long address) {
            Pointed p = pointed(choice(call));
            return p == null ? null : p.read(call, address);
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Objects.requireNonNull(pointed(choice(call))).write(w, content, call);
        }
    }

    static final Pointed IOCTL_ARGUMENT = new ByName("ioctl", IOCTL);
    static final Pointed FCNTL_LOCK = new ByName("fcntl", FCNTL);

    /** The name of PR_SET_NAME and PR_GET_NAME. */
    static final Pointed PRCTL_NAME =
            new Chosen() {
                /** TASK_COMM_LEN, without the zero byte. */
                private static final int NAME = 15;

                @Override
                public When when(CallView call) {
                    return name("prctl", call.value(0)).equals("PR_GET_NAME")
                            ? When.RETURN
                            : When.ENTRY;
                }

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    return name("prctl", call.value(0)).endsWith("ET_NAME")
                            ? GuestTexts.text(call, address, NAME)
                            : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    w.text((byte[]) content, false);
                }
            };

    /** Times of a file, which may be "now" or "as it is". */
    static final Pointed FILE_TIMES =
            new Pointed() {
                private static final long NOW = (1L << 30) - 1;
                private static final long OMIT = (1L << 30) - 2;

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] b = new byte[4 * call.abi().kernelLong()];
                    return call.read(address, b, 0, b.length) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    byte[] b = (byte[]) content;
                    int size = b.length / 4;
                    w.beginArray();
                    for (int at = 0; at < b.length; at += 2 * size) {
                        long nanos = LittleEndian.number(b, at + size, size);
                        if (nanos == NOW || nanos == OMIT) {
                            w.symbol(nanos == NOW ? "UTIME_NOW" : "UTIME_OMIT");
                        } else {
                            Layout l = Objects.requireNonNull(Layouts.of(call.abi(), "timespec"));
                            l.write(w, b, at, call);
                        }
                    }
                    w.endArray();
                }
            };

    /** What a signal does, in the order of its manual page, not of memory. */
    static final Pointed SIGNAL_ACTION =
            new Pointed() {
                private static final long RESTORER = 0x400_0000;

                private Layout layout(Abi abi) {
                    return Objects.requireNonNull(Layouts.of(abi, "sigaction"));
                }

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] b = new byte[layout(call.abi()).size()];
                    return call.read(address, b, 0, b.length) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    Layout l = layout(call.abi());
                    byte[] b = (byte[]) content;
                    int word = call.abi().pointer();
                    long flags = LittleEndian.number(b, l.offset("sa_flags"), word);
                    w.beginObject();
                    l.member(w, "sa_handler", b, call);
                    l.member(w, "sa_mask", b, call);
                    l.member(w, "sa_flags", b, call);
                    if ((flags & RESTORER) != 0) {
                        l.member(w, "sa_restorer", b, call);
                    }
                    w.endObject();
                }
            };

    /** A socket's option. */
    record Option(Count length) implements Pointed {
        private static final int LINGER = 13;

        @Override
        public @Nullable Object read(CallReader call, long address) {
            return Texts.Buffer.read(call, address, length.get(call));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Texts.Buffer b = (Texts.Buffer) content;
            if (b.size() == 4 && b.bytes().length == 4) {
                if (w.brief()) {
                    w.beginArray();
                }
                w.number(LittleEndian.i32(b.bytes(), 0));
                if (w.brief()) {
                    w.endArray();
                }
            } else if (call.value(1) == 1 && call.value(2) == LINGER && b.bytes().length == 8) {
                Objects.requireNonNull(Layouts.of(call.abi(), "linger"))
                        .write(w, b.bytes(), 0, call);
            } else {
                b.write(w);
            }
        }
    }
}
