// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;
import java.util.List;

/** Pointers to characters. */
final class Texts {
    private Texts() {}

    /** A text that ends with a zero byte. */
    static final Pointed TEXT =
            new Pointed() {
                @Override
                public @Nullable Object read(CallReader call, long address) {
                    return GuestTexts.text(call, address, GuestTexts.MAX_TEXT);
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    byte[] b = (byte[]) content;
                    boolean cut = b.length == GuestTexts.MAX_TEXT;
                    // PATH_MAX counts the zero byte.
                    w.text(cut ? Arrays.copyOf(b, b.length - 1) : b, cut);
                }

                @Override
                public byte[] bytes(Object content) {
                    return (byte[]) content;
                }
            };

    /** The name that prctl gives a thread: as much of it as the kernel keeps. */
    static final Pointed PROCESS_NAME =
            new Pointed() {
                /** TASK_COMM_LEN. */
                private static final int SIZE = 16;

                @Override
                public @Nullable Object read(CallReader call, long address) {
                    return GuestTexts.text(call, address, SIZE);
                }

                @Override
                public void write(ValueWriter w, Object content, CallView call) {
                    byte[] b = (byte[]) content;
                    // strace does not look whether a zero byte follows.
                    boolean cut = b.length >= (w.brief() ? SIZE - 1 : SIZE);
                    w.text(cut ? Arrays.copyOf(b, SIZE - 1) : b, cut);
                }

                @Override
                public byte[] bytes(Object content) {
                    return (byte[]) content;
                }
            };

    /** A vector of such texts; {@code brief} tells only how many they are in a line of text. */
    record Vector(boolean brief) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            List<byte[]> list = GuestTexts.vector(call, address);
            return list == null ? null : new Found(address, list);
        }

        private record Found(long address, List<byte[]> texts) {}

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Found f = (Found) content;
            if (brief && w.brief()) {
                int n = f.texts.size();
                w.symbol(String.format("0x%x /* %d var%s */", f.address, n, n == 1 ? "" : "s"));
                return;
            }
            w.beginArray();
            for (byte[] s : f.texts) {
                w.text(s, false);
            }
            w.endArray();
        }
    }

    /** What has been written of a text; the terminating zero byte may be among it. */
    record Written(Count count) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            int n = (int) Math.min(count.get(call), GuestTexts.MAX_TEXT);
            return GuestTexts.text(call, address, Math.max(1, n));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            w.text((byte[]) content, false);
        }

        @Override
        public byte[] bytes(Object content) {
            return (byte[]) content;
        }
    }

    /** A buffer. */
    record Data(Count count) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            return Buffer.read(call, address, count.get(call));
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            ((Buffer) content).write(w);
        }

        @Override
        public byte[] bytes(Object content) {
            return ((Buffer) content).bytes();
        }
    }

    /** The beginning of a buffer, and how large it is. */
    record Buffer(byte[] bytes, long size) {
        static @Nullable Buffer read(CallReader call, long address, long size) {
            byte[] b = new byte[(int) Math.min(size, call.dataLimit())];
            return call.read(address, b, 0, b.length) ? new Buffer(b, size) : null;
        }

        void write(ValueWriter w) {
            w.data(bytes, size);
        }
    }

    /** A message of a System V queue (struct msgbuf): a number, and text. */
    record Message(Count count) implements Pointed {
        private record Found(long type, Buffer text) {}

        @Override
        public @Nullable Object read(CallReader call, long address) {
            int word = call.abi().kernelLong();
            byte[] type = new byte[word];
            Buffer text = Buffer.read(call, address + word, count.get(call));
            return text != null && call.read(address, type, 0, word)
                    ? new Found(LittleEndian.number(type, 0, word), text)
                    : null;
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            Found f = (Found) content;
            w.beginObject();
            w.name("mtype");
            w.number(f.type);
            w.name("mtext");
            f.text.write(w);
            w.endObject();
        }
    }
}
