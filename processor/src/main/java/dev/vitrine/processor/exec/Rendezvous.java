// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Exclusion;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;

/**
 * Lets something be done on every processor of a domain, between two blocks, before the asker goes
 * on. A processor that executes is asked through its request word and answers at its next block;
 * for one that does not execute the asker does it itself, under that processor's lock.
 *
 * <p>Processors that wait for an answer serve others meanwhile, so two askers cannot block each
 * other.
 *
 * <p>A processor can also stop all others ({@link Exclusion}); they stand where they would serve,
 * and go on serving.
 */
public final class Rendezvous {
    private final class Seat implements Exclusion {
        final Cpu cpu;
        final ConcurrentLinkedQueue<Task> tasks = new ConcurrentLinkedQueue<>();

        /** Changed within the seat's monitor. */
        volatile boolean executing;

        /** It stands still for the {@link #stopper}. */
        volatile boolean standing;

        volatile @Nullable Thread thread;

        Seat(Cpu cpu) {
            this.cpu = cpu;
        }

        @Override
        public void begin() {
            stopOthers(this);
        }

        @Override
        public void end() {
            resumeOthers();
        }
    }

    private static final class Task {
        final Consumer<Cpu> action;
        volatile boolean done;

        Task(Consumer<Cpu> action) {
            this.action = action;
        }
    }

    /** Looks before a waiting thread gives its core to those that it waits for. */
    private static final int SPINS = 200;

    /** Nanoseconds after which a thread that gave up its core looks again on its own. */
    private static final long NAP = 50_000;

    private final CopyOnWriteArrayList<Seat> seats = new CopyOnWriteArrayList<>();

    /** Whoever holds it may stop the others. */
    private final ReentrantLock turn = new ReentrantLock();

    /** The thread that all others stand still for. */
    private volatile @Nullable Thread stopper;

    public void join(Cpu cpu) {
        cpu.number = seats.size();
        Seat s = new Seat(cpu);
        cpu.exclusion = s;
        seats.add(s);
    }

    private void stopOthers(Seat own) {
        if (seats.size() == 1) {
            return;
        }
        for (int spins = 0; !turn.tryLock(); spins++) {
            serve(own);
            pause(spins);
        }
        stopper = Thread.currentThread();
        for (Seat s : seats) {
            if (s != own && s.executing) {
                s.cpu.request(Cpu.REQUEST_TASK);
            }
        }
        for (Seat s : seats) {
            for (int spins = 0; s != own && s.executing && !s.standing; spins++) {
                doTasks(own);
                pause(spins);
            }
        }
    }

    private void resumeOthers() {
        if (seats.size() == 1) {
            return;
        }
        stopper = null;
        for (Seat s : seats) {
            if (s.standing) {
                LockSupport.unpark(s.thread);
            }
        }
        turn.unlock();
    }

    /** Stands still as long as another processor wants it. */
    private void stand(Seat s) {
        // Looked at anew after the mark is gone: the next stopper may have taken it for its own.
        for (Thread by = stopper; by != null && by != s.thread; by = stopper) {
            s.standing = true;
            LockSupport.unpark(by);
            for (int spins = 0; stopper != null; spins++) {
                doTasks(s);
                pause(spins);
            }
            s.standing = false;
        }
    }

    private static void pause(int spins) {
        if (spins < SPINS) {
            Thread.onSpinWait();
        } else {
            LockSupport.parkNanos(NAP);
        }
    }

    /** The processor begins to execute guest code. */
    void enter(Cpu cpu) {
        Seat s = seat(cpu);
        synchronized (s) {
            s.executing = true;
            s.thread = Thread.currentThread();
        }
        serve(s);
    }

    /** The processor stops executing guest code. */
    void leave(Cpu cpu) {
        Seat s = seat(cpu);
        synchronized (s) {
            // Within the monitor: who comes next does its action itself, and never beside ours.
            doTasks(s);
            s.executing = false;
            s.thread = null;
        }
    }

    /** Does what others have asked of this processor. */
    void serve(Cpu cpu) {
        serve(seat(cpu));
    }

    private void serve(Seat s) {
        doTasks(s);
        stand(s);
    }

    private static void doTasks(Seat s) {
        Task t;
        while ((t = s.tasks.poll()) != null) {
            t.action.accept(s.cpu);
            t.done = true;
        }
    }

    /** Does the action on one processor and returns when it is done; from any thread. */
    public void on(Cpu cpu, Consumer<Cpu> action) {
        Seat s = seat(cpu);
        if (s.thread == Thread.currentThread()) {
            action.accept(cpu);
            return;
        }
        onAll(c -> {
            if (c == cpu) {
                action.accept(c);
            }
        });
    }

    /** Does the action on all processors and returns when it is done; from any thread. */
    public void onAll(Consumer<Cpu> action) {
        Task[] waiting = new Task[seats.size()];
        int n = 0;
        Seat own = null;
        for (Seat s : seats) {
            if (s.thread == Thread.currentThread()) {
                own = s;
                action.accept(s.cpu);
                continue;
            }
            Task t = null;
            synchronized (s) {
                if (s.executing) {
                    t = new Task(action);
                    s.tasks.add(t);
                } else {
                    action.accept(s.cpu);
                }
            }
            if (t != null) {
                s.cpu.request(Cpu.REQUEST_TASK);
                if (n == waiting.length) {
                    waiting = java.util.Arrays.copyOf(waiting, n + 4);
                }
                waiting[n++] = t;
            }
        }
        for (int i = 0; i < n; i++) {
            int spins = 0;
            while (!waiting[i].done) {
                if (own != null) {
                    serve(own);
                }
                if (++spins > 100) {
                    Thread.yield();
                } else {
                    Thread.onSpinWait();
                }
            }
        }
    }

    /** Makes every processor look up anew where it is, soon. */
    void nudge() {
        for (Seat s : seats) {
            s.cpu.request(Cpu.REQUEST_TASK);
        }
    }

    private Seat seat(Cpu cpu) {
        for (Seat s : seats) {
            if (s.cpu == cpu) {
                return s;
            }
        }
        throw new IllegalStateException("processor did not join");
    }
}
