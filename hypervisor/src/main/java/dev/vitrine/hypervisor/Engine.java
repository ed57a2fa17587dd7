// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Registers;
import dev.vitrine.processor.StateSink;

import java.util.List;

/**
 * What the hypervisor needs of the processor behind a vCPU. All but the requests is called by the
 * thread that runs the vCPU, or while the vCPU does not run.
 */
interface Engine {
    /** Register numbers, in encoding order. */
    int RAX = 0;

    int RCX = 1;
    int RDX = 2;
    int RBX = 3;
    int RSI = 6;
    int RDI = 7;
    int R8 = 8;
    int R10 = 10;

    /** The instructions asked for have retired, or a stop was requested. */
    int RAN = 0;

    /** In HLT. */
    int HALTED = 1;

    int TRIPLE_FAULT = 2;

    /** Runs about this many instructions; returns one of the constants above. */
    int run(long instructions);

    /**
     * As {@link #run}, but never runs more than {@code most}; if it comes so far what follows may
     * differ from a run without a stop.
     */
    int run(long instructions, long most);

    /** Makes the processor look for interrupts. Any thread. */
    void requestInterruptCheck();

    /** Makes {@link #run} return soon. Any thread. */
    void requestStop();

    /** Queues a non-maskable interrupt. Any thread. */
    void requestNmi();

    /** Whether HLT was executed and no interrupt came since. */
    boolean halted();

    /** EFLAGS.IF. */
    boolean interruptsEnabled();

    /** State after INIT; runs nothing until {@link #startUp}. */
    void reset();

    /** Real mode at vector * 4096, as after a start-up IPI. */
    void startUp(int vector);

    long gpr(int n);

    void setGpr(int n, long value);

    long instructionPointer();

    int privilegeLevel();

    /** 16, 32 or 64. */
    int codeSize();

    boolean protectedMode();

    boolean virtual8086();

    /** Instructions retired since the beginning, exact when the host is called. */
    long retired();

    /**
     * Reads supervisor memory by linear address without side effects on the guest but accessed
     * bits.
     *
     * @return false if any byte is not mapped to RAM; then nothing is known of the target
     */
    boolean read(long linear, byte[] target, int offset, int length);

    /**
     * Writes supervisor memory; false if any byte is not mapped writable: then nothing is written.
     */
    boolean write(long linear, byte[] source, int offset, int length);

    /** Guest-physical address of a linear one for a supervisor write, or -1. */
    long translate(long linear);

    void flushTlb();

    /** Debug register 6 or 7. */
    default long debugRegister(int n) {
        return 0;
    }

    /** Lets the processor see memory through another view. Any thread. */
    default void setView(PhysicalView view) {}

    /** Puts the processor into the state in which a PVH guest starts. */
    void enterPvh(long entry, long startInfo);

    /** Loads a vcpu_hvm_context (VCPUOP_initialise); returns 0 or a negated error number. */
    int load(byte[] context);

    /** All registers but those of floating point and vectors. */
    Registers state();

    /** Tells all state that guest code can depend on. */
    void visitState(StateSink sink);

    /** All registers as lines of text. */
    List<String> registers();

    /** Last instructions as text, oldest first, as far as known. */
    List<String> lastInstructions();
}
