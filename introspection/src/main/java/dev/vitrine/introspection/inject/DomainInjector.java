// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.call.ErrorNames;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Injection into a domain of this process. Besides, it calls any function of the kernel. A thread
 * of the guest is taken where it may sleep: when a system call is done, or before a regular work of
 * the kernel's own.
 *
 * <p>Thread-safe; a thread of the guest is found for one request after the other.
 */
public final class DomainInjector implements Injector {
    /**
     * Where a thread is in its own context, holds nothing, and has interrupts enabled. The first of
     * each line that the kernel has.
     */
    private static final List<List<String>> PLACES =
            List.of(
                    List.of("syscall_exit_to_user_mode", "x64_sys_call"),
                    // An idle guest executes this every second or two.
                    List.of("vmstat_shepherd"));

    private static final List<String> ENVIRONMENT =
            List.of("HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

    private static final int POLL_MILLIS = 100;

    private final Domain domain;
    private final SecureRandom random = new SecureRandom();
    private final AtomicReference<@Nullable Session> pending = new AtomicReference<>();
    private final Map<Long, Session> active = new ConcurrentHashMap<>();
    private final ReentrantLock turn = new ReentrantLock();
    private @Nullable Linked linked;

    /** What is found in the guest once. */
    private record Linked(
            LinuxKernel kernel,
            ThreadChoice threads,
            Map<String, Long> offsets,
            Map<String, Long> addresses) {}

    /** For a domain of this process. */
    public DomainInjector(Domain domain) {
        this.domain = domain;
    }

    @Override
    public int exec(List<String> command, boolean wait, int process, Duration limit) {
        Arguments.checkCommand(command);
        ExecProcedure p = new ExecProcedure(command, ENVIRONMENT, wait);
        run(p, process, limit);
        if (p.status() < 0) {
            throw failed("start " + command.getFirst(), p.status());
        }
        return (int) p.status();
    }

    @Override
    public byte[] read(String path, long offset, int length, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, length);
        FileProcedure p = FileProcedure.read(path, offset, length);
        run(p, process, limit);
        if (p.error() < 0) {
            throw failed("read " + path, p.error());
        }
        return p.bytes();
    }

    @Override
    public void write(String path, long offset, byte[] content, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, content.length);
        FileProcedure p = FileProcedure.write(path, offset, content.clone());
        run(p, process, limit);
        if (p.error() < 0) {
            throw failed("write " + path, p.error());
        }
    }

    /**
     * Calls a function of the kernel.
     *
     * @return what it leaves in RAX
     * @throws IntrospectionException there is no such function, or it was not done within the time
     */
    public long call(KernelCall call, int process, Duration limit) {
        long[] result = new long[1];
        run(
                new Procedure() {
                    private boolean called;

                    @Override
                    public Set<String> functions() {
                        return Set.of(call.function());
                    }

                    @Override
                    public @Nullable KernelCall next(CallMemory memory, long last) {
                        result[0] = last;
                        boolean first = !called;
                        called = true;
                        return first ? call : null;
                    }
                },
                process,
                limit);
        return result[0];
    }

    @Override
    public void close() {}

    private static IntrospectionException failed(String what, long error) {
        String name = ErrorNames.of(error);
        return new IntrospectionException(
                "The guest's kernel could not "
                        + what
                        + ": "
                        + (name == null ? "error " + error : name)
                        + ".");
    }

    // ------------------------------------------------------------------------ the thread

    private void run(Procedure procedure, int process, Duration limit) {
        if (domain.hasJournal()) {
            throw new IntrospectionException(
                    "Nothing can be injected into a guest that is recorded or replayed.");
        }
        Session s = new Session(procedure, process, random.nextLong());
        long deadline = System.nanoTime() + limit.toNanos();
        Breakpoints points = Breakpoints.of(domain);
        try {
            take(s, points, limit, deadline);
            if (!await(s.done(), deadline)) {
                throw new IntrospectionException(
                        s.function()
                                + " in the guest's kernel did not return within "
                                + limit.toMillis() / 1000.0
                                + " s; when it does, the thread goes on as before.");
            }
        } finally {
            if (s.taken().isDone() && !s.done().isDone()) {
                // The thread comes back some time, and has to find its way.
                s.done().whenComplete((x, e) -> Thread.ofVirtual().start(points::close));
            } else {
                points.close();
            }
        }
    }

    /** Finds a thread; one request at a time. */
    private void take(Session s, Breakpoints points, Duration limit, long deadline) {
        turn.lock();
        try {
            Linked l = linked();
            for (String f : s.functions()) {
                l.addresses.computeIfAbsent(f, name -> function(l.kernel, name));
            }
            set(points, l);
            pending.set(s);
            boolean taken = false;
            try {
                taken = await(s.taken(), deadline);
            } finally {
                // One that has been taken in the last moment is under way.
                if (!taken && !pending.compareAndSet(s, null)) {
                    s.taken().join();
                }
            }
            if (!s.taken().isDone()) {
                throw new IntrospectionException(
                        "No thread "
                                + (s.process() == 0 ? "of root's" : "of process " + s.process())
                                + " made a system call within "
                                + limit.toMillis() / 1000.0
                                + " s, so that nothing was injected.");
            }
        } finally {
            turn.unlock();
        }
    }

    private Linked linked() {
        Linked l = linked;
        if (l == null) {
            LinuxKernel kernel = LinuxKernel.attach(Target.of(domain), List.of());
            // On a vCPU's thread nothing is to be searched for.
            Map<String, Long> offsets = new HashMap<>();
            for (String m : FileProcedure.MEMBERS) {
                String[] words = m.split("\\.");
                offsets.put(m, kernel.member(words[0], words[1]).offset());
            }
            l =
                    new Linked(
                            kernel,
                            new ThreadChoice(kernel),
                            Map.copyOf(offsets),
                            new ConcurrentHashMap<>());
            linked = l;
        }
        return l;
    }

    /** Since 6.10 functions that take memory may have another name. */
    private static long function(LinuxKernel kernel, String name) {
        String other = name + "_noprof";
        return kernel.resolve(!kernel.hasSymbol(name) && kernel.hasSymbol(other) ? other : name);
    }

    private void set(Breakpoints points, Linked l) {
        List<String> missing = new ArrayList<>();
        for (List<String> names : PLACES) {
            String name = names.stream().filter(l.kernel::hasSymbol).findFirst().orElse("");
            if (name.isEmpty()) {
                missing.addAll(names);
            } else {
                long place = l.kernel.resolve(name);
                points.set(l.kernel.space(), place, p -> reached(p, place, l));
            }
        }
        if (missing.size() == PLACES.stream().mapToInt(List::size).sum()) {
            throw new IntrospectionException(
                    "The guest's kernel has none of the functions "
                            + String.join(", ", missing)
                            + ", at which its threads can be taken.");
        }
    }

    /** Waits; false if the time is over. */
    private boolean await(CompletableFuture<@Nullable Void> what, long deadline) {
        while (true) {
            try {
                what.get(POLL_MILLIS, TimeUnit.MILLISECONDS);
                return true;
            } catch (TimeoutException e) {
                if (domain.stopped().isDone()) {
                    throw new IntrospectionException("The guest has stopped.", e);
                }
                if (System.nanoTime() - deadline >= 0) {
                    return false;
                }
            } catch (ExecutionException e) {
                throw e.getCause() instanceof IntrospectionException i
                        ? i
                        : new IllegalStateException(e.getCause());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new IntrospectionException("The injection was interrupted.", e);
            }
        }
    }

    /** A vCPU is at one of the places, or back from a call. */
    private void reached(Processor p, long place, Linked l) {
        if (p.rip() != place) {
            return; // Another breakpoint at the same place has led the thread away.
        }
        VcpuMemory at = new VcpuMemory(p, domain.physical(), l.offsets);
        try {
            long task = l.threads.current(at);
            Session back = active.get(task);
            if (back != null && back.isReturn(at)) {
                back.returned(at, l.addresses::get);
                ended(task, back);
                return;
            }
            Session next = pending.get();
            if (next != null
                    && back == null
                    && at.interruptsEnabled()
                    && l.threads.fits(at, task, next.process())
                    && pending.compareAndSet(next, null)) {
                active.put(task, next);
                next.begin(at, l.addresses::get);
                ended(task, next);
            }
        } catch (IntrospectionException e) {
            // What is not in memory makes this thread none that fits.
        }
    }

    private void ended(long task, Session s) {
        if (s.done().isDone()) {
            active.remove(task, s);
        }
    }
}
