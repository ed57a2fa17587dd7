// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;

/** Programs that look at how a child of theirs is stopped. */
final class TracerGuest {
    private static final int READ_REGISTERS = 12;
    private static final int READ_SIGNAL = 0x4202;
    private static final int STEP = 9;
    private static final int CALL = 24;
    private static final int CONTINUE = 7;
    private static final int ATTACH = 16;
    private static final int OPTIONS = 0x4200;

    /** PTRACE_O_TRACESYSGOOD and PTRACE_O_EXITKILL. */
    private static final int GOOD_AND_KILL = 0x10_0001;

    private static final int WALL = 0x4000_0000;
    private static final int NOHANG = 1;
    private static final int UNTRACED = 2;
    private static final int REPORT_CONTINUED = 8;

    /** Statuses of wait(2): stopped by SIGSTOP, SIGTRAP, SIGTRAP with bit 7; continued. */
    private static final int STOPPED = 0x137F;

    private static final int TRAPPED = 0x057F;
    private static final int IN_CALL = 0x857F;
    private static final int CONTINUED = 0xFFFF;

    /** What a look gives: struct user_regs_struct and struct siginfo, 256 bytes each. */
    private static final int LOOK = 512;

    private final Asm a;
    private final Label child;
    private final Label fail;
    private final Label first;
    private final Label second;
    private final Label status;
    private final Label time;

    private TracerGuest(long base) {
        a = new Asm(64, base);
        child = a.label();
        fail = a.label();
        first = a.label();
        second = a.label();
        status = a.label();
        time = a.label();
    }

    /**
     * Traces a child that makes calls and sleeps. Its argument's letter says how: a leaves it in
     * its first stop, and looks again and again whether its registers and siginfo are the same and
     * wait(2) has nothing to say; c lets it go on, and waits; s has it make single steps; y has it
     * go from call to call, and looks whether beginnings and ends alternate. Only a signal ends it,
     * unless something is wrong: then status 1 to 8 says what.
     */
    static byte[] tracer(long base) {
        TracerGuest g = new TracerGuest(base);
        g.trace();
        return g.a.toBytes();
    }

    /**
     * Prints what wait(2) tells of a child: S stopped, C continued, X something else, behind which
     * it ends.
     */
    static byte[] waiter(long base) {
        TracerGuest g = new TracerGuest(base);
        g.await();
        return g.a.toBytes();
    }

    private void trace() {
        Label stay = a.label();
        Label again = a.label();
        Label calls = a.label();
        Label steps = a.label();
        a.mov(RBP, base(RSP).disp(16)).movzx(EBP, base(RBP).b());
        fork();
        a.mov(R13D, 1);
        ptrace(ATTACH, 0);
        awaitStop(STOPPED);
        ptrace(OPTIONS, GOOD_AND_KILL);
        a.cmp(EBP, 'a').jz(stay).cmp(EBP, 's').jz(steps).cmp(EBP, 'y').jz(calls);

        a.mov(R13D, 2);
        ptrace(CONTINUE, 0);
        awaitStop(STOPPED); // Never.
        a.jmp(fail);

        a.bind(stay).mov(R13D, 3);
        look(first);
        a.bind(again);
        look(second);
        a.lea(RSI, rip(first)).lea(RDI, rip(second)).mov(ECX, LOOK / 8).cld().rep().cmps(64);
        a.mov(R13D, 4).jnz(fail);
        a.mov(EDI, EBX).lea(RSI, rip(status)).mov(EDX, WALL | NOHANG).xor(R10D, R10D);
        a.mov(EAX, 61).syscall().mov(R13D, 5).test(EAX, EAX).jnz(fail);
        sleep();
        a.jmp(again);

        a.bind(calls).mov(R13D, 6);
        ptrace(CALL, 0);
        awaitStop(IN_CALL);
        look(first);
        a.cmp(rip(first).disp(80).q(), -38).mov(R13D, 7).jnz(fail);
        ptrace(CALL, 0);
        awaitStop(IN_CALL);
        a.jmp(calls);

        a.bind(steps).mov(R13D, 8);
        ptrace(STEP, 0);
        awaitStop(TRAPPED);
        a.jmp(steps);

        a.bind(fail).mov(EDI, R13D).mov(EAX, 231).syscall();
        data();
    }

    private void await() {
        Label next = a.label();
        Label known = a.label();
        fork();
        a.bind(next)
                .mov(EDI, EBX)
                .lea(RSI, rip(status))
                .mov(EDX, UNTRACED | REPORT_CONTINUED)
                .xor(R10D, R10D);
        a.mov(EAX, 61).syscall();
        letter(STOPPED, 'S', known);
        letter(CONTINUED, 'C', known);
        a.mov(R12D, 'X').bind(known).mov(rip(first), R12D);
        a.mov(EDI, 1).lea(RSI, rip(first)).mov(EDX, 1).mov(EAX, 1).syscall();
        a.cmp(R12D, 'X').jnz(next).xor(R13D, R13D).bind(fail);
        a.mov(EDI, R13D).mov(EAX, 231).syscall();
        data();
    }

    private void letter(int value, int letter, Label known) {
        a.mov(R12D, letter).cmp(rip(status).d(), value).jz(known);
    }

    /** RBX: the child. */
    private void fork() {
        a.mov(EAX, 57).syscall().test(EAX, EAX).jz(child).mov(EBX, EAX);
    }

    /** Of the child; R13 is the exit status if it fails. */
    private void ptrace(int request, int data) {
        a.mov(R10D, data);
        call(request);
    }

    private void look(Label buffer) {
        a.lea(R10, rip(buffer));
        call(READ_REGISTERS);
        a.lea(R10, rip(buffer).disp(256));
        call(READ_SIGNAL);
    }

    private void call(int request) {
        a.mov(EDI, request).mov(ESI, EBX).xor(EDX, EDX).mov(EAX, 101).syscall();
        a.test(EAX, EAX).jnz(fail);
    }

    private void awaitStop(int expected) {
        a.mov(EDI, EBX).lea(RSI, rip(status)).mov(EDX, WALL).xor(R10D, R10D);
        a.mov(EAX, 61).syscall().cmp(EAX, EBX).jnz(fail);
        a.cmp(rip(status).d(), expected).jnz(fail);
    }

    private void sleep() {
        a.lea(RDI, rip(time)).xor(ESI, ESI).mov(EAX, 35).syscall();
    }

    /** What the child does: getppid, nanosleep. */
    private void data() {
        a.bind(child).mov(EAX, 110).syscall();
        sleep();
        a.jmp(child);
        a.align(8).bind(time).dq(0, 2_000_000);
        a.bind(status).dq(0).bind(first).zero(LOOK).bind(second).zero(LOOK);
    }
}
