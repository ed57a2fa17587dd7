// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Threads of the guest that are taken, from the place where they may be until they go on as before.
 * All of it happens on the threads of the vCPUs. Thread-safe.
 */
final class TakenThreads {
    /** How often a worker waits for more to do: for a tenth of a second. */
    private static final int WAITS = 20;

    /** Milliseconds of the guest's time that it waits. */
    private static final int WAIT = 5;

    private final Domain domain;
    private final SecureRandom random = new SecureRandom();
    private final List<Session> pending = new CopyOnWriteArrayList<>();
    private final Map<Long, Session> active = new ConcurrentHashMap<>();
    private final StoppedThreads stopped = new StoppedThreads();

    /** They stay, so that whoever has been taken finds back. */
    private final Breakpoints places;

    private boolean seesStopped;
    private volatile boolean closed;

    TakenThreads(Domain domain) {
        this.domain = domain;
        this.places = Breakpoints.of(domain);
    }

    /** Sees how threads that have been taken return, or end. */
    void watch(KernelLink link) {
        places.set(link.space(), link.returnAddress(), p -> returned(p, link));
        places.set(link.space(), link.threadEnd(), p -> threadEnds(p, link));
    }

    /** Sees from now on how stopped threads go on that have been woken. */
    synchronized StoppedThreads watchStopped(KernelLink link) {
        if (!seesStopped) {
            link.need(List.of(SleepProcedure.SLEEP));
            StopPlaces all = link.stopPlaces();
            synchronized (link) {
                for (long at : all.returns()) {
                    places.set(link.space(), at, p -> cameBack(p, at, link));
                }
                for (long at : all.entries()) {
                    places.set(link.space(), at, p -> traces(p, at, link));
                }
            }
            seesStopped = true;
        }
        return stopped;
    }

    /** One that waits for a thread. */
    Session session(Procedure procedure, int process) {
        return new Session(procedure, process, random.nextLong(), WAITS);
    }

    VcpuMemory memory(Processor p, KernelLink link) {
        return new VcpuMemory(p, domain.physical(), link);
    }

    /** Threads that come by are taken for it. */
    void offerThreads(Session s, Breakpoints points, KernelLink link) {
        synchronized (link) {
            for (KernelLink.Place place : link.places()) {
                if (place.kind() != KernelLink.Kind.SIGNAL || s.process() != 0) {
                    points.set(link.space(), place.address(), p -> reached(p, place, link));
                }
            }
        }
        pending.add(s);
    }

    /** No thread is taken for it any more; one that has been in the last moment is under way. */
    void withdraw(Session s) {
        s.cancel();
        pending.remove(s);
    }

    /** Threads that are under way still find back. */
    synchronized void close() {
        closed = true;
        closeIfDone();
    }

    private synchronized void closeIfDone() {
        if (closed && active.isEmpty() && stopped.isEmpty()) {
            places.close();
        }
    }

    /** A vCPU is at one of the places. */
    private void reached(Processor p, KernelLink.Place place, KernelLink link) {
        if (pending.isEmpty() || p.rip() != place.address()) {
            return; // Another breakpoint at the same place has led the thread away.
        }
        VcpuMemory at = memory(p, link);
        try {
            long task = at.currentTask();
            if (!active.containsKey(task)) {
                offer(at, task, place.kind(), 0, null);
            }
        } catch (IntrospectionException e) {
            // What is not in memory makes this thread none that fits.
        }
    }

    /** A thread comes back from a stop: since it was woken for that, or since it is continued. */
    private void cameBack(Processor p, long address, KernelLink link) {
        if (pending.isEmpty() && stopped.isEmpty() || p.rip() != address) {
            return;
        }
        VcpuMemory at = memory(p, link);
        try {
            long task = at.currentTask();
            if (active.containsKey(task)) {
                return;
            }
            StoppedThreads.Woken woken = stopped.of(task);
            if (!offer(at, task, KernelLink.Kind.STOP, 0, woken) && woken != null) {
                // There is nothing to do any more, but it is to be stopped.
                Session s = session(new SleepProcedure(() -> false, 0, 0), 0);
                s.take();
                start(s, at, task, KernelLink.Kind.STOP, woken);
            }
        } catch (IntrospectionException e) {
            // Nor this one.
        }
    }

    /** A thread enters ptrace(2), which must find the one that it traces stopped. */
    private void traces(Processor p, long address, KernelLink link) {
        if (stopped.isEmpty() || p.rip() != address) {
            return;
        }
        VcpuMemory at = memory(p, link);
        try {
            long task = at.currentTask();
            if (stopped.hasTracer(task) && !active.containsKey(task)) {
                Session s =
                        session(
                                new SleepProcedure(
                                        () -> stopped.hasTracer(task), Integer.MAX_VALUE, 1),
                                0);
                s.take();
                start(s, at, task, KernelLink.Kind.CALL_BEGIN, null);
            }
        } catch (IntrospectionException e) {
            // A tracer's task_struct is in memory.
        }
    }

    /**
     * The thread is where it may be taken.
     *
     * @param waits how often it may wait for something to do, if there is nothing
     * @param woken if it was stopped before
     * @return whether it has been taken
     */
    private boolean offer(
            VcpuMemory at,
            long task,
            KernelLink.Kind kind,
            int waits,
            StoppedThreads.@Nullable Woken woken) {
        if (!at.interruptsEnabled()) {
            return false;
        }
        for (Session next : pending) {
            if (next.isFor(kind)
                    && at.link().threads().fits(at, task, next.process())
                    && next.take()) {
                pending.remove(next);
                start(next, at, task, kind, woken);
                return true;
            }
        }
        if (waits > 0 && kind == KernelLink.Kind.WORK) {
            Session idle =
                    new Session(
                            new SleepProcedure(() -> true, 1, WAIT),
                            0,
                            random.nextLong(),
                            waits - 1);
            idle.take();
            start(idle, at, task, kind, null);
            return true;
        }
        return false;
    }

    private void start(
            Session s,
            VcpuMemory at,
            long task,
            KernelLink.Kind kind,
            StoppedThreads.@Nullable Woken woken) {
        s.begin(at, task, kind, woken);
        if (!s.done().isDone()) {
            active.put(task, s);
        }
    }

    /** A vCPU is where injected functions return to. */
    private void returned(Processor p, KernelLink link) {
        if (p.rip() != link.returnAddress() || active.isEmpty()) {
            return;
        }
        VcpuMemory at = memory(p, link);
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
                if (s.woken() == null && kind != KernelLink.Kind.CALL_BEGIN) {
                    offer(at, task, kind, s.waits(), null);
                }
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
            long task = memory(p, link).currentTask();
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
        StoppedThreads.Woken woken = s.woken();
        if (woken != null) {
            stopped.remove(task, woken);
        }
        if (closed) {
            // Breakpoints are not taken away from within one.
            Thread.ofVirtual().start(this::closeIfDone);
        }
    }
}
