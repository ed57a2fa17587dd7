// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.LittleEndian;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * Has a thread leave the kernel and come back, as the freezer of tasks does: it is told that there
 * is a signal, finds none, and does its system call once more. One that computes is interrupted.
 *
 * <p>The thread's task_struct is held by a reference, which wake_up_q gives back.
 */
final class WakeProcedure implements Procedure {
    /** End of a list of threads to wake (include/linux/sched/wake_q.h). */
    private static final long WAKE_Q_TAIL = 1;

    /** struct wake_q_head: the first, and where the next goes. */
    private static final int HEAD = 16;

    /** Wakes a thread from some states, and tells whether it was in one (kernel/sched/core.c). */
    static final String RESUME = "wake_up_state";

    private enum State {
        BEGIN,
        ALLOCATED,
        FOUND,
        TOLD,
        RESUMED,
        QUEUED,
        PUT,
        FREED
    }

    private final int thread;
    private final @Nullable Session forWhom;
    private final @Nullable StoppedThreads stopped;
    private State state = State.BEGIN;
    private long block;
    private long task;
    private StoppedThreads.@Nullable Woken woken;

    /**
     * Wakes the thread of a number in the first PID namespace.
     *
     * @param forWhom what it is to be taken for, unless it or another thread has been meanwhile;
     *     null if it is to return from a function
     * @param stopped stopped threads that have been woken; null if it is not to be woken from that
     */
    WakeProcedure(int thread, @Nullable Session forWhom, @Nullable StoppedThreads stopped) {
        this.thread = thread;
        this.forWhom = forWhom;
        this.stopped = stopped;
    }

    @Override
    public Set<String> functions() {
        return Set.of(
                Buffers.ALLOCATE,
                Buffers.FREE,
                "find_get_task_by_vpid",
                "signal_wake_up_state",
                "wake_q_add_safe",
                "wake_up_q");
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (state) {
            case BEGIN -> {
                state = State.ALLOCATED;
                return KernelCall.of(Buffers.ALLOCATE, (long) HEAD);
            }
            case ALLOCATED -> {
                block = Buffers.checked(result);
                byte[] head = new byte[HEAD];
                LittleEndian.put64(head, 0, WAKE_Q_TAIL);
                LittleEndian.put64(head, 8, block);
                memory.write(block, head);
                state = State.FOUND;
                return KernelCall.of("find_get_task_by_vpid", (long) thread);
            }
            case FOUND -> {
                task = result;
                if (task >= 0) {
                    return free();
                }
                return wake(memory);
            }
            case TOLD -> {
                if (forWhom != null) {
                    forWhom.release();
                }
                return put();
            }
            case RESUMED -> {
                StoppedThreads.Woken w = woken;
                if ((int) result == 0 && stopped != null && w != null) {
                    stopped.remove(task, w);
                }
                return put();
            }
            case QUEUED -> {
                state = State.PUT;
                return KernelCall.of("wake_up_q", block);
            }
            case PUT -> {
                return free();
            }
            case FREED -> {
                return null;
            }
        }
        throw new IllegalStateException();
    }

    private KernelCall wake(CallMemory memory) {
        if (stopped != null && stopped.isStopped(memory, task)) {
            woken = stopped.add(memory, task);
            if (woken == null) {
                return put();
            }
            state = State.RESUMED;
            return KernelCall.of(RESUME, task, (long) woken.state() & StopBracket.ANY);
        }
        if (forWhom != null && !forWhom.hold(thread)) {
            return put();
        }
        state = State.TOLD;
        return KernelCall.of("signal_wake_up_state", task, 0L);
    }

    private KernelCall put() {
        state = State.QUEUED;
        return KernelCall.of("wake_q_add_safe", block, task);
    }

    private KernelCall free() {
        state = State.FREED;
        return KernelCall.of(Buffers.FREE, block);
    }
}
