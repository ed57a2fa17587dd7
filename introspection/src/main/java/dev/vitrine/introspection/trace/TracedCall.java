// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.trace.call.Call;
import dev.vitrine.introspection.trace.call.CapturedArguments;
import dev.vitrine.introspection.trace.call.ErrorNames;

import org.jspecify.annotations.Nullable;

/** A system call, or a request of io_uring in place of one, from its beginning on. */
public final class TracedCall {
    private final Call call;
    private final CapturedArguments arguments;
    private final CallListener[] listeners;
    private final @Nullable Object[] notes;
    private final long registers;
    private final long began;
    private final int vcpu;
    private final long cr3;
    private final Task task;
    private final @Nullable RingRequest request;
    private @Nullable Long result;
    private long ended;
    private int size;

    TracedCall(
            CapturedArguments arguments,
            CallListener[] listeners,
            long registers,
            long began,
            int vcpu,
            long cr3,
            Task task) {
        this(arguments, listeners, registers, null, began, vcpu, cr3, task);
    }

    TracedCall(
            CapturedArguments arguments,
            CallListener[] listeners,
            RingRequest request,
            long began,
            int vcpu,
            long cr3,
            Task task) {
        this(arguments, listeners, 0, request, began, vcpu, cr3, task);
    }

    private TracedCall(
            CapturedArguments arguments,
            CallListener[] listeners,
            long registers,
            @Nullable RingRequest request,
            long began,
            int vcpu,
            long cr3,
            Task task) {
        this.call = arguments.call();
        this.arguments = arguments;
        this.listeners = listeners;
        this.notes = new Object[listeners.length];
        this.registers = registers;
        this.began = began;
        this.vcpu = vcpu;
        this.cr3 = cr3;
        this.task = task;
        this.request = request;
    }

    /** Its name, such as "openat", or "IORING_OP_OPENAT". */
    public String name() {
        return call.name();
    }

    /** The request of io_uring that it is; null if it is a system call. */
    public @Nullable RingRequest request() {
        return request;
    }

    public Arguments args() {
        return arguments;
    }

    /** What it returned; null if it has not, or never will. */
    public @Nullable Long result() {
        return result;
    }

    /** Name of the error that it returned, such as "ENOENT"; null if it did not return one. */
    public @Nullable String error() {
        return result == null ? null : ErrorNames.of(result);
    }

    /** Whether it has returned, and not with an error. */
    public boolean succeeded() {
        return result != null && error() == null;
    }

    /** The domain's clock when it began, ns since its start. */
    public long began() {
        return began;
    }

    /** Number of the processor on which it began. */
    public int vcpu() {
        return vcpu;
    }

    /** CR3 when it began. */
    public long cr3() {
        return cr3;
    }

    /** The thread as it was when the call began. */
    public Task task() {
        return task;
    }

    /** The call as an event. */
    public SystemCall event() {
        return new SystemCall(
                call.abi().label(),
                call.number(),
                call.name(),
                arguments,
                result,
                error(),
                result == null ? null : ended - began);
    }

    Call call() {
        return call;
    }

    CapturedArguments arguments() {
        return arguments;
    }

    /** Linear address of its pt_regs. */
    long registers() {
        return registers;
    }

    /** Bytes of memory that have been read for it. */
    int size() {
        return size;
    }

    void entered(Moment at) {
        size = at.size();
        for (int i = 0; i < listeners.length; i++) {
            notes[i] = listeners[i].entered(at, this);
        }
    }

    /**
     * It has a result.
     *
     * @param at null if the process cannot be looked at
     */
    void returned(@Nullable Moment at, long time, long value) {
        result = value;
        ended = time;
        size += at == null ? 0 : at.size();
        tell(at);
    }

    /** Tells it to its listeners. */
    void tell(@Nullable Moment at) {
        for (int i = 0; i < listeners.length; i++) {
            listeners[i].returned(at, this, notes[i]);
        }
    }
}
