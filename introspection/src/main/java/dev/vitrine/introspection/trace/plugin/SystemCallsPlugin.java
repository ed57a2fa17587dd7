// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Address;
import dev.vitrine.introspection.trace.Event;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.SystemCall;
import dev.vitrine.introspection.trace.TraceContext;
import dev.vitrine.introspection.trace.TracePlugin;
import dev.vitrine.introspection.trace.call.RingNames;

import java.util.List;
import java.util.Set;

/** Each system call, and each operation that io_uring does in place of one. */
public final class SystemCallsPlugin implements TracePlugin {
    /**
     * An operation of io_uring is issued: by the thread that calls io_uring_enter, or by one of the
     * kernel's that works for its process. One that has to wait is issued again.
     *
     * @param operation such as IORING_OP_READ
     * @param fd the descriptor that it is for
     * @param user_data by which the program will know it
     */
    public record RingOperation(String operation, long fd, Address user_data) implements Event {
        @Override
        public String kind() {
            return "io_uring";
        }
    }

    private static final String ISSUE = "io_issue_sqe";

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
        return List.of(SystemCall.class, RingOperation.class);
    }

    @Override
    public void start(TraceContext context, Moment at) {
        context.onCalls(Set.of(), (m, call, note) -> context.emit(call, call.event()));
        LinuxKernel k = context.kernel();
        // A kernel without io_uring, or one that has it in another form.
        if (k.hasSymbol(ISSUE) && k.types().member("io_kiocb", "cqe.fd") != null) {
            long opcode = k.member("io_kiocb", "opcode").offset();
            long data = k.member("io_kiocb", "cqe.user_data").offset();
            long fd = k.member("io_kiocb", "cqe.fd").offset();
            context.onFunction(
                    ISSUE,
                    m -> {
                        long request = m.argument(0);
                        context.emit(
                                m,
                                new RingOperation(
                                        RingNames.of((int) m.number(request + opcode, 1)),
                                        (int) m.number(request + fd, 4),
                                        new Address(m.pointer(request + data))));
                    });
        }
    }
}
