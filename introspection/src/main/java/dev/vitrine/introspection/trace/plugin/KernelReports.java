// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.FunctionListener;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.call.Tables;
import dev.vitrine.introspection.trace.plugin.CrashesPlugin.KernelCrash;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the kernel reports of itself. Which message is a report says its format, as the kernel's own
 * code has it, so that nobody can fake one by writing to the log; what it says is what the kernel
 * has made of the format.
 */
final class KernelReports {
    /** DIE_OOPS of enum die_val: all oopses of x86 are told to those who want to know by it. */
    private static final int OOPS = 1;

    private static final int FORMAT = 256;
    private static final int MESSAGE = 1024;
    private static final int WORD = 8;

    /** Bytes of a va_list's saved registers that are general ones: System V ABI, 3.5.7. */
    private static final int SAVED_REGISTERS = 48;

    /** Threads that are about to report something; more would be of threads that never did. */
    private static final int MAX_PENDING = 1 << 10;

    /** Where to look for the trouble, as the table has it. */
    private enum Place {
        SAVED,
        INTERRUPTED,
        SLEEPER,
        HERE
    }

    private record Report(String operation, Place place, String contained) {}

    /** A message that is being made. */
    private record Pending(Report report, long text, long sleeper) {}

    private static final List<Report> REPORTS = load();

    private final TraceContext context;
    private final SavedRegisters.Reader registers;
    private final @Nullable KernelStack stack;
    private final long interrupted;
    private final long comm;
    private final long pid;

    /** Registers of warnings, and messages of oopses, by the thread that is to report them. */
    private final Map<Long, Long> warned = new ConcurrentHashMap<>();

    private final Map<Long, String> causes = new ConcurrentHashMap<>();

    private KernelReports(TraceContext context, SavedRegisters.Reader registers) {
        LinuxKernel k = context.kernel();
        this.context = context;
        this.registers = registers;
        stack = KernelStack.of(k, new LoadedModules(k), registers);
        interrupted = k.hasSymbol("__irq_regs") ? k.resolve("__irq_regs") : -1;
        comm = k.offset("task_struct", "comm");
        pid = k.offset("task_struct", "pid");
    }

    private static List<Report> load() {
        List<Report> all = new ArrayList<>();
        for (String line : Tables.lines(KernelReports.class, "reports.tbl")) {
            String[] parts = line.split(" +", 3);
            all.add(
                    new Report(
                            parts[0], Place.valueOf(parts[1].toUpperCase(Locale.ROOT)), parts[2]));
        }
        return List.copyOf(all);
    }

    /** Tells a kernel's reports from now on. */
    static void start(TraceContext context, SavedRegisters.Reader registers) {
        KernelReports r = new KernelReports(context, registers);
        context.onFunction("notify_die", r::died);
        context.onFunction("__warn", r::warns);
        if (context.kernel().hasSymbol("printk_sprint")) {
            context.onReturn("printk_sprint", r.new Messages());
        } else {
            context.onFunction("panic", r::panics);
        }
    }

    /** An oops: value, message, registers, error. */
    private void died(Moment m) {
        if ((int) m.argument(0) != OOPS) {
            return;
        }
        String cause = causes.remove(m.task().address());
        String message = m.text(m.argument(1), MESSAGE).strip();
        SavedRegisters r = registers.at(m, m.argument(2));
        emit(m, "oops", cause == null ? message : cause, r, stack(m, r), null);
    }

    /** A warning: file, line, caller, taint, registers. */
    private void warns(Moment m) {
        if (warned.size() >= MAX_PENDING) {
            warned.clear();
        }
        warned.put(m.task().address(), m.argument(4));
    }

    /** Kernels that do not say what they make of a format. */
    private void panics(Moment m) {
        emit(m, "panic", m.text(m.argument(0), MESSAGE).strip(), null, here(m), null);
    }

    private List<String> stack(Moment m, @Nullable SavedRegisters r) {
        return stack == null || r == null ? List.of() : stack.from(m, r);
    }

    /** Who has called printk. */
    private List<String> here(Moment m) {
        List<String> all = stack == null ? List.of() : stack.here(m);
        int first = 0;
        for (int i = 0; i < all.size(); i++) {
            if (all.get(i).contains("printk")) {
                first = i + 1;
            }
        }
        return all.subList(first, all.size());
    }

    private void emit(
            Moment m,
            String operation,
            String message,
            @Nullable SavedRegisters r,
            List<String> trace,
            @Nullable Long process) {
        String module = null;
        for (String frame : trace) {
            int at = frame.indexOf('[');
            if (at >= 0) {
                module = frame.substring(at + 1, frame.length() - 1);
                break;
            }
        }
        context.emit(m, new KernelCrash(operation, message, module, process, trace, r));
    }

    /** printk_sprint: text, size, facility, flags, format, arguments. */
    private final class Messages implements FunctionListener {
        @Override
        public @Nullable Object entered(Moment m) {
            String format = m.text(m.argument(4), FORMAT);
            for (Report r : REPORTS) {
                if (format.contains(r.contained)) {
                    long sleeper = r.place == Place.SLEEPER ? sleeper(m, m.argument(5)) : 0;
                    return new Pending(r, m.argument(0), sleeper);
                }
            }
            return null;
        }

        @Override
        public void returned(Moment m, Object note) {
            Pending p = (Pending) note;
            int length = (int) Math.clamp(m.result() & 0xFFFF, 0, MESSAGE);
            String message = m.text(p.text, length).strip();
            if (p.report.operation.equals("cause")) {
                if (causes.size() >= MAX_PENDING) {
                    causes.clear();
                }
                causes.put(m.task().address(), message);
                return;
            }
            SavedRegisters r =
                    switch (p.report.place) {
                        case SAVED -> saved(m);
                        case INTERRUPTED -> ofInterrupted(m);
                        case SLEEPER, HERE -> null;
                    };
            List<String> trace =
                    p.sleeper != 0 && stack != null
                            ? stack.ofSleeping(m, p.sleeper)
                            : r != null ? stack(m, r) : here(m);
            Long process = p.sleeper == 0 ? null : Long.valueOf(m.number(p.sleeper + pid, 4));
            emit(m, p.report.operation, message, r, trace, process);
        }

        private @Nullable SavedRegisters saved(Moment m) {
            Long at = warned.remove(m.task().address());
            return at == null ? null : registers.at(m, at);
        }

        private @Nullable SavedRegisters ofInterrupted(Moment m) {
            return interrupted < 0 || !m.inInterrupt()
                    ? null
                    : registers.at(m, m.processorNumber(interrupted, WORD));
        }

        /** The thread whose name and number are the arguments; 0 if they are not. */
        private long sleeper(Moment m, long list) {
            try {
                long used = m.number(list, 4);
                long general = m.pointer(list + 2 * WORD);
                long others = m.pointer(list + WORD);
                long[] values = new long[2];
                for (int i = 0; i < values.length; i++) {
                    boolean register = used < SAVED_REGISTERS;
                    values[i] = m.pointer(register ? general + used : others);
                    used += register ? WORD : 0;
                    others += register ? 0 : WORD;
                }
                long task = values[0] - comm;
                return m.number(task + pid, 4) == (values[1] & 0xFFFF_FFFFL) ? task : 0;
            } catch (IntrospectionException e) {
                return 0;
            }
        }
    }
}
