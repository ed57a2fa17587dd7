// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import java.util.List;

/**
 * A process: a thread group of Linux, or a thread of the kernel.
 *
 * @param pid its number in the first PID namespace
 * @param ppid that of its parent
 * @param uid effective user number
 * @param threads how many threads it has
 * @param state as in /proc/PID/stat: R running, S sleeping, D waiting for a device, T stopped, t
 *     traced, Z dead, X gone, P parked, I idle
 * @param comm its name, 15 characters at most
 * @param name its name as ps shows it: threads of the kernel have longer ones
 * @param arguments its command line, words separated by spaces; empty for threads of the kernel, or
 *     if its page is not in memory
 * @param directory guest-physical address of its page tables; 0 for threads of the kernel
 * @param numbers its number in each PID namespace that sees it, from the first one to its own
 * @param pidNamespace inode number of its own PID namespace; 0 if it has none any more
 * @param mountNamespace inode number of its mount namespace, as /proc/PID/ns/mnt has it; 0 if it
 *     has none any more
 * @param networkNamespace inode number of its network namespace; 0 if it has none any more
 * @param task linear address of its task_struct
 */
public record LinuxProcess(
        int pid,
        int ppid,
        long uid,
        int threads,
        char state,
        String comm,
        String name,
        String arguments,
        long directory,
        List<Integer> numbers,
        long pidNamespace,
        long mountNamespace,
        long networkNamespace,
        long task) {}
