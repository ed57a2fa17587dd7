// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.KernelModule;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;

import java.util.List;

/** Modules of the kernel. */
public final class ModulesPlugin implements TracePlugin {
    /**
     * A module comes or goes.
     *
     * @param operation present, when the trace begins; load, before its own code runs; unload
     * @param module its name
     */
    public record ModuleEvent(String operation, String module) implements Event {
        @Override
        public String kind() {
            return "module";
        }
    }

    private static final int NAME = 56;

    @Override
    public String name() {
        return "modules";
    }

    @Override
    public String summary() {
        return "modules of the kernel that are loaded and unloaded";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(ModuleEvent.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        LinuxKernel k = context.kernel();
        for (KernelModule m : k.modules()) {
            context.emit(at, new ModuleEvent("present", m.name()));
        }
        long name = k.member("module", "name").offset();
        context.onFunction(
                "do_init_module",
                m -> context.emit(m, new ModuleEvent("load", m.text(m.argument(0) + name, NAME))));
        context.onFunction(
                "free_module",
                m ->
                        context.emit(
                                m, new ModuleEvent("unload", m.text(m.argument(0) + name, NAME))));
    }
}
