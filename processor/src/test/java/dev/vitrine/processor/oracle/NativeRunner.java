// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.asm.Asm.Cond.A;
import static dev.vitrine.processor.asm.Asm.Cond.S;
import static dev.vitrine.processor.asm.Reg.*;
import static dev.vitrine.processor.oracle.OracleLayout.*;

import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.ElfImage;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;

/**
 * The program of the child process, for Linux on x86-64. It maps the shared file and the regions of
 * {@link OracleLayout}, then runs batches: it waits for a byte on standard input, runs as many
 * cases as the header says (or as the output has room for), writes one byte to standard output and
 * waits again. End of input ends it.
 *
 * <p>A case is entered by IRETQ, which loads RIP, RSP, RFLAGS, CS and SS at once. It comes back
 * through a jump to an exit stub, which saves the registers by absolute addresses, or through a
 * signal, whose frame holds the exception and the whole state. The handler does not return from the
 * signal: it goes on with the next case on the runner's own stack. Timers of the process's own
 * processor time and of real time end cases that loop for ever. A seccomp filter turns system calls
 * of cases into signals.
 */
final class NativeRunner {
    /** An absolute address that the exit jump of 64-bit and 32-bit cases goes to. */
    private long exit64;

    /** ELF file to execute. */
    private final byte[] image;

    // Linux numbers: system calls, signals, flags.
    private static final int SYS_READ = 0;
    private static final int SYS_WRITE = 1;
    private static final int SYS_OPEN = 2;
    private static final int SYS_MMAP = 9;
    private static final int SYS_MPROTECT = 10;
    private static final int SYS_MUNMAP = 11;
    private static final int SYS_SIGACTION = 13;
    private static final int SYS_SIGRETURN = 15;
    private static final int SYS_SETITIMER = 38;
    private static final int SYS_EXIT = 60;
    private static final int SYS_FTRUNCATE = 77;
    private static final int SYS_SIGALTSTACK = 131;
    private static final int SYS_PRCTL = 157;
    private static final int SYS_ARCH_PRCTL = 158;
    private static final int SYS_SECCOMP = 317;
    private static final int SYS_MEMFD_CREATE = 319;
    private static final int ARCH_SET_GS = 0x1001;
    private static final int ARCH_SET_FS = 0x1002;
    private static final int ARCH_GET_FS = 0x1003;
    private static final int ARCH_GET_GS = 0x1004;
    private static final int MAP_SHARED_FIXED = 0x11;
    private static final int MAP_PRIVATE_FIXED_ANONYMOUS = 0x32;
    private static final int SIGALRM = 14;
    private static final int SIGVTALRM = 26;
    private static final int SIGSYS = 31;
    private static final int[] TRAP_SIGNALS = {
        4, 5, 7, 8, 11, SIGSYS
    }; // ILL, TRAP, BUS, FPE, SEGV, SYS
    private static final int SIGACTION_FLAGS =
            0x5c00_0004; // SIGINFO, ONSTACK, RESTART, NODEFER, RESTORER

    /** Addresses from which on the kernel puts a stack and what else it gives a program. */
    private static final long KERNELS_OWN = 0x7000_0000_0000L;

    private static final long USER_END = 0x7fff_ffff_f000L;

    /** Half of the least processor time after which a case counts as looping, in microseconds. */
    private static final int TICK_MICROSECONDS = 20_000;

    /** The same in real time, for cases that keep the kernel busy or asleep; in seconds. */
    private static final int REAL_TICK_SECONDS = 2;

    // struct ucontext on x86-64: r8 to r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, eflags,
    // cs:gs:fs:ss, err,
    // trapno, oldmask, cr2, fpstate.
    private static final int UC_GREGS = 40;
    private static final Reg[] UC_ORDER = {
        R8, R9, R10, R11, R12, R13, R14, R15, RDI, RSI, RBP, RBX, RDX, RAX, RCX, RSP
    };
    private static final int UC_RIP = UC_GREGS + 16 * 8;
    private static final int UC_FLAGS = UC_RIP + 8;
    private static final int UC_SELECTORS = UC_RIP + 16;
    private static final int UC_ERROR = UC_RIP + 24;
    private static final int UC_TRAP = UC_RIP + 32;
    private static final int UC_CR2 = UC_RIP + 48;
    private static final int UC_FPSTATE = UC_RIP + 56;

    // The runner's variables, reached by absolute addresses because a case leaves no register free.
    private static final Mem V_CASE = Mem.abs(VARIABLES).q();
    private static final Mem V_OUT = Mem.abs(VARIABLES + 0x08).q();
    private static final Mem V_INDEX = Mem.abs(VARIABLES + 0x10).q();
    private static final Mem V_COUNT = Mem.abs(VARIABLES + 0x18).q();
    private static final Mem V_IN_CASE = Mem.abs(VARIABLES + 0x20).q();
    private static final Mem V_TICK_CASE = Mem.abs(VARIABLES + 0x28).q();
    private static final Mem V_RAX = Mem.abs(VARIABLES + 0x30).q();
    private static final Mem V_RSP = Mem.abs(VARIABLES + 0x38).q();
    private static final Mem V_SERIAL = Mem.abs(VARIABLES + 0x40).q();
    private static final Mem V_XSAVE_MASK = Mem.abs(VARIABLES + 0x48).q();
    private static final Mem V_REAL_TICK_CASE = Mem.abs(VARIABLES + 0x50).q();
    private static final long V_FRAME = VARIABLES + 0x80;

    private final boolean fsgsbase;
    private final Asm a = new Asm(64, TEXT + ElfImage.HEADER_SIZE);
    private final Label failed = a.label("failed");
    private final Label batch = a.label("batch");
    private final Label nextCase = a.label("nextCase");
    private final Label finish = a.label("finish");
    private final Label batchDone = a.label("batchDone");
    private final Label trapHandler = a.label("trapHandler");
    private final Label tickHandler = a.label("tickHandler");
    private final Label restorer = a.label("restorer");
    private final Label compare = a.label("compare");
    private final Label exitStub = a.label("exitStub");
    private final Label fillerBytes = a.label("fillerBytes");

    /**
     * Assembles the program.
     *
     * @param fsgsbase whether the kernel lets user code use RDFSBASE and its kin; else system calls
     *     serve
     */
    NativeRunner(boolean fsgsbase) {
        this.fsgsbase = fsgsbase;
        Label textEnd = a.label("textEnd");
        Label sigactions = a.label("sigactions");
        Label signalStack = a.label("signalStack");
        Label timer = a.label("timer");
        Label filter = a.label("filter");
        Label name = a.label("name");

        mapEverything(name);
        installHandlers(sigactions, signalStack, filter, timer);
        describeHost();
        batchLoop();
        enterCase();
        exitStub();
        finishCase();
        compareLines();
        trapHandler();
        tickHandler();
        a.bind(failed).mov(EDI, EBX).mov(EAX, SYS_EXIT).syscall();
        a.bind(textEnd);

        a.align(16).bind(fillerBytes).fill(16, CODE_FILLER);
        a.bind(sigactions);
        a.dq(trapHandler).dq(SIGACTION_FLAGS).dq(restorer).dq(0);
        a.dq(tickHandler).dq(SIGACTION_FLAGS).dq(restorer).dq(0);
        a.bind(signalStack).dq(SIGNAL_STACK, 0, SIGNAL_STACK_SIZE);
        a.bind(timer).dq(REAL_TICK_SECONDS, 0, REAL_TICK_SECONDS, 0);
        a.dq(0, TICK_MICROSECONDS, 0, TICK_MICROSECONDS);
        a.bind(name).ascii("vitrine-oracle-code").zero(1);
        Label program = a.label("program");
        a.align(8).bind(filter).dw(7, 0, 0, 0).dq(program);
        // Allow system calls from the runner's text only (seccomp_data: instruction pointer at
        // offset 8).
        a.bind(program);
        bpf(0x20, 0, 0, 12); // load the upper half of the instruction pointer
        bpf(0x15, 0, 4, 0); // not zero: trap
        bpf(0x20, 0, 0, 8); // the lower half
        bpf(0x35, 0, 2, (int) TEXT); // below the text: trap
        bpf(0x35, 1, 0, (int) textEnd.address() + 1); // above the text: trap
        bpf(0x06, 0, 0, 0x7fff_0000); // allow
        bpf(0x06, 0, 0, 0x0003_0000); // trap
        image = ElfImage.executable(TEXT, a.toBytes(), VARIABLES, VARIABLES_SIZE);
        exit64 = exitStub.address();
    }

    /** The ELF file. */
    byte[] image() {
        return image;
    }

    /** Where a case's exit jump goes, in 64-bit mode. */
    long exitAddress() {
        return exit64;
    }

    private void bpf(int code, int ifTrue, int ifFalse, int k) {
        a.dw(code).db(ifTrue, ifFalse).dd(k);
    }

    /** A system call whose failure ends the process with the given status. */
    private void checkedSyscall(int number, int status) {
        a.mov(EAX, number).mov(EBX, status).syscall().test(RAX, RAX).jcc(S, failed);
    }

    private void mmap(long address, long size, int protection, int flags, int status) {
        a.mov(RDI, address).mov(ESI, size).mov(EDX, protection).mov(R10D, flags).xor(R9D, R9D);
        checkedSyscall(SYS_MMAP, status);
    }

    private void mapEverything(Label name) {
        // open(argv[1], O_RDWR)
        a.mov(RDI, Mem.base(RSP).disp(16)).mov(ESI, 2).xor(EDX, EDX);
        checkedSyscall(SYS_OPEN, 10);
        a.mov(R8, RAX);
        mmap(SHARED, SHARED_SIZE, 3, MAP_SHARED_FIXED, 11);
        a.mov(EDI, name).xor(ESI, ESI);
        checkedSyscall(SYS_MEMFD_CREATE, 12);
        a.mov(R8, RAX).mov(EDI, EAX).mov(ESI, CODE_ALIAS_SIZE);
        checkedSyscall(SYS_FTRUNCATE, 13);
        mmap(CODE_ALIAS, CODE_ALIAS_SIZE, 3, MAP_SHARED_FIXED, 14);
        mmap(CODE, CODE_SIZE, 5, MAP_SHARED_FIXED, 15);
        mmap(CODE_WRITABLE, CODE_SIZE, 7, MAP_SHARED_FIXED, 16);
        a.mov(R8, -1);
        mmap(DATA, DATA_SIZE, 3, MAP_PRIVATE_FIXED_ANONYMOUS, 17);
        mmap(STACK, STACK_SIZE, 3, MAP_PRIVATE_FIXED_ANONYMOUS, 18);
        mmap(SIGNAL_STACK, SIGNAL_STACK_SIZE, 3, MAP_PRIVATE_FIXED_ANONYMOUS, 26);
        a.mov(RDI, CODE_ALIAS).mov(ECX, CODE_ALIAS_SIZE).mov(EAX, CODE_FILLER).rep().stos(8);
        a.mov(RSI, SHARED + PRISTINE).mov(EDI, DATA).mov(ECX, DATA_SIZE).rep().movs(8);
        a.mov(EDI, STACK).mov(ECX, STACK_SIZE).rep().movs(8);
        a.mov(EDI, DATA + DATA_WRITABLE_SIZE).mov(ESI, DATA_SIZE - DATA_WRITABLE_SIZE).mov(EDX, 1);
        checkedSyscall(SYS_MPROTECT, 19);
        // The kernel's stack, whose argument has been read, and its vDSO are near the end. A case
        // that looks there would find them once in a while.
        a.mov(RDI, KERNELS_OWN).mov(RSI, USER_END - KERNELS_OWN);
        checkedSyscall(SYS_MUNMAP, 27);
    }

    private void installHandlers(Label sigactions, Label signalStack, Label filter, Label timer) {
        a.mov(EDI, signalStack).xor(ESI, ESI);
        checkedSyscall(SYS_SIGALTSTACK, 20);
        for (int signal : TRAP_SIGNALS) {
            a.mov(EDI, signal).mov(ESI, sigactions).xor(EDX, EDX).mov(R10D, 8);
            checkedSyscall(SYS_SIGACTION, 21);
        }
        for (int signal : new int[] {SIGALRM, SIGVTALRM}) {
            a.mov(EDI, signal).mov(ESI, sigactions).add(ESI, 32).xor(EDX, EDX).mov(R10D, 8);
            checkedSyscall(SYS_SIGACTION, 22);
        }
        for (int kind = 0; kind < 2; kind++) { // ITIMER_REAL, ITIMER_VIRTUAL
            a.mov(EDI, kind).mov(ESI, timer).add(ESI, 32 * kind).xor(EDX, EDX);
            checkedSyscall(SYS_SETITIMER, 23);
        }
        // PR_SET_NO_NEW_PRIVS, then a filter that does not turn on mitigations
        // (SECCOMP_FILTER_FLAG_SPEC_ALLOW)
        a.mov(EDI, 38).mov(ESI, 1).xor(EDX, EDX).xor(R10D, R10D).xor(R8D, R8D);
        checkedSyscall(SYS_PRCTL, 24);
        a.mov(EDI, 1).mov(ESI, 4).mov(EDX, filter);
        checkedSyscall(SYS_SECCOMP, 25);
    }

    /** Writes CPUID leaves and XCR0 to the header, where {@link HostFeatures} reads them. */
    private void describeHost() {
        a.mov(R8, SHARED + HEADER_CPUID);
        for (int[] leaf : HostFeatures.LEAVES) {
            a.mov(EAX, leaf[0]).mov(ECX, leaf[1]).cpuid();
            int n = 0;
            for (Reg r : new Reg[] {EAX, EBX, ECX, EDX}) {
                a.mov(Mem.base(R8).disp(4 * n++), r);
            }
            a.add(R8, 16);
        }
        a.xor(ECX, ECX).xgetbv().mov(Mem.base(R8), EAX);
        a.and(EAX, 7).mov(V_XSAVE_MASK, RAX);
        a.jmp(batchDone);
    }

    private void batchLoop() {
        a.bind(batch);
        a.xor(EDI, EDI).mov(ESI, VARIABLES + 0x70).mov(EDX, 1).mov(EAX, SYS_READ).syscall();
        a.xor(EBX, EBX).cmp(RAX, 1).jnz(failed);
        a.xor(EAX, EAX).mov(V_INDEX, RAX);
        a.mov(RBX, SHARED).mov(RAX, at(RBX, HEADER_COUNT)).mov(V_COUNT, RAX);
        a.lea(RAX, at(RBX, INPUT)).mov(V_CASE, RAX);
        a.lea(RAX, at(RBX, OUTPUT)).mov(V_OUT, RAX);
        a.jmp(nextCase);

        a.bind(batchDone);
        a.mov(RBX, SHARED).mov(RAX, V_INDEX).mov(at(RBX, HEADER_DONE), RAX);
        a.mov(EDI, 1).mov(ESI, VARIABLES + 0x70).mov(EDX, 1).mov(EAX, SYS_WRITE).syscall();
        a.jmp(batch);
    }

    private static Mem at(Reg base, int disp) {
        return Mem.base(base).disp(disp);
    }

    private void copy16(Reg to, int toOffset, Reg from, int fromOffset, int bytes) {
        for (int i = 0; i < bytes; i += 16) {
            a.movdqu(XMM0, at(from, fromOffset + i)).movdqu(at(to, toOffset + i), XMM0);
        }
    }

    private void enterCase() {
        a.bind(nextCase);
        a.mov(RAX, V_INDEX).cmp(RAX, V_COUNT).jz(batchDone);
        a.mov(RBX, SHARED).mov(at(RBX, HEADER_INDEX), RAX);
        a.mov(R14, V_CASE);

        Label lines = a.label();
        Label noLines = a.label();
        a.mov(ECX, at(R14, CASE_LINE_COUNT))
                .lea(RSI, at(R14, CASE_LINES))
                .test(ECX, ECX)
                .jz(noLines);
        a.bind(lines).mov(RDI, Mem.base(RSI));
        copy16(RDI, 0, RSI, 8, LINE);
        a.add(RSI, LINE_RECORD).dec(ECX).jnz(lines);
        a.bind(noLines);

        a.mov(RDI, at(R14, CASE_CODE_ALIAS));
        copy16(RDI, 0, R14, CASE_CODE, CODE_WINDOW);

        a.mov(EDI, V_FRAME);
        copy16(RDI, 0, R14, CASE_FRAME, 32);
        a.mov(RAX, at(R14, CASE_FRAME + 32)).mov(at(RDI, 32), RAX);

        a.mov(DS, at(R14, CASE_DS))
                .mov(ES, at(R14, CASE_ES))
                .mov(FS, at(R14, CASE_FS))
                .mov(GS, at(R14, CASE_GS));
        if (fsgsbase) {
            a.mov(RAX, at(R14, CASE_FS_BASE))
                    .wrfsbase(RAX)
                    .mov(RAX, at(R14, CASE_GS_BASE))
                    .wrgsbase(RAX);
        } else {
            a.mov(EDI, ARCH_SET_FS)
                    .mov(RSI, at(R14, CASE_FS_BASE))
                    .mov(EAX, SYS_ARCH_PRCTL)
                    .syscall();
            a.mov(EDI, ARCH_SET_GS)
                    .mov(RSI, at(R14, CASE_GS_BASE))
                    .mov(EAX, SYS_ARCH_PRCTL)
                    .syscall();
        }
        a.mov(EAX, Mem.abs(VARIABLES + 0x48)).xor(EDX, EDX).xrstor(64, at(R14, CASE_XSAVE));
        a.mov(EAX, 1).add(V_SERIAL, RAX).mov(V_IN_CASE, RAX);
        a.mov(ESP, V_FRAME);
        for (int i = 0; i < 16; i++) {
            if (i != RSP.number() && i != R14.number()) {
                a.mov(Reg.gp64(i), at(R14, CASE_GPR + 8 * i));
            }
        }
        a.mov(R14, at(R14, CASE_GPR + 8 * 14)).iret(64);
    }

    /** Where a case jumps at its end. Any register and any flag may hold anything. */
    private void exitStub() {
        a.align(16).bind(exitStub);
        a.mov(V_RAX, RAX).mov(V_RSP, RSP).mov(ESP, RUNNER_STACK_TOP).pushf().mov(RAX, V_OUT);
        for (int i = 1; i < 16; i++) {
            if (i != RSP.number()) {
                a.mov(at(RAX, RESULT_GPR + 8 * i), Reg.gp64(i));
            }
        }
        a.mov(R15, RAX).pop(RBX).push(2).popf();
        a.mov(at(R15, RESULT_FLAGS), RBX);
        a.mov(RAX, V_RAX).mov(at(R15, RESULT_GPR), RAX);
        a.mov(RAX, V_RSP).mov(at(R15, RESULT_GPR + 8 * RSP.number()), RAX);
        a.xor(EAX, EAX)
                .mov(at(R15, RESULT_ERROR), RAX)
                .mov(at(R15, RESULT_CR2), RAX)
                .mov(at(R15, RESULT_SIGNAL), RAX);
        a.mov(EAX, Result.END).mov(at(R15, RESULT_VECTOR), RAX);
        a.mov(R14, V_CASE).mov(RAX, at(R14, CASE_END)).mov(at(R15, RESULT_RIP), RAX);
        a.mov(AX, at(R14, CASE_FRAME + 8))
                .mov(at(R15, RESULT_CS), AX)
                .mov(EAX, SS)
                .mov(at(R15, RESULT_SS), AX);
        a.mov(EAX, Mem.abs(VARIABLES + 0x48)).xor(EDX, EDX).xsave(64, at(R15, RESULT_XSAVE));
        a.jmp(finish);
    }

    /** Completes the result at R15, puts code and memory back, and goes on. */
    private void finishCase() {
        a.bind(finish);
        a.xor(EAX, EAX).mov(V_IN_CASE, RAX);
        if (fsgsbase) {
            a.rdfsbase(RAX)
                    .mov(at(R15, RESULT_FS_BASE), RAX)
                    .rdgsbase(RAX)
                    .mov(at(R15, RESULT_GS_BASE), RAX);
        } else {
            a.mov(EDI, ARCH_GET_FS)
                    .lea(RSI, at(R15, RESULT_FS_BASE))
                    .mov(EAX, SYS_ARCH_PRCTL)
                    .syscall();
            a.mov(EDI, ARCH_GET_GS)
                    .lea(RSI, at(R15, RESULT_GS_BASE))
                    .mov(EAX, SYS_ARCH_PRCTL)
                    .syscall();
        }
        a.mov(EAX, DS).mov(at(R15, RESULT_DS), AX).mov(EAX, ES).mov(at(R15, RESULT_ES), AX);
        a.mov(EAX, FS).mov(at(R15, RESULT_FS), AX).mov(EAX, GS).mov(at(R15, RESULT_GS), AX);

        a.mov(R14, V_CASE).mov(RDI, at(R14, CASE_CODE_ALIAS)).movdqa(XMM0, Mem.abs(fillerBytes));
        for (int i = 0; i < CODE_WINDOW; i += 16) {
            a.movdqu(at(RDI, i), XMM0);
        }

        a.lea(RBX, at(R15, RESULT_LINES)).xor(R8D, R8D);
        a.mov(ESI, DATA)
                .mov(RDI, SHARED + PRISTINE)
                .mov(ECX, DATA_WRITABLE_SIZE / LINE)
                .call(compare);
        a.mov(ESI, STACK)
                .mov(RDI, SHARED + PRISTINE + DATA_SIZE)
                .mov(ECX, STACK_SIZE / LINE)
                .call(compare);
        a.mov(at(R15, RESULT_LINE_COUNT), R8D);
        a.add(RBX, 63).and(RBX, -64).mov(RAX, RBX).sub(RAX, R15).mov(at(R15, RESULT_SIZE), EAX);
        a.mov(V_OUT, RBX);
        a.mov(EAX, at(R14, CASE_SIZE)).add(V_CASE, RAX);
        a.mov(EAX, 1).add(V_INDEX, RAX);
        a.mov(RAX, SHARED + OUTPUT + OUTPUT_SIZE - RESULT_MOST)
                .cmp(RBX, RAX)
                .jcc(A, batchDone)
                .jmp(nextCase);
    }

    /**
     * Compares ECX lines at RSI with those at RDI; writes those that differ to RBX, counts them in
     * R8 and puts them back.
     */
    private void compareLines() {
        Label line = a.label();
        Label same = a.label();
        a.bind(compare).bind(line);
        for (int i = 0; i < 4; i++) {
            a.movdqa(Reg.xmm(i), at(RSI, 16 * i)).pcmpeqb(Reg.xmm(i), at(RDI, 16 * i));
        }
        a.pand(XMM0, XMM1)
                .pand(XMM2, XMM3)
                .pand(XMM0, XMM2)
                .pmovmskb(EAX, XMM0)
                .cmp(EAX, 0xffff)
                .jz(same);
        a.mov(Mem.base(RBX), RSI);
        for (int i = 0; i < LINE; i += 16) {
            a.movdqa(XMM0, at(RSI, i)).movdqu(at(RBX, 8 + i), XMM0);
            a.movdqa(XMM0, at(RDI, i)).movdqa(at(RSI, i), XMM0);
        }
        a.add(RBX, LINE_RECORD).inc(R8D);
        a.bind(same).add(RSI, LINE).add(RDI, LINE).dec(ECX).jnz(line).ret();
    }

    /** Signal handler: RDI the signal, RSI siginfo, RDX the context. */
    private void trapHandler() {
        Label inCase = a.label();
        Label notSyscall = a.label();
        a.bind(trapHandler).push(2).popf(); // AC may be set
        a.cmp(V_IN_CASE, 0).jnz(inCase);
        a.mov(RCX, SHARED + HEADER_CRASH);
        for (int i : new int[] {UC_RIP, UC_TRAP, UC_CR2}) {
            a.mov(RAX, at(RDX, i)).mov(at(RCX, i - UC_RIP), RAX);
        }
        a.mov(EBX, 99).jmp(failed);

        a.bind(inCase).mov(R15, V_OUT);
        a.mov(EDI, EDI).mov(at(R15, RESULT_SIGNAL), RDI);
        for (int i = 0; i < 16; i++) {
            a.mov(RAX, at(RDX, UC_GREGS + 8 * i))
                    .mov(at(R15, RESULT_GPR + 8 * UC_ORDER[i].number()), RAX);
        }
        a.mov(RAX, at(RDX, UC_RIP)).mov(at(R15, RESULT_RIP), RAX);
        a.mov(RAX, at(RDX, UC_FLAGS)).mov(at(R15, RESULT_FLAGS), RAX);
        a.mov(RAX, at(RDX, UC_SELECTORS))
                .mov(at(R15, RESULT_CS), AX)
                .shr(RAX, 48)
                .mov(at(R15, RESULT_SS), AX);
        a.mov(RAX, at(RDX, UC_ERROR)).mov(at(R15, RESULT_ERROR), RAX);
        a.mov(RAX, at(RDX, UC_CR2)).mov(at(R15, RESULT_CR2), RAX);
        a.mov(RAX, at(RDX, UC_TRAP)).cmp(EDI, SIGSYS).jnz(notSyscall).mov(EAX, Result.SYSTEM_CALL);
        Label timeout = a.label();
        Label notTimeout = a.label();
        a.bind(notSyscall).cmp(EDI, SIGVTALRM).jz(timeout).cmp(EDI, SIGALRM).jnz(notTimeout);
        a.bind(timeout).mov(EAX, Result.TIMEOUT);
        a.bind(notTimeout).mov(at(R15, RESULT_VECTOR), RAX);
        a.mov(RSI, at(RDX, UC_FPSTATE))
                .lea(RDI, at(R15, RESULT_XSAVE))
                .mov(ECX, XSAVE_SIZE / 8)
                .rep()
                .movs(64);
        a.mov(ESP, RUNNER_STACK_TOP).jmp(finish);
    }

    /**
     * The timers: the second tick of a timer within the same case ends it; any other is ignored.
     */
    private void tickHandler() {
        Label ignore = a.label();
        a.bind(tickHandler).push(2).popf();
        a.cmp(V_IN_CASE, 0).jz(ignore);
        Label real = a.label();
        a.cmp(EDI, SIGALRM).jz(real);
        a.mov(RAX, V_SERIAL).xchg(V_TICK_CASE, RAX).cmp(RAX, V_SERIAL).jnz(ignore).jmp(trapHandler);
        a.bind(real);
        a.mov(RAX, V_SERIAL)
                .xchg(V_REAL_TICK_CASE, RAX)
                .cmp(RAX, V_SERIAL)
                .jnz(ignore)
                .jmp(trapHandler);
        a.bind(ignore).ret(); // to the restorer
        a.bind(restorer).mov(EAX, SYS_SIGRETURN).syscall();
    }
}
