// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.KernelMemory;
import dev.vitrine.introspection.trace.call.CallReader;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.LongSupplier;

/**
 * A vCPU that stands before an instruction of the kernel: its registers, the memory that it sees,
 * and the thread that it executes. Good until the listener that got it returns, on the same thread.
 */
public final class Moment implements KernelMemory {
    /** Arguments of a function, by the ABI's order: System V, 3.2.3. */
    private static final int[] ARGUMENTS = {
        Registers.RDI, Registers.RSI, Registers.RDX, Registers.RCX, 8, 9
    };

    private static final int PIECE = 128;

    private final Processor processor;
    private final TaskReader tasks;
    private final DirectMap direct;
    private final byte[] word = new byte[8];
    private final LongSupplier clock;
    private int vcpu = -1;
    private long time = -1;
    private boolean atEntry;
    private ThreadTable.@Nullable Entry entry;
    private int size;
    private byte[] scratch = new byte[0];
    private @Nullable CallReader reader;

    Moment(Processor processor, TaskReader tasks, DirectMap direct, LongSupplier clock) {
        this.processor = processor;
        this.tasks = tasks;
        this.direct = direct;
        this.clock = clock;
    }

    /** The vCPU has just entered the kernel, and GS is still the program's. */
    Moment atEntry() {
        atEntry = true;
        return this;
    }

    /** The vCPU has gone on, and stands again. */
    Moment again() {
        time = -1;
        entry = null;
        size = 0;
        return this;
    }

    Processor processor() {
        return processor;
    }

    /** The domain's clock, ns since its start. */
    public long time() {
        if (time < 0) {
            time = clock.getAsLong();
        }
        return time;
    }

    ThreadTable.Entry entry() {
        ThreadTable.Entry e = entry;
        if (e == null) {
            e = tasks.current(this);
            entry = e;
        }
        return e;
    }

    /** The thread that the vCPU executes. */
    public Task task() {
        return tasks.task(this, entry());
    }

    /** Another thread. */
    public Task task(long taskStruct) {
        return tasks.task(this, tasks.threads().get(taskStruct));
    }

    /** Number of the processor in Linux; -1 if it is not known. */
    public int vcpu() {
        if (vcpu < 0) {
            vcpu = tasks.processor(this);
        }
        return vcpu;
    }

    /** Control register 3. */
    public long cr3() {
        return processor.controlRegister(3);
    }

    /** Base of GS, where the kernel has the data of a processor. */
    long gsBase() {
        long base = processor.segmentBase(Registers.GS);
        // The kernel's own is in the upper half; around its entries and exits it is not there yet.
        return atEntry || base >= 0 || processor.cpl() != 0
                ? processor.state().kernelGsBase()
                : base;
    }

    /**
     * A number that the kernel has for each processor, of the one that this vCPU is.
     *
     * @param offset what the symbol of such a variable resolves to
     * @param bytes its size
     */
    public long processorNumber(long offset, int bytes) {
        return number(gsBase() + offset, bytes);
    }

    /** Whether the vCPU executes a program, and not the kernel. */
    public boolean inUserMode() {
        return processor.cpl() == 3;
    }

    /** Address of the instruction that comes next. */
    public long instructionPointer() {
        return processor.rip();
    }

    /** IA32_LSTAR, IA32_CSTAR, IA32_SYSENTER_EIP and the descriptor tables, as they are now. */
    public Registers registers() {
        return processor.state();
    }

    /** A general register, by its number in {@link Registers}. */
    public long register(int n) {
        return processor.gpr(n);
    }

    /**
     * An argument of the function that is about to begin.
     *
     * @param n 0 to 5
     */
    public long argument(int n) {
        return processor.gpr(ARGUMENTS[n]);
    }

    /** What the function gives that has just returned. */
    public long result() {
        return processor.gpr(Registers.RAX);
    }

    /**
     * Whether the vCPU serves an interrupt, also a deferred one: what is done then is not the
     * thread's doing that it happens to execute. A kernel with PREEMPT_RT serves deferred ones in
     * threads, and does not tell.
     */
    public boolean inInterrupt() {
        return tasks.inInterrupt(this);
    }

    /** Room for so many bytes, which the next call takes again. */
    byte[] scratch(int length) {
        if (scratch.length < length) {
            scratch = new byte[length];
        }
        return scratch;
    }

    /** What reads the arguments of system calls; null if there is none yet. */
    @Nullable CallReader reader() {
        return reader;
    }

    void setReader(CallReader r) {
        reader = r;
    }

    /** Bytes read so far. */
    int size() {
        return size;
    }

    /**
     * Reads memory by linear address, as the vCPU sees it: the kernel's and the process's.
     *
     * @return false if a byte is not mapped to RAM; what is in the target is then unspecified
     */
    public boolean read(long linear, byte[] target, int offset, int length) {
        size += length;
        return direct.covers(linear)
                ? direct.read(linear, target, offset, length)
                : processor.read(linear, target, offset, length);
    }

    /** Guest-physical address behind a linear one, as the vCPU sees it; -1 if nothing is mapped. */
    public long translate(long linear) {
        return processor.translate(linear);
    }

    @Override
    public long number(long address, int bytes) {
        if (!read(address, word, 0, bytes)) {
            throw unmapped(address, bytes);
        }
        return LittleEndian.number(word, 0, bytes);
    }

    /** A number, or another one if it is not in memory. */
    long numberOr(long address, int bytes, long other) {
        return read(address, word, 0, bytes) ? LittleEndian.number(word, 0, bytes) : other;
    }

    @Override
    public String text(long address, int limit) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] b = new byte[PIECE];
        while (all.size() < limit) {
            int n = (int) Math.min(Math.min(b.length, limit - all.size()), 4096 - (address & 4095));
            if (!read(address, b, 0, n)) {
                throw unmapped(address, n);
            }
            int end = 0;
            while (end < n && b[end] != 0) {
                end++;
            }
            all.write(b, 0, end);
            if (end < n) {
                break;
            }
            address += n;
        }
        return all.toString(StandardCharsets.UTF_8);
    }

    private static IntrospectionException unmapped(long address, int length) {
        return new IntrospectionException(
                String.format(
                        "The %d bytes at 0x%x are not mapped to memory in the guest.",
                        length, address));
    }
}
