// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static dev.vitrine.processor.asm.Mem.base;
import static dev.vitrine.processor.asm.Mem.rip;
import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Reg;

/**
 * A program that traces its child by ptrace and has it do something else than it asks for: another
 * path for {@code chdir("/asked")}, {@code mkdir("/tmp/made", 0700)} for getppid, and nothing for
 * getpgrp.
 */
final class ChangerGuest {
    // sys/ptrace.h
    private static final int PTRACE_GETREGS = 12;
    private static final int PTRACE_SETREGS = 13;
    private static final int PTRACE_SYSCALL = 24;

    // In struct user_regs_struct.
    private static final int AX = 80;
    private static final int DI = 112;
    private static final int ORIG_AX = 120;

    private static final int ENOSYS = 38;

    private final Asm a = new Asm(64, GuestPrograms.X64_BASE);

    private ChangerGuest() {}

    static byte[] code() {
        return new ChangerGuest().program();
    }

    private Asm call(int number) {
        return a.mov(EAX, number).syscall();
    }

    /** Of the child that R12 has the number of. */
    private void ptrace(int request, Reg data) {
        a.mov(EDI, request).mov(ESI, R12D).xor(EDX, EDX).mov(R10, data);
        call(101);
    }

    private void await() {
        a.mov(EDI, R12D).mov(RSI, R14).xor(EDX, EDX).xor(R10D, R10D);
        call(61);
    }

    private byte[] program() {
        Label child = a.label();
        Label asked = a.label();
        Label done = a.label();
        Label made = a.label();
        Label room = a.label();
        Label go = a.label();
        Label end = a.label();
        Label notPath = a.label();
        Label notNumber = a.label();
        Label set = a.label();
        a.lea(R13, rip(room)).lea(R14, base(R13).disp(512)).xor(R15D, R15D);
        call(57).test(EAX, EAX).jz(child).mov(R12D, EAX);
        await();
        a.bind(go);
        ptrace(PTRACE_SYSCALL, R15);
        await();
        a.mov(EAX, base(R14)).and(EAX, 0x7F).jz(end);
        ptrace(PTRACE_GETREGS, R13);
        // Where a call begins RAX has this error.
        a.mov(RAX, base(R13).disp(AX)).cmp(RAX, -ENOSYS).jnz(go).mov(RAX, base(R13).disp(ORIG_AX));
        a.cmp(RAX, 80).jnz(notPath).lea(RAX, rip(done)).mov(base(R13).disp(DI), RAX).jmp(set);
        a.bind(notPath).cmp(RAX, 110).jnz(notNumber);
        a.mov(EAX, 83).mov(base(R13).disp(ORIG_AX), RAX).jmp(set);
        a.bind(notNumber).cmp(RAX, 111).jnz(go).mov(RAX, -1).mov(base(R13).disp(ORIG_AX), RAX);
        a.bind(set);
        ptrace(PTRACE_SETREGS, R13);
        a.jmp(go).bind(end).xor(EDI, EDI);
        call(231);
        a.bind(child).xor(EDI, EDI);
        call(101); // PTRACE_TRACEME
        call(39).mov(EDI, EAX).mov(ESI, 19);
        call(62); // SIGSTOP
        a.lea(RDI, rip(asked));
        call(80);
        a.lea(RDI, rip(made)).mov(ESI, 0700);
        call(110);
        call(111);
        a.xor(EDI, EDI);
        call(231);
        a.bind(asked).ascii("/asked\0").bind(done).ascii("/done\0");
        return a.bind(made).ascii("/tmp/made\0").align(16).bind(room).toBytes();
    }
}
