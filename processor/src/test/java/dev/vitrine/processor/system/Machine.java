// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.Rendezvous;
import dev.vitrine.processor.exec.Runner;
import dev.vitrine.processor.exec.Tiering;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A processor with 16 MiB of memory and an environment for small guests: GDT, IDT, TSS, stacks and
 * page tables at fixed places. Every exception handler is a HLT, so that a test runs its guest
 * until it stops and then looks at where, and at the frame on the stack.
 */
final class Machine implements ProcessorHost, AutoCloseable {
    static final int GDT = 0x1000;
    static final int IDT = 0x2000;
    static final int TSS = 0x3000;
    static final int TSS2 = 0x4000;
    static final int HANDLERS = 0x6000;
    static final int CODE = 0x8000;
    static final int USER_CODE = 0xA000;
    static final int STACK = 0x20000;
    static final int USER_STACK = 0x28000;
    static final int IST_STACK = 0x30000;
    static final int TABLES = 0x40000;
    static final int DATA = 0x100000;

    // Selectors.
    static final int CODE64 = 0x08;
    static final int DATA0 = 0x10;
    static final int USER_CODE32 = 0x18;
    static final int USER_DATA = 0x20;
    static final int USER_CODE64 = 0x28;
    static final int CODE32 = 0x30;
    static final int CODE16 = 0x38;
    static final int TASK = 0x40;
    static final int TASK2 = 0x50;
    static final int FREE = 0x60;
    static final int DATA16 = 0x80;
    static final int LDT = 0x90;

    // Access bytes.
    static final int A_CODE = 0x9B;
    static final int A_DATA = 0x93;
    static final int A_USER = 0x60;
    static final int A_TSS32 = 0x89;
    static final int A_TSS16 = 0x81;
    static final int A_LDT = 0x82;

    // Flags of descriptors: G, D/B, L.
    static final int F_32 = 0xC;
    static final int F_64 = 0xA;

    // Page-table bits.
    static final long P = 1;
    static final long W = 2;
    static final long U = 4;
    static final long A = 0x20;
    static final long D = 0x40;
    static final long PS = 0x80;
    static final long G = 0x100;
    static final long NX = 1L << 63;

    final MachineMemory memory = MachineMemory.reserve(16 << 20);
    private final CodeCache cache;
    final Cpu cpu;
    final Mmu mmu;
    final Runner runner;

    final ArrayDeque<Integer> interrupts = new ArrayDeque<>();
    final List<String> ports = new ArrayList<>();
    int portValue = -1;
    long tsc = 1000;
    long tscFrequency;
    int taskPriority;
    Consumer<Cpu> onHypercall = c -> {};
    Function<Interception, Reaction> onInterception = what -> Reaction.PROCEED;

    Machine() {
        PhysicalMap map = new PhysicalMap(memory);
        map.mapRange(0, 4096, memory.allocateRange(4096));
        Rendezvous rendezvous = new Rendezvous();
        cache = new CodeCache(memory, rendezvous);
        map.addListener((view, gfn, count) -> {});
        mmu = new Mmu(map, cache);
        cpu = new Cpu(this, mmu);
        runner = new Runner(cpu, cache, rendezvous, false, false, Tiering.NONE, mfn -> {});
        rendezvous.join(cpu);
        for (int vector = 0; vector < 256; vector++) {
            poke(HANDLERS + vector * 16, 1, 0xF4);
        }
    }

    @Override
    public void close() {
        memory.close();
    }

    @Override
    public Reaction intercepted(Processor processor, Interception what) {
        return onInterception.apply(what);
    }

    // ------------------------------------------------------------------ memory

    void poke(long at, int size, long value) {
        for (int n = 0; n < size; n++) {
            write(at + n, (byte) (value >>> (8 * n)));
        }
    }

    void write(long at, byte... bytes) {
        memory.ram().write(at, bytes, 0, bytes.length);
        for (long mfn = at >>> 12; mfn <= at + bytes.length - 1 >>> 12; mfn++) {
            // As GuestPhysical does.
            cache.invalidateFrame(mfn);
        }
    }

    long peek(long at, int size) {
        long value = 0;
        for (int n = 0; n < size; n++) {
            value |= (memory.ram().getByte(at + n) & 0xFFL) << (8 * n);
        }
        return value;
    }

    long word(long at) {
        return peek(at, 2);
    }

    long dword(long at) {
        return peek(at, 4);
    }

    long qword(long at) {
        return peek(at, 8);
    }

    /** Assembles code to its place. */
    Machine code(int bits, int at, Consumer<Asm> body) {
        Asm a = new Asm(bits, at);
        body.accept(a);
        byte[] bytes = a.toBytes();
        write(at, bytes);
        return this;
    }

    /** Assembles to {@link #CODE}, with a HLT behind it. */
    Machine code(int bits, Consumer<Asm> body) {
        return code(
                bits,
                CODE,
                a -> {
                    body.accept(a);
                    a.hlt();
                });
    }

    // ------------------------------------------------------------- descriptors

    static long descriptor(long base, int limit, int access, int flags) {
        return (limit & 0xFFFFL)
                | (base & 0xFFFFFF) << 16
                | (long) access << 40
                | (limit >>> 16 & 0xFL) << 48
                | (long) flags << 52
                | (base >>> 24 & 0xFF) << 56;
    }

    void gdt(int selector, long descriptor) {
        poke(GDT + (selector & ~7), 8, descriptor);
    }

    long gdt(int selector) {
        return qword(GDT + (selector & ~7));
    }

    static long gate(int selector, long offset, int access) {
        return (offset & 0xFFFF)
                | (long) selector << 16
                | (long) access << 40
                | (offset >>> 16 & 0xFFFF) << 48;
    }

    /** IDT entry of long mode. */
    void idt64(int vector, int selector, long offset, int access, int ist) {
        poke(IDT + vector * 16, 8, gate(selector, offset, access) | (long) ist << 32);
        poke(IDT + vector * 16 + 8, 8, offset >>> 32);
    }

    /** IDT entry of protected mode. */
    void idt32(int vector, int selector, long offset, int access) {
        poke(IDT + vector * 8, 8, gate(selector, offset, access));
    }

    private void fillGdt() {
        gdt(CODE64, descriptor(0, 0xFFFFF, A_CODE, F_64));
        gdt(DATA0, descriptor(0, 0xFFFFF, A_DATA, F_32));
        gdt(USER_CODE32, descriptor(0, 0xFFFFF, A_CODE | A_USER, F_32));
        gdt(USER_DATA, descriptor(0, 0xFFFFF, A_DATA | A_USER, F_32));
        gdt(USER_CODE64, descriptor(0, 0xFFFFF, A_CODE | A_USER, F_64));
        gdt(CODE32, descriptor(0, 0xFFFFF, A_CODE, F_32));
        gdt(CODE16, descriptor(0, 0xFFFF, A_CODE, 0));
        gdt(DATA16, descriptor(0, 0xFFFF, A_DATA, 0));
        gdt(TASK, descriptor(TSS, 0x67, A_TSS32 | 2, 0));
        gdt(TASK2, descriptor(TSS2, 0x67, A_TSS32, 0));
        cpu.gdtBase = GDT;
        cpu.gdtLimit = 0xFF;
        cpu.idtBase = IDT;
        cpu.idtLimit = 0xFFF;
        cpu.tr.set(TASK, TSS, 0x67, A_TSS32 | 2);
        poke(TSS + 102, 2, 0x68); // no I/O permission bitmap
        cpu.ldtr.set(0, 0, 0, 0);
        cpu.ldtr.unusable = true;
    }

    // ------------------------------------------------------------------- modes

    private void segments(int code, int codeAttributes, int data, int dataAttributes, int cpl) {
        for (int seg : new int[] {Cpu.ES, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS}) {
            cpu.segment[seg].set(data, 0, -1, dataAttributes);
            cpu.r[Cpu.R_SEG_BASE + seg] = 0;
        }
        cpu.segment[Cpu.CS].set(code, 0, -1, codeAttributes);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = 0;
        cpu.cpl = cpl;
    }

    private void start(long rip, long rsp) {
        cpu.rip = rip;
        cpu.nextRip = rip;
        cpu.r[Cpu.RSP] = rsp;
        cpu.modeChanged();
        mmu.flushAll();
    }

    /** Real mode at 0:CODE with SS:SP 0:7000; the vector table at 0 leads to the handlers. */
    Machine real() {
        for (int vector = 0; vector < 256; vector++) {
            poke(vector * 4, 2, HANDLERS + vector * 16);
            poke(vector * 4 + 2, 2, 0);
        }
        cpu.cr0 = Cpu.CR0_ET;
        cpu.idtBase = 0;
        cpu.idtLimit = 0x3FF;
        segments(0, 0x93, 0, 0x93, 0);
        for (int seg = 0; seg < 6; seg++) {
            cpu.segment[seg].limit = 0xFFFF;
        }
        start(CODE, 0x7000);
        return this;
    }

    /** Flat 32-bit protected mode without paging, CPL 0. */
    Machine flat32() {
        fillGdt();
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET;
        for (int vector = 0; vector < 256; vector++) {
            idt32(vector, CODE32, HANDLERS + vector * 16, 0xEE);
        }
        poke(TSS + 4, 4, STACK);
        poke(TSS + 8, 2, DATA0);
        segments(CODE32, A_CODE | F_32 << 12, DATA0, A_DATA | F_32 << 12, 0);
        start(CODE, STACK);
        return this;
    }

    /** 64-bit mode, CPL 0, the first 16 MiB mapped one to one for everybody. */
    Machine long64() {
        fillGdt();
        poke(TABLES, 8, TABLES + 0x1000 | P | W | U);
        poke(TABLES + 0x1000, 8, TABLES + 0x2000 | P | W | U);
        poke(TABLES + 0x2000, 8, TABLES + 0x3000 | P | W | U);
        for (int n = 0; n < 512; n++) {
            poke(TABLES + 0x3000 + 8 * n, 8, (long) n << 12 | P | W | U);
        }
        for (int n = 1; n < 8; n++) {
            poke(TABLES + 0x2000 + 8 * n, 8, (long) n << 21 | P | W | U | PS);
        }
        cpu.cr3 = TABLES;
        cpu.cr4 = Cpu.CR4_PAE;
        cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_NXE | Cpu.EFER_SCE;
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET | Cpu.CR0_PG | Cpu.CR0_WP;
        for (int vector = 0; vector < 256; vector++) {
            idt64(vector, CODE64, HANDLERS + vector * 16, 0xEE, 0);
        }
        poke(TSS + 4, 8, STACK);
        poke(TSS + 36, 8, IST_STACK);
        segments(CODE64, A_CODE | F_64 << 12, DATA0, A_DATA | F_32 << 12, 0);
        start(CODE, STACK);
        return this;
    }

    /** From {@link #flat32} or {@link #long64} to CPL 3 at {@link #USER_CODE}. */
    Machine user() {
        boolean wide = cpu.longMode();
        int code = (wide ? USER_CODE64 : USER_CODE32) | 3;
        int attributes = A_CODE | A_USER | (wide ? F_64 : F_32) << 12;
        segments(code, attributes, USER_DATA | 3, A_DATA | A_USER | F_32 << 12, 3);
        start(USER_CODE, USER_STACK);
        return this;
    }

    /** Address of the page-table entry of a page below 2 MiB, in {@link #long64}. */
    static int pte(int la) {
        return TABLES + 0x3000 + (la >>> 12) * 8;
    }

    /**
     * Page tables of another address space, in which the first 2 MiB are mapped to themselves for
     * everybody.
     *
     * @return what goes into CR3; the table with the entries of pages follows 0x3000 behind it
     */
    int otherAddressSpace() {
        int root = TABLES + 0x8000;
        for (int level = 0; level < 3; level++) {
            poke(root + 0x1000 * level, 8, root + 0x1000 * (level + 1) | 7);
        }
        for (int n = 0; n < 512; n++) {
            poke(root + 0x3000 + 8 * n, 8, (long) n << 12 | 7);
        }
        return root;
    }

    void setPte(int la, long entry) {
        poke(pte(la), 8, entry);
        mmu.flushAll();
    }

    // --------------------------------------------------------------------- run

    int run() {
        cpu.halted = false;
        return runner.run(100_000);
    }

    /** Runs until HLT; -1 if it was not one of the handlers', else the vector. */
    int runToHandler() {
        int exit = run();
        if (exit != Runner.HALTED) {
            throw new AssertionError("exit " + exit + " at " + Long.toHexString(cpu.rip));
        }
        long at = cpu.rip - 1 - HANDLERS;
        return at >= 0 && at < 4096 && at % 16 == 0 ? (int) at / 16 : -1;
    }

    /** Value n of the frame on the stack, 8 bytes each. */
    long frame64(int n) {
        return qword(cpu.r[Cpu.RSP] + 8L * n);
    }

    /** Value n of the frame on the stack, 4 bytes each. */
    long frame32(int n) {
        return dword(cpu.r[Cpu.RSP] + 4L * n);
    }

    void interrupt(int vector) {
        interrupts.add(vector);
        cpu.request(Cpu.REQUEST_INTERRUPT);
    }

    Segment segment(int seg) {
        return cpu.segment[seg];
    }

    // -------------------------------------------------------------------- host

    @Override
    public void hypercall(Processor processor) {
        onHypercall.accept(cpu);
    }

    @Override
    public int readPort(int port, int size) {
        ports.add("in" + size + " " + Integer.toHexString(port));
        return portValue;
    }

    @Override
    public void writePort(int port, int size, int value) {
        ports.add(
                "out" + size + " " + Integer.toHexString(port) + " " + Integer.toHexString(value));
    }

    @Override
    public long readDevice(long physicalAddress, int size) {
        return -1;
    }

    @Override
    public void writeDevice(long physicalAddress, int size, long value) {}

    @Override
    public boolean readMsr(int msr, long[] out) {
        out[0] = 0x1234;
        return msr == 0x1B;
    }

    @Override
    public boolean writeMsr(int msr, long value) {
        return msr == 0x1B;
    }

    @Override
    public void cpuid(int leaf, int subleaf, int[] regs) {
        if (leaf == 0x40000000) {
            regs[0] = 0x40000005;
        }
    }

    @Override
    public long timeStampCounter() {
        return tsc;
    }

    @Override
    public long timeStampFrequency() {
        return tscFrequency;
    }

    @Override
    public int acknowledgeInterrupt() {
        Integer vector = interrupts.poll();
        return vector == null ? -1 : vector;
    }

    @Override
    public int readTaskPriority() {
        return taskPriority;
    }

    @Override
    public void writeTaskPriority(int value) {
        taskPriority = value;
    }
}
