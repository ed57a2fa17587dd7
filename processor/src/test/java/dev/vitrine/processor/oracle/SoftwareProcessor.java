// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.oracle.OracleLayout.*;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.Rendezvous;
import dev.vitrine.processor.exec.Runner;
import dev.vitrine.processor.exec.Tiering;
import dev.vitrine.processor.translate.AtOnce;

import org.jspecify.annotations.Nullable;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Runs cases on the software processor, in the surroundings that Linux gives the native child:
 * 64-bit mode with paging, privilege level 3, the same regions with the same rights, and Linux's
 * descriptor table. Exceptions go through the interrupt table to handlers that halt; vector and
 * state are read from there, so that delivery is tested too.
 */
final class SoftwareProcessor implements AutoCloseable {
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final long KERNEL = 0xffff_8000_0010_0000L;

    // Guest-physical addresses.
    private static final long PML4 = 0x1000;
    private static final long TABLES = 0x2000;
    private static final long KERNEL_PAGES = 0x1_0000;
    private static final int KERNEL_SIZE = 4 * PAGE;
    private static final long CODE_PAGES = 0x2_0000;
    private static final long DATA_PAGES = 0x3_0000;
    private static final long STACK_PAGE = DATA_PAGES + DATA_SIZE;
    private static final long MEMORY_SIZE = 0x10_0000;

    // Offsets in the kernel pages.
    private static final int GDT = 0;
    private static final int GDT_LIMIT = 0x7f;
    private static final int TSS = 0x100;
    private static final int TSS_LIMIT = 0x67;
    private static final int HANDLERS = 0x1000;
    private static final int IDT = 0x2000;
    private static final int KERNEL_STACK_TOP = 0x4000;
    private static final int HANDLER_SIZE = 16;

    private static final long P = 1;
    private static final long W = 2;
    private static final long U = 4;
    private static final long ACCESSED_DIRTY = 0x60;
    private static final long NX = Long.MIN_VALUE;

    private static final int CODE64_ATTRIBUTES = 0xa0fb;
    private static final int CODE32_ATTRIBUTES = 0xc0fb;
    private static final int DATA_ATTRIBUTES = 0xc0f3;

    /** More instructions than nearly any case that ends retires. */
    private static final int BUDGET = 200_000;

    /** Enough for a loop whose counter was overwritten. */
    private static final int LONG_BUDGET = 100_000_000;

    private final MachineMemory memory = MachineMemory.reserve(MEMORY_SIZE);
    private final GuestRam ram = memory.ram();
    private final Cpu cpu;
    private final CodeCache cache;
    private final Runner runner;
    private final MemorySegment pristine;
    private long machineBase;
    private long nextTable = TABLES;

    /** Translates each case before its run; null to interpret it. */
    private final @Nullable AtOnce translator;

    private final int stage;
    private final Result discarded = new Result();

    // Statistics.
    private long runs;
    private long translated;
    private long entered;

    SoftwareProcessor(InitialMemory initial) {
        this(initial, false);
    }

    SoftwareProcessor(InitialMemory initial, boolean smp) {
        this(initial, smp, 0);
    }

    /**
     * Prepares memory and mode.
     *
     * @param smp lift as for a domain with several processors, where LOCK is atomic
     * @param stage of the translation that cases are run in; 0 to interpret them
     */
    SoftwareProcessor(InitialMemory initial, boolean smp, int stage) {
        PhysicalMap map = new PhysicalMap(memory);
        long first = memory.allocateRange(MEMORY_SIZE / PAGE);
        map.mapRange(0, MEMORY_SIZE / PAGE, first);
        machineBase = first << MachineMemory.FRAME_SHIFT;
        Rendezvous rendezvous = new Rendezvous();
        cache = new CodeCache(memory, rendezvous);
        Mmu mmu = new Mmu(map, cache);
        cpu = new Cpu(new Host(), mmu);
        rendezvous.join(cpu);
        this.stage = stage;
        translator = stage == 0 ? null : new AtOnce(smp ? 2 : 1, ram);
        Tiering tiering = translator == null ? Tiering.NONE : translator;
        runner = new Runner(cpu, cache, rendezvous, smp, false, tiering, mfn -> {});
        pristine = MemorySegment.ofArray(initial.words().clone());
        MemorySegment.copy(
                pristine, 0, ram.segment(), machineBase + DATA_PAGES, DATA_SIZE + STACK_SIZE);
        ram.fill(machineBase + CODE_PAGES, CODE_SIZE, (byte) CODE_FILLER);
        buildPageTables();
        buildKernel();
        setSystemState();
    }

    private void put(long physical, long value) {
        ram.putLong(machineBase + physical, value);
    }

    private void mapPage(long linear, long physical, long rights) {
        long table = PML4;
        for (int level = 3; level > 0; level--) {
            long entry = table + (linear >>> 12 + 9 * level & 511) * 8;
            long next = ram.getLong(machineBase + entry);
            if ((next & P) == 0) {
                next = nextTable | P | W | U | ACCESSED_DIRTY;
                nextTable += PAGE;
                put(entry, next);
            }
            table = next & 0xf_ffff_f000L;
        }
        put(table + (linear >>> 12 & 511) * 8, physical | rights | P | ACCESSED_DIRTY);
    }

    private void buildPageTables() {
        for (int i = 0; i < CODE_SIZE; i += PAGE) {
            mapPage(CODE + i, CODE_PAGES + i, U);
            mapPage(CODE_WRITABLE + i, CODE_PAGES + i, U | W);
        }
        for (int i = 0; i < DATA_SIZE; i += PAGE) {
            mapPage(DATA + i, DATA_PAGES + i, U | NX | (i < DATA_WRITABLE_SIZE ? W : 0));
        }
        mapPage(STACK, STACK_PAGE, U | W | NX);
        for (int i = 0; i < KERNEL_SIZE; i += PAGE) {
            mapPage(KERNEL + i, KERNEL_PAGES + i, W);
        }
        if (nextTable > KERNEL_PAGES) {
            throw new IllegalStateException("page tables too large");
        }
    }

    private void buildKernel() {
        long gdt = KERNEL_PAGES + GDT;
        put(gdt + 0x08, 0x00cf_9b00_0000_ffffL); // kernel code, 32 bits
        put(gdt + 0x10, 0x00af_9b00_0000_ffffL); // kernel code, 64 bits
        put(gdt + 0x18, 0x00cf_9300_0000_ffffL); // kernel data
        put(gdt + 0x20, 0x00cf_fb00_0000_ffffL); // user code, 32 bits
        put(gdt + 0x28, 0x00cf_f300_0000_ffffL); // user data
        put(gdt + 0x30, 0x00af_fb00_0000_ffffL); // user code, 64 bits
        long tss = KERNEL + TSS;
        put(
                gdt + 0x40,
                TSS_LIMIT | (tss & 0xff_ffffL) << 16 | 0x8bL << 40 | (tss >>> 24 & 0xff) << 56);
        put(gdt + 0x48, tss >>> 32);
        put(KERNEL_PAGES + TSS + 4, KERNEL + KERNEL_STACK_TOP);
        ram.putShort(
                machineBase + KERNEL_PAGES + TSS + 0x66, (short) (TSS_LIMIT + 1)); // no I/O bitmap
        for (int vector = 0; vector < 256; vector++) {
            long handler = KERNEL + HANDLERS + vector * HANDLER_SIZE;
            long dpl = vector == 3 || vector == 4 || vector == 0x80 ? 3 : 0;
            long low =
                    handler & 0xffff
                            | 0x10L << 16
                            | (0x8eL | dpl << 5) << 40
                            | (handler >>> 16 & 0xffff) << 48;
            put(KERNEL_PAGES + IDT + vector * 16, low);
            put(KERNEL_PAGES + IDT + vector * 16 + 8, handler >>> 32);
            put(KERNEL_PAGES + HANDLERS + vector * HANDLER_SIZE, 0xf4); // HLT
        }
    }

    private void setSystemState() {
        cpu.cr0 =
                Cpu.CR0_PE
                        | Cpu.CR0_MP
                        | Cpu.CR0_ET
                        | Cpu.CR0_NE
                        | Cpu.CR0_WP
                        | Cpu.CR0_AM
                        | Cpu.CR0_PG;
        cpu.cr3 = PML4;
        cpu.cr4 =
                Cpu.CR4_PAE
                        | Cpu.CR4_PSE
                        | Cpu.CR4_PGE
                        | Cpu.CR4_OSFXSR
                        | Cpu.CR4_OSXMMEXCPT
                        | Cpu.CR4_FSGSBASE
                        | Cpu.CR4_OSXSAVE
                        | Cpu.CR4_SMEP
                        | Cpu.CR4_SMAP
                        | Cpu.CR4_UMIP;
        cpu.efer = Cpu.EFER_SCE | Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_NXE;
        cpu.xcr0 = 7;
        cpu.gdtBase = KERNEL + GDT;
        cpu.gdtLimit = GDT_LIMIT;
        cpu.idtBase = KERNEL + IDT;
        cpu.idtLimit = 0xfff;
        cpu.tr.set(0x40, KERNEL + TSS, TSS_LIMIT, 0x8b);
        cpu.ldtr.set(0, 0, 0, 0);
        cpu.ldtr.unusable = true;
        cpu.modeChanged();
        cpu.mmu.flushAll();
    }

    /** Runs a case; fills the result. */
    void run(Case c, Result result) {
        run(c, result, BUDGET);
    }

    /** As {@link #run}, for a case that is known to end. */
    void runLong(Case c, Result result) {
        run(c, result, LONG_BUDGET);
    }

    private void run(Case c, Result result, int budget) {
        loadMemory(c);
        try {
            load(c.state);
            boolean region = translator != null && translate(translator, c);
            long before = region ? statistic("region entries") : 0;
            int why = runner.run(budget);
            runs++;
            if (region) {
                translated++;
                entered += statistic("region entries") > before ? 1 : 0;
            }
            save(why, result);
        } finally {
            // Should our processor throw something, that is a difference of this case only.
            unloadCode(c);
            collectLines(result);
        }
        if (c.exit == Case.Exit.JUMP && result.vector == 3 && result.state.rip == c.codeEnd() + 1) {
            result.vector = Result.END;
            result.state.rip = c.codeEnd();
        }
    }

    /**
     * Runs a case in the interpreter, to no effect but on what it caches, and translates it; after
     * that all is as before.
     *
     * @return whether there is a region where the case begins
     */
    private boolean translate(AtOnce translator, Case c) {
        runner.run(BUDGET);
        collectLines(discarded);
        loadLines(c);
        long code = codeMachine(c);
        for (int i = 0; i < c.codeLength(); i++) {
            if (ram.getByte(code + i) != c.code[i]) {
                // It has changed itself: its blocks are gone.
                loadCode(c);
                break;
            }
        }
        load(c.state);
        long machine = cpu.mmu.fetchQuietly(cpu.mode64() ? cpu.rip : cpu.rip & 0xffff_ffffL);
        if (machine < 0) {
            return false;
        }
        Block first =
                cache.find(
                        machine,
                        cpu.rip,
                        cpu.modeKey,
                        cpu.r[Cpu.R_SEG_BASE + Cpu.CS],
                        cpu.segment[Cpu.CS].limit);
        return first != null && translator.translate(cpu, cache, first, stage);
    }

    /** Cases that were translated. */
    long translated() {
        return translated;
    }

    /** Cases in which the translation was entered. */
    long entered() {
        return entered;
    }

    /** One of the numbers that are kept of regions. */
    long statistic(String name) {
        long[] found = {-1};
        runner.regionStatistics((s, n) -> {
            if (s.equals(name)) {
                found[0] = n;
            }
        });
        if (found[0] < 0) {
            throw new IllegalArgumentException(name);
        }
        return found[0];
    }

    /** Runs so far. */
    long runs() {
        return runs;
    }

    private long codeMachine(Case c) {
        return machineBase
                + CODE_PAGES
                + c.codeAddress
                - (c.codeAddress >= CODE_WRITABLE ? CODE_WRITABLE : CODE);
    }

    private void codeChanged(long machine, int length) {
        for (long frame = machine >>> 12; frame <= machine + length - 1 >>> 12; frame++) {
            if (memory.frames().isCode(frame)) {
                cache.invalidateFrame(frame);
            }
        }
    }

    private void loadMemory(Case c) {
        loadCode(c);
        loadLines(c);
    }

    private void loadCode(Case c) {
        long code = codeMachine(c);
        ram.write(code, c.code, 0, c.codeLength());
        codeChanged(code, c.codeLength());
    }

    private void loadLines(Case c) {
        for (int i = 0; i < c.lineCount; i++) {
            MemorySegment.copy(
                    c.lineWords,
                    i * 8,
                    ram.segment(),
                    LONG,
                    machineBase + physical(c.lineAddresses[i]),
                    8);
        }
    }

    private void unloadCode(Case c) {
        long code = codeMachine(c);
        ram.fill(code, c.codeLength(), (byte) CODE_FILLER);
        codeChanged(code, c.codeLength());
    }

    private static long physical(long linear) {
        return linear >= STACK ? STACK_PAGE + linear - STACK : DATA_PAGES + linear - DATA;
    }

    private void setSegment(int n, int selector, long base) {
        Segment s = cpu.segment[n];
        int attributes =
                n != Cpu.CS
                        ? DATA_ATTRIBUTES
                        : selector == CODE64_SELECTOR ? CODE64_ATTRIBUTES : CODE32_ATTRIBUTES;
        s.set(selector, base, -1, attributes);
        cpu.r[Cpu.R_SEG_BASE + n] = base;
    }

    private void load(CpuImage s) {
        System.arraycopy(s.gpr, 0, cpu.r, 0, 16);
        cpu.rip = s.rip;
        cpu.nextRip = s.rip;
        cpu.setFlags(s.rflags | 0x202, -1);
        setSegment(Cpu.CS, s.cs, 0);
        setSegment(Cpu.SS, s.ss, 0);
        setSegment(Cpu.DS, s.ds, 0);
        setSegment(Cpu.ES, s.es, 0);
        setSegment(Cpu.FS, s.fs, s.fsBase);
        setSegment(Cpu.GS, s.gs, s.gsBase);
        cpu.cpl = 3;
        cpu.halted = false;
        cpu.shadow = Cpu.SHADOW_NONE;
        cpu.pendingDebug = 0;
        cpu.cr2 = 0;
        cpu.dr[6] = 0xffff_0ff0L;
        for (int i = 0; i < 16; i++) {
            for (int lane = 0; lane < 4; lane++) {
                cpu.v[4 * i + lane] = s.lane(i, lane);
            }
        }
        cpu.mxcsr = s.mxcsr();
        X87State x = cpu.x87;
        x.init();
        x.control = s.fcw();
        x.status = s.fsw() & ~0x3800;
        x.top = s.fsw() >> 11 & 7;
        x.valid = s.ftw();
        x.opcode = s.fop();
        x.instructionPointer = s.fip();
        x.dataPointer = s.fdp();
        for (int i = 0; i < 8; i++) {
            x.mantissa[x.top + i & 7] = s.stMantissa(i);
            x.exponent[x.top + i & 7] = s.stExponent(i);
        }
        cpu.modeChanged();
    }

    private static boolean hasErrorCode(int vector) {
        return vector == 8 || vector >= 10 && vector <= 14 || vector == 17;
    }

    private void save(int why, Result r) {
        CpuImage s = r.state;
        System.arraycopy(cpu.r, 0, s.gpr, 0, 16);
        r.error = 0;
        r.cr2 = 0;
        r.signal = 0;
        s.rip = cpu.rip;
        s.rflags = cpu.flags();
        s.cs = cpu.segment[Cpu.CS].selector;
        s.ss = cpu.segment[Cpu.SS].selector;
        r.vector = Result.TIMEOUT;
        long handler = cpu.rip - 1 - KERNEL - HANDLERS;
        if (why == Runner.HALTED && cpu.cpl == 0 && handler >= 0 && handler < 256 * HANDLER_SIZE) {
            r.vector = (int) handler / HANDLER_SIZE;
            long frame = cpu.r[Cpu.RSP];
            if (hasErrorCode(r.vector)) {
                r.error = kernelWord(frame);
                frame += 8;
            }
            s.rip = kernelWord(frame);
            s.cs = (int) kernelWord(frame + 8);
            s.rflags = kernelWord(frame + 16);
            s.gpr[CpuImage.RSP] = kernelWord(frame + 24);
            s.ss = (int) kernelWord(frame + 32);
            r.cr2 = r.vector == 14 ? cpu.cr2 : 0;
            if (r.vector == 0x80) {
                r.vector = Result.SYSTEM_CALL;
            }
        } else if (why == Runner.SHUTDOWN) {
            r.vector = Result.KILLED;
        }
        s.ds = cpu.segment[Cpu.DS].selector;
        s.es = cpu.segment[Cpu.ES].selector;
        s.fs = cpu.segment[Cpu.FS].selector;
        s.gs = cpu.segment[Cpu.GS].selector;
        s.fsBase = cpu.r[Cpu.R_SEG_BASE + Cpu.FS];
        s.gsBase = cpu.r[Cpu.R_SEG_BASE + Cpu.GS];
        for (int i = 0; i < 16; i++) {
            for (int lane = 0; lane < 4; lane++) {
                s.lane(i, lane, cpu.v[4 * i + lane]);
            }
        }
        saveFloatingPoint(s);
    }

    private void saveFloatingPoint(CpuImage s) {
        X87State x = cpu.x87;
        s.mxcsr(cpu.mxcsr);
        s.fcw(x.control);
        s.fsw(x.status | x.top << 11);
        s.ftw(x.valid);
        s.xsave[0] = s.xsave[0] & 0x0000_00ff_ffff_ffffL | (x.opcode & 0x7ffL) << 48;
        s.xsave[1] = x.instructionPointer;
        s.xsave[2] = x.dataPointer;
        for (int i = 0; i < 8; i++) {
            s.st(i, x.exponent[x.top + i & 7], x.mantissa[x.top + i & 7]);
        }
        s.xsave[64] = 7;
    }

    private long kernelWord(long linear) {
        return ram.getLong(machineBase + KERNEL_PAGES + linear - KERNEL);
    }

    private void collectLines(Result r) {
        r.lineCount = 0;
        collect(r, 0, DATA_WRITABLE_SIZE, DATA);
        collect(r, DATA_SIZE, DATA_SIZE + STACK_SIZE, STACK);
    }

    /**
     * Finds lines that differ from the initial memory between two offsets, keeps them and puts them
     * back.
     */
    private void collect(Result r, long from, long to, long linear) {
        MemorySegment all = ram.segment();
        long base = machineBase + DATA_PAGES;
        long at = from;
        while (at < to) {
            long difference = MemorySegment.mismatch(all, base + at, base + to, pristine, at, to);
            if (difference < 0) {
                return;
            }
            at = at + difference & -LINE;
            r.ensureLines(Math.max(r.lineCount + 1, r.lineAddresses.length));
            if (r.lineCount == r.lineAddresses.length) {
                r.ensureLines(r.lineCount * 2);
            }
            r.lineAddresses[r.lineCount] = linear + at - from;
            MemorySegment.copy(all, LONG, base + at, r.lineWords, r.lineCount * 8, 8);
            MemorySegment.copy(pristine, at, all, base + at, LINE);
            r.lineCount++;
            at += LINE;
        }
    }

    @Override
    public void close() {
        memory.close();
    }

    /** No devices, no hypervisor: cases at privilege level 3 reach neither. */
    private static final class Host implements ProcessorHost {
        @Override
        public void hypercall(Processor cpu) {}

        @Override
        public int readPort(int port, int size) {
            return -1;
        }

        @Override
        public void writePort(int port, int size, int value) {}

        @Override
        public long readDevice(long physicalAddress, int size) {
            return -1;
        }

        @Override
        public void writeDevice(long physicalAddress, int size, long value) {}

        @Override
        public boolean readMsr(int msr, long[] out) {
            return false;
        }

        @Override
        public boolean writeMsr(int msr, long value) {
            return false;
        }

        @Override
        public void cpuid(int leaf, int subleaf, int[] regs) {}

        @Override
        public long timeStampCounter() {
            return 0;
        }

        @Override
        public int acknowledgeInterrupt() {
            return -1;
        }

        @Override
        public int readTaskPriority() {
            return 0;
        }

        @Override
        public void writeTaskPriority(int value) {}
    }
}
