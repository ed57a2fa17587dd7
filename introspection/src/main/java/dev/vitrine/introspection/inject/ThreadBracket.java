// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/**
 * Another procedure, done so that what it leaves in the thread besides registers is taken back: how
 * the system call that the thread comes from is restarted, and that the thread has a signal to look
 * after.
 *
 * <p>A thread that has been woken ({@link WakeProcedure}) believes that there is a signal. A
 * function that waits interruptibly would return at once, so that the thread is told the truth
 * before, and the same lie after: without it the call would return ERESTARTSYS to the program.
 */
final class ThreadBracket implements Procedure {
    /** What is looked at. */
    static final List<String> MEMBERS =
            List.of(
                    "task_struct.thread_info.flags",
                    "task_struct.thread_info.status",
                    "task_struct.restart_block",
                    "pt_regs.ax",
                    "pt_regs.orig_ax",
                    "pt_regs.cs",
                    "pt_regs.dx",
                    "pt_regs.r10",
                    "pt_regs.r8");

    /** Finds out whether the thread has signals, and sets its flag (since 5.0). */
    static final String CALCULATE = "calculate_sigpending";

    static final String WAKE = "signal_wake_up_state";

    /** TIF_SIGPENDING (arch/x86/include/asm/thread_info.h). */
    private static final long SIGNAL_PENDING = 1 << 2;

    /** Bytes of struct restart_block on x86-64 (include/linux/restart_block.h). */
    private static final int RESTART_BLOCK = 56;

    private enum State {
        BEGIN,
        TOLD,
        WITHIN,
        ENDED
    }

    private final Procedure within;
    private final KernelLink.Kind kind;
    private final boolean called;
    private final long task;
    private final long registers;
    private State state = State.BEGIN;
    private boolean woken;
    private byte[] restart = new byte[0];
    private @Nullable IntrospectionException failed;

    /**
     * @param called whether the thread has been woken, to come here
     * @param task the thread's task_struct
     * @param registers the struct pt_regs of the program, if the thread is one of a program and at
     *     the end of a call
     */
    ThreadBracket(
            Procedure within, KernelLink.Kind kind, boolean called, long task, long registers) {
        this.within = within;
        this.kind = kind;
        this.called = called;
        this.task = task;
        this.registers = registers;
    }

    @Override
    public Set<String> functions() {
        return within.functions();
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (state) {
            case BEGIN -> {
                boolean program = kind != KernelLink.Kind.WORK;
                if (program) {
                    restart = memory.bytes(restartBlock(memory), RESTART_BLOCK);
                }
                woken =
                        program
                                && (called || hasSignal(memory))
                                && memory.symbol(CALCULATE) != 0
                                && memory.symbol(WAKE) != 0;
                if (woken) {
                    state = State.TOLD;
                    return KernelCall.of(CALCULATE);
                }
                state = State.WITHIN;
                return within(memory, 0);
            }
            case TOLD -> {
                // One that was stopped in the call is told by the call what that has come to.
                if (kind != KernelLink.Kind.STOP && !hasSignal(memory)) {
                    InterruptedCalls.restart(memory, task, registers);
                }
                state = State.WITHIN;
                return within(memory, 0);
            }
            case WITHIN -> {
                return within(memory, result);
            }
            case ENDED -> {
                IntrospectionException e = failed;
                if (e != null) {
                    throw e;
                }
                return null;
            }
        }
        throw new IllegalStateException();
    }

    private @Nullable KernelCall within(CallMemory memory, long result) {
        try {
            KernelCall call = within.next(memory, result);
            if (call != null) {
                return call;
            }
        } catch (IntrospectionException e) {
            failed = e;
        }
        state = State.ENDED;
        if (kind != KernelLink.Kind.WORK) {
            memory.write(restartBlock(memory), restart);
            if (woken) {
                return KernelCall.of(WAKE, task, 0L);
            }
        } else if (hasSignal(memory) && memory.symbol(CALCULATE) != 0) {
            // It has been woken from a function; threads of the kernel never look after signals.
            return KernelCall.of(CALCULATE);
        }
        return next(memory, 0);
    }

    private long restartBlock(CallMemory memory) {
        return task + memory.offset("task_struct.restart_block");
    }

    private boolean hasSignal(CallMemory memory) {
        long flags = task + memory.offset("task_struct.thread_info.flags");
        return (memory.number(flags, 8) & SIGNAL_PENDING) != 0;
    }

    @Override
    public boolean interrupted() {
        return within.interrupted();
    }
}
