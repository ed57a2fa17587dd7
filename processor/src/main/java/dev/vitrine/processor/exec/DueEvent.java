// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.EventType;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.system.Interrupts;

import org.jspecify.annotations.Nullable;

/**
 * The exception or interrupt that a processor is to deliver before its next instruction. It stays
 * until it has been delivered: a delivery that touches memory which a view forbids is intercepted,
 * and begins again.
 */
final class DueEvent {
    private enum Kind {
        NONE,
        /** The exception of an instruction, or one that the host has injected. */
        FAULT,
        EXTERNAL,
        NMI,
        /** {@link #code} has the bits of DR6. */
        DEBUG_TRAP,
        /** INT n, INT3, INTO or INT1, as if it had been executed. */
        SOFTWARE
    }

    private Kind kind = Kind.NONE;
    private int vector;
    private int code;
    private long address;
    private int length;
    private EventType type = EventType.HARDWARE_EXCEPTION;

    /** It came from outside of the instruction stream. */
    private boolean fromHost;

    /** The host has been asked about it as a debug exception. */
    private boolean passed;

    boolean isDue() {
        return kind != Kind.NONE;
    }

    /** An instruction's exception, which only a fault of its own delivery can be. */
    boolean isFault() {
        return kind == Kind.FAULT;
    }

    void clear() {
        kind = Kind.NONE;
    }

    private void set(Kind k, EventType t, int v, boolean host) {
        kind = k;
        type = t;
        vector = v;
        fromHost = host;
        passed = false;
    }

    /** The exception that the processor's fault fields describe. */
    void fault(Cpu cpu) {
        set(Kind.FAULT, EventType.HARDWARE_EXCEPTION, cpu.faultVector, false);
        code = cpu.faultCode;
        address = cpu.faultAddress;
    }

    void debugTrap(int bits) {
        set(Kind.DEBUG_TRAP, EventType.HARDWARE_EXCEPTION, Vector.DB, false);
        code = bits;
    }

    void nmi() {
        set(Kind.NMI, EventType.NMI, Vector.NMI, true);
    }

    void external(int v) {
        set(Kind.EXTERNAL, EventType.EXTERNAL_INTERRUPT, v, true);
    }

    /** An event of the host's making; takes the place of one that is due. */
    void inject(int v, EventType t, int errorCode, long cr2, int instructionLength) {
        set(
                switch (t) {
                    case EXTERNAL_INTERRUPT -> Kind.EXTERNAL;
                    case NMI -> Kind.NMI;
                    case HARDWARE_EXCEPTION -> Kind.FAULT;
                    default -> Kind.SOFTWARE;
                },
                t,
                v,
                true);
        code = errorCode;
        address = cr2;
        length = instructionLength;
        passed = true;
    }

    /**
     * What the host wants to be asked about before the delivery.
     *
     * @param next the next interrupt or injected event is to be shown
     * @param debug debug exceptions are to be shown
     * @return null for nothing
     */
    @Nullable Interception question(boolean next, boolean debug) {
        if (next && fromHost) {
            return new Interception.Event(vector, type, Math.max(code, 0), address);
        }
        boolean exception = kind == Kind.DEBUG_TRAP || (kind == Kind.FAULT && vector == Vector.DB);
        return debug && exception && !passed
                ? new Interception.DebugException(code, type, 0)
                : null;
    }

    /** Nothing is to be asked about it any more. */
    boolean passed() {
        return passed;
    }

    /** The host lets a debug exception pass. */
    void pass() {
        passed = true;
    }

    /** Delivers it; it is due no more if nothing is thrown. */
    void deliver(Cpu cpu) {
        cpu.currentBlock = null;
        switch (kind) {
            case FAULT -> {
                cpu.faultVector = vector;
                cpu.faultCode = code;
                cpu.faultAddress = address;
                cpu.shadow = Cpu.SHADOW_NONE;
                Interrupts.deliverFault(cpu);
            }
            case EXTERNAL -> Interrupts.deliverExternal(cpu, vector);
            case NMI -> Interrupts.deliverNmi(cpu);
            case DEBUG_TRAP -> Interrupts.deliverDebugTrap(cpu, code);
            case SOFTWARE -> {
                cpu.nextRip = cpu.rip + length;
                Interrupts.software(cpu, vector, software());
                cpu.rip = cpu.nextRip;
                cpu.retired++;
            }
            default -> {}
        }
        kind = Kind.NONE;
    }

    private int software() {
        return switch (type) {
            case SOFTWARE_EXCEPTION -> Interrupts.INT3_INTO;
            case PRIVILEGED_SOFTWARE_EXCEPTION -> Interrupts.INT1;
            default -> Interrupts.INT_N;
        };
    }
}
