// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * Sees how a program ends that the kernel has been made to start, by breakpoints alone: no thread
 * of the guest waits for it.
 */
final class ProgramWatch {
    /** What is looked at. */
    static final List<String> MEMBERS =
            List.of(
                    "subprocess_info.argv",
                    "task_struct.pid",
                    "task_struct.tgid",
                    "task_struct.signal",
                    "task_struct.exit_code",
                    "signal_struct.live",
                    "signal_struct.flags",
                    "signal_struct.group_exit_code");

    /** The child's first function; its argument is what it is to start. */
    private static final String CHILD = "call_usermodehelper_exec_async";

    /** The last thread of a process has ended, and its parent is told. */
    private static final String END = "do_notify_parent";

    /** All threads end by one cause (include/linux/sched/signal.h). */
    private static final long SIGNAL_GROUP_EXIT = 4;

    private final LongSupplier arguments;
    private final CompletableFuture<Integer> ended = new CompletableFuture<>();
    private volatile long process = -1;

    /**
     * @param arguments address of the vector of arguments in the kernel's memory, which no other
     *     program has; 0 until it is known
     */
    ProgramWatch(LongSupplier arguments) {
        this.arguments = arguments;
    }

    /** Completed with the status as wait(2) has it. */
    CompletableFuture<Integer> ended() {
        return ended;
    }

    /** Functions at which there are breakpoints. */
    static List<String> functions() {
        return List.of(CHILD, END);
    }

    /** Sets the breakpoints; before the program is started. */
    void start(Breakpoints points, KernelLink link, VcpuMemory.Maker vcpus) {
        points.set(link.space(), link.address(CHILD), p -> child(vcpus.of(p)));
        points.set(link.space(), link.address(END), p -> ends(vcpus.of(p)));
    }

    private void child(VcpuMemory at) {
        try {
            long argv = arguments.getAsLong();
            if (argv != 0
                    && at.number(at.argument(0) + at.offset("subprocess_info.argv"), 8) == argv) {
                process = at.number(at.currentTask() + at.offset("task_struct.tgid"), 4);
            }
        } catch (IntrospectionException e) {
            // Nothing that is not in memory is a program's start.
        }
    }

    private void ends(VcpuMemory at) {
        if (process < 0) {
            return;
        }
        try {
            long task = at.argument(0);
            long pid = at.number(task + at.offset("task_struct.pid"), 4);
            if (pid != process || at.number(task + at.offset("task_struct.tgid"), 4) != pid) {
                return;
            }
            long signal = at.number(task + at.offset("task_struct.signal"), 8);
            if (at.number(signal + at.offset("signal_struct.live"), 4) != 0) {
                return; // Told to a tracer; other threads live.
            }
            long flags = at.number(signal + at.offset("signal_struct.flags"), 4);
            long code =
                    (flags & SIGNAL_GROUP_EXIT) != 0
                            ? signal + at.offset("signal_struct.group_exit_code")
                            : task + at.offset("task_struct.exit_code");
            ended.complete((int) at.number(code, 4));
        } catch (IntrospectionException e) {
            // Nor its end.
        }
    }
}
