// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.guest;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.ProcessorHost;

import java.util.concurrent.ConcurrentLinkedQueue;

/** A host without devices. Interrupts come from a queue that any thread may fill. */
public final class QuietHost implements ProcessorHost {
    private final ConcurrentLinkedQueue<Integer> interrupts = new ConcurrentLinkedQueue<>();

    /** Hypercalls so far; read it on the thread that runs the processor. */
    public long hypercalls;

    private long tsc;

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

    @Override
    public void hypercall(Processor cpu) {
        hypercalls++;
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
