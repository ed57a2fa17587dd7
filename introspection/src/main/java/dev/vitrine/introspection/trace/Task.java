// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * The thread that a vCPU executes, as far as all events tell it.
 *
 * @param address linear address of its task_struct
 * @param pid thread group, in the first PID namespace
 * @param ppid thread group of the parent
 * @param tid thread
 * @param uid effective user
 * @param comm name of the thread
 * @param executable path of the program; empty for threads of the kernel
 * @param cgroup path of its control group in the second version's hierarchy
 * @param mountNamespace inode number of its mount namespace, as /proc/PID/ns/mnt has it; 0 if the
 *     thread has none any more
 * @param pidNamespace inode number of the PID namespace of its children
 */
public record Task(
        long address,
        int pid,
        int ppid,
        int tid,
        long uid,
        String comm,
        String executable,
        String cgroup,
        long mountNamespace,
        long pidNamespace) {}
