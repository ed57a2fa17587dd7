// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/**
 * Another procedure, done by a stopped thread that has been woken for it; then the thread stops
 * again, unless it has been continued or killed meanwhile. For that its state is set as it was,
 * under the locks under which the kernel sets it (siglock, and pi_lock as in {@code
 * set_special_state} of include/linux/sched.h), and it executes the call of {@code schedule} once
 * more that it has come back from. So nobody is told of a stop or a continuation, and what wait(2)
 * and a tracer see of the thread is not touched.
 */
final class StopBracket implements Procedure {
    /** What is looked at; a kernel that lacks any of it has no such bits either. */
    static final List<String> MEMBERS =
            List.of(
                    "task_struct.__state",
                    "task_struct.jobctl",
                    "task_struct.parent",
                    "task_struct.pi_lock",
                    "task_struct.sighand",
                    "sighand_struct.siglock");

    /** __TASK_STOPPED and __TASK_TRACED (include/linux/sched.h). */
    private static final int STOPPED = 4;

    static final int TRACED = 8;
    static final int ANY = STOPPED | TRACED;

    /** JOBCTL_STOPPED and JOBCTL_TRACED (include/linux/sched/jobctl.h): until it is continued. */
    private static final long JOBCTL_STOPPED = 1 << 26;

    private static final long JOBCTL_TRACED = 1 << 27;

    private static final String LOCK = "_raw_spin_lock_irqsave";
    private static final String UNLOCK = "_raw_spin_unlock_irqrestore";

    /** In kernels with PREEMPT_RT siglock is one that sleeps, and pi_lock is not. */
    static final String SLEEPING_LOCK = "rt_spin_lock";

    static final String SLEEPING_UNLOCK = "rt_spin_unlock";

    private enum State {
        WITHIN,
        LOCKED,
        LOCKED_TWICE,
        SET,
        UNLOCKED
    }

    private final Procedure within;
    private final long task;
    private final int stopped;
    private State state = State.WITHIN;
    private boolean sleeping;
    private boolean again;
    private long lock;
    private long flags;
    private @Nullable IntrospectionException failed;

    /**
     * @param task the thread's task_struct
     * @param stopped the state that it was woken from, as task_struct has it
     */
    StopBracket(Procedure within, long task, int stopped) {
        this.within = within;
        this.task = task;
        this.stopped = stopped;
    }

    /** Whether a kernel has all that is needed. */
    static boolean isKnown(LinuxKernel k) {
        return MEMBERS.stream()
                .allMatch(m -> {
                    int dot = m.indexOf('.');
                    return k.optionalOffset(m.substring(0, dot), m.substring(dot + 1)) >= 0;
                });
    }

    /** Functions that stop a thread, in a kernel whose siglock sleeps or does not. */
    static List<String> needed(boolean sleeping) {
        return sleeping
                ? List.of(LOCK, UNLOCK, SLEEPING_LOCK, SLEEPING_UNLOCK)
                : List.of(LOCK, UNLOCK);
    }

    /** Whether a thread in such a state is marked as stopped, and nobody has continued it. */
    static boolean isStopped(CallMemory memory, long task, int state) {
        long jobctl = memory.number(task + memory.offset("task_struct.jobctl"), 8);
        return (jobctl & ((state & STOPPED) != 0 ? JOBCTL_STOPPED : JOBCTL_TRACED)) != 0;
    }

    /** Whether, in the end, the thread is to execute the call again that it has come back from. */
    boolean again() {
        return again;
    }

    @Override
    public Set<String> functions() {
        return within.functions();
    }

    @Override
    public @Nullable KernelCall next(CallMemory memory, long result) {
        switch (state) {
            case WITHIN -> {
                try {
                    KernelCall call = within.next(memory, result);
                    if (call != null) {
                        return call;
                    }
                } catch (IntrospectionException e) {
                    failed = e;
                }
                sleeping = memory.symbol(SLEEPING_LOCK) != 0;
                lock =
                        memory.number(task + memory.offset("task_struct.sighand"), 8)
                                + memory.offset("sighand_struct.siglock");
                state = State.LOCKED;
                return KernelCall.of(sleeping ? SLEEPING_LOCK : LOCK, lock);
            }
            case LOCKED -> {
                flags = result;
                if (!isStopped(memory, task, stopped)) {
                    return unlock();
                }
                state = State.LOCKED_TWICE;
                return KernelCall.of(LOCK, task + memory.offset("task_struct.pi_lock"));
            }
            case LOCKED_TWICE -> {
                byte[] b = new byte[4];
                LittleEndian.put32(b, 0, stopped);
                memory.write(task + memory.offset("task_struct.__state"), b);
                again = true;
                state = State.SET;
                return KernelCall.of(UNLOCK, task + memory.offset("task_struct.pi_lock"), result);
            }
            case SET -> {
                return unlock();
            }
            case UNLOCKED -> {
                IntrospectionException e = failed;
                if (e != null) {
                    throw e;
                }
                return null;
            }
        }
        throw new IllegalStateException();
    }

    private KernelCall unlock() {
        state = State.UNLOCKED;
        return sleeping ? KernelCall.of(SLEEPING_UNLOCK, lock) : KernelCall.of(UNLOCK, lock, flags);
    }

    @Override
    public boolean interrupted() {
        return within.interrupted();
    }
}
