// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** Pointers to numbers, structures and arrays of them. */
final class Items {
    /** Elements of an array that are told at the most. */
    private static final int MAX_ITEMS = 256;

    private Items() {}

    /** The elements that are told, and whether there are more. */
    private record Some(byte[] bytes, boolean more) {}

    private static @Nullable Some some(CallReader call, long address, int size, long count) {
        int n = (int) Math.min(count, MAX_ITEMS);
        byte[] b = new byte[n * size];
        return call.read(address, b, 0, b.length) ? new Some(b, count > n) : null;
    }

    /** One number. */
    record Number(Scalar scalar) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            byte[] b = new byte[scalar.size(call.abi())];
            return call.read(address, b, 0, b.length) ? b : null;
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            byte[] b = (byte[]) content;
            if (w.brief()) {
                w.beginArray();
            }
            long raw = LittleEndian.number(b, 0, b.length);
            scalar.write(w, scalar.cut(raw, b.length), call);
            if (w.brief()) {
                w.endArray();
            }
        }
    }

    /** Several numbers. */
    record Numbers(Scalar scalar, Count count) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            return some(call, address, scalar.size(call.abi()), count.get(call));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Some s = (Some) content;
            int size = scalar.size(call.abi());
            w.beginArray();
            for (int at = 0; at < s.bytes.length; at += size) {
                scalar.write(w, scalar.cut(LittleEndian.number(s.bytes, at, size), size), call);
            }
            if (s.more) {
                w.more();
            }
            w.endArray();
        }
    }

    /**
     * A structure.
     *
     * @param size bytes of it that there are, if that is an argument
     */
    record Structure(String name, @Nullable Count size) implements Pointed {
        private Layout layout(Abi abi) {
            Layout l = Layouts.of(abi, name);
            if (l == null) {
                throw new IllegalStateException("no structure " + name);
            }
            return l;
        }

        @Override
        public @Nullable Object read(CallReader call, long address) {
            int all = layout(call.abi()).size();
            byte[] b = new byte[size == null ? all : (int) Math.min(all, size.get(call))];
            return b.length > 0 && call.read(address, b, 0, b.length) ? b : null;
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            layout(call.abi()).write(w, (byte[]) content, 0, call);
        }
    }

    /** Several structures. */
    record Structures(Structure one, Count count) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            return some(call, address, one.layout(call.abi()).size(), count.get(call));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Some s = (Some) content;
            Layout l = one.layout(call.abi());
            w.beginArray();
            for (int at = 0; at < s.bytes.length; at += l.size()) {
                l.write(w, s.bytes, at, call);
            }
            if (s.more) {
                w.more();
            }
            w.endArray();
        }
    }

    /** Several pointers to structures. */
    record Pointers(Structure one, Count count) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            int word = call.abi().pointer();
            Some s = some(call, address, word, count.get(call));
            if (s == null) {
                return null;
            }
            List<@Nullable Object> all = new ArrayList<>();
            for (int at = 0; at < s.bytes.length; at += word) {
                all.add(one.read(call, LittleEndian.number(s.bytes, at, word)));
            }
            return new Several(s, all);
        }

        private record Several(Some pointers, List<@Nullable Object> structures) {}

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Several s = (Several) content;
            int word = call.abi().pointer();
            w.beginArray();
            for (int i = 0; i < s.structures.size(); i++) {
                Object x = s.structures.get(i);
                if (x == null) {
                    w.address(LittleEndian.number(s.pointers.bytes, i * word, word));
                } else {
                    one.write(w, x, call);
                }
            }
            if (s.pointers.more) {
                w.more();
            }
            w.endArray();
        }
    }

    /** A sigset_t. */
    static final Pointed SIGNALS =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] b = new byte[8];
                    return call.read(address, b, 0, 8) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    Signals.write(w, LittleEndian.i64((byte[]) content, 0));
                }
            };

    /** The last argument of pselect6: a pointer to a set, and its size. */
    static final Pointed SIGNALS_ARGUMENT =
            new Pointed() {
                private record Found(long address, byte @Nullable [] set, long size) {}

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    int word = call.abi().pointer();
                    byte[] b = new byte[2 * word];
                    if (!call.read(address, b, 0, b.length)) {
                        return null;
                    }
                    long set = LittleEndian.number(b, 0, word);
                    Object signals = set == 0 ? null : SIGNALS.read(call, set);
                    return new Found(set, (byte[]) signals, LittleEndian.number(b, word, word));
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    Found f = (Found) content;
                    w.beginObject();
                    w.name("sigmask");
                    if (f.set == null) {
                        w.address(f.address);
                    } else {
                        SIGNALS.write(w, f.set, call);
                    }
                    w.name("sigsetsize");
                    w.unsigned(f.size);
                    w.endObject();
                }
            };

    /** Sets of capabilities (struct __user_cap_data_struct), of 32 bits or twice as many. */
    static final Pointed CAPABILITIES =
            new Pointed() {
                /** The only version with one structure; the others have two. */
                private static final int VERSION_1 = 0x1998_0330;

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] version = new byte[4];
                    if (!call.read(call.value(0), version, 0, 4)) {
                        return null;
                    }
                    byte[] b = new byte[24];
                    int size = LittleEndian.i32(version, 0) == VERSION_1 ? 12 : 24;
                    return call.read(address, b, 0, size) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    byte[] b = (byte[]) content;
                    String[] names = {"effective", "permitted", "inheritable"};
                    w.beginObject();
                    for (int i = 0; i < 3; i++) {
                        w.name(names[i]);
                        long low = LittleEndian.u32(b, 4 * i);
                        w.symbol(capabilities(low | LittleEndian.u32(b, 12 + 4 * i) << 32));
                    }
                    w.endObject();
                }
            };

    private static String capabilities(long set) {
        StringBuilder s = new StringBuilder();
        for (int i = 0; i < 64; i++) {
            if ((set >>> i & 1) != 0) {
                String name = Constants.of("capability").name(i);
                s.append(s.isEmpty() ? "1<<" : "|1<<").append(name == null ? i : name);
            }
        }
        return s.isEmpty() ? "0" : s.toString();
    }

    /** What wait() tells of a process's end. */
    static final Pointed WAIT_STATUS =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    byte[] b = new byte[4];
                    // 0: no process has ended, and nothing has been written.
                    return call.result() != 0 && call.read(address, b, 0, 4) ? b : null;
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    w.symbol("[" + status(LittleEndian.i32((byte[]) content, 0)) + "]");
                }
            };

    /** The macros of sys/wait.h. */
    private static String status(int s) {
        int low = s & 0x7F;
        int high = s >> 8 & 0xFF;
        if (s == 0xFFFF) {
            return "{WIFCONTINUED(s)}";
        }
        if (low == 0) {
            return "{WIFEXITED(s) && WEXITSTATUS(s) == " + high + "}";
        }
        String name = Scalars.signal(low == 0x7F ? high : low);
        String signal = name == null ? Integer.toString(low == 0x7F ? high : low) : name;
        if (low == 0x7F) {
            return "{WIFSTOPPED(s) && WSTOPSIG(s) == " + signal + "}";
        }
        return "{WIFSIGNALED(s) && WTERMSIG(s) == "
                + signal
                + ((s & 0x80) != 0 ? " && WCOREDUMP(s)}" : "}");
    }

    /**
     * A set of descriptors or processors, one bit each.
     *
     * @param unit bits for one that is counted
     */
    record Bits(Count count, int unit) implements Pointed {
        /** FD_SETSIZE; the kernel takes more, but nobody has them. */
        private static final int MAX = 1024;

        @Override
        public @Nullable Object read(CallReader call, long address) {
            long n = Math.min(MAX, count.get(call)) * unit;
            byte[] b = new byte[unit == 8 ? (int) n / 8 : (int) (n + 63) / 64 * 8];
            return call.read(address, b, 0, b.length) ? b : null;
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            byte[] b = (byte[]) content;
            StringBuilder s = new StringBuilder("[");
            if (!w.brief()) {
                w.beginArray();
            }
            for (int i = 0; i < 8 * b.length; i++) {
                if ((b[i >> 3] >> (i & 7) & 1) != 0) {
                    if (w.brief()) {
                        s.append(s.length() == 1 ? "" : " ").append(i);
                    } else {
                        w.number(i);
                    }
                }
            }
            if (w.brief()) {
                w.symbol(s.append(']').toString());
            } else {
                w.endArray();
            }
        }
    }

    /**
     * Entries of a folder.
     *
     * @param wide those of getdents64
     */
    record Entries(boolean wide) implements Pointed {
        private static final int MAX = 1 << 16;

        @Override
        public @Nullable Object read(CallReader call, long address) {
            byte[] b = new byte[(int) Math.clamp(call.result(), 0, MAX)];
            return call.read(address, b, 0, b.length) ? new Found(address, b) : null;
        }

        private record Found(long address, byte[] bytes) {}

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Found f = (Found) content;
            byte[] b = f.bytes;
            int word = wide ? 8 : call.abi() == Abi.I386 ? 4 : 8;
            int names = 2 * word + (wide ? 3 : 2);
            int count = 0;
            if (!w.brief()) {
                w.beginArray();
            }
            for (int at = 0; at + names <= b.length; count++) {
                int length = LittleEndian.u16(b, at + 2 * word);
                if (length < names || at + length > b.length) {
                    break;
                }
                if (!w.brief()) {
                    w.beginObject();
                    w.name("d_ino");
                    w.unsigned(LittleEndian.number(b, at, word));
                    w.name("d_name");
                    Contents.text(w, b, at + names, length - names);
                    w.endObject();
                }
                at += length;
            }
            if (w.brief()) {
                w.symbol(
                        String.format(
                                "0x%x /* %d entr%s */",
                                f.address, count, count == 1 ? "y" : "ies"));
            } else {
                w.endArray();
            }
        }
    }
}
