// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.Task;
import dev.vitrine.introspection.trace.TracedEvent;
import dev.vitrine.introspection.trace.output.TextWriter;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/** System calls of a process whose memory a test has made. */
public final class Samples {
    private Samples() {}

    /** Memory at some addresses, and a call's view of it. */
    static final class FakeProcess implements CallReader {
        private final TreeMap<Long, byte[]> pieces = new TreeMap<>();
        private final Abi abi;
        CapturedArguments arguments;
        long result;
        int limit = 32;

        FakeProcess(Abi abi) {
            this.abi = abi;
            this.arguments = new CapturedArguments(new CallTable(null).get(abi, 0), new long[6]);
        }

        FakeProcess put(long address, byte... content) {
            pieces.put(address, content);
            return this;
        }

        FakeProcess put(long address, String text) {
            return put(address, (text + "\0").getBytes(StandardCharsets.UTF_8));
        }

        /** Lets a call begin and return. */
        CapturedArguments call(String name, long result, long... values) {
            int number =
                    CallTable.names(abi).entrySet().stream()
                            .filter(e -> e.getValue().equals(name))
                            .mapToInt(Map.Entry::getKey)
                            .findFirst()
                            .orElseThrow();
            long[] six = java.util.Arrays.copyOf(values, 6);
            arguments = new CapturedArguments(new CallTable(null).get(abi, number), six);
            arguments.entered(this);
            this.result = result;
            arguments.returned(this, false);
            return arguments;
        }

        @Override
        public Abi abi() {
            return abi;
        }

        @Override
        public long value(int parameter) {
            return arguments.value(parameter);
        }

        @Override
        public long result() {
            return result;
        }

        @Override
        public int dataLimit() {
            return limit;
        }

        @Override
        public boolean read(long linear, byte[] target, int offset, int length) {
            for (int i = 0; i < length; i++) {
                Map.Entry<Long, byte[]> e = pieces.floorEntry(linear + i);
                long at = e == null ? 0 : linear + i - e.getKey();
                // Behind a piece there are zeros up to the end of its page.
                if (e == null
                        || at >= e.getValue().length
                                && (e.getKey() + at) >> 12 != e.getKey() >> 12) {
                    return false;
                }
                target[offset + i] = at < e.getValue().length ? e.getValue()[(int) at] : 0;
            }
            return true;
        }
    }

    static String text(CapturedArguments a) {
        TextWriter w = new TextWriter();
        a.write(w);
        return w.toString();
    }

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    static byte[] longs(long... values) {
        ByteBuffer b = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.stream(values).forEach(b::putLong);
        return b.array();
    }

    /** cat, of user 1000, may not open /etc/shadow. */
    public static TracedEvent openFailed() {
        CapturedArguments a =
                new FakeProcess(Abi.X64)
                        .put(0x5000, "/etc/shadow")
                        .call("openat", -13, -100, 0x5000, 0x80000);
        return event(new SystemCall("x64", 257, "openat", a, -13L, "EACCES", 300L));
    }

    /** What a process has done, of which all that is not the call is the same. */
    public static TracedEvent event(SystemCall call) {
        Task task =
                new Task(
                        0xFFFF_8880_0000_1000L,
                        41,
                        1,
                        41,
                        1000,
                        "cat",
                        "/bin/cat",
                        "/",
                        4026531841L,
                        4026531836L);
        return new TracedEvent(7, 1500, 0, 0x1000, task, call);
    }

    /** A call with arguments of all kinds, as an event. */
    public static TracedEvent write(byte[] data) {
        CapturedArguments a =
                new FakeProcess(Abi.X64).put(0x5000, data).call("write", 3, 1, 0x5000, data.length);
        return event(new SystemCall("x64", 1, "write", a, 3L, null, 10L));
    }
}
