// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import static dev.vitrine.introspection.trace.call.Samples.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.call.Samples.FakeProcess;
import dev.vitrine.introspection.trace.output.JsonWriter;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Structures that administrators' and intruders' calls point to. */
class InterfacesTest {
    private final FakeProcess p = new FakeProcess(Abi.X64);

    private static String json(CapturedArguments a) {
        JsonWriter w = new JsonWriter();
        a.write(w);
        return w.toString();
    }

    private static ByteBuffer buffer(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static byte[] named(String name, int size, int number) {
        ByteBuffer b = buffer(size);
        b.put(name.getBytes(StandardCharsets.UTF_8)).putInt(16, number);
        return b.array();
    }

    @Test
    void sharedMemoryQueuesAndSemaphores() {
        ByteBuffer b = buffer(112);
        b.putInt(0x1234).putInt(1).putInt(2).putInt(3).putInt(4).putInt(0600).putInt(0);
        b.position(48);
        b.putLong(4096).putLong(10).putLong(11).putLong(12).putInt(7).putInt(8).putLong(5);
        p.put(0x1000, b.array());
        assertThat(text(p.call("shmctl", 0, 3, 2, 0x1000)))
                .isEqualTo(
                        "{shmid=3, cmd=IPC_STAT, buf={shm_perm={key=0x1234, uid=1, gid=2, cuid=3,"
                                + " cgid=4, mode=0600, ...}, shm_segsz=4096, shm_atime=10,"
                                + " shm_dtime=11, shm_ctime=12, shm_cpid=7, shm_lpid=8,"
                                + " shm_nattch=5}}");
        assertThat(text(p.call("shmctl", 0, 3, 0, 0)))
                .isEqualTo("{shmid=3, cmd=IPC_RMID, buf=NULL}");
        b.putLong(48, 99).putLong(64, 98).putLong(80, 3);
        assertThat(text(p.call("semctl", 0, 3, 0, 2, 0x1000)))
                .contains("sem_otime=99, sem_ctime=98, sem_nsems=3}}");
        assertThat(text(p.call("semctl", 0, 3, 1, 16, 77)))
                .isEqualTo("{semid=3, semnum=1, cmd=SETVAL, arg=0x4d}");
        b.putLong(72, 1).putLong(80, 2).putLong(88, 16384).putInt(96, 5).putInt(100, 6);
        assertThat(text(p.call("msgctl", 0, 3, 2, 0x1000)))
                .contains("msg_qnum=2, msg_qbytes=16384, msg_lspid=5, msg_lrpid=6, ...}}");
        FakeProcess narrow = new FakeProcess(Abi.I386);
        ByteBuffer c = buffer(84);
        c.putInt(9).position(36);
        c.putInt(4096).putInt(10).putInt(0).putInt(11).putInt(0).putInt(12).putInt(0);
        c.putInt(7).putInt(8).putInt(5);
        narrow.put(0x1000, c.array());
        assertThat(text(narrow.call("shmctl", 0, 3, 2, 0x1000)))
                .contains(
                        "key=0x9", "shm_segsz=4096", "shm_cpid=7, shm_lpid=8, shm_nattch=5, ...}}");
        narrow.put(0x2000, bytes("0000 ffff 0010"));
        assertThat(text(narrow.call("ipc", 0, 1, 3, 1, 0, 0x2000)))
                .contains("call=SEMOP, first=3, second=1, third=0, ptr=[{sem_num=0, sem_op=-1");
        assertThat(text(narrow.call("ipc", 0, 23, 0, 4096, 01600)))
                .isEqualTo("{call=SHMGET, first=IPC_PRIVATE, second=4096, third=IPC_CREAT|0600}");
    }

    @Test
    void bpf() {
        ByteBuffer b = buffer(72);
        b.putInt(1).putInt(4).putInt(8).putInt(16).putInt(1).putInt(0).putInt(0);
        b.put("seen".getBytes(StandardCharsets.UTF_8));
        p.put(0x1000, b.array());
        assertThat(text(p.call("bpf", 3, 0, 0x1000, 72)))
                .isEqualTo(
                        "{cmd=BPF_MAP_CREATE, uattr={map_type=BPF_MAP_TYPE_HASH, key_size=4,"
                                + " value_size=8, max_entries=16, map_flags=BPF_F_NO_PREALLOC,"
                                + " inner_map_fd=0, map_name=\"seen\", map_ifindex=0, btf_fd=0,"
                                + " btf_key_type_id=0, btf_value_type_id=0,"
                                + " btf_vmlinux_value_type_id=0, map_extra=0}, size=72}");
        // What the program does not give is not told.
        assertThat(json(p.call("bpf", 3, 0, 0x1000, 20)))
                .contains("map_flags")
                .doesNotContain("inner_map_fd");
        p.put(0x2000, longs(0x1_0000_0001L | 1L << 33, 0x5000, 0x6000));
        assertThat(text(p.call("bpf", 4, 5, 0x2000, 24)))
                .contains("prog_type=BPF_PROG_TYPE_SOCKET_FILTER, insn_cnt=3, insns=0x5000");
        p.put(0x3000, longs(5, 0x5000, 0x6000, 1));
        assertThat(text(p.call("bpf", 0, 2, 0x3000, 32)))
                .contains("uattr={map_fd=5, key=0x5000, value=0x6000, flags=BPF_NOEXIST}");
        // A command that is not known, and one whose structure is not there.
        assertThat(text(p.call("bpf", -22, 99, 0x1000, 72))).contains("uattr=0x1000");
        assertThat(text(p.call("bpf", -14, 0, 0xdead0000L, 72))).contains("uattr=0xdead0000");
    }

    @Test
    void performanceEventsAndFilters() {
        ByteBuffer b = buffer(64);
        b.putInt(1).putInt(136).putLong(0).putLong(1000).putLong(7).putLong(4).putLong(0x21);
        p.put(0x1000, b.array());
        assertThat(text(p.call("perf_event_open", 3, 0x1000, 0, -1, -1, 8)))
                .isEqualTo(
                        "{attr_uptr={type=PERF_TYPE_SOFTWARE, size=136, config=0,"
                                + " sample_period=1000,"
                                + " sample_type=PERF_SAMPLE_IP|PERF_SAMPLE_TID|PERF_SAMPLE_TIME,"
                                + " read_format=PERF_FORMAT_ID, attributes=disabled|exclude_kernel,"
                                + " wakeup_events=0, bp_type=0, config1=0}, pid=0, cpu=-1,"
                                + " group_fd=-1, flags=PERF_FLAG_FD_CLOEXEC}");
        p.put(0x2000, longs(2, 0x3000));
        p.put(0x3000, bytes("2000 00 00 00000000 0600 01 02 0000ff7f"));
        CapturedArguments a = p.call("seccomp", 0, 1, 0, 0x2000);
        assertThat(text(a)).contains("uargs={len=2, filter=0x3000}");
        assertThat(json(a))
                .contains("{\"code\":32,\"jt\":0,\"jf\":0,\"k\":0},{\"code\":6,\"jt\":1,\"jf\":2,")
                .contains("\"k\":2147418112");
        // A length that is more than there is.
        p.put(0x2000, longs(0xFFFF, 0x3000));
        assertThat(json(p.call("seccomp", -22, 1, 0, 0x2000)))
                .contains("\"len\":65535,\"filter\":\"0x3000\"");
    }

    @Test
    void asynchronousInput() {
        p.put(0x1000, longs(0x2000, 0x9999_0000L));
        ByteBuffer b = buffer(64);
        b.putLong(0x77).putInt(0).putInt(0).putShort((short) 1).putShort((short) 0).putInt(5);
        b.putLong(0x5000).putLong(512).putLong(1024);
        p.put(0x2000, b.array());
        assertThat(text(p.call("io_submit", 1, 0x7000, 2, 0x1000)))
                .contains(
                        "iocbpp=[{aio_data=0x77, aio_key=0, aio_rw_flags=0,"
                                + " aio_lio_opcode=IOCB_CMD_PWRITE, aio_reqprio=0, aio_fildes=5,"
                                + " aio_buf=0x5000, aio_nbytes=512, aio_offset=1024",
                        "}, 0x99990000]");
        p.put(0x3000, longs(0x77, 0x2000, 512, 0));
        assertThat(text(p.call("io_getevents", 1, 0x7000, 1, 8, 0x3000, 0)))
                .contains("events=[{data=0x77, obj=0x2000, res=512, res2=0}]");
    }

    @Test
    void handles() {
        p.put(0x1000, "/tmp").put(0x2000, bytes("08000000 01000000 0102030405060708"));
        assertThat(json(p.call("name_to_handle_at", 0, -100, 0x1000, 0x2000, 0, 0)))
                .contains(
                        "{\"handle_bytes\":8,\"handle_type\":1,\"f_handle\":\"0x0102030405060708\"}");
        // More than there is room for in memory.
        p.put(0x2000, bytes("ffffffff 01000000"));
        assertThat(json(p.call("open_by_handle_at", -22, 3, 0x2000, 0)))
                .contains("\"handle_bytes\":4294967295");
    }

    @Test
    void devices() {
        p.put(0x1000, named("lo", 40, 0x49));
        assertThat(text(p.call("ioctl", 0, 3, 0x8913, 0x1000)))
                .isEqualTo(
                        "{fd=3, cmd=SIOCGIFFLAGS, arg={ifr_name=\"lo\","
                                + " ifr_flags=IFF_UP|IFF_LOOPBACK|IFF_RUNNING}}");
        assertThat(text(p.call("ioctl", 0, 3, 0x8933, 0x1000))).contains("ifr_ifindex=73}");
        ByteBuffer b = buffer(40);
        b.put("lo".getBytes(StandardCharsets.UTF_8)).position(16);
        b.putShort((short) 2).putShort((short) 0).put(new byte[] {127, 0, 0, 1});
        p.put(0x1000, b.array());
        assertThat(text(p.call("ioctl", 0, 3, 0x8915, 0x1000)))
                .contains(
                        "{ifr_name=\"lo\", ifr_addr={sa_family=AF_INET, sin_port=htons(0),"
                                + " sin_addr=inet_addr(\"127.0.0.1\")}}");
        assertThat(json(p.call("ioctl", 0, 3, 0x8915, 0x1000)))
                .contains("\"sin_addr\":\"127.0.0.1\"");
        p.put(0x1000, named("tap0", 40, 0x1002));
        assertThat(text(p.call("ioctl", 0, 3, 0x400454caL, 0x1000)))
                .isEqualTo(
                        "{fd=3, cmd=TUNSETIFF, arg={ifr_name=\"tap0\","
                                + " ifr_flags=IFF_TAP|IFF_NO_PI}}");
        b = buffer(232);
        b.putLong(24, 512).putInt(52, 1).position(56);
        b.put("/tmp/disk".getBytes(StandardCharsets.UTF_8));
        p.put(0x1000, b.array());
        assertThat(json(p.call("ioctl", 0, 3, 0x4c04, 0x1000)))
                .contains(
                        "\"lo_offset\":512",
                        "\"lo_flags\":\"LO_FLAGS_READ_ONLY\"",
                        "\"lo_file_name\":\"/tmp/disk\"");
        p.put(0x1000, bytes("00020000"));
        assertThat(text(p.call("ioctl", 0, 3, 0x1268, 0x1000))).contains("BLKSSZGET, arg=[512]");
        assertThat(text(p.call("ioctl", 0, 3, 0x4c00, 9))).contains("LOOP_SET_FD, arg=9");
    }
}
