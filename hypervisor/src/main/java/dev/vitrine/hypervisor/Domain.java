// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.PhysicalMap;
import dev.vitrine.platform.ApicBus;
import dev.vitrine.platform.InstructionClock;
import dev.vitrine.platform.TimerQueue;
import dev.vitrine.platform.VirtualClock;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.DomId;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.SchedOp;
import dev.vitrine.xenabi.SharedInfo;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;

/**
 * A PVH domain: memory, vCPUs, event channels, grants, parameters. Made by {@link
 * Hypervisor#createDomain} in the paused state; a builder gives it RAM and the state of vCPU 0 and
 * calls {@link #unpause}. All methods are thread-safe unless they say otherwise.
 */
public final class Domain {
    /**
     * Frames on top of the domain's own: shared info, stand-in vcpu_info, special pages, tables,
     * copies of pages with breakpoints. They take address space, and memory once they are used.
     */
    private static final long OVERHEAD = 64 + ShadowBreakpoints.FRAMES;

    private static final int WATCHDOGS = 2;

    private final Hypervisor hypervisor;
    private final int id;
    private final DomainConfig config;
    private final DomainMemory memory;
    private final VirtualClock clock;
    private final TimerQueue timers;
    private final ApicBus apicBus = new ApicBus();
    private final long sharedInfo;
    private final long dummyInfo;
    private final EventChannels events;
    private final GrantTable grants;
    private final Maptrack maptrack = new Maptrack();
    private final Views views;
    private final Monitor monitor;
    private final GuestHooks hooks;
    private final MonitorRing ring;
    private final EngineFactory engines;
    private final Vcpu[] vcpus;
    private final Statistics statistics = new Statistics();
    private final ExternalInputs inputs;
    private volatile boolean journaled;
    private final Map<String, Consumer<StateSink>> devices =
            Collections.synchronizedMap(new LinkedHashMap<>());

    private final AtomicLongArray params = new AtomicLongArray(HvmParam.NR_PARAMS);
    private volatile int callbackVector;
    private volatile boolean wide = true;
    private volatile boolean runstateUpdateFlag;
    private volatile List<E820Entry> memoryMap = List.of();
    private volatile ConsoleOutput debugConsole = ConsoleOutput.NOWHERE;

    final AtomicInteger pollers = new AtomicInteger();
    private final AtomicInteger running = new AtomicInteger();
    private final AtomicReference<@Nullable DomainStop> stop = new AtomicReference<>();
    private final CompletableFuture<DomainStop> stopped = new CompletableFuture<>();
    private final Object lifeLock = new Object();
    private final Object jumpLock = new Object();
    private volatile int pauses = 1; // changed under lifeLock
    private boolean destroyed;

    private final TimerQueue.Timer[] watchdogs = new TimerQueue.Timer[WATCHDOGS];
    private final boolean[] watchdogUsed = new boolean[WATCHDOGS];
    private volatile int shutdownCode = -1;

    @SuppressWarnings("this-escape")
    Domain(Hypervisor hypervisor, int id, DomainConfig config, EngineFactory.Provider provider) {
        this.hypervisor = hypervisor;
        this.id = id;
        this.config = config;
        long pages = (config.maxMemory() + 4095) >>> DomainMemory.SHIFT;
        memory = new DomainMemory(pages, OVERHEAD + 2L * config.maxGrantFrames());
        if (config.clock() == DomainConfig.Clock.VIRTUAL) {
            clock =
                    new InstructionClock(
                            config.tscFrequency(),
                            config.wallClockBase(),
                            config.instructionsPerMicrosecond());
            timers = new TimerQueue(this::timerBecameEarlier);
        } else {
            clock = hypervisor.clock();
            timers = hypervisor.timers();
        }
        sharedInfo = memory.allocateSpecial() << DomainMemory.SHIFT;
        dummyInfo = memory.allocateSpecial() << DomainMemory.SHIFT;
        events = new EventChannels(this, config.maxEventChannels());
        grants = new GrantTable(this, config.maxGrantFrames(), config.maxGrantVersion());
        views = new Views(this);
        monitor = new Monitor(this);
        vcpus = new Vcpu[config.vcpus()];
        engines = provider.open(this);
        hooks = new GuestHooks(this, engines);
        ring = new MonitorRing(this);
        for (int i = 0; i < vcpus.length; i++) {
            vcpus[i] = new Vcpu(this, i, engines);
            vcpus[i].pause();
        }
        for (int i = 0; i < WATCHDOGS; i++) {
            watchdogs[i] = timers.newTimer(deadline -> watchdogExpired());
        }
        inputs = new ExternalInputs(memory);
        writeWallClock();
        for (Vcpu v : vcpus) {
            v.info().updateTime();
        }
    }

    // -------------------------------------------------------------------- properties

    public int id() {
        return id;
    }

    public String name() {
        return config.name();
    }

    public DomainConfig config() {
        return config;
    }

    public Hypervisor hypervisor() {
        return hypervisor;
    }

    public VirtualClock clock() {
        return clock;
    }

    public int vcpuCount() {
        return config.vcpus();
    }

    /** vCPU by number. */
    public Vcpu vcpu(int n) {
        return vcpus[n];
    }

    @Nullable Vcpu vcpuOrNull(int n) {
        return n >= 0 && n < vcpus.length ? vcpus[n] : null;
    }

    /** The domain's memory by guest-physical address. */
    public GuestPhysical physical() {
        return memory.physical;
    }

    public PhysicalMap physicalMap() {
        return memory.map;
    }

    /** Frames of 4 KiB that the domain owns now. */
    public long totalPages() {
        return memory.totalPages();
    }

    /** Frames that it may own. */
    public long maxPages() {
        return memory.maxPages();
    }

    DomainMemory memory() {
        return memory;
    }

    EventChannels events() {
        return events;
    }

    GrantTable grants() {
        return grants;
    }

    Maptrack maptrack() {
        return maptrack;
    }

    /** The ring that serves a monitor by Xen's ABI, and what it has enabled. */
    MonitorRing ring() {
        return ring;
    }

    /**
     * Has somebody told when there are new requests on the monitor ring, which {@link
     * Hypervisor#domctl} sets up; on the thread of the vCPU whose event it is. Responses are taken
     * from the ring by XEN_VM_EVENT_RESUME.
     */
    public void onMonitorRequest(Runnable consumer) {
        ring.onRequest(consumer);
    }

    EngineFactory engines() {
        return engines;
    }

    /** Alternate views of its memory. */
    public Views views() {
        return views;
    }

    /** Calls those who look into it. */
    public GuestHooks hooks() {
        return hooks;
    }

    /** Tells of what its vCPUs do. */
    public Monitor monitor() {
        return monitor;
    }

    TimerQueue timers() {
        return timers;
    }

    ApicBus apicBus() {
        return apicBus;
    }

    Statistics counters() {
        return statistics;
    }

    // ------------------------------------------------------------------ for a builder

    /**
     * Gives the domain zeroed RAM.
     *
     * @param gfn first guest frame number
     * @param count frames of 4 KiB
     * @throws IllegalArgumentException if that exceeds the domain's maximum
     */
    public void addRam(long gfn, long count) {
        memory.addRange(gfn, count);
    }

    /** What XENMEM_memory_map tells. */
    public void setMemoryMap(List<E820Entry> map) {
        memoryMap = List.copyOf(map);
    }

    List<E820Entry> memoryMap() {
        return memoryMap;
    }

    /** Value of an HVM parameter (HVM_PARAM_*). */
    public long param(int index) {
        return params.get(index);
    }

    public void setParam(int index, long value) {
        params.set(index, value);
        if (index == HvmParam.CALLBACK_IRQ) {
            int type = (int) (value >>> HvmParam.CALLBACK_TYPE_SHIFT);
            callbackVector = type == HvmParam.CALLBACK_TYPE_VECTOR ? (int) value & 0xFF : 0;
            for (Vcpu v : vcpus) {
                v.kick();
            }
        }
    }

    /**
     * Puts vCPU 0 into the state in which a PVH guest starts and makes it take part.
     *
     * @param entry address of the 32-bit entry point
     * @param startInfo guest-physical address of hvm_start_info
     */
    public void startPvh(long entry, long startInfo) {
        Vcpu v = vcpus[0];
        v.engine().enterPvh(entry, startInfo);
        v.markInitialised();
        v.bringUp();
    }

    /** The hypercall page that an image asks for by ELF note. */
    public static byte[] hypercallPage() {
        return HypercallPage.content();
    }

    /** Receives CONSOLEIO_write and the debug port. */
    public void setDebugConsole(ConsoleOutput output) {
        debugConsole = output;
    }

    ConsoleOutput debugConsole() {
        return debugConsole;
    }

    // ------------------------------------------------------------------ for back ends

    /**
     * Makes an event channel between the guest and a back end in this process, which the guest sees
     * as domain 0.
     *
     * @return the guest's port
     * @throws IllegalStateException if the guest has no free port
     */
    public int allocateBackendPort(EventListener listener) {
        int p = events.allocateBackend(listener);
        if (p < 0) {
            throw new IllegalStateException("domain " + id + " has no free event channel");
        }
        return p;
    }

    /** Binds a back end to a port that the guest allocated for domain 0; false if there is none. */
    public boolean bindBackendPort(int port, EventListener listener) {
        if (events.bindBackend(port, listener) != 0) {
            return false;
        }
        events.notifyGuest(port);
        return true;
    }

    /** Unbinds a back end; the guest's port waits for a new one. */
    public void closeBackendPort(int port) {
        events.unbindBackend(port);
    }

    /** Raises the guest's port. Any thread. */
    public void notifyGuest(int port) {
        if (!isStopping()) {
            events.notifyGuest(port);
        }
    }

    /**
     * Uses a frame that the guest granted to domain 0.
     *
     * @return null if the guest did not grant it, or not so
     */
    public @Nullable GrantMapping mapGrant(int reference, boolean readOnly) {
        GrantTable.Use u = grants.acquire(reference, DomId.DOM0, readOnly, false);
        return u == null ? null : new GrantMapping(this, u);
    }

    /**
     * Grants a frame of the guest to domain 0, as a builder does for console (0) and xenstore (1).
     */
    public void seedGrant(int reference, long gfn) {
        grants.seed(reference, DomId.DOM0, gfn);
    }

    // ----------------------------------------------------------------------------- life

    /** Brings the clock up to the instruction that a processor is at. */
    void syncClock(Processor processor) {
        if (!clock.isVirtual()) {
            return;
        }
        for (Vcpu v : vcpus) {
            if (v.engine() instanceof ProcessorEngine e && e.processor() == processor) {
                v.syncClock();
            }
        }
    }

    /**
     * Holds all vCPUs; returns when none runs. Calls nest. Under the virtual clock a vCPU comes to
     * the next point at which it would look at the timers, within a million instructions, so that
     * the guest cannot tell, nor does anything happen at another instruction than without.
     */
    public void pause() {
        synchronized (lifeLock) {
            pauses++;
        }
        for (Vcpu v : vcpus) {
            v.pause();
        }
        for (Vcpu v : vcpus) {
            v.awaitNotRunning();
        }
        synchronized (jumpLock) {
            // Nobody lets time jump or delivers input any more.
        }
    }

    /** Undoes one {@link #pause} (a new domain is paused once). */
    public void unpause() {
        synchronized (lifeLock) {
            if (pauses == 0) {
                return;
            }
            for (Vcpu v : vcpus) {
                v.unpause();
            }
            pauses--;
        }
        for (int i = 0; i < vcpus.length; i++) {
            hypervisor.wakeOne();
        }
    }

    public boolean isPaused() {
        return pauses > 0;
    }

    boolean isStopping() {
        return stop.get() != null;
    }

    /** Completed once the domain has stopped and no vCPU runs any more. */
    public CompletableFuture<DomainStop> stopped() {
        return stopped.copy();
    }

    /**
     * Waits for the domain to stop.
     *
     * @param limit after that time the domain is stopped with {@link StopReason#TIMEOUT}; null
     *     waits for ever
     */
    public DomainStop await(@Nullable Duration limit) throws InterruptedException {
        try {
            if (limit == null) {
                return stopped.get();
            }
            try {
                return stopped.get(limit.toNanos(), TimeUnit.NANOSECONDS);
            } catch (TimeoutException e) {
                stop(StopReason.TIMEOUT, "the time limit of " + limit.toMillis() + " ms passed");
                return stopped.get();
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    /** Stops the domain from outside. Its state can still be looked at. */
    public void stop(StopReason reason, String message) {
        stop(reason, -1, message, null, null);
    }

    void stop(
            StopReason reason,
            int vcpu,
            String message,
            @Nullable CrashReport report,
            @Nullable Throwable cause) {
        if (!stop.compareAndSet(null, new DomainStop(reason, vcpu, message, report, cause))) {
            return;
        }
        for (Vcpu v : vcpus) {
            v.interruptForStop();
        }
        completeIfStopped();
    }

    private void completeIfStopped() {
        DomainStop s = stop.get();
        if (s != null && running.get() == 0 && !stopped.isDone()) {
            for (Vcpu v : vcpus) {
                v.cancelTimers();
            }
            for (TimerQueue.Timer t : watchdogs) {
                t.cancel();
            }
            stopped.complete(s);
        }
    }

    void vcpuStarts() {
        running.incrementAndGet();
    }

    void vcpuStopped() {
        if (running.decrementAndGet() == 0) {
            completeIfStopped();
        }
    }

    /** SCHEDOP_shutdown on a vCPU's thread. */
    void shutdown(Vcpu v, int reason) {
        int code = shutdownCode >= 0 ? shutdownCode : reason;
        StopReason r = StopReason.ofShutdown(code);
        CrashReport report = r == StopReason.CRASH ? v.crashReport() : null;
        String message =
                switch (r) {
                    case POWEROFF -> "the guest powered off";
                    case REBOOT -> "the guest asked to be restarted";
                    case SUSPEND -> "the guest suspended itself";
                    case SOFT_RESET -> "the guest asked for a soft reset";
                    case WATCHDOG -> "the guest's watchdog expired";
                    default ->
                            code == SchedOp.REASON_CRASH
                                    ? "the guest reported a crash"
                                    : "the guest stopped with unknown reason " + code;
                };
        stop(r, v.id(), message, report, null);
    }

    void setShutdownCode(int code) {
        shutdownCode = code;
    }

    void tripleFault(Vcpu v) {
        long reason = param(HvmParam.TRIPLE_FAULT_REASON);
        if (reason != 0 && reason != SchedOp.REASON_CRASH) {
            shutdown(v, (int) reason);
            return;
        }
        stop(
                StopReason.TRIPLE_FAULT,
                v.id(),
                String.format(
                        "triple fault on vCPU %d at RIP 0x%x",
                        v.id(), v.engine().instructionPointer()),
                v.crashReport(),
                null);
    }

    /** A vCPU went down for good; the last one to do so powers the domain off, as on Xen. */
    void checkAllDown(Vcpu last) {
        for (Vcpu v : vcpus) {
            if (v.isOnline()) {
                return;
            }
        }
        stop(
                StopReason.POWEROFF,
                last.id(),
                vcpus.length == 1
                        ? "the vCPU halted with interrupts off"
                        : "all vCPUs halted with interrupts off",
                null,
                null);
    }

    /**
     * Stops the domain if it still runs and gives its memory back. Nothing of it may be used
     * afterwards. Not to be called by a listener on a vCPU's thread.
     */
    public void destroy() {
        synchronized (lifeLock) {
            if (destroyed) {
                return;
            }
            destroyed = true;
        }
        stop(StopReason.DESTROYED, "the domain was destroyed");
        boolean interrupted = false;
        while (true) {
            try {
                stopped.get();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            } catch (ExecutionException e) {
                break;
            }
        }
        for (Vcpu v : vcpus) {
            v.awaitNotRunning();
        }
        events.reset();
        hypervisor.forget(this);
        memory.close();
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    // --------------------------------------------------------------------- virtual time

    /**
     * With a virtual clock and no vCPU that could run: gives the domain what came from outside, or
     * lets time jump to the next timer and fires it. On a physical CPU's thread.
     *
     * @return whether something happened
     */
    boolean jumpIfIdle() {
        if (!(clock instanceof InstructionClock c)) {
            return false;
        }
        synchronized (jumpLock) {
            if (running.get() != 0 || isStopping() || isPaused()) {
                return false;
            }
            for (Vcpu v : vcpus) {
                if (v.isOnline() && !v.isBlocked()) {
                    return false;
                }
            }
            List<ExternalInput> input = inputs.atPoint();
            if (input == null) {
                return false;
            }
            long next = timers.nextDeadline();
            if (!input.isEmpty()) {
                inputs.passPoint(input);
                return true;
            }
            if (next == TimerQueue.NEVER) {
                return false;
            }
            inputs.passPoint(input);
            c.jumpTo(next);
            timers.runExpired(next);
        }
        return true;
    }

    private void timerBecameEarlier() {
        for (Vcpu v : vcpus) {
            v.timerBecameEarlier();
        }
    }

    // -------------------------------------------------------------- input from outside

    /**
     * Says who takes input of a kind. Under the virtual clock it is called on the thread that runs
     * the vCPUs, while none executes; else on the thread that has the input.
     */
    public void setInputHandler(int channel, Consumer<byte[]> handler) {
        inputs.setHandler(channel, handler);
    }

    /**
     * Gives the domain input: at once, or under the virtual clock at the next point at which that
     * can be repeated. Any thread.
     */
    public void post(ExternalInput input) {
        if (clock.isVirtual()) {
            inputs.post(input);
            hypervisor.wakeOne();
        } else {
            inputs.deliver(input);
        }
    }

    /**
     * Writes to guest-physical memory from outside; under the virtual clock at a point at which
     * that can be repeated.
     *
     * @throws dev.vitrine.memory.BadGuestAddress there is no RAM at one of the addresses; nothing
     *     is written then
     */
    public void writeFromOutside(long physical, byte[] source, int offset, int length) {
        if (!memory.physical.isRam(physical, length)) {
            throw new BadGuestAddress(physical);
        }
        if (!clock.isVirtual()) {
            memory.physical.write(physical, source, offset, length);
            return;
        }
        pause();
        try {
            inputs.write(physical, source, offset, length);
        } finally {
            unpause();
        }
    }

    /**
     * Has a journal decide about input. To be called before the domain runs; for domains with a
     * virtual clock.
     */
    public void setJournal(InputJournal journal) {
        if (!clock.isVirtual()) {
            throw new IllegalStateException("a journal is for a domain with a virtual clock");
        }
        inputs.setJournal(journal);
        journaled = true;
    }

    /** Whether a journal decides about input, so that the domain is recorded or replayed. */
    public boolean hasJournal() {
        return journaled;
    }

    /** Number of the injection point that the domain comes to next, see {@link InputJournal}. */
    public long nextInjectionPoint() {
        return inputs.nextPoint();
    }

    /** Instructions retired by all vCPUs; exact while none runs. */
    public long retiredInstructions() {
        long sum = 0;
        for (Vcpu v : vcpus) {
            sum += v.retiredInstructions();
        }
        return sum;
    }

    /** A vCPU is about to run. Returns false if the domain is to be held. */
    boolean injectionPoint() {
        List<ExternalInput> input = inputs.atPoint();
        if (input == null) {
            return false;
        }
        inputs.passPoint(input);
        return true;
    }

    /** As many instructions as may retire before {@link #stopReached} is to be asked; positive. */
    long untilStop() {
        long at = inputs.stopAt();
        return at == Long.MAX_VALUE ? at : Math.max(1, at - retiredInstructions());
    }

    /** Whether the domain has come to where the journal wants it to stop, and has been paused. */
    boolean stopReached() {
        if (isStopping() || retiredInstructions() < inputs.stopAt()) {
            return false;
        }
        inputs.stopReached();
        return true;
    }

    // ---------------------------------------------------------------------- shared info

    /** Machine address of the shared-info page. */
    long sharedInfoAddress() {
        return sharedInfo;
    }

    /** Stand-in for the vcpu_info of a vCPU that the shared-info page has no room for. */
    long dummyInfoAddress(int vcpu) {
        return dummyInfo + (long) (vcpu % 64) * SharedInfo.VCPU_INFO_SIZE;
    }

    /** Whether shared structures have the 64-bit layout. */
    boolean isWide() {
        return wide;
    }

    /** The calling vCPU's mode decides about the layout from now on. */
    void latchWidth(Vcpu v) {
        boolean w = v.engine().codeSize() == 64;
        if (w != wide) {
            wide = w;
            writeWallClock();
        }
    }

    private void writeWallClock() {
        GuestRam ram = memory.ram;
        long wc = sharedInfo + SharedInfo.wallClock(wide);
        int version = ram.getInt(wc) | 1;
        ram.putInt(wc, version);
        java.lang.invoke.VarHandle.fullFence();
        long nanos = clock.wallClockBase();
        long seconds = nanos / 1_000_000_000L;
        ram.putInt(wc + SharedInfo.WC_SEC, (int) seconds);
        ram.putInt(wc + SharedInfo.WC_NSEC, (int) (nanos % 1_000_000_000L));
        ram.putInt(
                wc + (wide ? SharedInfo.WC_SEC_HI_64 : SharedInfo.WC_SEC_HI_32),
                (int) (seconds >>> 32));
        java.lang.invoke.VarHandle.fullFence();
        ram.putInt(wc, version + 1);
        memory.touched(wc);
    }

    int callbackVector() {
        return callbackVector;
    }

    boolean runstateUpdateFlag() {
        return runstateUpdateFlag;
    }

    void setRunstateUpdateFlag(boolean on) {
        runstateUpdateFlag = on;
    }

    /**
     * An event was raised on a port that was not pending: vCPUs in SCHEDOP_poll may wait for it.
     */
    void wakePollers(int port) {
        if (pollers.get() > 0) {
            for (Vcpu v : vcpus) {
                v.wakeFromPoll(port);
            }
        }
    }

    // ----------------------------------------------------------------------------- state

    /**
     * Names a device that a tool stack adds, whose state belongs to the domain's. What is given
     * tells it; it is called while no vCPU runs.
     */
    public void addDevice(String deviceName, Consumer<StateSink> state) {
        devices.put(deviceName, state);
    }

    Map<String, Consumer<StateSink>> devices() {
        return devices;
    }

    /** Has writes to memory logged from now on, anew at each call. */
    void logWrites() {
        engines.logWrites();
    }

    void visitState(StateSink sink) {
        sink.value("time", clock.now());
        for (int i = 0; i < params.length(); i++) {
            sink.value("HVM parameter", params.get(i));
        }
        sink.value("callback vector", callbackVector);
        sink.value("64-bit structures", wide ? 1 : 0);
        sink.value("runstate update flag", runstateUpdateFlag ? 1 : 0);
        sink.value("shutdown code", shutdownCode);
        sink.value("pollers", pollers.get());
        synchronized (watchdogUsed) {
            for (int i = 0; i < WATCHDOGS; i++) {
                sink.value("watchdog in use", watchdogUsed[i] ? 1 : 0);
                sink.value("watchdog", watchdogs[i].deadline());
            }
        }
    }

    // ------------------------------------------------------------------------ watchdogs

    /**
     * SCHEDOP_watchdog.
     *
     * @param number 1 or 2, 0 for a new one
     * @param seconds until it expires; 0 turns it off
     * @return the number of a new one, 0, or a negated error number
     */
    int watchdog(int number, int seconds) {
        long deadline = clock.now() + (seconds & 0xFFFFFFFFL) * 1_000_000_000L;
        synchronized (watchdogUsed) {
            if (number < 0 || number > WATCHDOGS) {
                return -Errno.EINVAL;
            }
            if (number == 0) {
                if (seconds == 0) {
                    return -Errno.EINVAL;
                }
                for (int i = 0; i < WATCHDOGS; i++) {
                    if (!watchdogUsed[i]) {
                        watchdogUsed[i] = true;
                        watchdogs[i].set(deadline);
                        return i + 1;
                    }
                }
                return -Errno.ENOSPC;
            }
            if (!watchdogUsed[number - 1]) {
                return -Errno.EINVAL;
            }
            if (seconds == 0) {
                watchdogUsed[number - 1] = false;
                watchdogs[number - 1].cancel();
            } else {
                watchdogs[number - 1].set(deadline);
            }
            return 0;
        }
    }

    private void watchdogExpired() {
        stop(StopReason.WATCHDOG, "a watchdog that the guest had set expired");
    }

    // ----------------------------------------------------------------------- statistics

    /** Counters by name: instructions, hypercalls by name, those that were refused with -ENOSYS. */
    public Map<String, Long> statistics() {
        Map<String, Long> m = new TreeMap<>();
        m.put("instructions", retiredInstructions());
        m.put("pages", memory.totalPages());
        m.put("event channels", (long) events.active());
        statistics.addTo(m);
        engines.statistics(m);
        return m;
    }

    @Override
    public String toString() {
        return "domain " + id + " (" + name() + ")";
    }
}
