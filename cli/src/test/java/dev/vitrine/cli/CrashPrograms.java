// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

import java.io.IOException;
import java.nio.file.Path;

/** Programs that die, each in its own way. */
final class CrashPrograms {
    private static final int GETPID = 39;
    private static final int EXIT_GROUP = 231;
    private static final int KILL_THREAD = 0;
    private static final int KILL_PROCESS = 0x8000_0000;
    private static final int ALLOW = 0x7FFF_0000;

    /** CLONE_VM, FS, FILES, SIGHAND, THREAD and SYSVSEM. */
    private static final int THREAD = 0x5_0F00;

    private CrashPrograms() {}

    static void write(Path folder) throws IOException {
        save(folder, "overflow", overflow());
        save(folder, "divide", program().xor(EDX, EDX).xor(ECX, ECX).div(ECX));
        save(folder, "illegal", program().ud2());
        save(folder, "abort", signal(6));
        save(folder, "inthread", inThread());
        save(folder, "jailed", jailed(KILL_PROCESS));
        save(folder, "halfjailed", halfJailed());
        save(folder, "strict", strict());
        Asm i386 = new Asm(32, GuestPrograms.I386_BASE);
        i386.mov(EAX, 0x10).mov(EAX, base(EAX));
        GuestPrograms.program(folder.resolve("crash32"), GuestPrograms.elf32(i386.toBytes()));
    }

    private static Asm program() {
        return new Asm(64, GuestPrograms.X64_BASE);
    }

    private static void save(Path folder, String name, Asm a) throws IOException {
        GuestPrograms.program(folder.resolve(name), GuestPrograms.elf64(a.toBytes()));
    }

    private static Asm overflow() {
        Asm a = program();
        Label again = a.label();
        return a.bind(again).push(RAX).call(again);
    }

    /** Sends itself a signal. */
    private static Asm signal(int n) {
        Asm a = program();
        a.mov(EAX, GETPID).syscall().mov(EDI, EAX).mov(ESI, n).mov(EAX, 62).syscall();
        return a.mov(EAX, EXIT_GROUP).syscall();
    }

    /** Starts a thread that goes on at a label, and sleeps. */
    private static void thread(Asm a, Label there, Label end) {
        a.mov(EDI, THREAD).lea(RSI, rip(end)).add(RSI, 2048).xor(EDX, EDX).xor(R10D, R10D);
        a.xor(R8D, R8D).mov(EAX, 56).syscall().test(EAX, EAX).jz(there);
    }

    /** Another thread than the first reads from address 16. */
    private static Asm inThread() {
        Asm a = program();
        Label there = a.label();
        Label end = a.label();
        Label wait = a.label();
        thread(a, there, end);
        a.bind(wait).mov(EAX, 34).syscall().jmp(wait); // pause
        return a.bind(there).mov(EAX, 0x10).mov(EAX, base(RAX)).bind(end);
    }

    /** Installs a filter that ends whoever calls getpid. */
    private static void filter(Asm a, Label filter) {
        a.mov(EDI, 38).mov(ESI, 1).xor(EDX, EDX).xor(R10D, R10D).xor(R8D, R8D);
        a.mov(EAX, 157).syscall(); // prctl(PR_SET_NO_NEW_PRIVS, 1)
        a.mov(EDI, 1).xor(ESI, ESI).lea(RDX, rip(filter)).mov(EAX, 317).syscall(); // seccomp
    }

    /** struct sock_fprog and its instructions: load the number, compare, end or allow. */
    private static void rules(Asm a, Label filter, int action) {
        Label rules = a.label();
        a.align(8).bind(filter).dq(4).dq(rules);
        a.bind(rules).dw(0x20, 0).dd(0).dw(0x15).db(0, 1).dd(GETPID);
        a.dw(6, 0).dd(action).dw(6, 0).dd(ALLOW);
    }

    private static Asm jailed(int action) {
        Asm a = program();
        Label filter = a.label();
        filter(a, filter);
        a.mov(EAX, GETPID).syscall().xor(EDI, EDI).mov(EAX, EXIT_GROUP).syscall();
        rules(a, filter, action);
        return a;
    }

    /** A thread is ended by its filter; the first one goes on and ends with 5. */
    private static Asm halfJailed() {
        Asm a = program();
        Label filter = a.label();
        Label there = a.label();
        Label time = a.label();
        Label end = a.label();
        thread(a, there, end);
        a.lea(RDI, rip(time)).xor(ESI, ESI).mov(EAX, 35).syscall(); // nanosleep
        a.mov(EDI, 5).mov(EAX, EXIT_GROUP).syscall();
        a.bind(there);
        filter(a, filter);
        a.mov(EAX, GETPID).syscall().xor(EDI, EDI).mov(EAX, EXIT_GROUP).syscall();
        rules(a, filter, KILL_THREAD);
        return a.bind(time).dq(1, 0).bind(end);
    }

    /** SECCOMP_MODE_STRICT, and then another call than the four that it allows. */
    private static Asm strict() {
        Asm a = program();
        a.mov(EDI, 22).mov(ESI, 1).xor(EDX, EDX).xor(R10D, R10D).xor(R8D, R8D);
        a.mov(EAX, 157).syscall(); // prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)
        return a.mov(EAX, GETPID).syscall().xor(EDI, EDI).mov(EAX, EXIT_GROUP).syscall();
    }
}
