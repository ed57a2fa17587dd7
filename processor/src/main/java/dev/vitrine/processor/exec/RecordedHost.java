// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * A host that can give the same answers twice, for a processor that does everything twice: what
 * translated code was told of the clock and at random, the interpreter is told as well.
 * Instructions that want anything else of the host are not in regions.
 */
public final class RecordedHost implements ProcessorHost {
    /** Somebody asked for what is not in regions, or asked otherwise than the first time. */
    static final class Stray extends RuntimeException {
        private static final long serialVersionUID = 1L;

        Stray(String what) {
            super(what, null, false, false);
        }
    }

    private enum Mode {
        PASS,
        RECORD,
        REPLAY
    }

    private final ProcessorHost host;
    private Mode mode = Mode.PASS;

    /** Kind of question, instructions retired at it, answer; in turn. */
    private long[] log = new long[48];

    private int length;
    private int at;

    /** How much of the log translated code has asked for. */
    private int asked;

    private static final int CLOCK = 1;
    private static final int RANDOM = 2;

    public RecordedHost(ProcessorHost host) {
        this.host = host;
    }

    /** Answers from now on are kept. */
    void record() {
        mode = Mode.RECORD;
        length = 0;
    }

    /** Translated code is done: the interpreter is given the same answers. */
    void replay() {
        asked = mode == Mode.RECORD ? length : at;
        mode = Mode.REPLAY;
        at = 0;
    }

    /** What was recorded is to be done once more from the start, or a part of it. */
    void again() {
        mode = Mode.REPLAY;
        at = 0;
        asked = length;
    }

    /** Whether all answers have been asked for again. */
    boolean replayed() {
        return at == asked;
    }

    /** Answers come from the host again. */
    void pass() {
        mode = Mode.PASS;
    }

    private @Nullable Cpu cpu;

    void attach(Cpu owner) {
        cpu = owner;
    }

    /** The count that a question is asked at; only the clock depends on it. */
    private long retired(int kind) {
        return cpu == null || kind != CLOCK ? 0 : cpu.retired;
    }

    private long answer(int kind) {
        if (mode == Mode.REPLAY) {
            if (at == asked || log[at] != kind || log[at + 1] != retired(kind)) {
                throw new Stray(kind == CLOCK ? "the clock" : "a random number");
            }
            at += 3;
            return log[at - 1];
        }
        long value = kind == CLOCK ? host.timeStampCounter() : host.random();
        if (mode == Mode.RECORD) {
            if (length == log.length) {
                log = Arrays.copyOf(log, 2 * length);
            }
            log[length++] = kind;
            log[length++] = retired(kind);
            log[length++] = value;
        }
        return value;
    }

    private ProcessorHost outside(String what) {
        if (mode != Mode.PASS) {
            throw new Stray(what);
        }
        return host;
    }

    @Override
    public long timeStampCounter() {
        return answer(CLOCK);
    }

    @Override
    public long random() {
        return answer(RANDOM);
    }

    @Override
    public void unknownInstruction(String name) {
        if (mode != Mode.REPLAY) {
            host.unknownInstruction(name);
        }
    }

    @Override
    public void accessedBitCleared(boolean user) {
        if (mode != Mode.REPLAY) {
            host.accessedBitCleared(user);
        }
    }

    @Override
    public Reaction intercepted(Processor processor, Interception what) {
        return outside("a decision").intercepted(processor, what);
    }

    @Override
    public void hypercall(Processor processor) {
        outside("a hypercall").hypercall(processor);
    }

    @Override
    public boolean vmFunction(Processor processor, int function, int index) {
        return outside("VMFUNC").vmFunction(processor, function, index);
    }

    @Override
    public int readPort(int port, int size) {
        return outside("a port").readPort(port, size);
    }

    @Override
    public void writePort(int port, int size, int value) {
        outside("a port").writePort(port, size, value);
    }

    @Override
    public long readDevice(long physicalAddress, int size) {
        return outside("a device").readDevice(physicalAddress, size);
    }

    @Override
    public void writeDevice(long physicalAddress, int size, long value) {
        outside("a device").writeDevice(physicalAddress, size, value);
    }

    @Override
    public boolean readMsr(int msr, long[] out) {
        return outside("an MSR").readMsr(msr, out);
    }

    @Override
    public boolean writeMsr(int msr, long value) {
        return outside("an MSR").writeMsr(msr, value);
    }

    @Override
    public void cpuid(int leaf, int subleaf, int[] regs) {
        outside("CPUID").cpuid(leaf, subleaf, regs);
    }

    @Override
    public long timeStampFrequency() {
        return host.timeStampFrequency();
    }

    @Override
    public int acknowledgeInterrupt() {
        return outside("an interrupt").acknowledgeInterrupt();
    }

    @Override
    public int readTaskPriority() {
        return outside("the task priority").readTaskPriority();
    }

    @Override
    public void writeTaskPriority(int value) {
        outside("the task priority").writeTaskPriority(value);
    }
}
