// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Breakpoints;
import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;

/**
 * Has procedures done: looks for a thread, wakes one if none comes by, and waits for the end. On
 * the threads of those who ask for it. Thread-safe.
 */
final class ProcedureRunner {
    private static final int POLL_MILLIS = 100;

    /** How long a process may take to come by, before one of its threads is woken. */
    private static final Duration PATIENCE = Duration.ofMillis(300);

    /** How long a function that has not returned in time may take to be interrupted. */
    private static final Duration PARTING = Duration.ofSeconds(2);

    private final Domain domain;
    private final TakenThreads threads;

    ProcedureRunner(Domain domain, TakenThreads threads) {
        this.domain = domain;
        this.threads = threads;
    }

    /** A thread that a signal has come to is no reason for not doing it. */
    <P extends Procedure> P repeated(KernelLink link, Supplier<P> make, int process, TimeLimit t) {
        while (true) {
            P p = make.get();
            run(link, p, process, t);
            if (!p.interrupted() || t.passed()) {
                return p;
            }
        }
    }

    /**
     * Has a thread do it.
     *
     * @param process of which a thread is to do it; 0 for any
     * @throws IntrospectionException no thread could be taken, or it is not done in time, or the
     *     thread has ended
     */
    void run(KernelLink link, Procedure procedure, int process, TimeLimit t) {
        if (process != 0) {
            link.process(process);
        }
        link.need(procedure.functions());
        Session s = threads.session(procedure, process);
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
            run(link, new WakeProcedure(s.thread(), null, null), 0, t);
            return isDone(s.done(), t);
        } catch (IntrospectionException e) {
            return s.done().isDone();
        }
    }

    /** Finds a thread. */
    private void take(KernelLink link, Session s, TimeLimit t) {
        link.need(List.of(SleepProcedure.SLEEP));
        try (Breakpoints points = Breakpoints.of(domain)) {
            threads.offerThreads(s, points, link);
            try {
                int round = 0;
                while (!isDone(s.taken(), s.process() == 0 ? t : t.atMost(PATIENCE))
                        && !t.passed()) {
                    wake(link, s, round++, t);
                }
            } finally {
                threads.withdraw(s);
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
            case 'T' -> ", which is stopped,";
            case 't' -> ", which its tracer holds,";
            case 'D' -> ", which waits uninterruptibly,";
            case 'Z', 'X' -> ", which has ended,";
            default -> "";
        };
    }

    /** One thread after the other of a process that does not come by itself. */
    private void wake(KernelLink link, Session s, int round, TimeLimit t) {
        int process = s.process();
        List<Integer> all = link.threads(process);
        if (all.isEmpty()) {
            throw new IntrospectionException(
                    "Process " + process + " ended before one of its threads could be taken.");
        }
        try {
            StoppedThreads stopped = threads.watchStopped(link);
            run(link, new WakeProcedure(all.get(round % all.size()), s, stopped), 0, t);
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
    <T> @Nullable T await(CompletableFuture<T> what, TimeLimit t) {
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
}
