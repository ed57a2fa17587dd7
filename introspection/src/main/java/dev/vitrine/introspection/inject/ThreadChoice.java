// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.linux.LinuxKernel;

/** Which threads of the guest are taken for calls, by what their task_struct tells. */
final class ThreadChoice {
    /** Bytes of a thread's stack, at least (arch/x86/include/asm/page_64_types.h). */
    private static final long STACK = 16384;

    /** What the functions called need of it, as far as it is known. */
    private static final long NEEDED = 9000;

    private final long currentTask;
    private final long stack;
    private final long tgid;
    private final long cred;
    private final long fs;
    private final long fsuid;
    private final long userNamespace;
    private final long firstNamespace;
    private final long root;
    private final long firstTask;
    private final long number;
    private final long level;

    ThreadChoice(LinuxKernel k) {
        currentTask = k.currentTask();
        stack = k.member("task_struct", "stack").offset();
        tgid = k.member("task_struct", "tgid").offset();
        cred = k.member("task_struct", "cred").offset();
        fs = k.member("task_struct", "fs").offset();
        fsuid = k.member("cred", "fsuid").offset();
        userNamespace = k.member("cred", "user_ns").offset();
        firstNamespace = k.resolve("init_user_ns");
        root = k.member("fs_struct", "root").offset();
        firstTask = k.resolve("init_task");
        number = k.member("task_struct", "thread_pid").offset();
        level = k.member("pid", "level").offset();
    }

    /** Where, in the memory of a processor, its thread is named. */
    long currentTask() {
        return currentTask;
    }

    /**
     * Whether a thread may be taken: there is room on its stack, and it is of the process that is
     * wanted; or, if any will do, it is root's, in the first user and PID namespaces, and sees the
     * files that the kernel's threads see.
     */
    boolean fits(VcpuMemory at, long task, int process) {
        long left = at.stackPointer() - at.number(task + stack, 8);
        if (left < NEEDED || left > 2 * STACK) {
            return false;
        }
        if (process != 0) {
            return at.number(task + tgid, 4) == process;
        }
        long c = at.number(task + cred, 8);
        if (at.number(c + fsuid, 4) != 0 || at.number(c + userNamespace, 8) != firstNamespace) {
            return false;
        }
        if (at.number(at.number(task + number, 8) + level, 4) != 0) {
            return false;
        }
        long own = at.number(task + fs, 8) + root;
        long first = at.number(firstTask + fs, 8) + root;
        // struct path: the mount and the entry in it.
        return at.number(own, 8) == at.number(first, 8)
                && at.number(own + 8, 8) == at.number(first + 8, 8);
    }
}
