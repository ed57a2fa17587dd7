// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.guest;

import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorGroup;
import dev.vitrine.processor.asm.Asm;
import dev.vitrine.processor.asm.Mem;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * Processors in 64-bit mode at CPL 0, behind their public interface. The first 512 GiB are mapped
 * one to one for everybody in pages of 1 GiB, but for the second GiB: it is a window of 512 small
 * pages, empty at first. GDT, IDT and a TSS exist, and {@link #startup} loads them; an exception
 * without a gate ends in a triple fault.
 */
public final class FlatMachine implements AutoCloseable {
    /** The top page table; four levels above {@link #CODE}. */
    public static final int TABLES = 0x1000;

    /** Code of the first processor; the others follow at distances of {@link #STEP}. */
    public static final int CODE = 0x100000;

    public static final int STEP = 0x10000;

    /** End of the first processor's stack; see {@link #STEP}. */
    public static final int STACK = 0xC0000;

    /** Where guests keep their data, 1 MiB and more. */
    public static final int DATA = 0x200000;

    /** Linear address of the window. */
    public static final long WINDOW = 0x40000000L;

    public static final int KERNEL_CODE = 0x08;
    public static final int USER_DATA = 0x20 | 3;
    public static final int USER_CODE = 0x28 | 3;

    /** IDT entry types: interrupt gate of DPL 0. */
    private static final long INTERRUPT_GATE = 0x8E00L << 32;

    private static final int PDPT = 0x2000;
    private static final int WINDOW_PD = 0x3000;
    private static final int WINDOW_PT = 0x4000;
    private static final int GDT = 0x5000;
    private static final int TSS = 0x5800;

    /** Where the limits and bases of GDTR and, 16 bytes behind, IDTR are loaded from. */
    public static final int POINTERS = 0x5F00;

    private static final int IDT = 0x6000;
    private static final int SPARE_FRAMES = 64;

    public final MachineMemory memory;
    public final PhysicalMap map;
    public final GuestPhysical ram;
    public final ProcessorGroup group;
    private final Processor[] processors;
    private final QuietHost[] hosts;

    /**
     * @param count processors
     * @param bytes RAM, 4 MiB to 512 GiB, from physical address 0
     */
    public FlatMachine(int count, long bytes) {
        long frames = bytes >>> MachineMemory.FRAME_SHIFT;
        memory = MachineMemory.reserve((frames + SPARE_FRAMES) << MachineMemory.FRAME_SHIFT);
        map = new PhysicalMap(memory);
        map.mapRange(0, frames, memory.allocateRange(frames));
        ram = new GuestPhysical(map);
        group = new ProcessorGroup(map, count, false, false);
        ram.setCodeListener(group::codeWritten);
        fillTables();
        processors = new Processor[count];
        hosts = new QuietHost[count];
        for (int n = 0; n < count; n++) {
            hosts[n] = new QuietHost();
            processors[n] = new Processor(hosts[n], group);
            start(processors[n]);
            processors[n].setRip(code(n));
            processors[n].setGpr(4, STACK + (long) n * STEP);
        }
    }

    private void fillTables() {
        ram.putLong(TABLES, PDPT | 7);
        for (long n = 0; n < 512; n++) {
            ram.putLong(PDPT + n * 8, n << 30 | 0x87);
        }
        ram.putLong(PDPT + 8, WINDOW_PD | 7);
        ram.putLong(WINDOW_PD, WINDOW_PT | 7);
        ram.putLong(GDT + 0x08, 0x00AF9B000000FFFFL);
        ram.putLong(GDT + 0x10, 0x00CF93000000FFFFL);
        ram.putLong(GDT + 0x18, 0x00CFFB000000FFFFL);
        ram.putLong(GDT + 0x20, 0x00CFF3000000FFFFL);
        ram.putLong(GDT + 0x28, 0x00AFFB000000FFFFL);
        ram.putLong(TSS + 4, STACK - 0x8000);
        ram.putShort(POINTERS, 0x7F);
        ram.putLong(POINTERS + 2, GDT);
        ram.putShort(POINTERS + 16, 0xFFF);
        ram.putLong(POINTERS + 18, IDT);
    }

    private static void start(Processor p) {
        p.setControlRegister(4, 0x40620); // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
        p.setControlRegister(3, TABLES);
        p.setEfer(0xD01); // SCE, LME, LMA, NXE
        p.setControlRegister(0, 0x80010011L); // PG, WP, ET, PE
        p.setSegment(1, KERNEL_CODE, 0, -1, 0xA09B);
        for (int s : new int[] {0, 2, 3, 4, 5}) {
            p.setSegment(s, 0x10, 0, -1, 0xC093);
        }
        p.setTaskRegister(0x30, TSS, 0x67, 0x8B);
    }

    /** Code of a processor. */
    public static int code(int n) {
        return CODE + n * STEP;
    }

    public Processor processor(int n) {
        return processors[n];
    }

    public QuietHost host(int n) {
        return hosts[n];
    }

    /** Loads the descriptor tables; clobbers nothing. */
    public static Asm startup(Asm a) {
        return a.lgdt(Mem.abs(POINTERS)).lidt(Mem.abs(POINTERS + 16));
    }

    /** Assembles code to its place. */
    public Asm assemble(int at, Consumer<Asm> body) {
        Asm a = new Asm(64, at);
        body.accept(a);
        ram.write(at, a.toBytes());
        return a;
    }

    /** Assembles a processor's code, with a HLT behind it. */
    public void code(int n, Consumer<Asm> body) {
        assemble(code(n), a -> body.andThen(Asm::hlt).accept(a));
    }

    /** Lets an interrupt gate lead to the address. */
    public void gate(int vector, long handler) {
        ram.putLong(
                IDT + vector * 16L,
                handler & 0xFFFF
                        | (long) KERNEL_CODE << 16
                        | INTERRUPT_GATE
                        | (handler >>> 16 & 0xFFFF) << 48);
        ram.putLong(IDT + vector * 16L + 8, handler >>> 32);
    }

    /** Shows a guest frame in the window; for use before the processors run. */
    public long window(int page, long gfn) {
        ram.putLong(WINDOW_PT + page * 8L, gfn << 12 | 7);
        return WINDOW + page * 4096L;
    }

    /** Runs one processor on this thread until it stops for any other reason than its budget. */
    public Processor.Exit run(int n, long budget) {
        return processors[n].run(budget);
    }

    /**
     * Runs all processors, each on its own thread, until each has halted.
     *
     * @param budget instructions for each; a guest that needs more has failed
     * @param meanwhile what this thread does at the same time
     */
    public void runAll(long budget, Runnable meanwhile) {
        AtomicReference<Throwable> failure = new AtomicReference<>();
        List<Thread> threads = new ArrayList<>();
        for (Processor p : processors) {
            Thread t =
                    new Thread(() -> {
                        try {
                            Processor.Exit exit = p.run(budget);
                            if (exit != Processor.Exit.HALTED) {
                                throw new AssertionError(
                                        exit + "\n" + String.join("\n", p.registers()));
                            }
                        } catch (Throwable e) {
                            failure.compareAndSet(null, e);
                            for (Processor other : processors) {
                                other.requestStop();
                            }
                        }
                    });
            t.setDaemon(true);
            threads.add(t);
        }
        threads.forEach(Thread::start);
        try {
            meanwhile.run();
        } finally {
            join(threads);
        }
        if (failure.get() != null) {
            throw new AssertionError("a processor did not halt", failure.get());
        }
    }

    private void join(List<Thread> threads) {
        try {
            for (Thread t : threads) {
                t.join(120_000);
                if (t.isAlive()) {
                    for (Processor p : processors) {
                        p.requestStop();
                    }
                    t.join(10_000);
                    if (t.isAlive()) {
                        throw new AssertionError(
                                "a processor hangs in " + List.of(t.getStackTrace()));
                    }
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
