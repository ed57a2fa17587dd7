// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.InstructionClock;
import dev.vitrine.platform.LocalApic;
import dev.vitrine.platform.TimerQueue;
import dev.vitrine.platform.VirtualClock;
import dev.vitrine.processor.Registers;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.VcpuOp;
import dev.vitrine.xenabi.Virq;

import org.jspecify.annotations.Nullable;

import java.util.Objects;

/**
 * A virtual processor: its life (offline, runnable, running, blocked, paused), its local APIC,
 * timers and the memory areas that it shares with the guest.
 *
 * <p>Whatever makes an interrupt pending does so first and calls {@link #kick} then; the vCPU
 * blocks only after it found nothing pending under its lock. So no wake-up is lost.
 */
public final class Vcpu {
    /** How long a stretch of instructions should take between looks at the timers. */
    private static final long STRETCH_NANOS = 200_000;

    private static final long MIN_STRETCH = 5_000;
    private static final long MAX_STRETCH = 20_000_000;

    /** Instructions between two looks at the timers under the virtual clock. */
    private static final long VIRTUAL_STRETCH = 1_000_000;

    /** The same with several vCPUs, which take turns: others may spin until this one has its. */
    private static final long VIRTUAL_TURN = 50_000;

    static final int NOT_POLLING = 0;
    static final int POLLING_ANY = -1;

    private final Domain domain;
    private final int id;
    private final Engine engine;
    private final LocalApic apic;
    private final VcpuPlatform platform;
    private final Hypercalls hypercalls;
    private final InstructionClock.@Nullable Source source;

    /** Port of each virtual interrupt, 0 if unbound. Guarded by the domain's event channels. */
    final int[] virqPort = new int[Virq.NR_VIRQS];

    /** Vector of HVMOP_set_evtchn_upcall_vector, or 0. */
    volatile int upcallVector;

    private volatile int view = Views.HOST;

    /** The monitor's part of its state, used on its thread or while it does not run. */
    final MonitorState monitored = new MonitorState();

    private final VirtualizationExceptions exceptions = new VirtualizationExceptions(this);

    private final VcpuInfo info;
    private final VcpuTimers timers;
    private final TimerQueue.Timer pollTimer;

    private final Object lock = new Object();
    // Guarded by lock; volatile ones are also read without it.
    private volatile boolean online;
    private volatile boolean blocked;
    private volatile int pauses;
    private boolean running;
    private boolean queued;
    private volatile boolean signalled;
    private boolean initPending;
    private int startupPending = -1;
    private volatile boolean nmiPending;
    private volatile int pollPort = NOT_POLLING;
    private volatile boolean yielding;
    private final Runstate runstate;

    private long stretch = 50_000;

    /** Under the virtual clock: count of retired instructions at which the stretch ends. */
    private long stretchEnd;

    /** The monitor holds it. */
    private boolean held;

    /** It was held within the stretch, which then goes on. */
    private boolean unfinished;

    private volatile @Nullable Thread runner;

    @SuppressWarnings("this-escape")
    Vcpu(Domain domain, int id, EngineFactory engines) {
        this.domain = domain;
        this.id = id;
        VirtualClock clock = domain.clock();
        this.source = clock instanceof InstructionClock c ? c.newSource() : null;
        info = new VcpuInfo(domain, id);
        runstate = new Runstate(domain.memory(), clock);
        TimerQueue queue = domain.timers();
        timers = new VcpuTimers(clock, queue, () -> domain.events().raiseVirq(this, Virq.TIMER));
        pollTimer = queue.newTimer(deadline -> pollExpired());
        apic =
                new LocalApic(
                        apicId(id), id == 0, domain.apicBus(), new ApicSignals(), clock, queue);
        platform = new VcpuPlatform(this);
        engine = engines.create(this);
        hypercalls = new Hypercalls(this);
    }

    /** APIC id of a vCPU, as Xen counts. */
    public static int apicId(int vcpu) {
        return vcpu * 2;
    }

    public Domain domain() {
        return domain;
    }

    public int id() {
        return id;
    }

    public LocalApic apic() {
        return apic;
    }

    Engine engine() {
        return engine;
    }

    VcpuPlatform platform() {
        return platform;
    }

    Hypercalls hypercalls() {
        return hypercalls;
    }

    /**
     * The registers, those of floating point and vectors left out. To be called while the vCPU does
     * not run, which {@link Domain#pause} sees to, or on its thread.
     */
    public Registers registers() {
        return engine.state();
    }

    /** Index of the view that it sees memory through, see {@link Views}. */
    public int view() {
        return view;
    }

    void setView(int index) {
        view = index;
    }

    /** Its #VE. */
    VirtualizationExceptions exceptions() {
        return exceptions;
    }

    /** Instructions retired so far; exact while the vCPU does not run. */
    public long retiredInstructions() {
        return engine.retired();
    }

    // -------------------------------------------------------------------- life

    /** Whether the vCPU takes part (it may be blocked or paused). */
    public boolean isOnline() {
        return online;
    }

    public boolean isBlocked() {
        return blocked;
    }

    /** Lets the vCPU run from the state that its processor has. */
    public void bringUp() {
        boolean wake;
        synchronized (lock) {
            if (online) {
                return;
            }
            online = true;
            blocked = false;
            runstate.change(VcpuOp.RUNSTATE_RUNNABLE);
            wake = enqueue();
        }
        if (wake) {
            domain.hypervisor().wake(this);
        }
    }

    /** Takes the vCPU out. Returns at once; it stops within the current stretch. */
    void takeDown() {
        synchronized (lock) {
            online = false;
            blocked = false;
            if (running) {
                engine.requestStop();
            } else {
                runstate.change(VcpuOp.RUNSTATE_OFFLINE);
            }
        }
    }

    private boolean isRunnable() {
        return online && !blocked && pauses == 0 && !domain.isStopping();
    }

    /**
     * Whether the vCPU has a place among those that wait for their turn. Under the virtual clock it
     * has one while the domain is paused, too: whether others wait decides whether a turn ends.
     */
    private boolean mayWait() {
        return source == null || held ? isRunnable() : online && !blocked && !domain.isStopping();
    }

    /**
     * Under the lock: notes the vCPU as queued if it can be; the caller then tells the scheduler.
     */
    private boolean enqueue() {
        if (mayWait() && !running && !queued) {
            queued = true;
            return true;
        }
        return false;
    }

    /**
     * Holds the vCPU back until the matching {@link #unpause}; calls nest. Does not wait. Under the
     * virtual clock the stretch in execution comes to its end first, so that a pause leaves no
     * trace.
     */
    void pause() {
        synchronized (lock) {
            pauses++;
            if (running && source == null) {
                engine.requestStop();
            }
        }
    }

    /** Its physical CPU is to be woken when all vCPUs are unpaused. */
    void unpause() {
        boolean wake;
        synchronized (lock) {
            if (pauses > 0) {
                pauses--;
            }
            wake = enqueue();
        }
        if (wake) {
            domain.hypervisor().scheduler().wake(this);
        }
    }

    /**
     * Holds the vCPU back until the matching {@link #release}, at the instruction that it is at; on
     * its own thread, for the monitor.
     */
    void hold() {
        synchronized (lock) {
            pauses++;
            held = true;
            engine.requestStop();
        }
    }

    void release() {
        synchronized (lock) {
            held = false;
        }
        unpause();
        domain.hypervisor().wakeOne();
    }

    /** Waits until no thread runs the vCPU; returns at once on the thread that does. */
    void awaitNotRunning() {
        boolean interrupted = false;
        synchronized (lock) {
            while (running && runner != Thread.currentThread()) {
                try {
                    lock.wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** The domain stops: lets go of the processor soon. */
    void interruptForStop() {
        synchronized (lock) {
            if (running) {
                engine.requestStop();
            }
        }
    }

    /**
     * Something may have become pending: unblocks the vCPU, or lets a running processor look. Any
     * thread.
     */
    void kick() {
        boolean wake = false;
        synchronized (lock) {
            if (blocked) {
                blocked = false;
                if (pollPort != NOT_POLLING) {
                    stopPolling();
                }
                runstate.change(VcpuOp.RUNSTATE_RUNNABLE);
                wake = enqueue();
            }
            engine.requestInterruptCheck();
        }
        if (wake) {
            domain.hypervisor().wake(this);
        }
    }

    // ------------------------------------------------------------------- running

    /**
     * Runs the vCPU until it blocks, is stopped or used up its time. On a physical CPU's thread.
     */
    void runOn(PhysicalCpu cpu) {
        synchronized (lock) {
            queued = false;
            if (!isRunnable()) {
                return;
            }
            running = true;
            runner = Thread.currentThread();
        }
        domain.vcpuStarts();
        try {
            if (source != null) {
                executeVirtual(cpu);
            } else {
                enterRunning();
                execute(cpu);
            }
        } catch (StackOverflowError | RuntimeException | AssertionError | LinkageError e) {
            domain.stop(
                    StopReason.INTERNAL_ERROR,
                    id,
                    "internal error on vCPU " + id + ": " + e,
                    crashReport(),
                    e);
        } catch (OutOfMemoryError e) {
            domain.stop(StopReason.INTERNAL_ERROR, id, "out of memory: " + e.getMessage(), null, e);
        }
        boolean requeue;
        synchronized (lock) {
            running = false;
            runner = null;
            if (!online) {
                runstate.change(VcpuOp.RUNSTATE_OFFLINE);
            } else if (blocked) {
                runstate.change(VcpuOp.RUNSTATE_BLOCKED);
            } else if (source == null) {
                runstate.change(VcpuOp.RUNSTATE_RUNNABLE);
            }
            requeue = enqueue();
            lock.notifyAll();
        }
        domain.vcpuStopped();
        if (requeue) {
            domain.hypervisor().requeue(this);
        } else {
            if (!online) {
                applySignals();
            }
            domain.jumpIfIdle();
        }
    }

    private void enterRunning() {
        if (runstate.change(VcpuOp.RUNSTATE_RUNNING)) {
            runstate.write(domain.runstateUpdateFlag());
        }
    }

    private void execute(PhysicalCpu cpu) {
        Hypervisor h = domain.hypervisor();
        Scheduler scheduler = h.scheduler();
        long started = System.nanoTime();
        long before = started;
        while (isRunnable()) {
            if (signalled) {
                takeSignals();
                continue;
            }
            h.runTimers();
            long retired = engine.retired();
            run(stretch);
            long after = System.nanoTime();
            adapt(engine.retired() - retired, after - before);
            before = after;
            if (scheduler.isContended(cpu.id())
                    && (yielding || after - started > scheduler.timeSlice(this))) {
                break;
            }
            yielding = false;
        }
        yielding = false;
    }

    /**
     * Runs under the virtual clock. A stretch is never cut short from outside, and whatever comes
     * from outside waits for the next one: so where stretches end, timers expire and other vCPUs
     * have their turn is a function of the domain's state.
     */
    private void executeVirtual(PhysicalCpu cpu) {
        Hypervisor h = domain.hypervisor();
        do {
            if (!isRunnable() || (!unfinished && !beginStretch())) {
                return;
            }
            unfinished = false;
            h.runTimers();
            while (online && !blocked && !domain.isStopping() && engine.retired() < stretchEnd) {
                if (signalled) {
                    takeSignals();
                    continue;
                }
                int result = run(stretchEnd - engine.retired());
                if (isHeld()) {
                    unfinished = true;
                    return;
                }
                if (domain.stopReached()) {
                    return;
                }
                if (result != Engine.RAN || yielding) {
                    break;
                }
            }
            yielding = false;
        } while (!h.scheduler().isContended(cpu.id()));
        synchronized (lock) {
            // Others have their turn; a pause, after which this one goes on, does not show.
            if (online && !blocked) {
                runstate.change(VcpuOp.RUNSTATE_RUNNABLE);
            }
        }
    }

    private boolean isHeld() {
        synchronized (lock) {
            return held;
        }
    }

    /** Returns false if the domain is to be held where it is. */
    private boolean beginStretch() {
        long retired = engine.retired();
        stretchEnd = retired; // Timers that are set meanwhile have nothing to cut short.
        if (!domain.injectionPoint()) {
            return false;
        }
        domain.hypervisor().scheduler().started(this);
        domain.timers().runExpired(domain.clock().now());
        enterRunning();
        source().start(retired);
        long budget = domain.vcpuCount() == 1 ? VIRTUAL_STRETCH : VIRTUAL_TURN;
        stretchEnd = retired + budget;
        endStretchAtTimer(retired);
        return true;
    }

    /** Has the stretch end no later than at the earliest deadline. The clock is up to date. */
    private void endStretchAtTimer(long retired) {
        long next = domain.timers().nextDeadline();
        if (next != TimerQueue.NEVER) {
            InstructionClock clock = (InstructionClock) domain.clock();
            stretchEnd = Math.min(stretchEnd, retired + clock.instructionsIn(next - clock.now()));
        }
    }

    /**
     * Under the virtual clock the earliest deadline has moved forward. If this vCPU has done that,
     * its stretch ends there.
     */
    void timerBecameEarlier() {
        if (runner == Thread.currentThread()) {
            long before = stretchEnd;
            endStretchAtTimer(engine.retired());
            if (stretchEnd < before) {
                engine.requestStop();
            }
        }
    }

    private InstructionClock.Source source() {
        return Objects.requireNonNull(source);
    }

    /** Runs about so many instructions; returns what {@link Engine#run} does. */
    private int run(long budget) {
        nmiPending = false; // The processor has the request and takes it first.
        long most = source == null ? Long.MAX_VALUE : domain.untilStop();
        int result = most == Long.MAX_VALUE ? engine.run(budget) : engine.run(budget, most);
        syncClock();
        switch (result) {
            case Engine.HALTED -> halt();
            case Engine.TRIPLE_FAULT -> domain.tripleFault(this);
            default -> {}
        }
        return result;
    }

    /** Aims at stretches of equal time, whatever the guest does and however warm the code is. */
    private void adapt(long done, long nanos) {
        if (nanos > 0 && done > MIN_STRETCH / 2) {
            double rate = (double) done / nanos;
            long wanted = (long) (rate * STRETCH_NANOS);
            stretch = Math.clamp((stretch * 3 + wanted) / 4, MIN_STRETCH, MAX_STRETCH);
        }
    }

    /** Brings a virtual clock up to the instructions retired. On the vCPU's thread. */
    void syncClock() {
        if (source != null) {
            source.advance(engine.retired());
        }
    }

    private void halt() {
        boolean enabled = engine.interruptsEnabled();
        synchronized (lock) {
            if (signalled || nmiPending || (enabled && platform.interruptDeliverable())) {
                return;
            }
            if (enabled) {
                blocked = true;
                return;
            }
            // As on Xen: nothing but INIT can wake it, so it counts as gone.
            online = false;
        }
        domain.checkAllDown(this);
    }

    /** SCHEDOP_block: blocks unless an interrupt is deliverable. */
    void blockForEvents() {
        synchronized (lock) {
            if (!signalled
                    && !nmiPending
                    && !(engine.interruptsEnabled() && platform.interruptDeliverable())) {
                blocked = true;
                engine.requestStop();
            }
        }
    }

    void yieldProcessor() {
        yielding = true;
        engine.requestStop();
    }

    // -------------------------------------------------------------------- polling

    /**
     * SCHEDOP_poll begins: from now on an event on the port (or any polled one) wakes the vCPU. The
     * caller looks at the ports afterwards and calls {@link #cancelPoll} or {@link #sleepPolling}.
     */
    void preparePoll(int port) {
        synchronized (lock) {
            if (pollPort == NOT_POLLING) {
                domain.pollers.incrementAndGet();
            }
            pollPort = port;
        }
    }

    void cancelPoll() {
        synchronized (lock) {
            if (pollPort != NOT_POLLING) {
                stopPolling();
            }
        }
    }

    /**
     * Blocks unless an event came since {@link #preparePoll}.
     *
     * @param timeout system time in nanoseconds, 0 for none
     */
    void sleepPolling(long timeout) {
        synchronized (lock) {
            if (pollPort == NOT_POLLING || signalled) {
                cancelPoll();
                return;
            }
            blocked = true;
            engine.requestStop();
        }
        if (timeout != 0) {
            pollTimer.set(timeout);
        }
    }

    private void stopPolling() {
        pollPort = NOT_POLLING;
        domain.pollers.decrementAndGet();
        pollTimer.cancel();
    }

    /** An event was raised: ends the poll if it is for this port. */
    void wakeFromPoll(int port) {
        int p = pollPort;
        if (p == POLLING_ANY || p == port) {
            boolean sleeping;
            synchronized (lock) {
                sleeping = blocked;
                if (!sleeping && pollPort != NOT_POLLING) {
                    stopPolling();
                }
            }
            if (sleeping) {
                kick();
            }
        }
    }

    private void pollExpired() {
        if (pollPort != NOT_POLLING) {
            kick();
        }
    }

    // --------------------------------------------------------------------- signals

    private final class ApicSignals implements LocalApic.Processor {
        @Override
        public void interruptPending() {
            kick();
        }

        @Override
        public void nmi() {
            sendNmi();
        }

        @Override
        public void init() {
            synchronized (lock) {
                initPending = true;
                startupPending = -1;
                signalled = true;
            }
            noticeSignals();
        }

        @Override
        public void startup(int vector) {
            synchronized (lock) {
                startupPending = vector;
                signalled = true;
            }
            noticeSignals();
        }
    }

    /** Non-maskable interrupt; one that is offline does not take it. */
    void sendNmi() {
        synchronized (lock) {
            if (!online) {
                return;
            }
            nmiPending = true;
            engine.requestNmi();
        }
        kick();
    }

    private void noticeSignals() {
        boolean down;
        synchronized (lock) {
            down = !online && !running;
            if (running) {
                engine.requestStop();
            }
        }
        if (down) {
            applySignals(); // Nobody runs it: the sender does the reset.
        } else {
            kick();
        }
    }

    /** Takes INIT and start-up IPIs of a vCPU that is down. */
    private void applySignals() {
        boolean up = false;
        synchronized (lock) {
            if (online || running || !signalled) {
                return; // Whoever runs it takes them.
            }
            signalled = false;
            if (initPending) {
                initPending = false;
                resetForInit();
            }
            if (startupPending >= 0) {
                if (waitsForStartup) {
                    engine.startUp(startupPending);
                    waitsForStartup = false;
                    up = true;
                }
                startupPending = -1;
            }
        }
        if (up) {
            bringUp();
        }
    }

    private void resetForInit() {
        if (waitsForStartup) {
            return; // Reset already: as on Xen, an upcall that came since then stays pending.
        }
        nmiPending = false;
        engine.reset();
        apic.reset();
        waitsForStartup = true;
    }

    /** After INIT (and at creation, but for vCPU 0): only a start-up IPI sets it going. */
    private volatile boolean waitsForStartup = true;

    /** On the vCPU's thread. */
    private void takeSignals() {
        boolean gone = false;
        synchronized (lock) {
            signalled = false;
            if (initPending) {
                initPending = false;
                resetForInit();
                if (startupPending < 0) {
                    online = false;
                    gone = true;
                }
            }
            if (startupPending >= 0) {
                if (waitsForStartup) {
                    engine.startUp(startupPending);
                    waitsForStartup = false;
                }
                startupPending = -1;
            }
        }
        if (gone) {
            domain.checkAllDown(this);
        }
    }

    /** The builder set up the processor: no start-up IPI is needed. */
    void markInitialised() {
        waitsForStartup = false;
    }

    /** VCPUOP_initialise; 0 or a negated error number. */
    int initialise(byte[] context) {
        synchronized (lock) {
            if (online || running || !waitsForStartup) {
                return -Errno.EEXIST;
            }
            int rc = engine.load(context);
            if (rc == 0) {
                waitsForStartup = false;
            }
            return rc;
        }
    }

    boolean isInitialised() {
        return !waitsForStartup;
    }

    // --------------------------------------------------------------------- upcalls

    VcpuInfo info() {
        return info;
    }

    VcpuTimers timers() {
        return timers;
    }

    Runstate runstate() {
        return runstate;
    }

    /** Sets evtchn_upcall_pending and raises the upcall if it was clear. Any thread. */
    void markEventsPending() {
        if (info.markPending()) {
            assertUpcall();
        }
    }

    /** Lets the guest know of pending events in the way that it chose. */
    void assertUpcall() {
        int vector = upcallVector;
        if (vector != 0) {
            apic.post(vector, false);
        }
        kick();
    }

    /** The domain is at its end. */
    void cancelTimers() {
        timers.cancel();
        pollTimer.cancel();
        apic.reset();
    }

    /** Nanoseconds spent running. */
    public long runningTime() {
        return runstate.runningTime();
    }

    /** Tells what the hypervisor knows of the vCPU. While no vCPU runs. */
    void visitState(StateSink sink) {
        synchronized (lock) {
            sink.value("online", online ? 1 : 0);
            sink.value("blocked", blocked ? 1 : 0);
            sink.value("waits for a start-up IPI", waitsForStartup ? 1 : 0);
            sink.value("polled port", pollPort);
            sink.value("NMI pending", nmiPending ? 1 : 0);
        }
        sink.value("upcall vector", upcallVector);
        sink.value("poll timeout", pollTimer.deadline());
        info.visitState(sink);
        exceptions.visitState(sink);
        timers.visitState(sink);
        runstate.visitState(sink);
        for (int port : virqPort) {
            sink.value("port of a VIRQ", port);
        }
    }

    /** State of the processor as text; on the vCPU's thread or while it does not run. */
    public CrashReport crashReport() {
        return CrashReports.of(this);
    }
}
