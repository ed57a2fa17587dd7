// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/**
 * What a processor needs of the machine around it. The hypervisor implements it, one per vCPU; all
 * calls come from the thread that runs that vCPU.
 */
public interface ProcessorHost {
    /** VMCALL or VMMCALL at any CPL; the host reads and writes registers through the processor. */
    void hypercall(Processor cpu);

    /**
     * VMFUNC at any CPL (SDM volume 3, 26.5.6); the host may switch the processor's view.
     *
     * @param function EAX: 0 is EPTP switching
     * @param index ECX
     * @return false if there is no such function or view for the guest, which then gets #UD
     */
    default boolean vmFunction(Processor cpu, int function, int index) {
        return false;
    }

    /**
     * IN. Unbacked ports read all-ones.
     *
     * @param port 0 to 0xFFFF
     * @param size bytes: 1, 2 or 4
     */
    int readPort(int port, int size);

    /** OUT; see {@link #readPort}. Writes to unbacked ports vanish. */
    void writePort(int port, int size, int value);

    /**
     * Reads guest-physical memory that is no RAM (a device or nothing at all).
     *
     * @param size bytes: 1, 2, 4 or 8
     * @return the value, all-ones where nothing answers
     */
    long readDevice(long physicalAddress, int size);

    /** Writes to a device; where nothing answers the write vanishes. */
    void writeDevice(long physicalAddress, int size, long value);

    /**
     * RDMSR of an MSR that the processor does not own (local APIC, Xen, platform).
     *
     * @param out out[0] receives the value
     * @return false if there is no such MSR: the guest gets #GP
     */
    boolean readMsr(int msr, long[] out);

    /** WRMSR of an MSR that the processor does not own; false gives #GP. */
    boolean writeMsr(int msr, long value);

    /**
     * Lets the host change or supply a CPUID leaf (hypervisor leaves, APIC ids, topology).
     *
     * @param regs EAX, EBX, ECX, EDX as the processor would answer; changed in place
     */
    void cpuid(int leaf, int subleaf, int[] regs);

    /** Time-stamp counter as the guest shall see it, before TSC_OFFSET/ADJUST. */
    long timeStampCounter();

    /**
     * How often {@link #timeStampCounter} counts in a second, for CPUID leaves 0x15 and 0x16; 0,
     * which leaves them empty, if that is not known.
     */
    default long timeStampFrequency() {
        return 0;
    }

    /**
     * Takes the highest-priority pending maskable interrupt for delivery.
     *
     * @return its vector, or -1 if none is deliverable any more
     */
    int acknowledgeInterrupt();

    /** MOV to CR8 and from it reach the local APIC's task priority. */
    int readTaskPriority();

    /** See {@link #readTaskPriority}; value 0 to 15. */
    void writeTaskPriority(int value);

    /**
     * Random bits for RDRAND and RDSEED. Cryptographically strong by default; a host that must be
     * repeatable answers from a seeded generator.
     */
    default long random() {
        return HostRandom.next();
    }

    /**
     * Something is about to happen that is to be shown first: by {@link
     * ProcessorGroup#setIntercepts}, {@link Processor#setStepping} or {@link
     * Processor#showNextEvent}, or an access that the processor's view forbids. Called between two
     * instructions; the host may look at and change all of the processor's state and memory, and
     * switch its view. An exception that is thrown here passes through {@link Processor#run}.
     *
     * @return how to go on
     */
    default Reaction intercepted(Processor cpu, Interception what) {
        return Reaction.PROCEED;
    }

    /**
     * The guest executed something that this processor does not have, and gets #UD. For statistics.
     *
     * @param name a mnemonic, {@code illegal} and a mnemonic, or the opcode in hexadecimal
     */
    default void unknownInstruction(String name) {}

    /**
     * The guest may just have cleared the accessed bit of a page-table entry that is present. It
     * need not tell the processors, which set it again when they next walk the tables; when that is
     * depends on what they have cached. A host for whom runs are to repeat has them forget it, with
     * {@link ProcessorGroup#forget}.
     *
     * @param user whether the entry is for user mode, too
     */
    default void accessedBitCleared(boolean user) {}
}
