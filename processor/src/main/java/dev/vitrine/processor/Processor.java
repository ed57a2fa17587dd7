// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import dev.vitrine.memory.MachineMemory;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.InstructionText;
import dev.vitrine.processor.exec.RecordedHost;
import dev.vitrine.processor.exec.Rendezvous;
import dev.vitrine.processor.exec.Runner;
import dev.vitrine.processor.system.CpuidTable;

import java.util.ArrayList;
import java.util.List;

/**
 * One logical x86-64 processor in software.
 *
 * <p>State may be read and written by the thread that runs it, between runs or from the {@link
 * ProcessorHost}'s calls. The request methods, {@link #requestInterruptCheck}, {@link #requestStop}
 * and {@link #requestNmi}, may be called from any thread.
 */
public final class Processor {
    /** Why {@link #run} returned. */
    public enum Exit {
        /** The budget of instructions is spent. */
        BUDGET,
        /** HLT was executed and no deliverable interrupt waits. */
        HALTED,
        /** {@link #requestStop} was called. */
        STOPPED,
        /** Triple fault: the processor has shut down. */
        SHUTDOWN,
        /** The host was asked about something and owes {@link #react} an answer. */
        WAITING
    }

    private static final Exit[] EXITS = {
        Exit.BUDGET, Exit.HALTED, Exit.STOPPED, Exit.SHUTDOWN, Exit.WAITING
    };
    private static final String[] NAMES = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI"};
    private static final String[] SEGMENTS = {"ES", "CS", "SS", "DS", "FS", "GS"};

    private final Cpu cpu;
    private final Mmu mmu;
    private final Runner runner;
    private final PhysicalMap map;
    private final Rendezvous rendezvous;

    /**
     * Begins what the first processor would begin, on a thread of its own: for programs that have
     * something else to do first. May be called at any time, or not at all.
     */
    public static void prepare() {
        Runner.prepare();
    }

    /** Creates a processor in the state after reset. */
    public Processor(ProcessorHost host, ProcessorGroup group) {
        this.map = group.map;
        this.mmu = new Mmu(group.map, group.cache);
        this.cpu = new Cpu(group.verify ? new RecordedHost(host) : host, mmu);
        cpu.facade = this;
        this.runner =
                new Runner(
                        cpu,
                        group.cache,
                        group.rendezvous,
                        group.smp,
                        group.forcedEmulation,
                        group.tiering,
                        mfn -> group.mirrorWritten(mfn, this));
        this.rendezvous = group.rendezvous;
        group.join(cpu, runner);
    }

    /**
     * Runs guest code on this thread.
     *
     * @param budget instructions to retire at the most, about; positive
     * @throws TranslationDifference translated code was wrong, in a group that verifies
     */
    public Exit run(long budget) {
        return EXITS[runner.run(budget)];
    }

    /**
     * As {@link #run}, but never retires more than so many instructions. If they end within a block
     * of instructions, between whose ends no interrupt is taken, going on from there may not be
     * what it is without the stop.
     *
     * @param most positive
     */
    public Exit run(long budget, long most) {
        return EXITS[runner.run(budget, most)];
    }

    /**
     * An interrupt may have become pending: asks the host for it as soon as it can be delivered.
     */
    public void requestInterruptCheck() {
        cpu.request(Cpu.REQUEST_INTERRUPT);
    }

    /** Makes {@link #run} return soon. */
    public void requestStop() {
        cpu.request(Cpu.REQUEST_STOP | Cpu.REQUEST_INTERRUPT);
    }

    /** Queues a non-maskable interrupt. */
    public void requestNmi() {
        cpu.request(Cpu.REQUEST_NMI);
    }

    /** The state after INIT or power-up. */
    public void reset() {
        cpu.reset();
        runner.reset();
    }

    // ------------------------------------------------------------------ state

    /** A general register; 0 RAX, 1 RCX, 2 RDX, 3 RBX, 4 RSP, 5 RBP, 6 RSI, 7 RDI, 8 to 15. */
    public long gpr(int n) {
        return cpu.r[checkRegister(n)];
    }

    public void setGpr(int n, long value) {
        cpu.r[checkRegister(n)] = value;
    }

    private static int checkRegister(int n) {
        if (n < 0 || n > 15) {
            throw new IllegalArgumentException("general register " + n);
        }
        return n;
    }

    /** Instruction pointer; during a host call that of the instruction that caused it. */
    public long rip() {
        return cpu.rip;
    }

    public void setRip(long rip) {
        cpu.rip = rip;
        cpu.nextRip = rip;
    }

    /** RFLAGS. */
    public long flags() {
        return cpu.flags();
    }

    public void setFlags(long value) {
        cpu.setFlags(value, -1);
        cpu.modeChanged();
    }

    /** Current privilege level, 0 to 3. */
    public int cpl() {
        return cpu.cpl;
    }

    /** Size of the code in execution: 16, 32 or 64 bits. */
    public int codeSize() {
        return cpu.codeSize();
    }

    public boolean protectedMode() {
        return cpu.protectedMode();
    }

    /** In HLT. */
    public boolean halted() {
        return cpu.halted;
    }

    public void setHalted(boolean halted) {
        cpu.halted = halted;
    }

    /** EFLAGS.IF. */
    public boolean interruptsEnabled() {
        return (cpu.eflags & Cpu.IF) != 0;
    }

    /** Control register 0, 2, 3 or 4. */
    public long controlRegister(int n) {
        return switch (n) {
            case 0 -> cpu.cr0;
            case 2 -> cpu.cr2;
            case 3 -> cpu.cr3;
            case 4 -> cpu.cr4;
            default -> throw new IllegalArgumentException("control register " + n);
        };
    }

    /** Sets a control register without any check, for building an initial state. */
    public void setControlRegister(int n, long value) {
        switch (n) {
            case 0 -> cpu.cr0 = value;
            case 2 -> cpu.cr2 = value;
            case 3 -> cpu.cr3 = value;
            case 4 -> cpu.cr4 = value;
            default -> throw new IllegalArgumentException("control register " + n);
        }
        cpu.modeChanged();
        mmu.flushAll();
    }

    /** IA32_EFER. */
    public long efer() {
        return cpu.efer;
    }

    /** Sets IA32_EFER without any check, for building an initial state. */
    public void setEfer(long value) {
        cpu.efer = value;
        cpu.modeChanged();
    }

    /** IA32_TSC_ADJUST. */
    public long tscAdjust() {
        return cpu.tscAdjust;
    }

    /** Instructions retired since the processor was made; exact during host calls. */
    public long retired() {
        return cpu.retired;
    }

    /**
     * Sets a segment register with its hidden part, without any check.
     *
     * @param n 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS
     * @param attributes bits 8 to 15 and 20 to 23 of a descriptor's second word, shifted down by 8
     */
    public void setSegment(int n, int selector, long base, int limit, int attributes) {
        cpu.segment[n].set(selector, base, limit, attributes);
        cpu.r[Cpu.R_SEG_BASE + n] = base;
        if (n == Cpu.CS) {
            cpu.cpl = (cpu.cr0 & Cpu.CR0_PE) != 0 ? selector & 3 : 0;
        }
        cpu.modeChanged();
    }

    /** Sets TR without any check. */
    public void setTaskRegister(int selector, long base, int limit, int attributes) {
        cpu.tr.set(selector, base, limit, attributes);
    }

    /** Selector of a segment register, in the order of {@link #setSegment}. */
    public int selector(int n) {
        return cpu.segment[n].selector;
    }

    /** Base of a segment register. */
    public long segmentBase(int n) {
        return cpu.r[Cpu.R_SEG_BASE + n];
    }

    // ------------------------------------------------------------------ memory

    /**
     * Guest-physical address of a linear one in the current address space, whatever the privilege
     * and the view; -1 if nothing is mapped. No side effects.
     */
    public long translate(long linear) {
        return mmu.translateForHost(linear, false);
    }

    /**
     * Guest-physical address of a linear one for a write with the privilege of now, or -1 if that
     * write would fault. Sets accessed and dirty bits, as the write would.
     */
    public long translateForWrite(long linear) {
        return mmu.translateForHost(linear, true);
    }

    /**
     * Reads memory by linear address, without side effects, as the domain's own map shows it.
     *
     * @return false if a byte is not mapped to RAM; the target's content is then unspecified
     */
    public boolean read(long linear, byte[] target, int offset, int length) {
        while (length > 0) {
            int part = (int) Math.min(length, 4096 - (linear & 4095));
            long machine = machine(translate(linear));
            if (machine < 0) {
                return false;
            }
            mmu.ram.read(machine, target, offset, part);
            linear += part;
            offset += part;
            length -= part;
        }
        return true;
    }

    private long machine(long physical) {
        if (physical < 0) {
            return -1;
        }
        long entry = map.lookup(physical >>> MachineMemory.FRAME_SHIFT);
        return entry == 0 ? -1 : PhysicalView.machineAddress(entry) | (physical & 4095);
    }

    /** Forgets cached translations of this processor; on its own thread only. */
    public void flushTlb() {
        mmu.flushAll();
    }

    /**
     * Lets this processor see memory through another view, from its next instruction on. Any
     * thread; when this returns it is done.
     */
    public void setView(PhysicalView view) {
        rendezvous.on(cpu, c -> c.mmu.setView(view));
    }

    /** The view that it sees memory through; on its own thread, or while it does not run. */
    public PhysicalView view() {
        return mmu.view();
    }

    // ------------------------------------------------------------- interception

    /**
     * Answers what the host has left open with {@link Reaction#WAIT}; while the processor does not
     * run.
     *
     * @throws IllegalStateException nothing is open
     */
    public void react(Reaction answer) {
        runner.react(answer);
    }

    /** Whether the host owes an answer; while the processor does not run. */
    public boolean waiting() {
        return runner.waiting();
    }

    /** Has each instruction shown when it has been executed ({@link Interception.Step}). */
    public void setStepping(boolean on) {
        cpu.stepping = on;
        cpu.modeChanged();
    }

    public boolean stepping() {
        return cpu.stepping;
    }

    /** Has the next interrupt or injected event shown ({@link Interception.Event}). */
    public void showNextEvent() {
        cpu.showNext = true;
    }

    /**
     * Lets an event happen before the next instruction, in place of one that is due.
     *
     * @param vector 0 to 255
     * @param errorCode for exceptions that have one
     * @param cr2 of a page fault
     * @param length of the instruction, for software interrupts and exceptions: the address behind
     *     it is pushed
     */
    public void inject(
            int vector, Interception.EventType type, int errorCode, long cr2, int length) {
        runner.inject(vector & 0xFF, type, errorCode, cr2, length);
    }

    /**
     * Whether an exception or interrupt is being delivered: what is intercepted then is an access
     * of its delivery. On its own thread, within {@link ProcessorHost#intercepted}.
     */
    public boolean delivering() {
        return runner.delivering();
    }

    /** Puts into the registers what CPUID, executed now, would. */
    public void executeCpuid() {
        CpuidTable.execute(cpu);
    }

    /** Debug register 6 or 7. */
    public long debugRegister(int n) {
        if (n != 6 && n != 7) {
            throw new IllegalArgumentException("debug register " + n);
        }
        return cpu.dr[n];
    }

    public PhysicalMap physicalMap() {
        return map;
    }

    // ------------------------------------------------------------- diagnostics

    /** Page walks done, for statistics. */
    public long pageWalks() {
        return mmu.walks;
    }

    /** Look-ups of blocks that missed the processor's own cache, for statistics. */
    public long blockLookups() {
        return runner.lookups();
    }

    /** All registers but those of floating point and vectors, as they are now. */
    public Registers state() {
        List<Long> general = new ArrayList<>(Registers.GENERAL);
        for (int i = 0; i < Registers.GENERAL; i++) {
            general.add(cpu.r[i]);
        }
        List<Registers.Segment> segments = new ArrayList<>(Registers.SEGMENTS);
        for (int i = 0; i < 6; i++) {
            Segment s = cpu.segment[i];
            segments.add(
                    new Registers.Segment(
                            s.selector, cpu.r[Cpu.R_SEG_BASE + i], s.limit, s.attributes));
        }
        for (Segment s : List.of(cpu.ldtr, cpu.tr)) {
            segments.add(new Registers.Segment(s.selector, s.base, s.limit, s.attributes));
        }
        return new Registers(
                general,
                cpu.rip,
                cpu.flags(),
                segments,
                new Registers.Table(cpu.gdtBase, cpu.gdtLimit),
                new Registers.Table(cpu.idtBase, cpu.idtLimit),
                cpu.cr0,
                cpu.cr2,
                cpu.cr3,
                cpu.cr4,
                cpu.efer,
                cpu.star,
                cpu.lstar,
                cpu.cstar,
                cpu.sfmask,
                cpu.kernelGsBase,
                cpu.sysenterCs,
                cpu.sysenterEsp,
                cpu.sysenterEip,
                cpu.halted);
    }

    /**
     * Tells all state that guest code can depend on. To be called while the processor is not run.
     */
    public void visitState(StateSink sink) {
        ProcessorState.visit(cpu, sink);
    }

    /** Registers as lines of text. */
    public List<String> registers() {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (int i = 0; i < 16; i++) {
            line.append(String.format("%-3s %016x  ", i < 8 ? NAMES[i] : "R" + i, cpu.r[i]));
            if (i % 4 == 3) {
                lines.add(line.toString().stripTrailing());
                line.setLength(0);
            }
        }
        lines.add(
                String.format(
                        "RIP %016x  RFLAGS %08x  CPL %d  %d-bit code%s",
                        cpu.rip,
                        cpu.flags(),
                        cpu.cpl,
                        cpu.codeSize(),
                        cpu.halted ? "  halted" : ""));
        lines.add(
                String.format(
                        "CR0 %08x  CR2 %016x  CR3 %016x  CR4 %08x  EFER %04x",
                        cpu.cr0, cpu.cr2, cpu.cr3, cpu.cr4, cpu.efer));
        for (int i = 0; i < 6; i++) {
            Segment s = cpu.segment[i];
            lines.add(
                    String.format(
                            "%s  %04x  base %016x  limit %08x  attributes %04x",
                            SEGMENTS[i],
                            s.selector,
                            cpu.r[Cpu.R_SEG_BASE + i],
                            s.limit,
                            s.attributes));
        }
        lines.add(
                String.format(
                        "GDT %016x/%04x  IDT %016x/%04x  TR %04x base %016x  LDT %04x",
                        cpu.gdtBase,
                        cpu.gdtLimit,
                        cpu.idtBase,
                        cpu.idtLimit,
                        cpu.tr.selector,
                        cpu.tr.base,
                        cpu.ldtr.selector));
        return lines;
    }

    /**
     * The last instructions as text, oldest first: those from the beginning of the blocks entered
     * last, read again from memory; the last block may not have run to its end.
     */
    public List<String> lastInstructions() {
        List<String> lines = new ArrayList<>();
        Decoder decoder = new Decoder();
        byte[] bytes = new byte[Decoder.MAX_LENGTH];
        long[] blocks = runner.history();
        for (int b = Math.max(0, blocks.length - 8); b < blocks.length; b++) {
            long at = blocks[b];
            for (int n = 0; n < 6 && at != 0; n++) {
                Instruction i = new Instruction();
                int available = Math.min(bytes.length, 4096 - (int) (at & 4095));
                long linear = cpu.mode64() ? at : at + cpu.r[Cpu.R_SEG_BASE + Cpu.CS];
                if (!read(linear, bytes, 0, available)) {
                    break;
                }
                int length = decoder.decode(bytes, 0, available, at, cpu.codeSize(), i);
                if (length <= 0) {
                    break;
                }
                lines.add(String.format("%016x  %s", at, InstructionText.format(i)));
                if (endsBlock(i)) {
                    break;
                }
                at += length;
            }
        }
        return lines;
    }

    private static boolean endsBlock(Instruction i) {
        return switch (i.op) {
            case JCC, JMP_REL, JMP_IND, CALL_REL, CALL_IND, RET_NEAR, IRET, SYSRET, SYSCALL -> true;
            default -> false;
        };
    }
}
