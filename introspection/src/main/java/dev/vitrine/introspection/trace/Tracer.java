// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.hypervisor.InstalledHook;
import dev.vitrine.hypervisor.MonitorEvent;
import dev.vitrine.hypervisor.Subscription;
import dev.vitrine.introspection.AddressSpace;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.linux.SymbolFile;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.ObjLongConsumer;

/**
 * Lets plugins see what happens in a Linux guest, from the first system call of the first process
 * on. The kernel is found when that comes; until then nothing is known.
 */
public final class Tracer implements AutoCloseable {
    private static final int POLL_MILLIS = 10;
    private static final int USER = 3;
    private static final int INT80 = 0x80;
    private static final int GATE = 16;
    private static final int GATE_PRESENT = 0x80;

    /** Bytes that an event takes up besides what has been read for it. */
    private static final int EVENT_SIZE = 512;

    private final Domain domain;
    private final List<SymbolFile> files;
    private final List<TracePlugin> plugins;
    private final EventSink sink;
    private final int dataLimit;
    private final Breakpoints points;

    /** What is to end with the trace, beside the breakpoints. */
    private final List<AutoCloseable> watches = new CopyOnWriteArrayList<>();

    /** Pages that were written from outside, and whom that is to be told. */
    private final Queue<Consumer<Moment>> fromOutside = new ConcurrentLinkedQueue<>();

    private final PhysicalMemory memory;
    private final Thread waiting;
    private final List<InstalledHook> entries = new ArrayList<>();
    private final Map<Processor, Moment> moments = new ConcurrentHashMap<>();
    private volatile @Nullable Session session;
    private volatile boolean closed;
    private @Nullable String failure;
    private long problems;
    private @Nullable String firstProblem;

    /**
     * Traces a domain, which may not have begun to run.
     *
     * @param files symbol files for what the kernel does not tell itself; may be empty
     * @param plugins what makes events
     * @param sink gets them
     * @param dataLimit bytes of buffers that events have, at the most
     * @param mechanism how breakpoints are made
     */
    public Tracer(
            Domain domain,
            List<SymbolFile> files,
            List<TracePlugin> plugins,
            EventSink sink,
            int dataLimit,
            Breakpoints.Mechanism mechanism) {
        this.domain = domain;
        this.files = files;
        this.plugins = plugins;
        this.sink = sink;
        this.dataLimit = dataLimit;
        this.points = Breakpoints.of(domain, mechanism);
        this.memory = Target.of(domain).memory();
        this.waiting = new Thread(this::await, "tracer of " + domain.name());
        waiting.setDaemon(true);
        waiting.start();
    }

    // --------------------------------------------------------------- finding the kernel

    /**
     * Linux sets up the entries of system calls seconds before its first process runs. The domain
     * is not paused to look at them: under the virtual clock its interrupts would come at other
     * instructions. What is read while the vCPU runs need not fit together, but entries stay, and
     * are mapped in every process.
     */
    private void await() {
        Set<Long> set = ConcurrentHashMap.newKeySet();
        try {
            while (!closed && session == null && !domain.stopped().isDone()) {
                Registers r = domain.vcpu(0).registers();
                if (r.lstar() != 0 && AddressSpace.is64Bit(r)) {
                    AddressSpace space = AddressSpace.of(memory, r);
                    long[] all = {r.lstar(), r.cstar(), r.sysenterEip(), interrupt(space, r)};
                    // The others only when a program runs that has not used the first.
                    int wanted = r.privilege() == USER ? all.length : 1;
                    for (int i = 0; i < wanted; i++) {
                        long at = all[i];
                        if (at != 0 && space.translate(at) >= 0 && set.add(at)) {
                            entry(points.set(space, at, this::entered));
                        }
                    }
                }
                Thread.sleep(POLL_MILLIS);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Where INT 0x80 leads to; 0 if nowhere yet (SDM volume 3, 6.14.1). */
    private static long interrupt(AddressSpace space, Registers r) {
        byte[] gate = new byte[GATE];
        if (!space.read(r.idt().base() + INT80 * GATE, gate, 0, GATE)
                || (gate[5] & GATE_PRESENT) == 0) {
            return 0;
        }
        return LittleEndian.u16(gate, 0)
                | LittleEndian.u16(gate, 6) << 16 & 0xFFFF_0000L
                | LittleEndian.u32(gate, 8) << 32;
    }

    private synchronized void entry(InstalledHook hook) {
        if (session != null || closed) {
            hook.close();
        } else {
            entries.add(hook);
        }
    }

    /** The first system call: now there is a kernel. */
    private synchronized void entered(Processor p) {
        if (session != null || closed) {
            return;
        }
        try {
            LinuxKernel kernel = LinuxKernel.attach(Target.of(memory, List.of(p.state())), files);
            Session s = new Session(kernel, p);
            session = s;
            s.start(new Moment(p, s.tasks, s.direct, domain.clock()::now).atEntry());
        } catch (IntrospectionException e) {
            failure = String.valueOf(e.getMessage());
            points.close();
            closed = true;
        }
        entries.forEach(InstalledHook::close);
        entries.clear();
    }

    /** Why nothing is traced; null if all is well, or there was no process. */
    public synchronized @Nullable String failure() {
        return failure;
    }

    /**
     * How many times a plugin could not read what it needed; each may be an event that is not
     * there.
     */
    public synchronized long problems() {
        return problems;
    }

    /** The first of the problems; null if there are none. */
    public synchronized @Nullable String firstProblem() {
        return firstProblem;
    }

    synchronized void problem(RuntimeException e) {
        problems++;
        if (firstProblem == null) {
            firstProblem =
                    e instanceof IntrospectionException
                            ? String.valueOf(e.getMessage())
                            : e.toString();
        }
    }

    // ----------------------------------------------------------------------- breakpoints

    /** Has something called at a symbol of the kernel. */
    void hook(String symbol, Consumer<Moment> action) {
        Session s = session;
        if (s != null) {
            hook(s.kernel.resolve(symbol), action);
        }
    }

    /** Has something called at an address of the kernel. */
    void hook(long address, Consumer<Moment> action) {
        Session s = session;
        if (s != null) {
            // One of its own: several vCPUs may set breakpoints where functions return.
            AddressSpace known = s.kernel.space();
            points.set(known.withRoot(known.root()), address, p -> reached(s, p, action));
        }
    }

    private void reached(Session s, Processor p, Consumer<Moment> action) {
        if (closed) {
            return;
        }
        for (Consumer<Moment> late; (late = fromOutside.poll()) != null; ) {
            call(s, p, late);
        }
        call(s, p, action);
    }

    /** A guest is bad input: what a plugin throws because of it must not end the vCPU. */
    private void call(Session s, Processor p, Consumer<Moment> action) {
        Moment m = moments.get(p);
        if (m == null) {
            m = new Moment(p, s.tasks, s.direct, domain.clock()::now);
            moments.put(p, m);
        }
        try {
            action.accept(m.again());
        } catch (RuntimeException e) {
            problem(e);
        }
    }

    /** What there is once the kernel has been found. */
    private final class Session implements TraceContext {
        private final LinuxKernel kernel;
        private final Paths paths;
        private final TaskReader tasks;
        private final DirectMap direct;
        private final CallHooks calls;
        private final Processor first;
        private final List<Consumer<Moment>> ends = new CopyOnWriteArrayList<>();
        private final @Nullable RingHooks rings;

        Session(LinuxKernel kernel, Processor first) {
            this.kernel = kernel;
            this.first = first;
            this.paths = Paths.ofMounts(kernel);
            this.tasks = new TaskReader(kernel, paths, c -> CallHooks.drop(Tracer.this, c));
            this.direct = new DirectMap(kernel, memory);
            this.calls = new CallHooks(Tracer.this, kernel, tasks, dataLimit);
            this.rings = RingHooks.of(Tracer.this, kernel, dataLimit);
        }

        void start(Moment at) {
            for (TracePlugin p : plugins) {
                p.start(this, at);
            }
            if (rings != null) {
                rings.start(calls);
            }
            if (calls.hasListeners()) {
                calls.start();
            }
            hook("do_exit", calls::exited);
        }

        @Override
        public LinuxKernel kernel() {
            return kernel;
        }

        @Override
        public Paths paths() {
            return paths;
        }

        @Override
        public void onCalls(Set<String> names, CallListener listener) {
            calls.listen(names, listener);
            if (rings != null) {
                rings.listen(names, listener);
            }
        }

        @Override
        public void onRings(RingListener listener) {
            if (rings != null) {
                rings.listen(listener);
            }
        }

        @Override
        public void onFunction(String name, Consumer<Moment> reached) {
            hook(name, reached);
        }

        @Override
        public void onReturn(String name, FunctionListener listener) {
            hook(name, new FunctionReturns(Tracer.this, listener)::entered);
        }

        @Override
        public void onFreshCode(ObjLongConsumer<Moment> reached) {
            watches.add(
                    domain.hooks()
                            .watchFreshCode((p, linear) ->
                                    reached(this, p, m -> reached.accept(m, linear))));
        }

        @Override
        public InstalledHook onWrites(long linear, long length, PageListener written) {
            Map<Long, Long> pages = new HashMap<>();
            synchronized (kernel.space()) {
                // Modules come and go.
                kernel.space().flush();
                for (long at = linear & -4096L; at < linear + length; at += 4096) {
                    long physical = kernel.space().translate(at);
                    if (physical >= 0) {
                        pages.put(physical >>> 12, at);
                    }
                }
            }
            InstalledHook watch =
                    domain.hooks()
                            .watchWrites(
                                    pages.keySet().stream().mapToLong(gfn -> gfn).toArray(),
                                    (gfn, by) -> {
                                        long at = pages.getOrDefault(gfn, linear);
                                        if (by != null) {
                                            reached(this, by, m -> written.written(m, at, false));
                                        } else {
                                            fromOutside.add(m -> written.written(m, at, true));
                                        }
                                    });
            watches.add(watch);
            return () -> {
                watches.remove(watch);
                watch.close();
            };
        }

        @Override
        public void onRegisters(Subscription wanted, BiConsumer<Moment, Interception> written) {
            watches.add(
                    domain.monitor()
                            .subscribe(
                                    wanted,
                                    e -> {
                                        if (e instanceof MonitorEvent.OfProcessor o) {
                                            reached(
                                                    this,
                                                    o.processor(),
                                                    m -> written.accept(m, o.what()));
                                        }
                                        return null;
                                    }));
        }

        @Override
        public void onEnd(Consumer<Moment> ended) {
            ends.add(ended);
        }

        void end() {
            ends.forEach(e -> reached(this, first, e));
        }

        @Override
        public void emit(Moment at, Event event) {
            sink.accept(at.time(), at.vcpu(), at.cr3(), at.task(), event, EVENT_SIZE + at.size());
        }

        @Override
        public void emit(TracedCall call, Event event) {
            sink.accept(
                    call.began(),
                    call.vcpu(),
                    call.cr3(),
                    call.task(),
                    event,
                    EVENT_SIZE + call.size());
        }
    }

    /** Ends the trace; calls that have not returned are told without a result. */
    @Override
    public void close() {
        Session s = session;
        if (s != null && !closed) {
            s.end();
        }
        closed = true;
        waiting.interrupt();
        points.close();
        for (AutoCloseable w : watches) {
            end(w);
        }
        if (s != null) {
            s.calls.close();
            if (s.rings != null) {
                s.rings.close();
            }
        }
    }

    private static void end(AutoCloseable watch) {
        try {
            watch.close();
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }
}
