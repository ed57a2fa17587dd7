// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.TimerQueue;

import org.jspecify.annotations.Nullable;

import java.util.concurrent.locks.LockSupport;

/**
 * A thread that runs vCPUs. Without one to run it parks: the physical CPU that became idle last
 * waits for the next timer as well, the others until they are woken. While one runs a vCPU it looks
 * at the timers between stretches of instructions, so no timer needs a thread of its own.
 */
final class PhysicalCpu implements Runnable {
    private final Hypervisor hypervisor;
    private final int id;
    private @Nullable Thread thread;

    PhysicalCpu(Hypervisor hypervisor, int id) {
        this.hypervisor = hypervisor;
        this.id = id;
    }

    int id() {
        return id;
    }

    void start() {
        Thread t = new Thread(null, this, "vitrine-pcpu-" + id, 64L << 20);
        t.setDaemon(true);
        thread = t;
        t.start();
    }

    void unpark() {
        LockSupport.unpark(thread);
    }

    boolean isCurrentThread() {
        return Thread.currentThread() == thread;
    }

    void join() throws InterruptedException {
        if (thread != null) {
            thread.join();
        }
    }

    @Override
    public void run() {
        Scheduler scheduler = hypervisor.scheduler();
        while (!hypervisor.isClosed()) {
            try {
                Vcpu v = scheduler.next(id);
                if (v != null) {
                    v.runOn(this);
                    continue;
                }
                if (hypervisor.runTimers() > 0 || hypervisor.advanceIdleDomains()) {
                    continue;
                }
            } catch (RuntimeException e) {
                // A mistake in a back end or a timer must not take the other domains along.
                // Not before: Java looks for who logs in all jars, 20 ms of a start.
                System.getLogger(PhysicalCpu.class.getName())
                        .log(System.Logger.Level.ERROR, "physical CPU " + id, e);
            }
            idle(scheduler);
        }
    }

    private void idle(Scheduler scheduler) {
        hypervisor.setIdle(id);
        // Whoever made something runnable, or let a domain's time jump, before the idle mark was
        // set
        // did not wake this thread.
        if (scheduler.isIdle(id) && !hypervisor.isClosed() && !hypervisor.advanceIdleDomains()) {
            long deadline = hypervisor.timers().nextDeadline();
            if (hypervisor.isTimerWaiter(id) && deadline != TimerQueue.NEVER) {
                long span = deadline - hypervisor.clock().now();
                if (span > 0) {
                    LockSupport.parkNanos(this, span);
                }
            } else {
                LockSupport.park(this);
            }
        }
        hypervisor.clearIdle(id);
    }
}
