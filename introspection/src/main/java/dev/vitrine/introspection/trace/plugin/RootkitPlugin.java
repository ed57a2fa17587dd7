// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** Changes to the kernel that the kernel does not make by itself, and hooks in it. */
public final class RootkitPlugin implements TracePlugin {
    /**
     * Something in the kernel is not as the kernel makes it.
     *
     * @param finding {@code kernel_text} or {@code module_text}, code has been changed; {@code
     *     kernel_data}, data that is read-only; {@code system_call_table}; {@code interrupt_table};
     *     {@code register}, which holds where the kernel is entered, or protects it; {@code
     *     hidden_code}, which nobody has listed is about to be executed or may be; {@code
     *     hidden_module}, one is not in the kernel's list any more; {@code function_pointer}, one
     *     leads to such code, or to somebody else's than before; {@code kprobe} and {@code ftrace},
     *     somebody has hooked a function by the kernel's own means
     * @param place a symbol and an offset, a register, or a file of /proc
     * @param address linear address; of a register its number
     * @param old bytes in hexadecimal as they are in memory, or a register's value
     * @param now the same
     * @param target symbol or address that it leads to
     * @param owner whose code that is: a module, or kernel, bpf, ftrace or kprobes; null for
     *     nobody's
     * @param by where the instruction is that comes behind the one that did it, {@code outside} for
     *     somebody outside of the guest, or {@code check} for what was found by looking
     */
    public record Finding(
            String finding,
            String place,
            Address address,
            @Nullable String old,
            @Nullable String now,
            @Nullable String target,
            @Nullable String owner,
            String by)
            implements Event {
        @Override
        public String kind() {
            return "rootkit";
        }
    }

    @Override
    public String name() {
        return "rootkit";
    }

    @Override
    public String summary() {
        return "changes to the kernel's code, tables and entries, hooks, hidden modules";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(Finding.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        KernelGuard guard = new KernelGuard(context, k);
        if (at.task().pid() == 1) {
            guard.begin(at);
        } else {
            // Before the first process the kernel still changes what is read-only later.
            context.onFunction(
                    k.hasSymbol("begin_new_exec") ? "begin_new_exec" : "flush_old_exec",
                    m -> {
                        if (m.task().pid() == 1) {
                            guard.begin(m);
                        }
                    });
        }
    }
}
