// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.cli.SystemCallCode.Value.KEPT;
import static dev.vitrine.cli.SystemCallCode.Value.RESULT;
import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

/**
 * A program that has open and mapped what programs can have, starts a process that ends at once,
 * and a thread, and sleeps.
 */
final class OpenerProgram {
    private static final int THREAD = 0x5_0F00;
    private static final int FORK = 57;
    private static final int CLONE = 56;
    private static final int PAUSE = 34;

    /** Family, type and protocol. */
    private static final int[][] SOCKETS = {
        {1, 1, 0},
        {1, 5, 0},
        {2, 1, 0},
        {2, 2, 0},
        {10, 2, 0},
        {2, 3, 1},
        {2, 3, 255},
        {10, 3, 58},
        {17, 3, 0x300},
        {17, 2, 0x8},
        {16, 3, 0},
        {16, 2, 15},
        {16, 3, 16}
    };

    private OpenerProgram() {}

    static byte[] build() {
        SystemCallCode c = new SystemCallCode();
        open(c);
        map(c);
        Asm a = c.asm();
        Label forked = a.label();
        Label sleep = a.label();
        Label end = a.label();
        a.mov(EAX, FORK).syscall().test(EAX, EAX).jz(forked);
        a.mov(EDI, THREAD).lea(RSI, rip(end)).add(RSI, 1024).xor(EDX, EDX).xor(R10D, R10D);
        a.xor(R8D, R8D).mov(EAX, CLONE).syscall();
        a.bind(sleep).mov(EAX, PAUSE).syscall().jmp(sleep);
        a.bind(forked).xor(EDI, EDI).mov(EAX, 231).syscall();
        return c.end().align(16).bind(end).toBytes();
    }

    private static void open(SystemCallCode c) {
        c.call(290, 0, 0); // eventfd2
        c.call(283, 1, 0); // timerfd_create
        c.call(291, 0); // epoll_create1
        c.call(294, 0); // inotify_init1
        c.call(300, 0, 0); // fanotify_init
        c.call(289, -1, new byte[8], 8, 0); // signalfd4
        c.call(323, 1); // userfaultfd(UFFD_USER_MODE_ONLY)
        c.call(434, 1, 0); // pidfd_open
        c.call(2, "/etc", 0x20_0000, 0); // open(O_PATH)
        c.call(2, "/tmp", 0x41_0002, 0600); // open(O_TMPFILE)
        c.call(2, "/proc/self/ns/net", 0, 0);
        c.call(2, "/dev/null", 1, 0);
        c.call(2, "/dev/ptmx", 2, 0);
        for (int[] s : SOCKETS) {
            c.call(41, s[0], s[1], s[2]);
        }
        // Sockets are in the kernel's tables once they are bound.
        c.call(41, 2, 2, 0).call(49, RESULT, address(2, 98), 16);
        c.call(41, 10, 2, 0).call(49, RESULT, address(10, 97), 28);
        byte[] device = {17, 0, 8, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
        c.call(41, 17, 2, 0).call(49, RESULT, device, device.length);
        c.call(22, new byte[8]); // pipe
    }

    /** Of a family, with a port and zeros. */
    private static byte[] address(int family, int port) {
        byte[] b = new byte[28];
        b[0] = (byte) family;
        b[3] = (byte) port;
        return b;
    }

    private static void map(SystemCallCode c) {
        c.call(319, "mapped", 0).keep(); // memfd_create
        c.call(77, KEPT, 8192); // ftruncate
        for (int flags : new int[] {1, 2}) { // MAP_SHARED, MAP_PRIVATE
            c.call(9, 0, 4096, 3, flags, KEPT, 4096);
        }
        c.call(9, 0, 8192, 3, 0x21, -1, 0); // shared memory without a file
        c.call(9, 0, 12288, 5, 0x22, -1, 0);
        c.call(157, 0x5356_4D41, 0, RESULT, 12288, "named"); // prctl(PR_SET_VMA)
        c.call(29, 0, 4096, 01600); // shmget
        c.call(30, RESULT, 0, 0); // shmat
        c.call(12, 0); // brk
        c.asm().lea(RDI, base(RAX).disp(8192)).mov(EAX, 12).syscall();
    }
}
