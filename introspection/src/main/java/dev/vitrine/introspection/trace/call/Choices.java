// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;
import dev.vitrine.introspection.trace.call.Parameter.Presence;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.Set;

/** Arguments whose meaning another argument decides. */
final class Choices {
    private Choices() {}

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

    static final Presence FUTEX_TIME = c -> FUTEX_TIMED.contains(c.value(1) & FUTEX_COMMAND);
    static final Presence FUTEX_ADDRESS = c -> FUTEX_SECOND.contains(c.value(1) & FUTEX_COMMAND);
    static final Presence FUTEX_VALUE = c -> FUTEX_THIRD.contains(c.value(1) & FUTEX_COMMAND);

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
