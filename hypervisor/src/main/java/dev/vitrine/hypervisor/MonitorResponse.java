// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import org.jspecify.annotations.Nullable;

/**
 * How a vCPU goes on behind a {@link MonitorEvent}: the response flags of Xen's vm_event.
 * Immutable; methods give a response with one more flag.
 *
 * <p>Without any, an access that a view forbids is tried again, and so is INT3; a debug exception
 * is lost; a register is written, and everything else done as if nobody had asked.
 */
public final class MonitorResponse {
    /** Registers to be set, as VM_EVENT_FLAG_SET_REGISTERS does. */
    public record GuestRegisters(long[] general, long rip, long rflags) {}

    /** Without a flag. */
    public static final MonitorResponse NONE = new MonitorResponse();

    /** The vCPU is to wait for {@link Monitor#answer}. */
    public static final MonitorResponse LATER = new MonitorResponse();

    final boolean emulate;
    final boolean emulateNoWrite;
    final boolean deny;
    final boolean toggleSingleStep;
    final boolean getNextInterrupt;

    /** -1 for none. */
    final int view;

    /** -1 for none. */
    final int fastSingleStepView;

    final byte @Nullable [] readData;
    final byte @Nullable [] instruction;
    final @Nullable GuestRegisters registers;
    final @Nullable Runnable after;

    private MonitorResponse() {
        this(new Builder());
    }

    private MonitorResponse(Builder b) {
        emulate = b.emulate;
        emulateNoWrite = b.emulateNoWrite;
        deny = b.deny;
        toggleSingleStep = b.toggleSingleStep;
        getNextInterrupt = b.getNextInterrupt;
        view = b.view;
        fastSingleStepView = b.fastSingleStepView;
        readData = b.readData;
        instruction = b.instruction;
        registers = b.registers;
        after = b.after;
    }

    private static final class Builder {
        boolean emulate;
        boolean emulateNoWrite;
        boolean deny;
        boolean toggleSingleStep;
        boolean getNextInterrupt;
        int view = -1;
        int fastSingleStepView = -1;
        byte @Nullable [] readData;
        byte @Nullable [] instruction;
        @Nullable GuestRegisters registers;
        @Nullable Runnable after;

        Builder() {}

        Builder(MonitorResponse r) {
            emulate = r.emulate;
            emulateNoWrite = r.emulateNoWrite;
            deny = r.deny;
            toggleSingleStep = r.toggleSingleStep;
            getNextInterrupt = r.getNextInterrupt;
            view = r.view;
            fastSingleStepView = r.fastSingleStepView;
            readData = r.readData;
            instruction = r.instruction;
            registers = r.registers;
            after = r.after;
        }
    }

    private MonitorResponse with(java.util.function.Consumer<Builder> change) {
        if (this == LATER) {
            throw new IllegalStateException("LATER has no flags");
        }
        Builder b = new Builder(this);
        change.accept(b);
        return new MonitorResponse(b);
    }

    /**
     * VM_EVENT_FLAG_EMULATE: the instruction is executed once with the domain's own map and all
     * rights. What stands in that map at its address is executed, also behind an INT3 that only a
     * view shows.
     */
    public MonitorResponse emulate() {
        return with(b -> b.emulate = true);
    }

    /** VM_EVENT_FLAG_EMULATE_NOWRITE: the same, but its writes vanish. */
    public MonitorResponse emulateNoWrite() {
        return with(b -> {
            b.emulate = true;
            b.emulateNoWrite = true;
        });
    }

    /** VM_EVENT_FLAG_SET_EMUL_READ_DATA: {@link #emulate}, and this is what it reads. */
    public MonitorResponse readData(byte[] data) {
        return with(b -> {
            b.emulate = true;
            b.readData = data.clone();
        });
    }

    /** VM_EVENT_FLAG_SET_EMUL_INSN_DATA: {@link #emulate} of another instruction. */
    public MonitorResponse instruction(byte[] bytes) {
        return with(b -> {
            b.emulate = true;
            b.instruction = bytes.clone();
        });
    }

    /** VM_EVENT_FLAG_DENY: the instruction has no effect. */
    public MonitorResponse deny() {
        return with(b -> b.deny = true);
    }

    /** VM_EVENT_FLAG_TOGGLE_SINGLESTEP. */
    public MonitorResponse toggleSingleStep() {
        return with(b -> b.toggleSingleStep = true);
    }

    /**
     * VM_EVENT_FLAG_FAST_SINGLESTEP: one instruction is executed, without an event behind it, and
     * the vCPU then switches to a view.
     */
    public MonitorResponse fastSingleStep(int view) {
        return with(b -> b.fastSingleStepView = view);
    }

    /** VM_EVENT_FLAG_ALTERNATE_P2M: the vCPU goes on in a view. */
    public MonitorResponse view(int index) {
        return with(b -> b.view = index);
    }

    /** VM_EVENT_FLAG_SET_REGISTERS: 16 general registers, RIP and RFLAGS are set. */
    public MonitorResponse registers(GuestRegisters r) {
        if (r.general.length != 16) {
            throw new IllegalArgumentException(r.general.length + " general registers");
        }
        return with(b -> b.registers = r);
    }

    /** VM_EVENT_FLAG_GET_NEXT_INTERRUPT: the next interrupt is an event. */
    public MonitorResponse getNextInterrupt() {
        return with(b -> b.getNextInterrupt = true);
    }

    /**
     * Has something done on the vCPU's thread when the instruction has been executed or skipped
     * with this response; not if it faults.
     */
    public MonitorResponse then(Runnable action) {
        return with(b -> b.after = action);
    }
}
