// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Vector;

/** Delivers exceptions and interrupts (SDM volume 3, chapter 6). */
public final class Interrupts {
    /** INT n: subject to IOPL in virtual-8086 mode and to the gate's DPL. */
    public static final int INT_N = 0;

    /** INT3 and INTO: subject to the gate's DPL. */
    public static final int INT3_INTO = 1;

    /** INT1: subject to nothing. */
    public static final int INT1 = 2;

    private Interrupts() {}

    /**
     * Delivers the exception that {@link Cpu#faultVector}, {@link Cpu#faultCode} and {@link
     * Cpu#faultAddress} describe; {@link Cpu#rip} is the faulting instruction. A #DB raised as a
     * fault has its DR6 bits as fault code. On return rip is at the handler.
     *
     * @throws TripleFault if not even a double fault can be delivered
     */
    public static void deliverFault(Cpu cpu) {
        int vector = cpu.faultVector;
        int code = cpu.faultCode;
        // Breakpoints hit before the fault will be hit again.
        cpu.pendingDebug = 0;
        while (true) {
            boolean resume = vector != Vector.DF && vector != Vector.MC;
            if (vector == Vector.PF) {
                cpu.cr2 = cpu.faultAddress;
            } else if (vector == Vector.DB) {
                // The handler of an instruction breakpoint sets RF itself.
                resume = (code & DebugRegisters.BREAKPOINTS) == 0;
                DebugRegisters.report(cpu, code);
                DebugRegisters.clearGeneralDetect(cpu);
            }
            long image = cpu.flags() | (resume ? Cpu.RF : 0);
            int push = Vector.hasErrorCode(vector) ? code : InterruptGate.NO_CODE;
            try {
                InterruptGate.deliver(cpu, vector, false, 1, push, image, cpu.rip);
                return;
            } catch (GuestFault e) {
                if (vector == Vector.DF) {
                    throw TripleFault.INSTANCE;
                }
                int second = cpu.faultVector;
                if (isDoubleFault(vector, second)) {
                    if (second == Vector.PF) {
                        // The handler tells a stack overflow by it.
                        cpu.cr2 = cpu.faultAddress;
                    }
                    vector = Vector.DF;
                    code = 0;
                } else {
                    vector = second;
                    code = cpu.faultCode;
                }
            }
        }
    }

    /** SDM volume 3, table 6-5. */
    private static boolean isDoubleFault(int first, int second) {
        if (isContributory(first)) {
            return isContributory(second);
        }
        return isPageFault(first) && (isContributory(second) || isPageFault(second));
    }

    private static boolean isPageFault(int vector) {
        return vector == Vector.PF || vector == Vector.VE;
    }

    private static boolean isContributory(int vector) {
        return vector == Vector.DE || (vector >= Vector.TS && vector <= Vector.GP);
    }

    /**
     * Delivers a maskable interrupt; {@link Cpu#rip} is the next instruction. If delivery faults,
     * that exception is delivered instead.
     *
     * @param vector 0 to 255
     */
    public static void deliverExternal(Cpu cpu, int vector) {
        wake(cpu);
        event(cpu, vector);
    }

    /** Delivers an NMI; see {@link #deliverExternal}. Further ones are blocked until IRET. */
    public static void deliverNmi(Cpu cpu) {
        wake(cpu);
        cpu.nmiBlocked = true;
        event(cpu, Vector.NMI);
    }

    /**
     * Delivers a #DB trap: {@link Cpu#rip} is the next instruction.
     *
     * @param dr6bits what happened: breakpoints 0 to 3, {@link DebugRegisters#BS} and others
     */
    public static void deliverDebugTrap(Cpu cpu, int dr6bits) {
        DebugRegisters.report(cpu, dr6bits);
        DebugRegisters.clearGeneralDetect(cpu);
        wake(cpu);
        event(cpu, Vector.DB);
    }

    private static void wake(Cpu cpu) {
        cpu.halted = false;
        cpu.shadow = Cpu.SHADOW_NONE;
    }

    private static void event(Cpu cpu, int vector) {
        try {
            InterruptGate.deliver(
                    cpu, vector, false, 1, InterruptGate.NO_CODE, cpu.flags(), cpu.rip);
        } catch (GuestFault e) {
            deliverFault(cpu);
        }
    }

    /**
     * INT n, INT3, INTO and INT1, within the execution of that instruction. {@link Cpu#nextRip} is
     * pushed; on return it leads to the handler. Faults are raised for the caller's loop to
     * deliver.
     *
     * @param kind {@link #INT_N}, {@link #INT3_INTO} or {@link #INT1}
     */
    public static void software(Cpu cpu, int vector, int kind) {
        if (kind == INT_N && cpu.v86() && (cpu.eflags & Cpu.IOPL) != Cpu.IOPL) {
            throw cpu.gp(0);
        }
        long image = cpu.flags() & ~(long) Cpu.RF;
        if (kind == INT1) {
            InterruptGate.deliver(cpu, vector, false, 1, InterruptGate.NO_CODE, image, cpu.nextRip);
            DebugRegisters.clearGeneralDetect(cpu);
        } else {
            InterruptGate.deliver(cpu, vector, true, 0, InterruptGate.NO_CODE, image, cpu.nextRip);
        }
    }
}
