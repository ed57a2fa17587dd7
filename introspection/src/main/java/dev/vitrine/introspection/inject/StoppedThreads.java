// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import org.jspecify.annotations.Nullable;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stopped threads of the guest that have been woken, until they are stopped again. Whoever wakes
 * one has said so here before, so that none gets past the place where it is seen.
 *
 * <p>A tracer must not find its thread running: ptrace(2) would fail, and the kernel complain. Such
 * a thread is woken only while its tracer sleeps, and not within ptrace; and until it is stopped
 * again the tracer is kept from entering it. Thread-safe.
 */
final class StoppedThreads {
    /** TASK_INTERRUPTIBLE (include/linux/sched.h). */
    private static final int INTERRUPTIBLE = 1;

    /** A tracer is at work on the thread (include/linux/sched/jobctl.h). */
    private static final long JOBCTL_PTRACE_FROZEN = 1 << 24;

    /** One that has been woken; each waking is another object. */
    static final class Woken {
        private final int state;
        private final long tracer;

        private Woken(int state, long tracer) {
            this.state = state;
            this.tracer = tracer;
        }

        /** The state that it was woken from, as task_struct has it. */
        int state() {
            return state;
        }
    }

    private final Map<Long, Woken> all = new ConcurrentHashMap<>();

    boolean isEmpty() {
        return all.isEmpty();
    }

    /** Of a thread that is where woken ones come to; null if it was not woken here. */
    @Nullable Woken of(long task) {
        return all.get(task);
    }

    /** Whether a thread traces one that has been woken. */
    boolean hasTracer(long task) {
        return all.values().stream().anyMatch(w -> w.tracer == task);
    }

    /**
     * Says that a thread is about to be woken.
     *
     * @return null if it may not be now: it is not stopped, has been woken, or its tracer works
     */
    @Nullable Woken add(CallMemory memory, long task) {
        int state = state(memory, task);
        if (!StopBracket.isStopped(memory, task, state)) {
            return null;
        }
        boolean traced = (state & StopBracket.TRACED) != 0;
        long tracer = traced ? memory.number(task + memory.offset("task_struct.parent"), 8) : 0;
        Woken w = new Woken(state, tracer);
        if (all.putIfAbsent(task, w) != null) {
            return null;
        }
        // From now on the tracer does not enter; what is left is that it has entered before.
        if (traced && !rests(memory, task, tracer)) {
            all.remove(task, w);
            return null;
        }
        return w;
    }

    /** Before ptrace has its thread it never sleeps so that a signal would wake it. */
    private static boolean rests(CallMemory memory, long task, long tracer) {
        long jobctl = memory.number(task + memory.offset("task_struct.jobctl"), 8);
        return (state(memory, tracer) & (INTERRUPTIBLE | StopBracket.ANY)) != 0
                && (jobctl & JOBCTL_PTRACE_FROZEN) == 0;
    }

    /** It is stopped again, or has not been woken. */
    void remove(long task, Woken w) {
        all.remove(task, w);
    }

    /** Threads that are not stopped in a way that is known here are woken as any other. */
    boolean isStopped(CallMemory memory, long task) {
        return memory.symbol(WakeProcedure.RESUME) != 0
                && (state(memory, task) & StopBracket.ANY) != 0;
    }

    private static int state(CallMemory memory, long task) {
        return (int) memory.number(task + memory.offset("task_struct.__state"), 4);
    }
}
