// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.output.TextWriter;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Submissions of io_uring, as programs write them into the ring. */
class RingCallsTest {
    private static final int LAST = 0x3E;

    private final RingCalls calls = new RingCalls(Abi.X64);

    private static ByteBuffer entry(int opcode, int fd, long off, long addr, int len, int flags) {
        return ByteBuffer.allocate(RingCalls.ENTRY_SIZE)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(0, (byte) opcode)
                .putInt(4, fd)
                .putLong(8, off)
                .putLong(16, addr)
                .putInt(24, len)
                .putInt(28, flags);
    }

    private String told(Samples.FakeProcess process, ByteBuffer entry) {
        process.arguments = calls.arguments(entry.get(0) & 0xFF, entry.array());
        process.arguments.entered(process);
        TextWriter w = new TextWriter();
        process.arguments.write(w);
        return w.toString();
    }

    @Test
    void everyOperationHasANameAndAForm() {
        Samples.FakeProcess nothing = new Samples.FakeProcess(Abi.X64);
        for (int i = 0; i <= LAST; i++) {
            assertThat(RingCalls.name(i)).startsWith("IORING_OP_");
            byte[] entry = new byte[RingCalls.ENTRY_SIZE];
            Arrays.fill(entry, (byte) 0xFF);
            CapturedArguments a = calls.arguments(i, entry);
            assertThat(a.index("op_flags")).as(RingCalls.name(i)).isNegative();
            nothing.arguments = a;
            a.entered(nothing);
            a.write(new TextWriter());
        }
        assertThat(RingCalls.name(255)).isEqualTo("255");
        assertThat(calls.arguments(255, new byte[RingCalls.ENTRY_SIZE]).index("op_flags"))
                .isEqualTo(4);
    }

    @Test
    void argumentsAreThoseOfTheOperation() {
        Samples.FakeProcess p = new Samples.FakeProcess(Abi.X64).put(0x5000, "/etc/passwd");
        p.put(0x6000, "/etc/group");
        p.put(
                0x7000,
                (byte) 2,
                (byte) 0,
                (byte) 0,
                (byte) 80,
                (byte) 127,
                (byte) 0,
                (byte) 0,
                (byte) 1);
        p.put(
                0x8000, (byte) 1, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 0,
                (byte) 0);
        assertThat(told(p, entry(0x12, -100, 0, 0x5000, 0640, 0x41)))
                .contains("AT_FDCWD", "/etc/passwd", "O_WRONLY|O_CREAT", "0640");
        assertThat(told(p, entry(0x12, -100, 0, 0x5000, 0640, 0)))
                .contains("O_RDONLY")
                .doesNotContain("0640");
        assertThat(told(p, entry(0x23, 3, 0x6000, 0x5000, 4, 1)))
                .contains("3", "/etc/passwd", "4", "/etc/group", "RENAME_NOREPLACE");
        assertThat(told(p, entry(0x10, 5, 16, 0x7000, 0, 0)))
                .contains("5", "AF_INET", "127.0.0.1", "16");
        assertThat(told(p, entry(0x0B, -1, 7, 0x8000, 1, 1)))
                .contains("tv_sec", "7", "IORING_TIMEOUT_ABS");
        assertThat(told(p, entry(0x17, 1, -1, 0x5000, 4, 0)))
                .contains("/etc", "-1")
                .doesNotContain("passwd");
        // A path that is not in memory stays an address.
        assertThat(told(p, entry(0x12, -100, 0, 0x9_0000, 0, 0))).contains("0x90000");
    }

    @Test
    void flagsHaveNames() {
        byte[] entry = new byte[RingCalls.ENTRY_SIZE];
        assertThat(RingCalls.flags(entry)).isEqualTo("0");
        entry[1] = (byte) 0x94;
        assertThat(RingCalls.flags(entry)).isEqualTo("IOSQE_IO_LINK|IOSQE_ASYNC|0x80");
        assertThat(RingCalls.completionFlags(2)).isEqualTo("IORING_CQE_F_MORE");
    }
}
