// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Content;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.call.SignalNames;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** Programs and kernels that fail. */
public final class CrashesPlugin implements TracePlugin {
    /**
     * A signal ends a program for which the kernel makes a core, if it may; or seccomp ends a
     * thread without one.
     *
     * @param signal its name
     * @param code si_code
     * @param cause its name, such as SEGV_MAPERR; {@code seccomp} for a thread that seccomp ends
     *     without a signal; null if it has none
     * @param address that was accessed, or at which the fault was; null if the signal was sent
     * @param registers those of the program
     */
    public record Crash(
            String signal,
            int code,
            @Nullable String cause,
            @Nullable Address address,
            @Nullable Content registers)
            implements Event {
        @Override
        public String kind() {
            return "crash";
        }
    }

    /**
     * The kernel kills a program since memory has run out.
     *
     * @param process its number
     * @param name of its first thread
     * @param reason what the kernel says: {@code Out of memory} or {@code Memory cgroup out of
     *     memory}
     */
    public record OutOfMemory(int process, String name, String reason) implements Event {
        @Override
        public String kind() {
            return "oom_kill";
        }
    }

    /**
     * The kernel has met something that must not be.
     *
     * @param operation oops, panic, warning, soft_lockup, hard_lockup, hung_task, rcu_stall,
     *     bad_memory (what KASAN, KFENCE and their like find), or bug for other messages of that
     *     kind
     * @param message what the kernel says
     * @param module the first module in the backtrace; null if there is none
     * @param process of a hung task, its number
     * @param backtrace functions that have called each other, the last one first, with offsets, and
     *     the names of modules in square brackets
     * @param registers of when it was met; null where the kernel has not saved any
     */
    public record KernelCrash(
            String operation,
            String message,
            @Nullable String module,
            @Nullable Long process,
            List<String> backtrace,
            @Nullable Content registers)
            implements Event {
        @Override
        public String kind() {
            return "kernel_crash";
        }
    }

    private static final int SIGNAL_CODE = 8;
    private static final int SIGNAL_ADDRESS = 16;
    private static final int REASON = 64;
    private static final int NAME = 16;

    /** The part of an exit code that is a signal. */
    private static final int SIGNAL = 0x7F;

    @Override
    public String name() {
        return "crashes";
    }

    @Override
    public String summary() {
        return "programs that die of faults, and what the kernel reports of itself";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Crash.class, OutOfMemory.class, KernelCrash.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        SavedRegisters.Reader registers = new SavedRegisters.Reader(k);
        // Its name before 6.16 or so, and since then.
        context.onFunction(
                k.hasSymbol("do_coredump") ? "do_coredump" : "vfs_coredump",
                m -> context.emit(m, crash(m, registers)));
        context.onFunction("do_exit", m -> jailed(context, m, registers));
        if (k.hasSymbol("__oom_kill_process")) {
            long pid = k.offset("task_struct", "tgid");
            long comm = k.offset("task_struct", "comm");
            context.onFunction(
                    "__oom_kill_process",
                    m ->
                            context.emit(
                                    m,
                                    new OutOfMemory(
                                            (int) m.number(m.argument(0) + pid, 4),
                                            m.text(m.argument(0) + comm, NAME),
                                            m.text(m.argument(1), REASON))));
        }
        KernelReports.start(context, registers);
    }

    /** struct kernel_siginfo: number, errno, code, and the union behind them. */
    private static Crash crash(Moment m, SavedRegisters.Reader registers) {
        long info = m.argument(0);
        int signal = (int) m.number(info, 4);
        int code = (int) m.number(info + SIGNAL_CODE, 4);
        return new Crash(
                SignalNames.of(signal),
                code,
                SignalNames.code(signal, code),
                code > 0 ? new Address(m.pointer(info + SIGNAL_ADDRESS)) : null,
                registers.ofProgram(m));
    }

    /** Seccomp ends a thread that is not its process's last one, or is strict, by do_exit alone. */
    private static void jailed(TraceContext context, Moment m, SavedRegisters.Reader registers) {
        int signal = (int) m.argument(0) & SIGNAL;
        if (signal == 0) {
            return;
        }
        long caller = m.pointer(m.register(Registers.RSP)) - 1;
        Symbol s;
        synchronized (context.kernel()) {
            s = context.kernel().kernelSymbols().at(caller);
        }
        if (s != null && s.name().matches("__sec(ure_computing|comp_filter).*")) {
            context.emit(
                    m,
                    new Crash(SignalNames.of(signal), 0, "seccomp", null, registers.ofProgram(m)));
        }
    }
}
