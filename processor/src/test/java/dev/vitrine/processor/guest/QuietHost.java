// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.guest;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;
import dev.vitrine.processor.Reaction;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/** A host without devices. Interrupts come from a queue that any thread may fill. */
public final class QuietHost implements ProcessorHost {
    private final ConcurrentLinkedQueue<Integer> interrupts = new ConcurrentLinkedQueue<>();

    /** Hypercalls so far; read it on the thread that runs the processor. */
    public long hypercalls;

    private long tsc;

    /** Answers to what the processor asks; lets everything pass at first. */
    public BiFunction<Processor, Interception, Reaction> intercepts =
            (processor, what) -> Reaction.PROCEED;

    @Override
    public Reaction intercepted(Processor cpu, Interception what) {
        return intercepts.apply(cpu, what);
    }

    /**
     * Queues an interrupt; the processor must be told by {@link Processor#requestInterruptCheck}.
     */
    public void interrupt(int vector) {
        interrupts.add(vector);
    }

    /** Whether a queued interrupt was not taken yet. */
    public boolean interruptPending() {
        return !interrupts.isEmpty();
    }

    /** What a hypercall does beside being counted. */
    public Consumer<Processor> onHypercall = processor -> {};

    @Override
    public void hypercall(Processor cpu) {
        hypercalls++;
        onHypercall.accept(cpu);
    }

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

    /** What a write to where there is no memory does. */
    public Runnable onDeviceWrite = () -> {};

    @Override
    public void writeDevice(long physicalAddress, int size, long value) {
        onDeviceWrite.run();
    }

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
        return tsc++;
    }

    @Override
    public int acknowledgeInterrupt() {
        Integer vector = interrupts.poll();
        return vector == null ? -1 : vector;
    }

    @Override
    public int readTaskPriority() {
        return 0;
    }

    @Override
    public void writeTaskPriority(int value) {}
}
