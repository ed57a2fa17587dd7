// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** Buffers in pieces, and messages made of them. */
final class Vectors {
    /** Pieces that are told at the most. */
    private static final int TOLD = 64;

    /** UIO_MAXIOV: more do not go with one call. */
    private static final int MAX_MESSAGES = 1024;

    private Vectors() {}

    /** A piece; its data are not read if the call has not come that far. */
    private record Piece(long base, long length, Texts.@Nullable Buffer data) {}

    private record Pieces(List<Piece> list, boolean more) {
        void write(ValueWriter w) {
            w.beginArray();
            for (Piece p : list) {
                w.beginObject();
                w.name("iov_base");
                if (p.data == null) {
                    w.address(p.base);
                } else {
                    p.data.write(w);
                }
                w.name("iov_len");
                w.unsigned(p.length);
                w.endObject();
            }
            if (more) {
                w.more();
            }
            w.endArray();
        }
    }

    /**
     * Reads pieces.
     *
     * @param filled bytes that there are in all of them
     */
    private static @Nullable Pieces pieces(CallReader call, long address, long count, long filled) {
        int size = call.abi().pointer();
        int n = (int) Math.clamp(count, 0, TOLD);
        byte[] b = new byte[2 * size * n];
        if (!call.read(address, b, 0, b.length)) {
            return null;
        }
        List<Piece> list = new ArrayList<>(n);
        long left = filled;
        for (int i = 0; i < n; i++) {
            long base = LittleEndian.number(b, 2 * size * i, size);
            long length = LittleEndian.number(b, 2 * size * i + size, size);
            long here = Math.min(left, length < 0 ? left : length);
            list.add(new Piece(base, length, Texts.Buffer.read(call, base, here)));
            left -= here;
        }
        return new Pieces(list, count > n);
    }

    /** An array of struct iovec; what is in it after a read, as far as the result goes. */
    record Vector(Count count, boolean out) implements Pointed {
        @Override
        public @Nullable Object read(CallReader call, long address) {
            long filled = out ? Math.max(0, call.result()) : Long.MAX_VALUE;
            return pieces(call, address, count.get(call), filled);
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            ((Pieces) content).write(w);
        }
    }

    private record Content(
            byte @Nullable [] name,
            long nameAddress,
            long nameLength,
            @Nullable Pieces pieces,
            long pieceCount,
            long controlLength,
            byte @Nullable [] control,
            int flags,
            long length) {}

    /** A struct msghdr, or an array of struct mmsghdr. */
    record Message(boolean out, @Nullable Count count) implements Pointed {
        private @Nullable Content one(CallReader call, long address, long filled) {
            int p = call.abi().pointer();
            byte[] b = new byte[8 * p];
            int size = p == 8 ? 56 : 28;
            if (!call.read(address, b, 0, size)) {
                return null;
            }
            long name = LittleEndian.number(b, 0, p);
            long nameLength = LittleEndian.u32(b, p);
            long vector = LittleEndian.number(b, 2 * p, p);
            long pieces = LittleEndian.number(b, 3 * p, p);
            long control = LittleEndian.number(b, 5 * p, p);
            return new Content(
                    name == 0 || nameLength == 0
                            ? null
                            : SocketAddresses.read(call, name, nameLength),
                    name,
                    nameLength,
                    vector == 0 ? null : pieces(call, vector, pieces, filled),
                    pieces,
                    control,
                    ControlMessages.read(call, LittleEndian.number(b, 4 * p, p), control),
                    LittleEndian.i32(b, 6 * p),
                    -1);
        }

        @Override
        public @Nullable Object read(CallReader call, long address) {
            if (count == null) {
                long filled = out ? Math.max(0, call.result()) : Long.MAX_VALUE;
                return one(call, address, filled);
            }
            int p = call.abi().pointer();
            int size = p == 8 ? 64 : 32;
            List<Content> list = new ArrayList<>();
            byte[] length = new byte[4];
            for (int i = 0; i < Math.min(MAX_MESSAGES, count.get(call)); i++) {
                long at = address + (long) size * i;
                if (!call.read(at + (p == 8 ? 56 : 28), length, 0, 4)) {
                    return null;
                }
                long told = LittleEndian.u32(length, 0);
                Content c = one(call, at, out ? told : Long.MAX_VALUE);
                if (c == null) {
                    return null;
                }
                list.add(
                        new Content(
                                c.name,
                                c.nameAddress,
                                c.nameLength,
                                c.pieces,
                                c.pieceCount,
                                c.controlLength,
                                c.control,
                                c.flags,
                                told));
            }
            return list;
        }

        @Override
        public List<Arguments.Message> messages(Object content) {
            List<Arguments.Message> all = new ArrayList<>();
            for (Object o : content instanceof List<?> several ? several : List.of(content)) {
                Content c = (Content) o;
                all.add(new Arguments.Message(c.name, c.length));
            }
            return all;
        }

        @Override
        public void write(ValueWriter w, Object content, CallView call) {
            if (content instanceof Content c) {
                write(w, c, call);
                return;
            }
            w.beginArray();
            for (Object o : (List<?>) content) {
                Content c = (Content) o;
                w.beginObject();
                w.name("msg_hdr");
                write(w, c, call);
                w.name("msg_len");
                w.number(c.length);
                w.endObject();
            }
            w.endArray();
        }

        private void write(ValueWriter w, Content c, CallView call) {
            w.beginObject();
            w.name("msg_name");
            if (c.name == null) {
                w.address(c.nameAddress);
            } else {
                SocketAddresses.write(w, c.name);
            }
            w.name("msg_namelen");
            w.number(c.nameLength);
            w.name("msg_iov");
            if (c.pieces == null) {
                w.address(0);
            } else {
                c.pieces.write(w);
            }
            w.name("msg_iovlen");
            w.unsigned(c.pieceCount);
            if (c.control != null) {
                w.name("msg_control");
                ControlMessages.write(w, c.control, call);
            }
            w.name("msg_controllen");
            w.unsigned(c.controlLength);
            w.name("msg_flags");
            w.symbol(Constants.of("msg_flags").bits(c.flags & 0xFFFF_FFFFL));
            w.endObject();
        }
    }
}
