// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;

import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Reads who a thread is. What it takes many steps to find, the path of the program and the control
 * group, is kept as long as the pointers that lead there are the same.
 */
final class TaskReader {
    private static final int COMM = 16;
    private static final int NAME = 255;
    private static final int DEPTH = 64;

    /** Of the preemption count: NMIs, interrupts, and deferred ones being served (preempt.h). */
    private static final int IN_INTERRUPT = 0xFF_0100;

    /** Threads that are known at a time: so many are alive in few guests. */
    private static final int MAX_THREADS = 1 << 17;

    private final ThreadTable threads;
    private final Paths paths;
    private final long currentTask;
    private final long processor;
    private final long preemptCount;
    private final int first;
    private final int length;
    private final int pid;
    private final int tgid;
    private final int parent;
    private final int comm;
    private final int cred;
    private final int mm;
    private final int nsproxy;
    private final int cgroups;
    private final long parentTgid;
    private final long euid;
    private final long executable;
    private final long defaultGroup;
    private final long groupNode;
    private final long nodeName;
    private final long nodeParent;
    private final long mountNamespace;
    private final long mountNumber;
    private final long pidNamespace;
    private final long pidNumber;

    /**
     * @param dropped gets calls whose ends will not be seen
     */
    TaskReader(LinuxKernel k, Paths paths, Consumer<TracedCall> dropped) {
        this.paths = paths;
        this.threads = new ThreadTable(MAX_THREADS, dropped);
        // Both are offsets in the memory of a processor, which GS points to.
        currentTask = k.currentTask();
        processor =
                k.hasSymbol("cpu_number")
                        ? k.resolve("cpu_number")
                        : k.hasSymbol("pcpu_hot")
                                ? k.resolve("pcpu_hot") + k.offset("pcpu_hot", "cpu_number")
                                : -1;
        preemptCount =
                k.hasSymbol("__preempt_count")
                        ? k.resolve("__preempt_count")
                        : k.hasSymbol("pcpu_hot")
                                ? k.resolve("pcpu_hot") + k.offset("pcpu_hot", "preempt_count")
                                : -1;
        String[] names = {"pid", "tgid", "real_parent", "comm", "cred", "mm", "nsproxy", "cgroups"};
        long[] at = new long[names.length];
        long low = Long.MAX_VALUE;
        long high = 0;
        for (int i = 0; i < names.length; i++) {
            boolean there = k.types().member("task_struct", names[i]) != null;
            at[i] = there ? k.member("task_struct", names[i]).offset() : -1;
            if (there) {
                low = Math.min(low, at[i]);
                high = Math.max(high, at[i] + COMM);
            }
        }
        first = (int) low;
        length = (int) (high - low);
        pid = inside(at[0]);
        tgid = inside(at[1]);
        parent = inside(at[2]);
        comm = inside(at[3]);
        cred = inside(at[4]);
        mm = inside(at[5]);
        nsproxy = inside(at[6]);
        cgroups = inside(at[7]);
        parentTgid = at[1];
        euid = k.offset("cred", "euid");
        executable = k.offset("mm_struct", "exe_file");
        mountNamespace = k.optionalOffset("nsproxy", "mnt_ns");
        mountNumber = k.optionalOffset("mnt_namespace", "ns.inum");
        pidNamespace = k.optionalOffset("nsproxy", "pid_ns_for_children");
        pidNumber = k.optionalOffset("pid_namespace", "ns.inum");
        defaultGroup = k.optionalOffset("css_set", "dfl_cgrp");
        groupNode = k.optionalOffset("cgroup", "kn");
        nodeName = k.optionalOffset("kernfs_node", "name");
        // Since 6.15 or so.
        long renamed = k.optionalOffset("kernfs_node", "__parent");
        nodeParent = renamed >= 0 ? renamed : k.optionalOffset("kernfs_node", "parent");
    }

    private int inside(long offset) {
        return offset < 0 ? -1 : (int) (offset - first);
    }

    ThreadTable threads() {
        return threads;
    }

    /** The thread that a vCPU executes. */
    ThreadTable.Entry current(Moment m) {
        return threads.get(m.numberOr(m.gsBase() + currentTask, 8, 0));
    }

    int processor(Moment m) {
        return processor < 0 ? -1 : (int) m.numberOr(m.gsBase() + processor, 4, -1);
    }

    boolean inInterrupt(Moment m) {
        return preemptCount >= 0
                && (m.numberOr(m.gsBase() + preemptCount, 4, 0) & IN_INTERRUPT) != 0;
    }

    /** Who a thread is now. */
    Task task(Moment m, ThreadTable.Entry e) {
        synchronized (e) {
            return read(m, e);
        }
    }

    private Task read(Moment m, ThreadTable.Entry e) {
        byte[] b = m.scratch(length);
        Task known = e.task;
        if (!m.read(e.address + first, b, 0, length)) {
            return known != null ? known : new Task(e.address, 0, 0, 0, 0, "", "", "", 0, 0);
        }
        long parentAt = LittleEndian.i64(b, parent);
        int ppid = (int) m.numberOr(parentAt + parentTgid, 4, 0);
        long credAt = LittleEndian.i64(b, cred);
        long uid = m.numberOr(credAt + euid, 4, 0);
        long ids = LittleEndian.u32(b, pid) << 32 | LittleEndian.u32(b, tgid);
        long mmAt = LittleEndian.i64(b, mm);
        long namespaces = LittleEndian.i64(b, nsproxy);
        long groups = cgroups < 0 ? 0 : LittleEndian.i64(b, cgroups);
        long low = LittleEndian.i64(b, comm);
        long high = LittleEndian.i64(b, comm + 8);
        boolean same =
                known != null
                        && !e.stale
                        && ids == e.ids
                        && mmAt == e.mm
                        && namespaces == e.namespaces
                        && groups == e.groups;
        if (same
                && known != null
                && ppid == known.ppid()
                && uid == known.uid()
                && low == e.commLow
                && high == e.commHigh) {
            return known;
        }
        Task now =
                new Task(
                        e.address,
                        (int) ids,
                        ppid,
                        (int) (ids >>> 32),
                        uid,
                        comm(b),
                        mmAt == 0 && known != null && ids == e.ids || same && known != null
                                ? known.executable()
                                : executable(m, mmAt),
                        same && known != null ? known.cgroup() : cgroup(m, groups),
                        same && known != null
                                ? known.mountNamespace()
                                : inode(m, namespaces, mountNamespace, mountNumber),
                        same && known != null
                                ? known.pidNamespace()
                                : inode(m, namespaces, pidNamespace, pidNumber));
        e.ids = ids;
        e.mm = mmAt;
        e.namespaces = namespaces;
        e.groups = groups;
        e.commLow = low;
        e.commHigh = high;
        e.stale = false;
        e.task = now;
        return now;
    }

    private String comm(byte[] b) {
        int end = comm;
        while (end < comm + COMM && b[end] != 0) {
            end++;
        }
        return new String(b, comm, end - comm, StandardCharsets.UTF_8);
    }

    private String executable(Moment m, long mmAt) {
        try {
            long file = mmAt == 0 ? 0 : m.pointer(mmAt + executable);
            return file == 0 ? "" : paths.of(m, file);
        } catch (IntrospectionException e) {
            return "";
        }
    }

    private String cgroup(Moment m, long set) {
        if (set == 0 || defaultGroup < 0 || groupNode < 0 || nodeName < 0 || nodeParent < 0) {
            return "";
        }
        try {
            StringBuilder path = new StringBuilder();
            long node = m.pointer(m.pointer(set + defaultGroup) + groupNode);
            for (int i = 0; i < DEPTH && node != 0; i++) {
                long above = m.pointer(node + nodeParent);
                if (above == 0) {
                    break;
                }
                path.insert(0, "/" + m.text(m.pointer(node + nodeName), NAME));
                node = above;
            }
            return path.isEmpty() ? "/" : path.toString();
        } catch (IntrospectionException e) {
            return "";
        }
    }

    private static long inode(Moment m, long proxy, long member, long number) {
        if (proxy == 0 || member < 0 || number < 0) {
            return 0;
        }
        long namespace = m.numberOr(proxy + member, 8, 0);
        return namespace == 0 ? 0 : m.numberOr(namespace + number, 4, 0);
    }
}
