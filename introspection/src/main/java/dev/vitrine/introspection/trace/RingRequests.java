// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.trace.call.CapturedArguments;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Follows requests of io_uring to their results, and tells them as system calls are told: a call
 * begins when a thread of the process executes the request for the first time, and returns when it
 * has a result. Most have one when the function returns that executes the operation. Others wait,
 * and are executed again or completed from elsewhere; then the result is seen where the kernel is
 * about to put it on the ring.
 */
final class RingRequests {
    /** Is given a request that has a result. */
    private static final String COMPLETES = "io_req_complete_post";

    /** Is given a ring, with a list of its requests that have one. */
    private static final String FLUSHES = "__io_submit_flush_completions";

    /** Is given a request, and the result that it gets from a device that is polled. */
    private static final String POLLED = "io_complete_rw_iopoll";

    /** Posts one result of several: of a ring and its user_data, until 6.8. */
    private static final String POSTS_OF_RING = "io_post_aux_cqe";

    /** The same of a request, since then. */
    private static final String POSTS_OF_REQUEST = "io_req_post_cqe";

    private static final int EAGAIN = -11;

    /** Also says that a request of several results has had its last one (IOU_STOP_MULTISHOT). */
    private static final int ECANCELED = -125;

    /** Of the kernel itself: no system call returns such (include/linux/errno.h). */
    private static final int FIRST_INTERNAL = -512;

    /** More will come (IORING_CQE_F_MORE). */
    private static final int MORE = 2;

    /** Requests that are under way at a time; each may have two paths of a page. */
    private static final int MAX_OPEN = 1 << 15;

    /** Of the list of those that are completed together: the kernel makes shorter ones. */
    private static final int MAX_LIST = 1 << 16;

    /** A request that has no last result. */
    private static final class Open {
        private final RingRequest origin;
        private final CapturedArguments arguments;
        private final long function;
        private final CallListener[] listeners;
        private final Task submitter;
        private final long time;
        private final int vcpu;
        private final long cr3;
        private @Nullable TracedCall call;
        private boolean ended;

        /** Has failed with EAGAIN, after which the kernel may try again. */
        private boolean waits;

        Open(
                Moment m,
                RingRequest origin,
                CapturedArguments arguments,
                long function,
                CallListener[] listeners) {
            this.origin = origin;
            this.arguments = arguments;
            this.function = function;
            this.listeners = listeners;
            submitter = m.task();
            time = m.time();
            vcpu = m.vcpu();
            cr3 = m.cr3();
        }

        /** The call, which begins now if it has not. */
        TracedCall begun(Moment m) {
            TracedCall c = call;
            if (c == null) {
                c =
                        new TracedCall(
                                arguments, listeners, origin, m.time(), m.vcpu(), m.cr3(),
                                m.task());
                call = c;
                c.entered(m);
            }
            return c;
        }

        /** The call of a request that nobody has executed. */
        TracedCall refused() {
            return new TracedCall(arguments, listeners, origin, time, vcpu, cr3, submitter);
        }
    }

    private final Tracer tracer;
    private final int dataLimit;
    private final Map<String, List<CallListener>> wanted = new ConcurrentHashMap<>();
    private final Map<Long, Open> requests = new ConcurrentHashMap<>();

    /** What a thread executes now, by its task_struct. */
    private final Map<Long, Open> executed = new ConcurrentHashMap<>();

    private final long result;
    private final long completed;
    private final long next;

    RingRequests(Tracer tracer, LinuxKernel k, int dataLimit) {
        this.tracer = tracer;
        this.dataLimit = dataLimit;
        result = k.member("io_kiocb", "cqe.res").offset();
        Member list = k.types().member("io_ring_ctx", "submit_state.compl_reqs.first");
        completed = list == null ? -1 : list.offset();
        next = k.optionalOffset("io_kiocb", "comp_list.next");
    }

    /**
     * Has a listener called for operations.
     *
     * @param operation such as IORING_OP_READ
     */
    void listen(String operation, CallListener listener) {
        wanted.computeIfAbsent(operation, n -> new CopyOnWriteArrayList<>()).add(listener);
    }

    boolean hasListeners() {
        return !wanted.isEmpty();
    }

    boolean wants(String operation) {
        return wanted.containsKey(operation);
    }

    /**
     * Sets the breakpoints.
     *
     * @param functions what executes the operations that are listened to
     */
    void start(LinuxKernel kernel, Set<Long> functions) {
        executions(functions);
        if (kernel.hasSymbol(COMPLETES)) {
            tracer.hook(COMPLETES, m -> completes(m, m.argument(0)));
        }
        if (kernel.hasSymbol(FLUSHES) && completed >= 0 && next >= 0) {
            tracer.hook(FLUSHES, this::flushes);
        }
        if (kernel.hasSymbol(POLLED)) {
            // A request begins with what is its kiocb, too.
            tracer.hook(POLLED, m -> completes(m, m.argument(0), (int) m.argument(1)));
        }
        if (kernel.hasSymbol(POSTS_OF_REQUEST)) {
            tracer.hook(
                    POSTS_OF_REQUEST,
                    m -> {
                        Open open = executed.get(m.entry().address);
                        if (open != null && open.origin.address() == m.argument(0)) {
                            posts(m, open, (int) m.argument(1), m.argument(2));
                        }
                    });
        } else if (kernel.hasSymbol(POSTS_OF_RING)) {
            tracer.hook(
                    POSTS_OF_RING,
                    m -> {
                        Open open = executed.get(m.entry().address);
                        if (open != null
                                && open.origin.ring() == m.argument(0)
                                && open.origin.userData() == m.argument(1)) {
                            posts(m, open, (int) m.argument(2), m.argument(3));
                        }
                    });
        }
    }

    /**
     * A request has been taken over from a ring.
     *
     * @param arguments what they point to has been read as far as it is in memory
     * @param function what executes it
     */
    void prepared(Moment m, RingRequest origin, CapturedArguments arguments, long function) {
        // Another one was at the address, whose end was not seen.
        Open before = requests.get(origin.address());
        if (before != null) {
            lost(before);
        }
        List<CallListener> all = wanted.get(arguments.call().name());
        if (all == null) {
            return;
        }
        boolean full = requests.size() >= MAX_OPEN;
        if (full) {
            close();
        }
        requests.put(
                origin.address(),
                new Open(m, origin, arguments, function, all.toArray(new CallListener[0])));
        if (full) {
            throw new IntrospectionException(
                    "More requests of io_uring are under way than can be followed, so that results"
                            + " of some are not seen.");
        }
    }

    /** Sets breakpoints at functions that execute operations, and where these return. */
    private void executions(Set<Long> functions) {
        FunctionReturns returns = new FunctionReturns(tracer, new Execution());
        for (long f : functions) {
            tracer.hook(
                    f,
                    m -> {
                        // Functions of operations call and jump to those of others.
                        Open open = requests.get(m.argument(0));
                        if (open != null && open.function == f) {
                            returns.entered(m);
                        }
                    });
        }
    }

    private final class Execution implements FunctionListener {
        @Override
        public @Nullable Object entered(Moment m) {
            Open open = requests.get(m.argument(0));
            if (open == null) {
                return null;
            }
            executed.put(m.entry().address, open);
            synchronized (open) {
                open.waits = false;
                open.arguments.entered(ProcessReader.of(m, dataLimit, open.arguments, 0));
                open.begun(m);
            }
            return open;
        }

        @Override
        public void returned(Moment m, Object note) {
            Open open = (Open) note;
            executed.remove(m.entry().address);
            int value = (int) m.result();
            if (value == 0) {
                completes(m, open, (int) m.number(open.origin.address() + result, 4));
            } else if (value > FIRST_INTERNAL && value != EAGAIN && value != ECANCELED) {
                completes(m, open, value);
            }
        }
    }

    /** A request has one result, and will have others. */
    private static void posts(Moment m, Open open, int value, long flags) {
        synchronized (open) {
            if ((flags & MORE) != 0 && !open.ended) {
                open.begun(m).returned(m, m.time(), value);
            }
        }
    }

    private void flushes(Moment m) {
        long at = m.pointer(m.argument(0) + completed);
        for (int i = 0; i < MAX_LIST && at != 0 && !requests.isEmpty(); i++) {
            completes(m, at - next);
            at = m.pointer(at);
        }
    }

    private void completes(Moment m, long address) {
        if (requests.containsKey(address)) {
            completes(m, address, (int) m.number(address + result, 4));
        }
    }

    private void completes(Moment m, long address, int value) {
        Open open = requests.get(address);
        if (open != null) {
            if (value == EAGAIN) {
                synchronized (open) {
                    open.waits = true;
                }
            } else {
                completes(m, open, value);
            }
        }
    }

    private void completes(Moment m, Open open, int value) {
        requests.remove(open.origin.address(), open);
        synchronized (open) {
            if (open.ended) {
                return;
            }
            open.ended = true;
            // A worker of the kernel may do it for a process that has ended.
            boolean here = m.task().pid() == open.submitter.pid();
            TracedCall call = open.call != null || here ? open.begun(m) : open.refused();
            if (here && open.arguments.isFilledIn()) {
                open.arguments.returned(
                        ProcessReader.of(m, dataLimit, open.arguments, value), false);
            }
            call.returned(here ? m : null, m.time(), value);
        }
    }

    /** Tells a request whose end is not seen, or who has failed and may have been tried again. */
    private void lost(Open open) {
        requests.remove(open.origin.address(), open);
        synchronized (open) {
            if (open.ended) {
                return;
            }
            open.ended = true;
            TracedCall call = open.call != null ? open.call : open.refused();
            try {
                if (open.waits) {
                    call.returned(null, call.began(), EAGAIN);
                } else {
                    call.tell(null);
                }
            } catch (IntrospectionException e) {
                tracer.problem(e);
            }
        }
    }

    /** Tells all requests that have no result, in the order in which they were submitted. */
    void close() {
        List<Open> left = new ArrayList<>(requests.values());
        left.sort(Comparator.comparingLong(o -> o.time));
        left.forEach(this::lost);
    }
}
