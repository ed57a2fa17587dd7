// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.TracedCall;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/** One process that looks into another. */
public final class PtracePlugin implements TracePlugin {
    /**
     * A process looks into another one, or tries to.
     *
     * @param operation ptrace's request, such as PTRACE_ATTACH, or the name of another call
     * @param target process or thread; of pidfd_getfd the descriptor that stands for it
     * @param address the request's
     * @param data the request's
     * @param result what the call returned
     * @param error name of the error
     */
    public record PtraceEvent(
            String operation,
            long target,
            @Nullable Address address,
            @Nullable Address data,
            @Nullable Long result,
            @Nullable String error)
            implements Event {
        @Override
        public String kind() {
            return "ptrace";
        }
    }

    @Override
    public String name() {
        return "ptrace";
    }

    @Override
    public String summary() {
        return "processes that look into others";
    }

    @Override
    public List<Class<? extends Event>> events() {
        return List.of(PtraceEvent.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        context.onCalls(
                Set.of("ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd"),
                (m, call, note) -> context.emit(call, event(call)));
    }

    private static PtraceEvent event(TracedCall call) {
        Arguments a = call.args();
        boolean ptrace = call.name().equals("ptrace");
        Long result = call.result();
        return new PtraceEvent(
                ptrace ? a.text(0) : call.name(),
                ptrace ? a.value("pid") : a.value(0),
                ptrace ? new Address(a.value("addr")) : null,
                ptrace ? new Address(a.value("data")) : null,
                result,
                call.error());
    }
}
