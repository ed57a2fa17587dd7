// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.RealClock;
import dev.vitrine.platform.TimerQueue;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A machine that runs domains: physical CPUs (threads), a scheduler and the real clock with its
 * timers. Domain ids start at 1; domain 0 is this process.
 */
public final class Hypervisor implements AutoCloseable {
    private final RealClock clock = new RealClock();
    private final TimerQueue timers = new TimerQueue(this::timerBecameEarlier);
    private final Scheduler scheduler;
    private final PhysicalCpu[] physicalCpus;
    private final AtomicLong idle = new AtomicLong();
    private final AtomicInteger timerWaiter = new AtomicInteger(-1);
    private final AtomicInteger nextId = new AtomicInteger(1);
    private final ConcurrentSkipListMap<Integer, Domain> domains = new ConcurrentSkipListMap<>();
    private volatile boolean closed;

    private Hypervisor(int physicalCpuCount, Scheduler scheduler) {
        if (physicalCpuCount < 1 || physicalCpuCount > 64) {
            throw new IllegalArgumentException(
                    physicalCpuCount + " physical CPUs: must be 1 to 64");
        }
        this.scheduler = scheduler;
        physicalCpus = new PhysicalCpu[physicalCpuCount];
        for (int i = 0; i < physicalCpuCount; i++) {
            physicalCpus[i] = new PhysicalCpu(this, i);
        }
    }

    /** A hypervisor with as many physical CPUs as the host lets this process use. */
    public static Hypervisor create() {
        return create(Math.min(64, Runtime.getRuntime().availableProcessors()));
    }

    /**
     * @param physicalCpus threads that run vCPUs, 1 to 64
     */
    public static Hypervisor create(int physicalCpus) {
        return create(physicalCpus, new RoundRobinScheduler());
    }

    public static Hypervisor create(int physicalCpus, Scheduler scheduler) {
        Hypervisor h = new Hypervisor(physicalCpus, scheduler);
        for (PhysicalCpu p : h.physicalCpus) {
            p.start();
        }
        return h;
    }

    /**
     * Makes a domain: paused, without RAM, vCPU 0 to be set up by the caller.
     *
     * @throws OutOfMemoryError if the host refuses the address space for its memory
     */
    public Domain createDomain(DomainConfig config) {
        return createDomain(config, ProcessorEngine.PROVIDER);
    }

    Domain createDomain(DomainConfig config, EngineFactory.Provider engines) {
        if (closed) {
            throw new IllegalStateException("hypervisor is closed");
        }
        Domain d = new Domain(this, nextId.getAndIncrement(), config, engines);
        domains.put(d.id(), d);
        return d;
    }

    /** Living domains by id. */
    public List<Domain> domains() {
        return List.copyOf(domains.values());
    }

    public @Nullable Domain domain(int id) {
        return domains.get(id);
    }

    /**
     * A domctl of a monitor, as dom0's tools make it: XEN_DOMCTL_vm_event_op for the monitor ring,
     * XEN_DOMCTL_monitor_op and XEN_DOMCTL_set_access_required.
     *
     * @param op a struct xen_domctl ({@link dev.vitrine.xenabi.MonitorOp}); results are written
     *     back to it
     * @return 0 or a negated error number
     */
    public int domctl(byte[] op) {
        return MonitorOps.call(this, op);
    }

    void forget(Domain d) {
        domains.remove(d.id(), d);
    }

    public int physicalCpuCount() {
        return physicalCpus.length;
    }

    /** Destroys all domains and ends the physical CPUs. */
    @Override
    public void close() {
        for (Domain d : domains.values()) {
            d.destroy();
        }
        closed = true;
        for (PhysicalCpu p : physicalCpus) {
            p.unpark();
        }
        try {
            for (PhysicalCpu p : physicalCpus) {
                if (!p.isCurrentThread()) {
                    p.join();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    // -------------------------------------------------------------- for physical CPUs

    boolean isClosed() {
        return closed;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    RealClock clock() {
        return clock;
    }

    TimerQueue timers() {
        return timers;
    }

    int runTimers() {
        return timers.nextDeadline() == TimerQueue.NEVER ? 0 : timers.runExpired(clock.now());
    }

    /** Lets time jump in domains with a virtual clock that have nothing to run; true if it did. */
    boolean advanceIdleDomains() {
        boolean progress = false;
        for (Domain d : domains.values()) {
            progress |= d.jumpIfIdle();
        }
        return progress;
    }

    void wake(Vcpu v) {
        scheduler.wake(v);
        wakeOne();
    }

    void requeue(Vcpu v) {
        scheduler.requeue(v);
        wakeOne();
    }

    /** Wakes an idle physical CPU, if there is one. */
    void wakeOne() {
        long m = idle.get();
        while (m != 0) {
            long bit = Long.lowestOneBit(m);
            if (idle.compareAndSet(m, m & ~bit)) {
                physicalCpus[Long.numberOfTrailingZeros(bit)].unpark();
                return;
            }
            m = idle.get();
        }
    }

    void setIdle(int id) {
        timerWaiter.set(id);
        idle.getAndUpdate(m -> m | 1L << id);
    }

    void clearIdle(int id) {
        idle.getAndUpdate(m -> m & ~(1L << id));
        timerWaiter.compareAndSet(id, -1);
    }

    boolean isTimerWaiter(int id) {
        return timerWaiter.get() == id;
    }

    private void timerBecameEarlier() {
        // A physical CPU that set the timer itself looks at it before it sleeps.
        for (PhysicalCpu p : physicalCpus) {
            if (p.isCurrentThread()) {
                return;
            }
        }
        int w = timerWaiter.get();
        if (w >= 0) {
            physicalCpus[w].unpark();
        }
    }
}
