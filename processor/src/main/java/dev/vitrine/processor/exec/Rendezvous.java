// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * Lets something be done on every processor of a domain, between two blocks, before the asker goes
 * on. A processor that executes is asked through its request word and answers at its next block;
 * for one that does not execute the asker does it itself, under that processor's lock.
 *
 * <p>Processors that wait for an answer serve others meanwhile, so two askers cannot block each
 * other.
 */
public final class Rendezvous {
    private static final class Seat {
        final Cpu cpu;
        final ConcurrentLinkedQueue<Task> tasks = new ConcurrentLinkedQueue<>();

        /** Guarded by the seat's monitor. */
        boolean executing;

        volatile @Nullable Thread thread;

        Seat(Cpu cpu) {
            this.cpu = cpu;
        }
    }

    private static final class Task {
        final Consumer<Cpu> action;
        volatile boolean done;

        Task(Consumer<Cpu> action) {
            this.action = action;
        }
    }

    private final CopyOnWriteArrayList<Seat> seats = new CopyOnWriteArrayList<>();

    public void join(Cpu cpu) {
        cpu.number = seats.size();
        seats.add(new Seat(cpu));
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
            serve(s);
            s.executing = false;
            s.thread = null;
        }
    }

    /** Does what others have asked of this processor. */
    void serve(Cpu cpu) {
        serve(seat(cpu));
    }

    private static void serve(Seat s) {
        Task t;
        while ((t = s.tasks.poll()) != null) {
            t.action.accept(s.cpu);
            t.done = true;
        }
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
