// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import dev.vitrine.hypervisor.ExternalInput;
import dev.vitrine.hypervisor.StateSection;
import dev.vitrine.hypervisor.StopReason;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Entries as bytes: a kind, and fields. Numbers are unsigned LEB128, hashes 8 bytes little-endian,
 * texts and contents have their length before them.
 */
final class LogCodec {
    private static final int INPUT = 1;
    private static final int BEAT = 2;
    private static final int CHECKPOINT = 3;
    private static final int END = 4;

    /** The bytes are no entry. */
    static final class Malformed extends Exception {
        private static final long serialVersionUID = 1L;

        Malformed(String message) {
            super(message, null, false, false);
        }
    }

    private LogCodec() {}

    static byte[] encode(LogEntry entry) {
        Output out = new Output();
        switch (entry) {
            case LogEntry.Input e -> {
                out.begin(INPUT, e);
                out.number(e.input().channel());
                out.bytes(e.input().bytes());
            }
            case LogEntry.Checkpoint e -> {
                MachineState state = e.state();
                out.begin(state == null ? BEAT : CHECKPOINT, e);
                out.number(e.time());
                out.hash(e.registers());
                if (state != null) {
                    state(state, out);
                }
            }
            case LogEntry.End e -> {
                out.begin(END, e);
                out.text(e.reason().name());
                out.text(e.message());
            }
        }
        return out.toByteArray();
    }

    private static void state(MachineState state, Output out) {
        out.number(state.devices().size());
        for (StateSection s : state.devices()) {
            out.text(s.name());
            out.hash(s.hash());
            out.number(s.names().size());
            for (int i = 0; i < s.names().size(); i++) {
                out.text(s.names().get(i));
                out.number(s.values().get(i));
            }
        }
        out.number(state.memory().length);
        for (long part : state.memory()) {
            out.hash(part);
        }
    }

    /**
     * @throws Malformed they are none
     */
    static LogEntry decode(byte[] bytes) throws Malformed {
        Input in = new Input(bytes);
        int kind = in.octet();
        long point = in.number();
        long instructions = in.number();
        LogEntry entry =
                switch (kind) {
                    case INPUT -> {
                        int channel = in.count(Integer.MAX_VALUE);
                        byte[] content = in.bytes();
                        if (channel == ExternalInput.MEMORY && content.length < 8) {
                            throw new Malformed("a write without an address");
                        }
                        yield new LogEntry.Input(
                                point, instructions, new ExternalInput(channel, content));
                    }
                    case BEAT, CHECKPOINT ->
                            new LogEntry.Checkpoint(
                                    point,
                                    instructions,
                                    in.number(),
                                    in.hash(),
                                    kind == BEAT ? null : state(in));
                    case END -> new LogEntry.End(point, instructions, reason(in.text()), in.text());
                    default -> throw new Malformed("there is no kind " + kind);
                };
        in.end();
        return entry;
    }

    private static StopReason reason(String name) throws Malformed {
        for (StopReason r : StopReason.values()) {
            if (r.name().equals(name)) {
                return r;
            }
        }
        throw new Malformed("an end for an unknown reason");
    }

    private static @Nullable MachineState state(Input in) throws Malformed {
        List<StateSection> devices = new ArrayList<>();
        for (int n = in.count(in.left()); n > 0; n--) {
            String name = in.text();
            long hash = in.hash();
            List<String> names = new ArrayList<>();
            List<Long> values = new ArrayList<>();
            for (int v = in.count(in.left()); v > 0; v--) {
                names.add(in.text());
                values.add(in.number());
            }
            devices.add(new StateSection(name, hash, names, values));
        }
        long[] memory = new long[in.count(in.left() / 8)];
        for (int i = 0; i < memory.length; i++) {
            memory[i] = in.hash();
        }
        return new MachineState(devices, memory);
    }

    private static final class Output extends ByteArrayOutputStream {
        void begin(int kind, LogEntry e) {
            write(kind);
            number(e.point());
            number(e.instructions());
        }

        void number(long value) {
            long v = value;
            while ((v & ~0x7FL) != 0) {
                write((int) v & 0x7F | 0x80);
                v >>>= 7;
            }
            write((int) v);
        }

        void hash(long value) {
            for (int i = 0; i < 64; i += 8) {
                write((int) (value >>> i));
            }
        }

        void bytes(byte[] b) {
            number(b.length);
            write(b, 0, b.length);
        }

        void text(String s) {
            bytes(s.getBytes(StandardCharsets.UTF_8));
        }
    }

    private static final class Input {
        private final ByteBuffer in;

        Input(byte[] bytes) {
            in = ByteBuffer.wrap(bytes).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        }

        int left() {
            return in.remaining();
        }

        int octet() throws Malformed {
            if (!in.hasRemaining()) {
                throw new Malformed("it ends too soon");
            }
            return in.get() & 0xFF;
        }

        long number() throws Malformed {
            long v = 0;
            for (int shift = 0; shift < 64; shift += 7) {
                int b = octet();
                v |= (long) (b & 0x7F) << shift;
                if (b < 0x80) {
                    return v;
                }
            }
            throw new Malformed("a number that is too long");
        }

        int count(int most) throws Malformed {
            long n = number();
            if (n < 0 || n > most) {
                throw new Malformed("a count of " + Long.toUnsignedString(n));
            }
            return (int) n;
        }

        long hash() throws Malformed {
            if (left() < 8) {
                throw new Malformed("it ends too soon");
            }
            return in.getLong();
        }

        byte[] bytes() throws Malformed {
            int length = count(Integer.MAX_VALUE);
            if (length > left()) {
                throw new Malformed("it ends too soon");
            }
            byte[] b = new byte[length];
            in.get(b);
            return b;
        }

        String text() throws Malformed {
            return new String(bytes(), StandardCharsets.UTF_8);
        }

        void end() throws Malformed {
            if (in.hasRemaining()) {
                throw new Malformed(left() + " bytes too many");
            }
        }
    }
}
