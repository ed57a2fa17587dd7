// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.IntrospectionException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** Walks init_task's list of thread groups. */
final class ProcessList {
    /** PID_MAX_LIMIT. */
    private static final int LIMIT = 1 << 22;

    private static final long PF_WQ_WORKER = 0x20;
    private static final long PF_KTHREAD = 0x0020_0000;

    private static final int MAX_ARGUMENTS = 4096;
    private static final int MAX_NAME = 63;

    /** MAX_PID_NS_LEVEL */
    private static final int MAX_LEVEL = 32;

    /** How the names of workers begin that help out when memory is short. */
    private static final String RESCUER = "kworker/R-";

    /** Letters by the number of the lowest bit of the state, as /proc has them. */
    private static final String STATES = "RSDTtXZPI";

    private static final long TASK_REPORT = 0x7F;
    private static final long TASK_IDLE = 0x402;

    private final LinuxKernel kernel;

    ProcessList(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    private List<KernelObject> tasks() {
        List<KernelObject> list = new ArrayList<>();
        KernelObject init = kernel.object("task_struct", kernel.resolve("init_task"));
        long head = init.addressOf("tasks");
        kernel.part(
                "The list of processes",
                head,
                () -> KernelList.walk(kernel, head, "task_struct", "tasks", LIMIT, list::add));
        return list;
    }

    List<LinuxProcess> all() {
        List<LinuxProcess> list = new ArrayList<>();
        for (KernelObject task : tasks()) {
            kernel.part("The process", task.address(), () -> list.add(process(task)));
        }
        list.sort(Comparator.comparingInt(LinuxProcess::pid));
        return list;
    }

    LinuxProcess find(int pid) {
        return process(task(pid));
    }

    /** The process, of which only what is needed to find it has been read. */
    KernelObject task(int pid) {
        List<KernelObject> found = new ArrayList<>();
        for (KernelObject task : tasks()) {
            kernel.part(
                    "The process",
                    task.address(),
                    () -> {
                        if (task.number("pid") == pid) {
                            found.add(task);
                        }
                    });
            if (!found.isEmpty()) {
                return found.getFirst();
            }
        }
        throw new IntrospectionException("The guest has no process " + pid + ".");
    }

    List<Integer> threads(int pid) {
        List<Integer> list = new ArrayList<>();
        KernelList.walk(
                kernel,
                task(pid).follow("signal", "signal_struct").addressOf("thread_head"),
                "task_struct",
                "thread_node",
                LIMIT,
                t -> list.add((int) t.number("pid")));
        return list;
    }

    private LinuxProcess process(KernelObject task) {
        KernelObject mm = task.follow("mm", "mm_struct");
        long directory = 0;
        String arguments = "";
        if (!mm.isNull()) {
            directory = Math.max(0, kernel.space().translate(mm.number("pgd")));
            arguments = arguments(mm, directory);
        }
        return new LinuxProcess(
                (int) task.number("tgid"),
                (int) task.follow("real_parent", "task_struct").number("tgid"),
                task.follow("real_cred", "cred").number("euid.val"),
                (int) task.follow("signal", "signal_struct").number("nr_threads"),
                state(task.numberOf("__state", "state") & 0xFFFF_FFFFL, task.number("exit_state")),
                task.text("comm"),
                name(task),
                arguments,
                directory,
                numbers(task),
                pidNamespace(task),
                namespace(task, "mnt_ns", "mnt_namespace"),
                namespace(task, "net_ns", "net"),
                task.address());
    }

    private static KernelObject pid(KernelObject task) {
        return task.follow("thread_pid", "pid");
    }

    /** A number of each PID namespace that sees the process, that of the first one first. */
    private List<Integer> numbers(KernelObject task) {
        int first = (int) task.number("tgid");
        if (!task.has("thread_pid") || pid(task).isNull()) {
            return List.of(first);
        }
        KernelObject pid = pid(task);
        List<Integer> list = new ArrayList<>();
        long level = Math.min(MAX_LEVEL, pid.number("level"));
        for (int i = 0; i <= level; i++) {
            list.add((int) number(pid, i).number("nr"));
        }
        return list;
    }

    private KernelObject number(KernelObject pid, long level) {
        long size = kernel.types().size("upid");
        return kernel.object("upid", pid.addressOf("numbers") + level * size);
    }

    private long pidNamespace(KernelObject task) {
        if (!task.has("thread_pid") || pid(task).isNull()) {
            return 0;
        }
        long level = Math.min(MAX_LEVEL, pid(task).number("level"));
        KernelObject namespace = number(pid(task), level).follow("ns", "pid_namespace");
        return namespace.isNull() ? 0 : namespace.number("ns.inum");
    }

    private static long namespace(KernelObject task, String which, String type) {
        KernelObject all = task.follow("nsproxy", "nsproxy");
        if (all.isNull() || !all.has(which)) {
            return 0;
        }
        KernelObject namespace = all.follow(which, type);
        return namespace.isNull() ? 0 : namespace.number("ns.inum");
    }

    private static char state(long state, long exit) {
        if ((state & TASK_IDLE) == TASK_IDLE) {
            return 'I';
        }
        long reported = (state | exit) & TASK_REPORT;
        return STATES.charAt(reported == 0 ? 0 : 1 + Long.numberOfTrailingZeros(reported));
    }

    /**
     * Workers say what they work on; other threads of the kernel may have a name that is longer.
     */
    private String name(KernelObject task) {
        long flags = task.number("flags");
        String comm = task.text("comm");
        if ((flags & (PF_WQ_WORKER | PF_KTHREAD)) == 0) {
            return comm;
        }
        KernelObject kthread =
                task.follow(
                        task.has("worker_private") ? "worker_private" : "set_child_tid", "kthread");
        if (kthread.isNull()) {
            return comm;
        }
        if ((flags & PF_WQ_WORKER) == 0) {
            String full = kthread.has("full_name") ? kthread.textAt("full_name", MAX_NAME) : "";
            return full.isEmpty() ? comm : full;
        }
        KernelObject worker = kthread.follow("data", "worker");
        if (worker.isNull()) {
            return comm;
        }
        String name = comm;
        if (comm.startsWith(RESCUER) && worker.number("rescue_wq") != 0) { // since 6.11
            name = RESCUER + worker.follow("rescue_wq", "workqueue_struct").text("name");
        }
        String work = worker.number("pool") == 0 ? "" : worker.text("desc");
        if (!work.isEmpty()) {
            name += (worker.number("current_work") != 0 ? '+' : '-') + work;
        }
        return name.length() > MAX_NAME ? name.substring(0, MAX_NAME) : name;
    }

    private String arguments(KernelObject mm, long directory) {
        long start = mm.number("arg_start");
        int length = (int) Math.clamp(mm.number("arg_end") - start, 0, MAX_ARGUMENTS);
        kernel.spend(length / 4);
        byte[] b = new byte[length];
        AddressSpace own = kernel.space().withRoot(directory);
        if (directory == 0 || !own.read(start, b, 0, length)) {
            return "";
        }
        return new String(b, StandardCharsets.UTF_8).replace('\0', ' ').strip();
    }
}
