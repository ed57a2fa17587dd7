// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor.guest;

import static dev.vitrine.processor.asm.Reg.*;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.DomainConfig;
import dev.vitrine.hypervisor.DomainStop;
import dev.vitrine.hypervisor.Hypervisor;
import dev.vitrine.hypervisor.StopReason;
import dev.vitrine.hypervisor.TurnScheduler;
import dev.vitrine.hypervisor.Vcpu;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Mem;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * A domain whose guest is a piece of 64-bit code at CPL 0. The first 512 GiB are mapped one to one
 * in pages of 1 GiB, but for the second GiB, which is a window of 512 small pages, empty at first.
 * The code powers off at its end; an exception without a gate is a triple fault.
 */
public final class AssembledGuest implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(60);

    private static final int TABLES = 0x1000;
    private static final int PDPT = 0x2000;
    private static final int WINDOW_PD = 0x3000;

    /** The page table of the window. */
    public static final int WINDOW_PT = 0x4000;

    private static final int GDT = 0x5000;
    private static final int POINTERS = 0x5F00;
    private static final int IDT = 0x6000;
    private static final int BOOT = 0x8000;
    private static final int REASON = 0x9000;

    /** Real-mode code of vCPU 0, which has none; the others' follow at distances of a page. */
    private static final int TRAMPOLINE = 0xA000;

    /** Linear address of the window. */
    public static final long WINDOW = 0x40000000L;

    /** The code of vCPU 0; others follow at distances of {@link #STEP}. */
    public static final int CODE = 0x100000;

    public static final int STEP = 0x10000;

    /** End of vCPU 0's stack; the others' follow at distances of {@link #STEP}. */
    public static final int STACK = 0xC0000;

    /** Handlers of exceptions are assembled from here on, at distances of 0x100. */
    public static final int HANDLERS = 0x180000;

    /** Where guests keep their data. */
    public static final int DATA = 0x200000;

    /** RAM in bytes. */
    public static final int RAM = 4 << 20;

    public final Hypervisor hypervisor;
    public final Domain domain;

    /** A guest with one vCPU and code that is followed by a power-off. */
    public AssembledGuest(Consumer<Asm> code) {
        this(DomainConfig.of("assembled", RAM + (1 << 20), 1), code);
    }

    public AssembledGuest(DomainConfig config, Consumer<Asm> code) {
        hypervisor =
                config.clock() == DomainConfig.Clock.VIRTUAL
                        ? Hypervisor.create(1, new TurnScheduler())
                        : Hypervisor.create(Math.max(2, config.vcpus()));
        domain = hypervisor.createDomain(config);
        domain.addRam(0, RAM >> 12);
        tables();
        boot(0);
        assemble(CODE, a -> powerOff(body(a, code)));
        domain.startPvh(BOOT, 0);
    }

    private static Asm body(Asm a, Consumer<Asm> code) {
        code.accept(a);
        return a;
    }

    private void tables() {
        put(TABLES, PDPT | 7);
        for (long n = 0; n < 512; n++) {
            put(PDPT + n * 8, n << 30 | 0x87);
        }
        put(PDPT + 8, WINDOW_PD | 7);
        put(WINDOW_PD, WINDOW_PT | 7);
        put(GDT + 0x08, 0x00AF9B000000FFFFL);
        put(GDT + 0x10, 0x00CF93000000FFFFL);
        put(GDT + 0x18, 0x00CF9B000000FFFFL); // 32-bit code
        domain.physical().putShort(POINTERS, 0x1F);
        put(POINTERS + 2, GDT);
        domain.physical().putShort(POINTERS + 16, 0xFFF);
        put(POINTERS + 18, IDT);
    }

    private void put(long at, long value) {
        domain.physical().putLong(at, value);
    }

    /** From 32-bit code without paging to 64-bit code. */
    private void boot(int vcpu) {
        int boot = BOOT + vcpu * 0x100;
        int code = CODE + vcpu * STEP;
        Asm a = new Asm(32, boot);
        a.lgdt32(Mem.abs(POINTERS)).mov(EAX, 0x40620); // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
        a.bytes(new byte[] {0x0F, 0x22, (byte) 0xE0}); // mov cr4, eax
        a.mov(EAX, TABLES).bytes(new byte[] {0x0F, 0x22, (byte) 0xD8}); // mov cr3, eax
        a.mov(ECX, 0xC0000080L).mov(EAX, 0x901).xor(EDX, EDX).wrmsr(); // SCE, LME, NXE
        a.mov(EAX, 0x80010011L).bytes(new byte[] {0x0F, 0x22, (byte) 0xC0}); // mov cr0, eax
        a.bytes((byte) 0xEA).dd(code - 64).dw(8);
        domain.physical().write(boot, a.toBytes());
        Asm b = new Asm(64, code - 64);
        b.lidt(Mem.abs(POINTERS + 16)).mov(EAX, 0x10);
        b.bytes(new byte[] {(byte) 0x8E, (byte) 0xD0, (byte) 0x8E, (byte) 0xD8}); // SS, DS
        b.mov(ESP, STACK + vcpu * STEP).mov(EAX, code).jmp(RAX);
        domain.physical().write(code - 64, b.toBytes());
        domain.physical().putInt(REASON, 0);
    }

    /**
     * Gives another vCPU code, for when one has executed what {@link #startUp} assembles: 64-bit
     * code with the same tables and a stack of its own. At its end it halts for good.
     *
     * @param vcpu 1 to 5
     */
    public void secondary(int vcpu, Consumer<Asm> code) {
        Asm a = new Asm(16, 0);
        a.hex("31C0 8ED8 0F0116").dw(POINTERS); // XOR AX, AX; MOV DS, AX; LGDT
        a.hex("0F20C0 0C01 0F22C0 66EA").dd(BOOT + vcpu * 0x100).dw(0x18); // CR0.PE; far JMP
        domain.physical().write(TRAMPOLINE + vcpu * 0x1000, a.toBytes());
        boot(vcpu);
        assemble(CODE + vcpu * STEP, b -> body(b, code).cli().hlt());
    }

    /** Starts another vCPU by INIT and start-up IPI, in x2APIC mode. Changes RAX, RCX and RDX. */
    public static Asm startUp(Asm a, int vcpu) {
        a.mov(ECX, 0x1B).rdmsr().or(EAX, 0xC00).wrmsr();
        a.mov(ECX, 0x830).mov(EDX, Vcpu.apicId(vcpu)).mov(EAX, 0x4500).wrmsr();
        return a.mov(EAX, 0x4600 | (TRAMPOLINE >>> 12) + vcpu).wrmsr();
    }

    /** SCHEDOP_yield. Changes RAX and RDI. */
    public static Asm yield(Asm a) {
        return a.mov(EAX, 29).xor(EDI, EDI).vmcall();
    }

    /** SCHEDOP_shutdown. */
    public static Asm powerOff(Asm a) {
        return a.mov(EAX, 29).mov(EDI, 2).mov(ESI, REASON).vmcall().hlt();
    }

    /** Assembles code to its place. */
    public Asm assemble(int at, Consumer<Asm> body) {
        Asm a = new Asm(64, at);
        body.accept(a);
        domain.physical().write(at, a.toBytes());
        return a;
    }

    /** Assembles the handler of an exception or interrupt. */
    public void handler(int vector, Consumer<Asm> body) {
        int at = HANDLERS + vector * 0x100;
        assemble(at, body);
        put(
                IDT + vector * 16L,
                at & 0xFFFF | 8L << 16 | 0x8E00L << 32 | (at >>> 16 & 0xFFFFL) << 48);
        put(IDT + vector * 16L + 8, 0);
    }

    /** Shows a guest frame in the window. */
    public long window(int page, long gfn) {
        put(WINDOW_PT + page * 8L, gfn << 12 | 7);
        return WINDOW + page * 4096L;
    }

    public long read(long address) {
        return domain.physical().getLong(address);
    }

    /** Lets the guest run until it stops. */
    public DomainStop run() throws InterruptedException {
        domain.unpause();
        return domain.await(LIMIT);
    }

    /** Lets the guest run until it has powered off. */
    public void runToEnd() throws InterruptedException {
        DomainStop stop = run();
        if (stop.reason() != StopReason.POWEROFF) {
            throw new AssertionError(stop.reason() + ": " + stop.message() + "\n" + stop.report());
        }
    }

    @Override
    public void close() {
        hypervisor.close();
    }
}
