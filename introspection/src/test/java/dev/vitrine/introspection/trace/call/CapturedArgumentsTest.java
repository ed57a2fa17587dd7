// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import static dev.vitrine.introspection.trace.call.Samples.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.call.Samples.FakeProcess;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** What arguments mean, in text as strace has them. */
class CapturedArgumentsTest {
    private static byte[] ints(int... values) {
        ByteBuffer b = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        Arrays.stream(values).forEach(b::putInt);
        return b.array();
    }

    @Test
    void flagsAndModes() {
        FakeProcess p = new FakeProcess(Abi.X64).put(0x1000, "/x");
        assertThat(text(p.call("openat", 3, -100, 0x1000, 0x8241, 0644)))
                .isEqualTo(
                        "{dfd=AT_FDCWD, filename=\"/x\","
                                + " flags=O_WRONLY|O_CREAT|O_TRUNC|O_LARGEFILE, mode=0644}");
        // Without O_CREAT there is no mode, whatever the register holds.
        assertThat(text(p.call("openat", 3, 5, 0x1000, 0x8000_0000L, 0x777)))
                .isEqualTo("{dfd=5, filename=\"/x\", flags=O_RDONLY|0x80000000}");
        assertThat(text(p.call("mmap", 0x7000, 0, 4096, 7, 0x100022, -1, 0)))
                .contains("prot=PROT_READ|PROT_WRITE|PROT_EXEC")
                .contains("flags=MAP_PRIVATE|MAP_ANONYMOUS|MAP_FIXED_NOREPLACE");
        assertThat(text(p.call("mknod", 0, 0x1000, 0x2180, 0x103)))
                .contains("mode=S_IFCHR|0600, dev=makedev(0x1, 0x3)");
        assertThat(text(p.call("mknod", 0, 0x1000, 0x1180, 0x103))).doesNotContain("makedev");
        assertThat(text(p.call("clone", 5, 0x1200011, 0))).contains("CLONE_CHILD_SETTID|SIGCHLD");
        assertThat(text(p.call("futex", 0, 0x1000, 0x81, 1)))
                .isEqualTo("{uaddr=0x1000, op=FUTEX_WAKE_PRIVATE, val=1}");
    }

    @Test
    void socketsAndAddresses() {
        FakeProcess p = new FakeProcess(Abi.X64);
        p.put(0x1000, bytes("0200 0035 7f000001 0000000000000000"));
        assertThat(text(p.call("connect", 0, 3, 0x1000, 16)))
                .contains(
                        "{sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}");
        p.put(0x1000, bytes("0a00 0050 00000000 20010db8000000000000000000000001 00000000"));
        assertThat(text(p.call("connect", 0, 3, 0x1000, 28)))
                .contains("inet_pton(AF_INET6, \"2001:db8::1\", &sin6_addr), sin6_scope_id=0}");
        p.put(0x1000, bytes("0100 2f746d702f7300ff"));
        assertThat(text(p.call("bind", 0, 3, 0x1000, 9))).contains("sun_path=\"/tmp/s\"");
        p.put(0x1000, bytes("0100 00616263"));
        assertThat(text(p.call("bind", 0, 3, 0x1000, 6))).contains("sun_path=@\"abc\"");
        assertThat(text(p.call("socket", 3, 2, 0x80001, 6)))
                .contains("AF_INET, type=SOCK_STREAM|SOCK_CLOEXEC, protocol=IPPROTO_TCP");
        p.put(0x2000, ints(1));
        assertThat(text(p.call("setsockopt", 0, 3, 1, 2, 0x2000, 4)))
                .contains("level=SOL_SOCKET, optname=SO_REUSEADDR, optval=[1]");
    }

    @Test
    void whatTheKernelWritesIsReadAtTheReturn() {
        FakeProcess p = new FakeProcess(Abi.X64).put(0x1000, ints(3, 4));
        assertThat(text(p.call("pipe2", 0, 0x1000, 0x80000)))
                .isEqualTo("{fildes=[3, 4], flags=O_CLOEXEC}");
        assertThat(text(p.call("pipe2", -24, 0x1000, 0))).isEqualTo("{fildes=0x1000, flags=0}");
        p.put(0x1000, "hello, world");
        assertThat(text(p.call("read", 5, 0, 0x1000, 4096)))
                .isEqualTo("{fd=0, buf=\"hello\", count=4096}");
        p.limit = 4;
        assertThat(text(p.call("read", 12, 0, 0x1000, 4096))).contains("buf=\"hell\"...");
        p.put(0x2000, ints(0x0900));
        assertThat(text(p.call("wait4", 12, -1, 0x2000, 1, 0)))
                .contains("[{WIFEXITED(s) && WEXITSTATUS(s) == 9}], options=WNOHANG, ru=NULL");
        assertThat(text(p.call("wait4", 0, -1, 0x2000, 1, 0))).contains("stat_addr=0x2000");
        p.put(0x3000, longs(5, 7));
        assertThat(text(p.call("nanosleep", 0, 0x3000, 0x3000)))
                .isEqualTo("{rqtp={tv_sec=5, tv_nsec=7}, rmtp=0x3000}");
        assertThat(text(p.call("nanosleep", -4, 0x3000, 0x3000)))
                .contains("rmtp={tv_sec=5, tv_nsec=7}");
    }

    @Test
    void vectors() {
        FakeProcess p = new FakeProcess(Abi.X64);
        p.put(0x1000, longs(0x2000, 3, 0x3000, 2)).put(0x2000, "abcdef").put(0x3000, "xyz");
        assertThat(text(p.call("writev", 5, 1, 0x1000, 2)))
                .isEqualTo(
                        "{fd=1, vec=[{iov_base=\"abc\", iov_len=3}, {iov_base=\"xy\", iov_len=2}], vlen=2}");
        assertThat(text(p.call("readv", 4, 1, 0x1000, 2)))
                .contains("[{iov_base=\"abc\", iov_len=3}, {iov_base=\"x\", iov_len=2}]");
        p.put(0x4000, longs(0x2000, 0x3000, 0));
        assertThat(text(p.call("execve", -2, 0x2000, 0x4000, 0x4000)))
                .isEqualTo(
                        "{filename=\"abcdef\", argv=[\"abcdef\", \"xyz\"], envp=0x4000 /* 2 vars */}");
    }

    /** The same call, as programs of 32 bits have it in memory and in registers. */
    @Test
    void narrowPrograms() {
        FakeProcess p = new FakeProcess(Abi.I386);
        p.put(0x1000, ints(0x2000, 3, 0x3000, 2)).put(0x2000, "abcdef").put(0x3000, "xyz");
        assertThat(text(p.call("writev", 5, 0xFFFF_FFFF_0000_0001L, 0x1000, 2)))
                .contains("{fd=1, vec=[{iov_base=\"abc\", iov_len=3}, {iov_base=\"xy\"");
        p.put(0x4000, ints(5, 7));
        assertThat(text(p.call("clock_gettime", 0, 1, 0x4000)))
                .contains("CLOCK_MONOTONIC, tp={tv_sec=5, tv_nsec=7}");
        assertThat(text(p.call("mmap2", 0, 0, 4096, 1, 2, 3, 2))).contains("pgoff=0x2000");
        FakeProcess x32 = new FakeProcess(Abi.X32).put(0x4000, longs(5, 7));
        assertThat(text(x32.call("clock_gettime", 0, 1, 0x4000)))
                .contains("tp={tv_sec=5, tv_nsec=7}");
    }

    @Test
    void signals() {
        FakeProcess p = new FakeProcess(Abi.X64);
        p.put(0x1000, longs(0x4000, 0x1400_0000, 0x5000, 0x4200));
        assertThat(text(p.call("rt_sigaction", 0, 17, 0x1000, 0, 8)))
                .isEqualTo(
                        "{sig=SIGCHLD, act={sa_handler=0x4000, sa_mask=[USR1 TERM],"
                                + " sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x5000}, oact=NULL,"
                                + " sigsetsize=8}");
        p.put(0x2000, longs(~0L << 2));
        assertThat(text(p.call("rt_sigprocmask", 0, 0, 0x2000, 0, 8)))
                .contains("SIG_BLOCK, nset=~[HUP INT]");
        assertThat(text(p.call("kill", 0, -5, 9))).isEqualTo("{pid=-5, sig=SIGKILL}");
        assertThat(text(p.call("kill", 0, 5, 70))).isEqualTo("{pid=5, sig=70}");
    }

    /**
     * What was not in memory when the call began, since nobody had touched it, is when it returns.
     */
    @Test
    void looksAgainAtTheReturn() {
        FakeProcess p = new FakeProcess(Abi.X64);
        CapturedArguments a =
                new CapturedArguments(
                        new CallTable(null).get(Abi.X64, 2), new long[] {0x1000, 0, 0, 0, 0, 0});
        p.arguments = a;
        a.entered(p);
        assertThat(text(a)).isEqualTo("{filename=0x1000, flags=O_RDONLY}");
        p.put(0x1000, "/late");
        p.result = 3;
        a.returned(p, false);
        assertThat(text(a)).isEqualTo("{filename=\"/late\", flags=O_RDONLY}");
    }

    /** Any numbers, any memory: no exception, no text without an end. */
    @ParameterizedTest
    @EnumSource(Abi.class)
    void hostilePrograms(Abi abi) {
        Random random = new Random(abi.ordinal());
        CallTable table = new CallTable(null);
        for (int round = 0; round < 40; round++) {
            FakeProcess p = new FakeProcess(abi);
            p.limit = random.nextInt(100);
            for (int i = 1; i < 8; i++) {
                byte[] b = new byte[4096];
                random.nextBytes(b);
                for (int at = 0; at < 4096; at += 8) {
                    // Pointers that lead on, small and very large numbers.
                    long[] values = {
                        4096L * (1 + random.nextInt(9)) + random.nextInt(64),
                        random.nextInt(100),
                        -1,
                        Long.MAX_VALUE - random.nextInt(3)
                    };
                    if (random.nextInt(3) == 0) {
                        ByteBuffer.wrap(b)
                                .order(ByteOrder.LITTLE_ENDIAN)
                                .putLong(at, values[random.nextInt(4)]);
                    }
                }
                p.put(4096L * i, b);
            }
            for (int number : CallTable.names(abi).keySet()) {
                long[] values = new long[6];
                for (int i = 0; i < 6; i++) {
                    values[i] =
                            switch (random.nextInt(5)) {
                                case 0 -> 4096L * (1 + random.nextInt(8)) + random.nextInt(4096);
                                case 1 -> random.nextInt(random.nextBoolean() ? 48 : 4096);
                                case 2 -> random.nextLong();
                                case 3 -> 1L << random.nextInt(64);
                                default -> 0;
                            };
                }
                CapturedArguments a = new CapturedArguments(table.get(abi, number), values);
                p.arguments = a;
                a.entered(p);
                p.result = random.nextBoolean() ? random.nextLong() : random.nextInt(8192) - 4096;
                a.returned(p, false);
                assertThat(text(a).length()).isLessThan(3 << 20);
                for (int i = 0; i < a.size(); i++) {
                    a.text(i);
                    a.bytes(i);
                }
            }
        }
    }
}
