// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Member;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.call.Abi;
import dev.vitrine.introspection.trace.call.CapturedArguments;
import dev.vitrine.introspection.trace.call.RingCalls;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Sees what programs and the kernel put on the rings of io_uring. Submissions are seen where the
 * kernel prepares a request of one: each operation has a function for that, which a table leads to,
 * and which is reached once for each submission, whoever executes it then, and how often. Requests
 * are completed in many places, so that completions are read from the ring, wherever the kernel
 * goes next.
 */
final class RingHooks {
    /** The functions that prepare requests of an operation and execute them; 0 if there is none. */
    private record Operation(long prepare, long execute) {}

    /** A table of operations: its symbol, and the structure of its entries. */
    private record Table(String symbol, String structure) {}

    /** Since 6.3 and since 6.0; before, there was no table that leads to functions. */
    private static final List<Table> TABLES =
            List.of(
                    new Table("io_issue_defs", "io_issue_def"),
                    new Table("io_op_defs", "io_op_def"));

    /** Functions that are given a ring, and are reached before or after something is completed. */
    private static final List<String> OF_RING =
            List.of(
                    "__io_submit_flush_completions",
                    "io_fill_cqe_aux",
                    "io_post_aux_cqe",
                    "io_cqring_event_overflow",
                    "__io_commit_cqring_flush");

    /** The same for functions that are given a request. */
    private static final List<String> OF_REQUEST =
            List.of("io_req_complete_post", "io_req_post_cqe");

    /**
     * Reached by a thread that works for a program when it has done a request; has its io_wq_work.
     */
    private static final String WORK_DONE = "io_wq_free_work";

    /** The program has closed the ring. */
    private static final String CLOSED = "io_ring_ctx_wait_and_kill";

    /** Opcodes are bytes. */
    private static final int MAX_OPERATIONS = 256;

    /** The most that the kernel makes (IORING_MAX_CQ_ENTRIES, io_uring/io_uring.c). */
    private static final int MAX_ENTRIES = 1 << 16;

    /** Rings that are remembered. */
    private static final int MAX_RINGS = 1 << 14;

    private static final int COMPLETION_SIZE = 16;
    private static final int LARGE_COMPLETIONS = 1 << 11;

    private static final class Ring {
        private final int pid;

        /** The number of completions that have been told, in 32 bits. */
        private int seen;

        /** What is completed now nobody can see; another ring may be at the address next. */
        private volatile boolean closed;

        Ring(int pid) {
            this.pid = pid;
        }
    }

    private final Tracer tracer;
    private final LinuxKernel kernel;
    private final int dataLimit;
    private final RingRequests requests;
    private final List<RingListener> listeners = new CopyOnWriteArrayList<>();
    private final Map<Long, Ring> rings = new ConcurrentHashMap<>();
    private final Map<Abi, RingCalls> calls = new EnumMap<>(Abi.class);
    private final long opcode;
    private final long userData;
    private final long context;
    private final long work;
    private final long pages;
    private final long cachedTail;
    private final long capacity;
    private final long flags;
    private final long tail;
    private final long entries;
    private final @Nullable Member compatible;

    private RingHooks(Tracer tracer, LinuxKernel k, int dataLimit) {
        this.tracer = tracer;
        this.kernel = k;
        this.dataLimit = dataLimit;
        this.requests = new RingRequests(tracer, k, dataLimit);
        for (Abi abi : Abi.values()) {
            calls.put(abi, new RingCalls(abi));
        }
        opcode = k.member("io_kiocb", "opcode").offset();
        userData = k.member("io_kiocb", "cqe.user_data").offset();
        context = k.member("io_kiocb", "ctx").offset();
        Member m = k.types().member("io_kiocb", "work");
        work = m == null ? -1 : m.offset();
        pages = k.member("io_ring_ctx", "rings").offset();
        cachedTail = k.member("io_ring_ctx", "cached_cq_tail").offset();
        capacity = k.member("io_ring_ctx", "cq_entries").offset();
        flags = k.member("io_ring_ctx", "flags").offset();
        tail = k.member("io_rings", "cq.tail").offset();
        entries = k.member("io_rings", "cqes").offset();
        compatible = k.types().member("io_ring_ctx", "compat");
    }

    /** Those of a kernel; null if it has no io_uring, or one of another form. */
    static @Nullable RingHooks of(Tracer tracer, LinuxKernel kernel, int dataLimit) {
        for (Table t : TABLES) {
            if (kernel.hasSymbol(t.symbol) && kernel.types().member(t.structure, "prep") != null) {
                return new RingHooks(tracer, kernel, dataLimit);
            }
        }
        return null;
    }

    void listen(RingListener listener) {
        listeners.add(listener);
    }

    /**
     * Has a listener called for operations, as for system calls.
     *
     * @param names of which those of operations are taken, such as IORING_OP_READ
     */
    void listen(Set<String> names, CallListener listener) {
        for (String n : names) {
            if (n.startsWith(RingCalls.PREFIX)) {
                requests.listen(n, listener);
            }
        }
    }

    /** Sets the breakpoints. */
    void start(CallHooks systemCalls) {
        if (listeners.isEmpty() && !requests.hasListeners()) {
            return;
        }
        List<Operation> operations = operations();
        Set<Long> prepare = new HashSet<>();
        Set<Long> execute = new HashSet<>();
        for (int i = 0; i < operations.size(); i++) {
            boolean wanted = requests.wants(RingCalls.name(i));
            if (wanted && operations.get(i).execute != 0) {
                execute.add(operations.get(i).execute);
            }
            if (wanted || !listeners.isEmpty()) {
                prepare.add(operations.get(i).prepare);
            }
        }
        for (long function : prepare) {
            tracer.hook(function, m -> prepares(m, operations, function));
        }
        if (requests.hasListeners()) {
            requests.start(kernel, execute);
        }
        if (!listeners.isEmpty()) {
            completions(systemCalls);
        }
    }

    /** Sets breakpoints where completions may be on rings. */
    private void completions(CallHooks systemCalls) {
        OF_RING.forEach(name -> hook(name, m -> look(m, m.argument(0))));
        OF_REQUEST.forEach(name -> hook(name, m -> look(m, m.pointer(m.argument(0) + context))));
        if (work >= 0) {
            hook(WORK_DONE, m -> look(m, m.pointer(m.argument(0) - work + context)));
        }
        hook(
                CLOSED,
                m -> {
                    look(m, m.argument(0));
                    ring(m, m.argument(0)).closed = true;
                });
        systemCalls.listen(
                Set.of("io_uring_enter"),
                (m, call, note) -> {
                    if (m != null) {
                        rings.forEach((at, ring) -> {
                            if (ring.pid == call.task().pid()) {
                                look(m, at);
                            }
                        });
                    }
                });
    }

    /** Tells the requests that have no result. */
    void close() {
        requests.close();
    }

    private void hook(String name, Consumer<Moment> action) {
        if (kernel.hasSymbol(name)) {
            tracer.hook(name, action);
        }
    }

    /** The operations by opcode. */
    private List<Operation> operations() {
        List<Operation> list = new ArrayList<>();
        for (Table t : TABLES) {
            if (!kernel.hasSymbol(t.symbol)) {
                continue;
            }
            long at = kernel.resolve(t.symbol);
            long prepare = kernel.member(t.structure, "prep").offset();
            long execute = kernel.member(t.structure, "issue").offset();
            long size = kernel.types().size(t.structure);
            for (int i = 0; i < MAX_OPERATIONS; i++) {
                long entry = at + i * size;
                long function = kernel.pointer(entry + prepare);
                Symbol s = function == 0 ? null : kernel.kernelSymbols().at(function);
                // The table is as long as there are such functions.
                if (s == null || s.address() != function || !s.name().contains("prep")) {
                    break;
                }
                list.add(new Operation(function, kernel.pointer(entry + execute)));
            }
            break;
        }
        return list;
    }

    /** A request is prepared; its submission is the second argument. */
    private void prepares(Moment m, List<Operation> operations, long function) {
        long request = m.argument(0);
        int operation = (int) m.number(request + opcode, 1);
        // Some operations' functions call those of others.
        if (operation >= operations.size() || operations.get(operation).prepare != function) {
            return;
        }
        byte[] entry = new byte[RingCalls.ENTRY_SIZE];
        if (!m.read(m.argument(1), entry, 0, entry.length)) {
            throw new IntrospectionException("A submission of an io_uring is not in memory.");
        }
        long ring = m.pointer(request + context);
        RingCalls table = Objects.requireNonNull(calls.get(abi(m, ring)));
        CapturedArguments arguments = table.arguments(operation, entry);
        arguments.entered(ProcessReader.of(m, dataLimit, arguments, 0));
        long data = m.pointer(request + userData);
        if (requests.hasListeners()) {
            // What is filled in later is not for those who tell the submission at once.
            requests.prepared(
                    m,
                    new RingRequest(request, ring, data, RingCalls.isFixedFile(entry)),
                    arguments.isFilledIn() ? table.arguments(operation, entry) : arguments,
                    operations.get(operation).execute);
        }
        if (listeners.isEmpty()) {
            return;
        }
        if (ring(m, ring).closed) {
            rings.remove(ring);
            ring(m, ring);
        }
        for (RingListener l : listeners) {
            l.submitted(
                    m, ring, RingCalls.name(operation), RingCalls.flags(entry), arguments, data);
        }
    }

    /** The ABI that the ring's structures have, whoever executes its requests. */
    private Abi abi(Moment m, long ring) {
        TracedCall open = m.entry().open();
        Abi abi = open == null ? Abi.X64 : open.call().abi();
        if (compatible == null) {
            return abi;
        }
        boolean is32 = compatible.value(m.number(ring + compatible.offset(), 1)) != 0;
        return !is32 ? Abi.X64 : abi == Abi.X32 ? Abi.X32 : Abi.I386;
    }

    private Ring ring(Moment m, long address) {
        Ring known = rings.get(address);
        if (known != null) {
            return known;
        }
        if (rings.size() >= MAX_RINGS) {
            rings.values().removeIf(r -> r.closed);
        }
        if (rings.size() >= MAX_RINGS) {
            throw new IntrospectionException("There are too many rings of io_uring.");
        }
        return rings.computeIfAbsent(address, a -> new Ring(m.task().pid()));
    }

    /** Tells what has been completed on a ring since the last look. */
    private void look(Moment m, long address) {
        Ring ring = ring(m, address);
        if (!ring.closed) {
            synchronized (ring) {
                look(m, address, ring);
            }
        }
    }

    private void look(Moment m, long address, Ring ring) {
        long memory = m.pointer(address + pages);
        long size = m.number(address + capacity, 4);
        if (memory == 0 || size == 0 || size > MAX_ENTRIES || (size & size - 1) != 0) {
            return;
        }
        int done = (int) m.number(memory + tail, 4);
        int ahead = (int) m.number(address + cachedTail, 4) - done;
        if (ahead < 0 || ahead > size) {
            // The number is in the program's memory, too, who may write anything there.
            return;
        }
        int shift = (m.number(address + flags, 4) & LARGE_COMPLETIONS) != 0 ? 1 : 0;
        int lost = Math.max(0, done - ring.seen - (int) size);
        ring.seen = done - ring.seen < 0 ? done : ring.seen + lost;
        byte[] b = new byte[COMPLETION_SIZE];
        while (ring.seen != done) {
            long slot = (ring.seen & size - 1) << shift;
            ring.seen++;
            if (!m.read(memory + entries + slot * COMPLETION_SIZE, b, 0, b.length)) {
                throw new IntrospectionException("A completion of an io_uring is not in memory.");
            }
            long data = LittleEndian.i64(b, 0);
            int result = LittleEndian.i32(b, 8);
            String names = RingCalls.completionFlags(LittleEndian.u32(b, 12));
            for (RingListener l : listeners) {
                l.completed(m, address, data, result, names);
            }
        }
        if (lost > 0) {
            throw new IntrospectionException(
                    lost + " completions of an io_uring were overwritten before they were seen.");
        }
    }
}
