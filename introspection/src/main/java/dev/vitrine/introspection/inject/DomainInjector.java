// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.trace.call.ErrorNames;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Injection into a domain of this process. A thread of the guest is taken where it may sleep: when
 * a system call is done, or before a regular work of the kernel's own.
 *
 * <p>Thread-safe; requests of several threads go on side by side.
 */
public final class DomainInjector implements Injector {
    private static final List<String> ENVIRONMENT =
            List.of("HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");

    private static final int POLL_MILLIS = 100;

    /** How long a process may take to come by, before one of its threads is woken. */
    private static final Duration PATIENCE = Duration.ofMillis(300);

    /** How long a function that has not returned in time may take to be interrupted. */
    private static final Duration PARTING = Duration.ofSeconds(2);

    /** How often a worker waits for more to do: for a tenth of a second. */
    private static final int WAITS = 20;

    private final Domain domain;
    private final SecureRandom random = new SecureRandom();
    private final List<Session> pending = new CopyOnWriteArrayList<>();
    private final Map<Long, Session> active = new ConcurrentHashMap<>();
    private final Breakpoints returns;
    private @Nullable KernelLink linked;
    private volatile boolean closed;

    /** For a domain of this process. */
    public DomainInjector(Domain domain) {
        this.domain = domain;
        this.returns = Breakpoints.of(domain);
    }

    @Override
    public int exec(List<String> command, boolean wait, int process, Duration limit) {
        Arguments.checkCommand(command);
        TimeLimit t = TimeLimit.of(limit);
        KernelLink link = link();
        ExecProcedure p = new ExecProcedure(command, ENVIRONMENT);
        ProgramWatch watch = new ProgramWatch(p::vector);
        try (Breakpoints points = Breakpoints.of(domain)) {
            if (wait) {
                link.need(ProgramWatch.functions());
                synchronized (link) {
                    watch.start(points, link, vcpus(link));
                }
            }
            run(link, p, process, t);
            check("start " + command.getFirst(), p.status());
            if (!wait) {
                return 0;
            }
            Integer status = await(watch.ended(), t);
            if (status == null) {
                throw new IntrospectionException(
                        command.getFirst() + " did not end within " + t + "; it goes on.");
            }
            return status;
        }
    }

    @Override
    public byte[] read(String path, long offset, int length, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, length);
        TimeLimit t = TimeLimit.of(limit);
        FileProcedure p = repeated(() -> FileProcedure.read(path, offset, length), process, t);
        if (p.needsProgram()) {
            ProgramFileProcedure q =
                    repeated(
                            () ->
                                    new ProgramFileProcedure(
                                            path, offset, new byte[length], false, process == 0),
                            process,
                            t);
            check("read " + path, q.error());
            return q.bytes();
        }
        check("read " + path, p.error());
        return p.bytes();
    }

    @Override
    public void write(String path, long offset, byte[] content, int process, Duration limit) {
        Arguments.checkPath(path);
        Arguments.checkRange(offset, content.length);
        byte[] own = content.clone();
        TimeLimit t = TimeLimit.of(limit);
        FileProcedure p = repeated(() -> FileProcedure.write(path, offset, own), process, t);
        long error = p.error();
        if (p.needsProgram()) {
            error =
                    repeated(
                                    () ->
                                            new ProgramFileProcedure(
                                                    path, offset, own, true, process == 0),
                                    process,
                                    t)
                            .error();
        }
        check("write " + path, error);
    }

    @Override
    public long call(String function, List<CallArgument> arguments, int process, Duration limit) {
        Arguments.checkCall(function, arguments);
        KernelLink link = link();
        CallProcedure p = new CallProcedure(function, arguments, link);
        run(link, p, process, TimeLimit.of(limit));
        return p.result();
    }

    /** Threads that are under way still find back. */
    @Override
    public synchronized void close() {
        closed = true;
        if (active.isEmpty()) {
            returns.close();
        }
    }

    private static void check(String what, long error) {
        if (error >= 0) {
            return;
        }
        String name = ErrorNames.of(error);
        throw new IntrospectionException(
                "The guest's kernel could not "
                        + what
                        + ": "
                        + (name == null ? "error " + error : name)
                        + ".");
    }

    private synchronized KernelLink link() {
        if (domain.hasJournal()) {
            throw new IntrospectionException(
                    "Nothing can be injected into a guest that is recorded or replayed.");
        }
        KernelLink l = linked;
        if (l == null) {
            KernelLink made = new KernelLink(Target.of(domain));
            returns.set(made.space(), made.returnAddress(), p -> returned(p, made));
            returns.set(made.space(), made.threadEnd(), p -> threadEnds(p, made));
            linked = made;
            l = made;
        }
        return l;
    }

    private VcpuMemory.Maker vcpus(KernelLink link) {
        return p -> new VcpuMemory(p, domain.physical(), link);
    }

    // ---------------------------------------------------------------------- requests

    /** A thread that a signal has come to is no reason for not doing it. */
    private <P extends Procedure> P repeated(Supplier<P> make, int process, TimeLimit t) {
        KernelLink link = link();
        while (true) {
            P p = make.get();
            run(link, p, process, t);
            if (!p.interrupted() || t.passed()) {
                return p;
            }
        }
    }

    private void run(KernelLink link, Procedure procedure, int process, TimeLimit t) {
        if (process != 0) {
            link.process(process);
        }
        link.need(procedure.functions());
        Session s = new Session(procedure, process, random.nextLong(), WAITS);
        take(link, s, t);
        if (!isDone(s.done(), t)) {
            throw new IntrospectionException(
                    s.function()
                            + " in the guest's kernel did not return within "
                            + t
                            + (interrupted(link, s)
                                    ? ", and was interrupted; the thread goes on as before."
                                    : "; when it does, the thread goes on as before."));
        }
    }

    /**
     * Wakes a thread from a function in which it has been for too long.
     *
     * @return false if it waits uninterruptibly, or there is no other thread to do it
     */
    private boolean interrupted(KernelLink link, Session s) {
        if (s.thread() == 0 || s.isWake()) {
            return false;
        }
        TimeLimit t = TimeLimit.of(PARTING);
        try {
            run(link, new WakeProcedure(s.thread(), null), 0, t);
            return isDone(s.done(), t);
        } catch (IntrospectionException e) {
            return s.done().isDone();
        }
    }

    /** Finds a thread. */
    private void take(KernelLink link, Session s, TimeLimit t) {
        link.need(List.of(WaitProcedure.SLEEP));
        try (Breakpoints points = Breakpoints.of(domain)) {
            synchronized (link) {
                for (KernelLink.Place place : link.places()) {
                    if (place.kind() != KernelLink.Kind.SIGNAL || s.process() != 0) {
                        points.set(link.space(), place.address(), p -> reached(p, place, link));
                    }
                }
            }
            pending.add(s);
            try {
                int round = 0;
                while (!isDone(s.taken(), s.process() == 0 ? t : t.atMost(PATIENCE))
                        && !t.passed()) {
                    wake(link, s, round++, t);
                }
            } finally {
                // One that has been taken in the last moment is under way.
                s.cancel();
                pending.remove(s);
            }
        }
        if (!s.taken().isDone()) {
            throw new IntrospectionException(
                    whoIsMissing(link, s) + " within " + t + ", so that nothing was injected.");
        }
    }

    private static String whoIsMissing(KernelLink link, Session s) {
        if (s.process() != 0) {
            String state = state(link.state(s.process()));
            return "No thread of process " + s.process() + state + " could be taken";
        }
        return s.isFor(KernelLink.Kind.CALL_END)
                ? "No thread of root's made a system call"
                : "No worker of the kernel was at hand";
    }

    private static String state(@Nullable Character state) {
        if (state == null) {
            return ", which has ended,";
        }
        return switch (state) {
            case 'T', 't' -> ", which is stopped,";
            case 'D' -> ", which waits uninterruptibly,";
            case 'Z', 'X' -> ", which has ended,";
            default -> "";
        };
    }

    /** One thread after the other of a process that does not come by itself. */
    private void wake(KernelLink link, Session s, int round, TimeLimit t) {
        int process = s.process();
        List<Integer> threads = link.threads(process);
        if (threads.isEmpty()) {
            throw new IntrospectionException(
                    "Process " + process + " ended before one of its threads could be taken.");
        }
        try {
            run(link, new WakeProcedure(threads.get(round % threads.size()), s), 0, t);
        } catch (IntrospectionException e) {
            if (!t.passed()) {
                throw e;
            }
        } finally {
            s.release();
        }
    }

    private boolean isDone(CompletableFuture<@Nullable Void> what, TimeLimit t) {
        await(what, t);
        return what.isDone();
    }

    /** Waits; null if the time is over. */
    private <T> @Nullable T await(CompletableFuture<T> what, TimeLimit t) {
        while (true) {
            try {
                long left = Math.max(0, t.end() - System.nanoTime());
                return what.get(
                        Math.min(left, TimeUnit.MILLISECONDS.toNanos(POLL_MILLIS)),
                        TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                if (domain.stopped().isDone()) {
                    throw new IntrospectionException("The guest has stopped.", e);
                }
                if (t.passed()) {
                    return null;
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

    // ------------------------------------------------------------ on the vCPUs' threads

    /** A vCPU is at one of the places. */
    private void reached(Processor p, KernelLink.Place place, KernelLink link) {
        if (pending.isEmpty() || p.rip() != place.address()) {
            return; // Another breakpoint at the same place has led the thread away.
        }
        VcpuMemory at = new VcpuMemory(p, domain.physical(), link);
        try {
            long task = at.currentTask();
            if (!active.containsKey(task)) {
                offer(at, task, place.kind(), 0);
            }
        } catch (IntrospectionException e) {
            // What is not in memory makes this thread none that fits.
        }
    }

    /**
     * The thread is where it may be taken.
     *
     * @param waits how often it may wait for something to do, if there is nothing
     */
    private void offer(VcpuMemory at, long task, KernelLink.Kind kind, int waits) {
        if (!at.interruptsEnabled()) {
            return;
        }
        for (Session next : pending) {
            if (next.isFor(kind)
                    && at.link().threads().fits(at, task, next.process())
                    && next.take()) {
                pending.remove(next);
                start(next, at, task, kind);
                return;
            }
        }
        if (waits > 0 && kind == KernelLink.Kind.WORK) {
            Session idle = new Session(new WaitProcedure(), 0, random.nextLong(), waits - 1);
            idle.take();
            start(idle, at, task, kind);
        }
    }

    private void start(Session s, VcpuMemory at, long task, KernelLink.Kind kind) {
        s.begin(at, task, kind);
        if (!s.done().isDone()) {
            active.put(task, s);
        }
    }

    /** A vCPU is where injected functions return to. */
    private void returned(Processor p, KernelLink link) {
        if (p.rip() != link.returnAddress() || active.isEmpty()) {
            return;
        }
        VcpuMemory at = new VcpuMemory(p, domain.physical(), link);
        try {
            long task = at.currentTask();
            Session s = active.get(task);
            if (s == null || !s.isReturn(at)) {
                return;
            }
            s.returned(at);
            KernelLink.Kind kind = s.kind();
            if (!s.done().isDone() || kind == null) {
                // For the vCPU at which it returns the next time: it sees what has been noted.
                active.put(task, s);
            } else {
                ended(task, s);
                offer(at, task, kind, s.waits());
            }
        } catch (IntrospectionException e) {
            // Nothing of ours: its stack would be there.
        }
    }

    /** A vCPU ends the thread that it executes: the kernel has given it up in the call. */
    private void threadEnds(Processor p, KernelLink link) {
        if (active.isEmpty()) {
            return;
        }
        try {
            long task = new VcpuMemory(p, domain.physical(), link).currentTask();
            Session s = active.get(task);
            if (s != null) {
                s.ended();
                ended(task, s);
            }
        } catch (IntrospectionException e) {
            // Then it is none of ours.
        }
    }

    private void ended(long task, Session s) {
        active.remove(task, s);
        if (closed && active.isEmpty()) {
            // Breakpoints are not taken away from within one.
            Thread.ofVirtual().start(this::closeIfDone);
        }
    }

    private synchronized void closeIfDone() {
        if (closed && active.isEmpty()) {
            returns.close();
        }
    }
}
