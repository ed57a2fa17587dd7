// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.RingListener;
import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.call.ErrorNames;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Set;

/** Each system call, and each operation that io_uring does in place of one. */
public final class SystemCallsPlugin implements TracePlugin {
    /**
     * An operation is submitted to io_uring: by the thread that calls io_uring_enter, or by one of
     * the kernel's that works for its process.
     *
     * @param operation such as IORING_OP_READ
     * @param flags names of those that all operations may have, such as IOSQE_ASYNC; "0" if none
     * @param args what the operation was given; what the kernel fills in is told by its address
     * @param user_data by which the program will know it
     * @param ring address of the ring's io_ring_ctx: rings may use the same user_data
     */
    public record RingOperation(
            String operation, String flags, Arguments args, Address user_data, Address ring)
            implements Event {
        @Override
        public String kind() {
            return "io_uring";
        }
    }

    /**
     * An operation of io_uring has been done, once of several times if its flags have
     * IORING_CQE_F_MORE. Told when it is seen on the ring, which may be later than it came there,
     * and then by another thread.
     *
     * @param user_data by which the program knows the operation
     * @param ring address of the ring's io_ring_ctx
     * @param result what it returned
     * @param error name of the error, if the result is one
     * @param flags names of the completion's flags; "0" if none
     */
    public record RingCompletion(
            Address user_data, Address ring, int result, @Nullable String error, String flags)
            implements Event {
        @Override
        public String kind() {
            return "io_uring_completion";
        }
    }

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
        return List.of(SystemCall.class, RingOperation.class, RingCompletion.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        context.onCalls(Set.of(), (m, call, note) -> context.emit(call, call.event()));
        context.onRings(
                new RingListener() {
                    @Override
                    public void submitted(
                            Moment m,
                            long ring,
                            String operation,
                            String flags,
                            Arguments arguments,
                            long data) {
                        context.emit(
                                m,
                                new RingOperation(
                                        operation,
                                        flags,
                                        arguments,
                                        new Address(data),
                                        new Address(ring)));
                    }

                    @Override
                    public void completed(
                            Moment m, long ring, long data, int result, String flags) {
                        context.emit(
                                m,
                                new RingCompletion(
                                        new Address(data),
                                        new Address(ring),
                                        result,
                                        ErrorNames.of(result),
                                        flags));
                    }
                });
    }
}
