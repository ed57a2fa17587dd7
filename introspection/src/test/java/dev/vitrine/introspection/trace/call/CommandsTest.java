// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import static dev.vitrine.introspection.trace.call.Samples.*;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.introspection.trace.call.Samples.FakeProcess;
import dev.vitrine.introspection.trace.output.JsonWriter;

import org.junit.jupiter.api.Test;

/** Arguments that another one decides about, as strace 6.1 has them. */
class CommandsTest {
    private final FakeProcess p = new FakeProcess(Abi.X64);

    private static String json(CapturedArguments a) {
        JsonWriter w = new JsonWriter();
        a.write(w);
        return w.toString();
    }

    @Test
    void fileControl() {
        assertThat(text(p.call("fcntl", 1, 3, 1, 77))).isEqualTo("{fd=3, cmd=F_GETFD}");
        assertThat(text(p.call("fcntl", 0, 3, 2, 1)))
                .isEqualTo("{fd=3, cmd=F_SETFD, arg=FD_CLOEXEC}");
        assertThat(text(p.call("fcntl", 0, 3, 10, 9))).contains("arg=SIGKILL");
        assertThat(text(p.call("fcntl", 0, 3, 1024, 1))).contains("F_SETLEASE, arg=F_WRLCK");
        p.put(0x1000, longs(1, 128, 1, 42));
        assertThat(text(p.call("fcntl", 0, 5, 6, 0x1000)))
                .isEqualTo(
                        "{fd=5, cmd=F_SETLK, arg={l_type=F_WRLCK, l_whence=SEEK_SET, l_start=128,"
                                + " l_len=1}}");
        // What is there afterwards is told, and who has the lock.
        assertThat(text(p.call("fcntl", 0, 5, 5, 0x1000))).contains("l_len=1, l_pid=42}}");
        p.put(0x2000, bytes("02000000 07000000"));
        assertThat(text(p.call("fcntl", 0, 5, 15, 0x2000)))
                .contains("arg={type=F_OWNER_PGRP, pid=7}");
        // What nobody knows is told as it is.
        assertThat(text(p.call("fcntl", -22, 5, 999, 0x2000)))
                .isEqualTo("{fd=5, cmd=0x3e7, arg=0x2000}");
    }

    @Test
    void processControl() {
        p.put(0x1000, "name");
        assertThat(text(p.call("prctl", 0, 15, 0x1000)))
                .isEqualTo("{option=PR_SET_NAME, arg2=\"name\"}");
        assertThat(text(p.call("prctl", 0, 1, 14, 9)))
                .isEqualTo("{option=PR_SET_PDEATHSIG, arg2=SIGALRM}");
        assertThat(text(p.call("prctl", 1, 3, 5, 5))).isEqualTo("{option=PR_GET_DUMPABLE}");
        assertThat(text(p.call("prctl", 0, 24, 0))).contains("arg2=CAP_CHOWN");
        p.put(0x2000, longs(5, 0x4000));
        assertThat(text(p.call("prctl", 0, 22, 2, 0x2000)))
                .isEqualTo(
                        "{option=PR_SET_SECCOMP, arg2=SECCOMP_MODE_FILTER, arg3={len=5,"
                                + " filter=0x4000}}");
        assertThat(text(p.call("prctl", 0, 22, 1, 0x2000)))
                .isEqualTo("{option=PR_SET_SECCOMP, arg2=SECCOMP_MODE_STRICT}");
    }

    @Test
    void keysAndQueues() {
        assertThat(text(p.call("keyctl", 0, 15, 486487679, 2, 5, 5)))
                .isEqualTo("{option=KEYCTL_SET_TIMEOUT, arg2=486487679, arg3=2}");
        assertThat(text(p.call("keyctl", 0, 3, -2L)))
                .contains("KEYCTL_REVOKE, arg2=KEY_SPEC_PROCESS_KEYRING}");
        assertThat(text(p.call("msgget", 0, 0, 0x780)))
                .isEqualTo("{key=IPC_PRIVATE, msgflg=IPC_CREAT|IPC_EXCL|0600}");
        p.put(0x1000, bytes("0100000000000000 6869"));
        assertThat(text(p.call("msgsnd", 0, 0, 0x1000, 2, 0)))
                .contains("msgp={mtype=1, mtext=\"hi\"}, msgsz=2, msgflg=0");
        p.put(0x2000, bytes("0100 ffff 0010"));
        assertThat(text(p.call("semop", 0, 0, 0x2000, 1)))
                .contains("[{sem_num=1, sem_op=-1, sem_flg=SEM_UNDO}]");
    }

    @Test
    void memory() {
        assertThat(text(p.call("mprotect", 0, 0x7000, 4096, 0))).contains("prot=PROT_NONE");
        assertThat(text(p.call("mremap", 0x7000, 0x7000, 1, 2, 1, 9)))
                .isEqualTo("{addr=0x7000, old_len=1, new_len=2, flags=MREMAP_MAYMOVE}");
        assertThat(text(p.call("mremap", 0x7000, 0x7000, 1, 2, 3, 9))).contains("new_addr=0x9");
        p.put(0x1000, (byte) 1, (byte) 0);
        assertThat(text(p.call("mincore", 0, 0x7000, 4097, 0x1000))).contains("vec=[1, 0]");
        assertThat(text(p.call("futex", 0, 0x1000, 0x189, 0, 0, 0, 0xFFFF_FFFFL)))
                .contains("FUTEX_WAIT_BITSET_PRIVATE|FUTEX_CLOCK_REALTIME")
                .contains("val3=FUTEX_BITSET_MATCH_ANY");
    }

    @Test
    void whyASignalCame() {
        p.put(
                0x1000,
                bytes("0a000000 00000000 fcffffff 00000000 73000000 00000000 c0212175 55000000"));
        assertThat(text(p.call("rt_sigqueueinfo", 0, 115, 10, 0x1000)))
                .contains(
                        "uinfo={si_signo=SIGUSR1, si_code=SI_ASYNCIO, si_pid=115, si_uid=0,"
                                + " si_int=1965105600, si_ptr=0x55752121c0}");
        p.put(
                0x1000,
                bytes("11000000 00000000 01000000 00000000 05000000 00000000 07000000 00000000"));
        assertThat(text(p.call("waitid", 0, 0, 0, 0x1000, 4, 0)))
                .contains(
                        "{si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=5, si_uid=0, si_status=7,");
        FakeProcess narrow = new FakeProcess(Abi.I386);
        narrow.put(0x1000, bytes("0b000000 00000000 01000000 00f00000"));
        assertThat(text(narrow.call("rt_sigqueueinfo", 0, 115, 11, 0x1000)))
                .contains("{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0xf000}");
    }

    /** Descriptors and credentials that go with a message. */
    @Test
    void controlMessages() {
        p.put(0x1000, longs(0, 0, 0x2000, 1, 0x3000, 56, 0));
        p.put(0x2000, longs(0x4000, 1)).put(0x4000, "x");
        p.put(
                0x3000,
                bytes(
                        "1400000000000000 01000000 01000000 05000000 00000000"
                                + "1c00000000000000 01000000 02000000 07000000 e8030000 00000000 00000000"));
        assertThat(text(p.call("sendmsg", 1, 3, 0x1000, 0)))
                .contains(
                        "msg_control=[{cmsg_len=20, cmsg_level=SOL_SOCKET, cmsg_type=SCM_RIGHTS,"
                                + " cmsg_data=[5]}, {cmsg_len=28, cmsg_level=SOL_SOCKET,"
                                + " cmsg_type=SCM_CREDENTIALS, cmsg_data={pid=7, uid=1000, gid=0}}],"
                                + " msg_controllen=56");
        // A length that leads nowhere ends it.
        p.put(0x3000, longs(3, 1));
        assertThat(text(p.call("sendmsg", 1, 3, 0x1000, 0))).contains("msg_control=[]");
    }

    @Test
    void whatIsLeftOutOfTextIsThereElsewhere() {
        byte[] arguments = longs(0x100, 0x5000, 0x6000, 0x7000, 17, 0, 0, 0, 0, 0, 0);
        p.put(0x1000, arguments);
        assertThat(text(p.call("clone3", 5, 0x1000, 88)))
                .isEqualTo(
                        "{uargs={flags=CLONE_VM, exit_signal=SIGCHLD, stack=NULL, stack_size=0},"
                                + " size=88}");
        assertThat(json(p.call("clone3", 5, 0x1000, 88))).contains("pidfd").contains("set_tid");
        // A program of before may have less.
        assertThat(json(p.call("clone3", 5, 0x1000, 64))).doesNotContain("set_tid");
    }

    @Test
    void capabilities() {
        p.put(0x1000, bytes("22050820 00000000"));
        p.put(0x2000, bytes("01000000 03000000 00000000 00010000 00000000 00000000"));
        assertThat(text(p.call("capset", 0, 0x1000, 0x2000)))
                .isEqualTo(
                        "{header={version=_LINUX_CAPABILITY_VERSION_3, pid=0},"
                                + " data={effective=1<<CAP_CHOWN|1<<CAP_CHECKPOINT_RESTORE,"
                                + " permitted=1<<CAP_CHOWN|1<<CAP_DAC_OVERRIDE, inheritable=0}}");
    }
}
