// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Content;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.call.SignalNames;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** Programs and kernels that fail. */
public final class CrashesPlugin implements TracePlugin {
    /**
     * A signal ends a program for which the kernel makes a core, if it may.
     *
     * @param signal its name
     * @param code si_code
     * @param address that was accessed, or at which the fault was; null if the signal was sent
     * @param registers those of the program
     */
    public record Crash(
            String signal, int code, @Nullable Address address, @Nullable Content registers)
            implements Event {
        @Override
        public String kind() {
            return "crash";
        }
    }

    /**
     * The kernel has met something that must not be.
     *
     * @param operation oops or panic
     * @param message what it says, for a panic with the places of its arguments left open
     * @param registers of an oops, those of when it was met
     */
    public record KernelCrash(String operation, String message, @Nullable Content registers)
            implements Event {
        @Override
        public String kind() {
            return "kernel_crash";
        }
    }

    private static final int SIGNAL_CODE = 8;
    private static final int SIGNAL_ADDRESS = 16;
    private static final int MESSAGE = 256;

    @Override
    public String name() {
        return "crashes";
    }

    @Override
    public String summary() {
        return "programs that die of a fault, oopses and panics of the kernel";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Crash.class, KernelCrash.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        // Its name before 6.16 or so, and since then.
        SavedRegisters.Reader registers = new SavedRegisters.Reader(k);
        context.onFunction(
                k.hasSymbol("do_coredump") ? "do_coredump" : "vfs_coredump",
                m -> context.emit(m, crash(m, registers)));
        // Page faults of the kernel do not go by die().
        context.onFunction(
                k.hasSymbol("__die") ? "__die" : "die",
                m ->
                        context.emit(
                                m,
                                new KernelCrash(
                                        "oops",
                                        m.text(m.argument(0), MESSAGE).strip(),
                                        registers.at(m, m.argument(1)))));
        context.onFunction(
                "panic",
                m ->
                        context.emit(
                                m,
                                new KernelCrash(
                                        "panic", m.text(m.argument(0), MESSAGE).strip(), null)));
    }

    /** struct kernel_siginfo: number, errno, code, and the union behind them. */
    private static Crash crash(Moment m, SavedRegisters.Reader registers) {
        long info = m.argument(0);
        int code = (int) m.number(info + SIGNAL_CODE, 4);
        return new Crash(
                SignalNames.of((int) m.number(info, 4)),
                code,
                code > 0 ? new Address(m.pointer(info + SIGNAL_ADDRESS)) : null,
                registers.ofProgram(m));
    }
}
