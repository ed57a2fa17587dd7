// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Label;
import dev.vitrine.processor.asm.Mem;
import dev.vitrine.processor.asm.Reg;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.CodeCache;
import dev.vitrine.processor.exec.RecordedHost;
import dev.vitrine.processor.exec.Rendezvous;
import dev.vitrine.processor.exec.Runner;
import dev.vitrine.processor.exec.Tiering;
import dev.vitrine.processor.guest.QuietHost;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;

/**
 * A processor in 64-bit mode for random programs at CPL 0 or 3, or of 16- or 32-bit code, which
 * lies in the first 256 KiB and can be put back to the start again and again. The first 2 MiB are
 * mapped one to one in small pages. Of two such machines, one that translates and one that does
 * not, everything can be compared.
 */
final class ProgramMachine implements AutoCloseable {
    static final int PAGE = 0x1000;

    /** The page table, where programs clear bits themselves. */
    static final int PT = 0x4000;

    /** Top of the program's stack, which has two pages. */
    static final int STACK = 0xA000;

    /** The same memory is there at this address again, and at its next two multiples. */
    static final long COPY = 1L << 39;

    static final int CODE = 0x10000;
    static final int CODE_PAGES = 4;
    static final int DATA = 0x20000;
    static final int DATA_PAGES = 4;

    /** Pages that are unmapped in turn: the data, and the stack. */
    static final int[] LOSABLE = {
        DATA, DATA + PAGE, DATA + 2 * PAGE, DATA + 3 * PAGE, STACK - PAGE, STACK - 2 * PAGE
    };

    private static final int SIZE = 0x40000;
    private static final int GDT = 0x5000;
    private static final int TSS = 0x5800;
    private static final int IDT = 0x6000;

    /** The handler that maps the page again; then one HLT for each vector. */
    private static final int FIXER = 0x7000;

    /**
     * The kernel's only service: clears the bits in bits 0 to 2 of R12 in the page-table entry of
     * the page that R12 points to. By SYSCALL, and by this interrupt.
     */
    static final int LOSE = 0x80;

    private static final int LOSE_CALLED = 0x7800;
    private static final int LOSE_INTERRUPT = 0x7C00;
    private static final int USER_DATA = 0x18 | 3;
    private static final int USER_CODE = 0x20 | 3;

    /** Segments of 16- and 32-bit programs: with bases, and limits in bytes. */
    private static final int CODE_16 = 0x40;

    private static final int CODE_32 = 0x48;
    private static final int DATA_LOW = 0x50;
    private static final int STACK_16 = 0x58;
    private static final int STACK_32 = 0x60;

    private static final int HANDLERS = 0xC000;
    private static final int FAULT_STACK = 0xE000;

    /** How many page faults there were, and which address each had; the last 256. */
    private static final int LOG = 0x30000;

    private static final long ACCESSED_DIRTY = 0x60;

    private final MachineMemory memory = MachineMemory.reserve(2 << 20);
    private final GuestRam ram = memory.ram();
    private final long base;
    private final Rendezvous rendezvous = new Rendezvous();
    private final CodeCache cache = new CodeCache(memory, rendezvous);
    private final Runner runner;
    private final AtOnce atOnce;
    private final Translator translator;
    private final byte[] start = new byte[SIZE];
    private long startRetired;

    /** Programs run that far above their place: 0, or a multiple of {@link #COPY} up to 3. */
    long origin;

    final Cpu cpu;

    /**
     * What the interpreter's reports of hot blocks lead to: 0 nothing, 1 and 2 that stage, 3 both.
     */
    int reports;

    private long reported;

    /**
     * @param smp as one of several processors
     */
    ProgramMachine(boolean smp) {
        this(smp, false);
    }

    /**
     * @param verify what regions do is done again by the interpreter, and compared
     */
    ProgramMachine(boolean smp, boolean verify) {
        PhysicalMap map = new PhysicalMap(memory);
        long first = memory.allocateRange((2 << 20) / PAGE);
        base = first << MachineMemory.FRAME_SHIFT;
        map.mapRange(0, (2 << 20) / PAGE, first);
        ProcessorHost host = new QuietHost();
        cpu = new Cpu(verify ? new RecordedHost(host) : host, new Mmu(map, cache));
        rendezvous.join(cpu);
        int processors = smp ? 2 : 1;
        atOnce = new AtOnce(processors, ram);
        translator = new Translator(64, true, processors, ram);
        runner = new Runner(cpu, cache, rendezvous, smp, false, new Reports(), mfn -> {});
        environment();
    }

    /** Passes reports on to the translator, or not. */
    private final class Reports implements Tiering {
        @Override
        public void sampled(Cpu c, CodeCache all, Block block) {
            boolean large = reports == 2 || reports == 3 && (reported++ & 1) != 0;
            if (large && !block.asked && block.entry == null) {
                block.asked = true;
                translator.hot(c, all, block, 0, Long.MAX_VALUE);
            } else if (reports != 0) {
                translator.sampled(c, all, block);
            }
        }

        @Override
        public boolean hot(Cpu c, CodeCache all, Block block, long origin, long executed) {
            return translator.hot(c, all, block, origin, executed);
        }
    }

    private void put(int at, long value) {
        for (int n = 0; n < 8; n++) {
            start[at + n] = (byte) (value >>> 8 * n);
        }
    }

    private void assemble(int at, Consumer<Asm> body) {
        Asm a = new Asm(64, at);
        body.accept(a);
        byte[] bytes = a.toBytes();
        System.arraycopy(bytes, 0, start, at, bytes.length);
    }

    private void environment() {
        for (int n = 0; n < 4; n++) {
            put(0x1000 + 8 * n, 0x2000 | 0x67);
        }
        put(0x2000, 0x3000 | 0x67);
        put(0x3000, PT | 0x67);
        put(GDT + 8, 0x00AF9B000000FFFFL);
        put(GDT + 16, 0x00CF93000000FFFFL);
        put(GDT + 24, 0x00CFF3000000FFFFL);
        put(GDT + 32, 0x00AFFB000000FFFFL);
        put(GDT + CODE_16, descriptor(CODE, CODE_PAGES * PAGE - 1, 0x009B));
        put(GDT + CODE_32, descriptor(CODE, CODE_PAGES * PAGE - 1, 0x409B));
        put(GDT + DATA_LOW, descriptor(DATA, DATA_PAGES * PAGE - 1, 0x4093));
        put(GDT + STACK_16, descriptor(0, STACK - 1, 0x0093));
        put(GDT + STACK_32, descriptor(0, STACK - 1, 0x4093));
        put(TSS + 36, FAULT_STACK);
        for (int v = 0; v < 256; v++) {
            gate(v, HANDLERS + v * 16);
            start[HANDLERS + v * 16] = (byte) 0xF4;
        }
        assemble(LOSE_CALLED, a -> lose(a).sysret(64));
        assemble(LOSE_INTERRUPT, a -> lose(a).iret(64));
        gate(LOSE, LOSE_INTERRUPT);
        start[IDT + LOSE * 16 + 5] |= 3 << 5;
    }

    private static long descriptor(long base, long limit, long attributes) {
        return limit & 0xFFFF
                | (base & 0xFFFFFF) << 16
                | (attributes & 0xF0FF) << 40
                | (limit >>> 16 & 15) << 48
                | base >>> 24 << 56;
    }

    private static Asm lose(Asm a) {
        Mem entry = Mem.abs(PT).index(Reg.R15, 8).b();
        a.mov(Reg.R15D, Reg.R12D).shr(Reg.R15D, 12);
        for (int bit = 1; bit < 8; bit <<= 1) {
            Label on = a.label();
            a.test(Reg.R12D, bit).jz(on).and(entry, ~bit).bind(on);
        }
        return a.invlpg(Mem.base(Reg.R12));
    }

    /** What depends on who the program is: the page table, and what a page fault gives back. */
    private void pages(RandomProgram p) {
        for (int n = 0; n < SIZE / PAGE; n++) {
            int at = n * PAGE;
            boolean data = at >= DATA && at < DATA + DATA_PAGES * PAGE;
            boolean code = at >= CODE && at < CODE + CODE_PAGES * PAGE;
            boolean stack = at >= STACK - 2 * PAGE && at < STACK;
            int rights = data ? p.rights[(at - DATA) / PAGE] : code || stack || !p.user ? 7 : 3;
            // The processor sets these bits of the data pages.
            put(PT + 8 * n, at | rights | (data ? 0 : ACCESSED_DIRTY));
        }
        assemble(
                FIXER,
                a -> {
                    a.push(Reg.RAX).push(Reg.RCX).push(Reg.RDX).mov(Reg.RDX, Reg.CR2);
                    a.mov(Reg.EAX, Mem.abs(LOG)).inc(Mem.abs(LOG).d());
                    a.movzx(Reg.EAX, Reg.AL).mov(Mem.abs(LOG + 8).index(Reg.RAX, 8), Reg.RDX);
                    a.mov(Reg.RAX, Reg.RDX).shr(Reg.RAX, 12).and(Reg.EAX, 511);
                    a.or(Mem.abs(PT).index(Reg.RAX, 8).b(), p.user ? 7 : 3);
                    a.db(0x0F, 0x01, 0x3A); // INVLPG [RDX]
                    a.pop(Reg.RDX).pop(Reg.RCX).pop(Reg.RAX).add(Reg.RSP, 8).iret(64);
                });
    }

    private void gate(int vector, long handler) {
        put(IDT + vector * 16, handler & 0xFFFF | 8L << 16 | 0x8E01L << 32);
        put(IDT + vector * 16 + 8, 0);
    }

    /**
     * Puts the machine to the start of a program.
     *
     * @param mend page faults map the page and go on; else they stop the processor
     */
    void load(RandomProgram p, boolean mend) {
        gate(14, mend ? FIXER : HANDLERS + 14 * 16);
        Arrays.fill(start, CODE, CODE + CODE_PAGES * PAGE, (byte) 0xF4);
        System.arraycopy(p.code, 0, start, CODE, p.code.length);
        System.arraycopy(p.data, 0, start, DATA, p.data.length);
        pages(p);
        for (int n = 0; n < SIZE; n += PAGE) {
            forget(n);
        }
        restart(p);
    }

    private void forget(int at) {
        long frame = base + at >>> 12;
        if (memory.frames().isCode(frame)) {
            cache.invalidateFrame(frame);
        }
    }

    /** Puts everything back to the program's start, but for code that it did not change. */
    void restart(RandomProgram p) {
        MemorySegment s = MemorySegment.ofArray(start);
        for (int n = 0; n < SIZE; n += PAGE) {
            MemorySegment now = ram.segment();
            if (MemorySegment.mismatch(s, n, n + PAGE, now, base + n, base + n + PAGE) >= 0) {
                MemorySegment.copy(s, n, now, base + n, PAGE);
                forget(n);
            }
        }
        cpu.cr3 = 0x1000;
        cpu.cr4 = Cpu.CR4_PAE | Cpu.CR4_OSFXSR | Cpu.CR4_OSXMMEXCPT;
        if (p.user) {
            cpu.cr4 |= Cpu.CR4_SMEP | Cpu.CR4_SMAP;
        }
        cpu.efer = Cpu.EFER_LME | Cpu.EFER_LMA | Cpu.EFER_NXE | Cpu.EFER_SCE;
        cpu.star = 8L << 32 | (0x10L | 3) << 48;
        cpu.lstar = LOSE_CALLED;
        cpu.sfmask = Cpu.AC | Cpu.TF | Cpu.IF | Cpu.DF;
        cpu.cr0 = Cpu.CR0_PE | Cpu.CR0_ET | Cpu.CR0_PG | Cpu.CR0_WP;
        cpu.gdtBase = GDT;
        cpu.gdtLimit = 0xFF;
        cpu.idtBase = IDT;
        cpu.idtLimit = 0xFFF;
        cpu.tr.set(0x30, TSS, 0x67, 0x8B);
        cpu.ldtr.set(0, 0, 0, 0);
        for (int seg : new int[] {Cpu.ES, Cpu.SS, Cpu.DS, Cpu.FS, Cpu.GS}) {
            cpu.segment[seg].set(p.user ? USER_DATA : 0x10, 0, -1, p.user ? 0xC0F3 : 0xC093);
            cpu.r[Cpu.R_SEG_BASE + seg] = 0;
        }
        cpu.segment[Cpu.CS].set(p.user ? USER_CODE : 8, 0, -1, p.user ? 0xA0FB : 0xA09B);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = 0;
        cpu.cpl = p.user ? 3 : 0;
        if (p.bits != 64) {
            segments(p.bits == 32);
        }
        System.arraycopy(p.registers, 0, cpu.r, 0, 16);
        cpu.r[Cpu.RSP] = STACK - 256;
        cpu.r[Cpu.RBX] = p.bits == 64 ? DATA : 0;
        System.arraycopy(p.vectors, 0, cpu.v, 0, 64);
        cpu.mxcsr = 0x1F80;
        cpu.cr2 = 0;
        cpu.setFlags(p.flags, -1);
        cpu.rip = p.bits == 64 ? origin + CODE : 0;
        cpu.nextRip = cpu.rip;
        cpu.halted = false;
        cpu.shadow = Cpu.SHADOW_NONE;
        cpu.pendingDebug = 0;
        cpu.modeChanged();
        cpu.mmu.flushAll();
        startRetired = cpu.retired;
    }

    private void segments(boolean large) {
        int d = large ? 0x4000 : 0;
        int limit = CODE_PAGES * PAGE - 1;
        cpu.segment[Cpu.CS].set(large ? CODE_32 : CODE_16, CODE, limit, 0x9B | d);
        cpu.r[Cpu.R_SEG_BASE + Cpu.CS] = CODE;
        cpu.segment[Cpu.SS].set(large ? STACK_32 : STACK_16, 0, STACK - 1, 0x93 | d);
        for (int seg : new int[] {Cpu.ES, Cpu.DS}) {
            cpu.segment[seg].set(DATA_LOW, DATA, DATA_PAGES * PAGE - 1, 0x4093);
            cpu.r[Cpu.R_SEG_BASE + seg] = DATA;
        }
    }

    /** Instructions retired since the start of the program. */
    long retired() {
        return cpu.retired - startRetired;
    }

    int run(long budget) {
        return runner.run(budget);
    }

    private List<Block> blocks() {
        List<Block> found = new ArrayList<>();
        for (long[] b : cache.hottest(Integer.MAX_VALUE)) {
            long code = cpu.r[Cpu.R_SEG_BASE + Cpu.CS];
            int limit = cpu.segment[Cpu.CS].limit;
            long machine = base + (b[0] + code & COPY - 1);
            Block block = cache.find(machine, b[0], cpu.modeKey, code, limit);
            if (block != null) {
                found.add(block);
            }
        }
        // What has executed most depends on nothing else, but in what order is not said.
        found.sort((x, y) -> Long.compare(x.rip, y.rip));
        return found;
    }

    /** Sees to it that the next execution of each block tells where its indirect branches go. */
    void sampleNext() {
        for (Block b : blocks()) {
            b.executions |= 63;
        }
    }

    /** Translates from some of the blocks on that the program has executed. */
    void translateSome(Random random, int most, int stage) {
        List<Block> all = blocks();
        Collections.shuffle(all, random);
        for (Block b : all.subList(0, Math.min(most, all.size()))) {
            long place = b.linear() & COPY - 1;
            if (place >= CODE && place < DATA && b.valid) {
                atOnce.translate(cpu, cache, b, stage == 3 ? 1 + random.nextInt(2) : stage);
            }
        }
    }

    /** Takes a page away. */
    void lose(int page) {
        long entry = base + PT + page / PAGE * 8;
        ram.putLong(entry, ram.getLong(entry) & ~1L);
        cpu.mmu.invalidatePage(page);
        cpu.mmu.invalidatePage(origin + page);
    }

    /** Gives it back. */
    void give(int page) {
        long entry = base + PT + page / PAGE * 8;
        ram.putLong(entry, ram.getLong(entry) | 1);
    }

    /** Lets the page that the last fault was on be read and written. */
    void allow() {
        long entry = base + PT + (cpu.cr2 >>> 12 & 511) * 8;
        ram.putLong(entry, ram.getLong(entry) | 3);
        cpu.mmu.invalidatePage(cpu.cr2);
        cpu.mmu.invalidatePage(origin + (cpu.cr2 & COPY - 1));
    }

    /** Whether the processor has stopped in the handler of a page fault. */
    boolean stoppedByPageFault() {
        return cpu.halted && cpu.rip == HANDLERS + 14 * 16 + 1;
    }

    /** Returns from the handler that has stopped the processor. */
    void returnFromFault() {
        long frame = base + cpu.r[Cpu.RSP] + 8;
        cpu.rip = ram.getLong(frame);
        cpu.nextRip = cpu.rip;
        cpu.setFlags(ram.getLong(frame + 16), -1);
        cpu.r[Cpu.RSP] = ram.getLong(frame + 24);
        cpu.halted = false;
        cpu.modeChanged();
    }

    /** Page faults that were mended. */
    int faults() {
        return ram.getInt(base + LOG);
    }

    /** One of the numbers that are kept of regions. */
    long statistic(String name) {
        long[] found = new long[1];
        runner.regionStatistics((s, n) -> found[0] += s.equals(name) ? n : 0);
        return found[0];
    }

    /** The first things that differ; empty if nothing does. */
    String difference(ProgramMachine o) {
        StringBuilder b = new StringBuilder();
        differ(b, "retired", retired(), o.retired());
        differ(b, "rip", cpu.rip, o.cpu.rip);
        differ(b, "cpl", cpu.cpl, o.cpu.cpl);
        differ(b, "cs", cpu.segment[Cpu.CS].selector, o.cpu.segment[Cpu.CS].selector);
        differ(b, "ss", cpu.segment[Cpu.SS].selector, o.cpu.segment[Cpu.SS].selector);
        for (int i = 0; i < 16; i++) {
            differ(b, Reg.gp64(i).toString(), cpu.r[i], o.cpu.r[i]);
        }
        differ(b, "flags", cpu.flags(), o.cpu.flags());
        for (int i = 0; i < 64; i++) {
            differ(b, "xmm" + i / 4 + "[" + i % 4 + "]", cpu.v[i], o.cpu.v[i]);
        }
        differ(b, "mxcsr", cpu.mxcsr, o.cpu.mxcsr);
        differ(b, "cr2", cpu.cr2, o.cpu.cr2);
        differ(b, "halted", cpu.halted ? 1 : 0, o.cpu.halted ? 1 : 0);
        MemorySegment mine = ram.segment();
        MemorySegment its = o.ram.segment();
        long at = MemorySegment.mismatch(mine, base, base + SIZE, its, o.base, o.base + SIZE);
        if (at >= 0 && at < SIZE) {
            at &= -8;
            differ(
                    b,
                    String.format("memory at %x", at),
                    mine.get(ValueLayout.JAVA_LONG_UNALIGNED, base + at),
                    its.get(ValueLayout.JAVA_LONG_UNALIGNED, o.base + at));
        }
        return b.toString();
    }

    private static void differ(StringBuilder b, String what, long mine, long its) {
        if (mine != its) {
            b.append(String.format("  %s: translated %x, interpreted %x%n", what, mine, its));
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
