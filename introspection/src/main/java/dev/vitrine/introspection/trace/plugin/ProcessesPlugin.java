// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.LinuxProcess;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.Task;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.call.SignalNames;

import org.jspecify.annotations.Nullable;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Processes and threads: how they begin and end, and what happens to them. */
public final class ProcessesPlugin implements TracePlugin {
    /**
     * One that was there when the trace began.
     *
     * @param process its number
     * @param parent that of its parent
     * @param name what ps calls it
     * @param arguments its command line; empty for threads of the kernel
     */
    public record Present(int process, int parent, String name, String arguments) implements Event {
        @Override
        public String kind() {
            return "process";
        }
    }

    /**
     * A thread begins, or a process, which is one with a new number of a thread group. It has not
     * executed anything.
     *
     * @param child thread group of the new one
     * @param child_tid thread
     * @param thread whether it belongs to the process of the one that made it
     */
    public record Forked(int child, int child_tid, boolean thread) implements Event {
        @Override
        public String kind() {
            return "fork";
        }
    }

    /**
     * A process has another program.
     *
     * @param path as the caller gave it
     * @param argv arguments
     * @param envp environment
     */
    public record Executed(String path, List<String> argv, List<String> envp) implements Event {
        @Override
        public String kind() {
            return "exec";
        }
    }

    /**
     * A thread ends.
     *
     * @param status what it gave to exit; null if a signal ends it
     * @param signal that ends it; null if none does
     * @param main whether it is the first thread of its process
     */
    public record Exited(@Nullable Long status, @Nullable String signal, boolean main)
            implements Event {
        @Override
        public String kind() {
            return "exit";
        }
    }

    /**
     * A signal is sent; the kernel sends some for the thread that it executes, such as SIGCHLD.
     *
     * @param signal its name
     * @param target process that it is for
     * @param target_tid thread that it is for, or the main one
     * @param target_comm name of that thread
     */
    public record Signalled(String signal, int target, int target_tid, String target_comm)
            implements Event {
        @Override
        public String kind() {
            return "signal";
        }
    }

    /** A thread has other users, groups or rights. */
    public record Credentials(
            long old_uid,
            long old_euid,
            long old_gid,
            long old_egid,
            long new_uid,
            long new_euid,
            long new_gid,
            long new_egid,
            Address old_capabilities,
            Address new_capabilities)
            implements Event {
        @Override
        public String kind() {
            return "credentials";
        }
    }

    private static final int PATH = 4096;

    /** The kernel takes a quarter of the stack, 8 MiB by default; more is cut. */
    private static final int MAX_BYTES = 1 << 20;

    private static final String[] IDS = {"uid", "euid", "gid", "egid"};
    private static final String CAPABILITIES = "cap_effective";

    @Override
    public String name() {
        return "processes";
    }

    @Override
    public String summary() {
        return "fork, exec with arguments and environment, exit, signals, credentials";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(
                Present.class,
                Forked.class,
                Executed.class,
                Exited.class,
                Signalled.class,
                Credentials.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        for (LinuxProcess p : k.processes()) {
            context.emit(at, new Present(p.pid(), p.ppid(), p.name(), p.arguments()));
        }
        context.onFunction("wake_up_new_task", m -> context.emit(m, forked(m)));
        long exit = k.member("linux_binprm", "filename").offset();
        Arguments arguments = new Arguments(k);
        context.onFunction(
                "finalize_exec",
                m ->
                        context.emit(
                                m,
                                new Executed(
                                        m.text(m.pointer(m.argument(0) + exit), PATH),
                                        arguments.read(m, "arg_start", "arg_end"),
                                        arguments.read(m, "env_start", "env_end"))));
        context.onFunction("do_exit", m -> context.emit(m, exited(m)));
        context.onFunction(
                k.hasSymbol("__send_signal_locked")
                        ? "__send_signal_locked"
                        : k.hasSymbol("__send_signal") ? "__send_signal" : "send_signal_locked",
                m -> context.emit(m, signalled(m)));
        credentials(context, k);
    }

    private static Forked forked(Moment m) {
        Task child = m.task(m.argument(0));
        return new Forked(child.pid(), child.tid(), child.pid() == m.task().pid());
    }

    private static Exited exited(Moment m) {
        int code = (int) m.argument(0);
        int signal = code & 0x7F;
        Task t = m.task();
        return new Exited(
                signal == 0 ? (long) (code >> 8 & 0xFF) : null,
                signal == 0 ? null : SignalNames.of(signal),
                t.pid() == t.tid());
    }

    private static Signalled signalled(Moment m) {
        Task target = m.task(m.argument(2));
        return new Signalled(
                SignalNames.of((int) m.argument(0)), target.pid(), target.tid(), target.comm());
    }

    private static void credentials(TraceContext context, LinuxKernel k) {
        long current = k.member("task_struct", "cred").offset();
        long[] at = new long[IDS.length];
        for (int i = 0; i < at.length; i++) {
            at[i] = k.member("cred", IDS[i]).offset();
        }
        long capabilities = k.member("cred", CAPABILITIES).offset();
        context.onFunction(
                "commit_creds",
                m -> {
                    long before = m.pointer(m.task().address() + current);
                    long after = m.argument(0);
                    long[] old = new long[at.length];
                    long[] now = new long[at.length];
                    boolean same = true;
                    for (int i = 0; i < at.length; i++) {
                        old[i] = m.number(before + at[i], 4);
                        now[i] = m.number(after + at[i], 4);
                        same &= old[i] == now[i];
                    }
                    long could = m.number(before + capabilities, 8);
                    long can = m.number(after + capabilities, 8);
                    // Each exec commits the ones that there were.
                    if (!same || could != can) {
                        context.emit(
                                m,
                                new Credentials(
                                        old[0],
                                        old[1],
                                        old[2],
                                        old[3],
                                        now[0],
                                        now[1],
                                        now[2],
                                        now[3],
                                        new Address(could),
                                        new Address(can)));
                    }
                });
    }

    /** The texts that a program starts with, on its stack. */
    private static final class Arguments {
        private final LinuxKernel kernel;
        private final long mm;

        Arguments(LinuxKernel kernel) {
            this.kernel = kernel;
            this.mm = kernel.member("task_struct", "mm").offset();
            for (String s : new String[] {"arg_start", "arg_end", "env_start", "env_end"}) {
                kernel.member("mm_struct", s);
            }
        }

        List<String> read(Moment m, String start, String end) {
            long memory = m.pointer(m.task().address() + mm);
            long from = m.pointer(memory + kernel.member("mm_struct", start).offset());
            long to = m.pointer(memory + kernel.member("mm_struct", end).offset());
            byte[] b = new byte[(int) Math.clamp(to - from, 0, MAX_BYTES)];
            List<String> list = new ArrayList<>();
            if (!m.read(from, b, 0, b.length)) {
                return list;
            }
            for (int at = 0; at < b.length; ) {
                int stop = at;
                while (stop < b.length && b[stop] != 0) {
                    stop++;
                }
                list.add(new String(b, at, stop - at, StandardCharsets.UTF_8));
                at = stop + 1;
            }
            return list;
        }
    }
}
