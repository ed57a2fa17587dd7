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

    private final int thread;
    private final @Nullable Session forWhom;
    private int step;
    private long block;
    private long task;

    /**
     * Wakes the thread of a number in the first PID namespace.
     *
     * @param forWhom what it is to be taken for, unless it or another thread has been meanwhile;
     *     null if it is to return from a function
     */
    WakeProcedure(int thread, @Nullable Session forWhom) {
        this.thread = thread;
        this.forWhom = forWhom;
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
        switch (step++) {
            case 0 -> {
                return KernelCall.of(Buffers.ALLOCATE, (long) HEAD);
            }
            case 1 -> {
                block = Buffers.checked(result);
                byte[] head = new byte[HEAD];
                LittleEndian.put64(head, 0, WAKE_Q_TAIL);
                LittleEndian.put64(head, 8, block);
                memory.write(block, head);
                return KernelCall.of("find_get_task_by_vpid", (long) thread);
            }
            case 2 -> {
                task = result;
                if (task >= 0) {
                    step = 6;
                    return KernelCall.of(Buffers.FREE, block);
                }
                if (forWhom != null && !forWhom.hold(thread)) {
                    step = 4;
                    return KernelCall.of("wake_q_add_safe", block, task);
                }
                return KernelCall.of("signal_wake_up_state", task, 0L);
            }
            case 3 -> {
                if (forWhom != null) {
                    forWhom.release();
                }
                return KernelCall.of("wake_q_add_safe", block, task);
            }
            case 4 -> {
                return KernelCall.of("wake_up_q", block);
            }
            case 5 -> {
                return KernelCall.of(Buffers.FREE, block);
            }
            default -> {
                return null;
            }
        }
    }
}
