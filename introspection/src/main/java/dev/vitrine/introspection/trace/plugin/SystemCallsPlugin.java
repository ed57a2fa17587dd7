// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;

import java.util.List;
import java.util.Set;

/** Each system call. */
public final class SystemCallsPlugin implements TracePlugin {
    @Override
    public String name() {
        return "syscalls";
    }

    @Override
    public String summary() {
        return "each system call with its arguments and result";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(SystemCall.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        context.onCalls(Set.of(), (m, call, note) -> context.emit(call, call.event()));
    }
}
