// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import dev.vitrine.processor.StateSink;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * A local APIC: xAPIC by memory-mapped page, x2APIC by MSR (SDM volume 3, chapter 12). Registers
 * are used by the thread that runs the processor; interrupts may arrive from any thread.
 *
 * <p>The timer's bus runs at 100 MHz, as Xen's does.
 */
public final class LocalApic {
    /** The processor behind an APIC. Calls may come from any thread. */
    public interface Processor {
        /** An interrupt became pending that was not before: let the processor look. */
        void interruptPending();

        void nmi();

        /** INIT signal. */
        void init();

        /** Start-up IPI: begins in real mode at vector * 4096 if the processor waits for it. */
        void startup(int vector);
    }

    /** Where the register page is after reset. */
    public static final long DEFAULT_BASE = 0xFEE00000L;

    public static final int MSR_APIC_BASE = 0x1B;
    public static final int MSR_TSC_DEADLINE = 0x6E0;
    public static final int MSR_X2APIC_FIRST = 0x800;
    public static final int MSR_X2APIC_LAST = 0x8FF;

    public static final int MODE_FIXED = 0;
    public static final int MODE_LOWEST = 1;
    public static final int MODE_SMI = 2;
    public static final int MODE_NMI = 4;
    public static final int MODE_INIT = 5;
    public static final int MODE_STARTUP = 6;
    public static final int MODE_EXTINT = 7;

    private static final int BASE_BSP = 1 << 8;
    private static final int BASE_EXTD = 1 << 10;
    private static final int BASE_ENABLE = 1 << 11;

    private static final int ESR_SEND_ILLEGAL_VECTOR = 1 << 5;
    private static final int ESR_RECEIVE_ILLEGAL_VECTOR = 1 << 6;
    private static final int ESR_ILLEGAL_REGISTER = 1 << 7;

    private static final int LVT_TIMER = 0;
    private static final int LVT_THERMAL = 1;
    private static final int LVT_PERFORMANCE = 2;
    private static final int LVT_LINT0 = 3;
    private static final int LVT_LINT1 = 4;
    private static final int LVT_ERROR = 5;
    private static final int LVT_MASKED = 1 << 16;
    private static final int[] LVT_WRITABLE = {
        0x7_00FF, 0x1_07FF, 0x1_07FF, 0x1_A7FF, 0x1_A7FF, 0x1_00FF
    };

    private static final int TIMER_PERIODIC = 1;
    private static final int TIMER_DEADLINE = 2;
    private static final long BUS_NANOS = 10;

    /** A periodic timer that is shorter is slowed down to this, or it would stop the host. */
    private static final long MIN_PERIOD_NANOS = 20_000;

    private static final int VERSION = 0x14 | 5 << 16;

    private final int id;
    private final boolean bootstrap;
    private final ApicBus bus;
    private final Processor processor;
    private final VirtualClock clock;
    private final TimerQueue.Timer timer;

    private final AtomicIntegerArray irr = new AtomicIntegerArray(8);
    private final AtomicIntegerArray tmr = new AtomicIntegerArray(8);
    private final AtomicIntegerArray errors = new AtomicIntegerArray(1);
    private final int[] isr = new int[8];
    private final int[] lvt = new int[6];

    private volatile long base;
    private volatile int spurious;
    private volatile int logicalDestination;
    private volatile int destinationFormat;
    private volatile int tpr;
    private volatile int isrPriority;
    private int esr;
    private long icr;
    private int divide;

    // Timer state, guarded by this.
    private int initialCount;
    private long timerStart;
    private long tscDeadline;

    /**
     * @param id the APIC id; only its low 8 bits show in xAPIC mode
     * @param bootstrap this is the bootstrap processor's
     */
    public LocalApic(
            int id,
            boolean bootstrap,
            ApicBus bus,
            Processor processor,
            VirtualClock clock,
            TimerQueue timers) {
        this.id = id;
        this.bootstrap = bootstrap;
        this.bus = bus;
        this.processor = processor;
        this.clock = clock;
        this.timer = timers.newTimer(this::timerExpired);
        base = DEFAULT_BASE | BASE_ENABLE | (bootstrap ? BASE_BSP : 0);
        reset();
        bus.attach(this);
    }

    /** State after INIT: all registers but the id and the base (SDM 12.4.7.3). */
    public void reset() {
        synchronized (this) {
            timer.cancel();
            initialCount = 0;
            tscDeadline = 0;
        }
        for (int i = 0; i < 8; i++) {
            irr.set(i, 0);
            tmr.set(i, 0);
            isr[i] = 0;
        }
        isrPriority = 0;
        java.util.Arrays.fill(lvt, LVT_MASKED);
        spurious = 0xFF;
        logicalDestination = 0;
        destinationFormat = -1;
        tpr = 0;
        esr = 0;
        errors.set(0, 0);
        icr = 0;
        divide = 0;
    }

    public int id() {
        return id;
    }

    /** Tells all registers, and when the timer fires. On the thread that runs the processor. */
    public void visitState(StateSink sink) {
        for (int i = 0; i < 8; i++) {
            sink.value("interrupt request", irr.get(i));
            sink.value("in service", isr[i]);
            sink.value("trigger mode", tmr.get(i));
        }
        for (int entry : lvt) {
            sink.value("local vector table", entry);
        }
        sink.value("base", base);
        sink.value("spurious-interrupt vector", spurious);
        sink.value("logical destination", logicalDestination);
        sink.value("destination format", destinationFormat);
        sink.value("task priority", tpr);
        sink.value("errors", errors.get(0));
        sink.value("error status", esr);
        sink.value("interrupt command", icr);
        synchronized (this) {
            sink.value("divide configuration", divide);
            sink.value("initial count", initialCount);
            sink.value("TSC deadline", tscDeadline);
            if (timer.isSet()) {
                sink.value("timer start", timerStart);
                sink.value("timer", timer.deadline());
            }
        }
    }

    /**
     * Physical address of the register page, or -1 while there is none (disabled or x2APIC mode).
     */
    public long pageAddress() {
        long b = base;
        return (b & (BASE_ENABLE | BASE_EXTD)) == BASE_ENABLE ? b & ~0xFFFL : -1;
    }

    boolean inX2Mode() {
        return (base & BASE_EXTD) != 0;
    }

    private boolean hardwareEnabled() {
        return (base & BASE_ENABLE) != 0;
    }

    boolean softwareEnabled() {
        return hardwareEnabled() && (spurious & 0x100) != 0;
    }

    // ----------------------------------------------------- interrupts to the processor

    /** Highest vector that may interrupt the processor now, or -1. */
    public int pendingVector() {
        for (int i = 7; i >= 0; i--) {
            int w = irr.get(i);
            if (w != 0) {
                int vector = i * 32 + 31 - Integer.numberOfLeadingZeros(w);
                return softwareEnabled() && (vector & 0xF0) > (processorPriority() & 0xF0)
                        ? vector
                        : -1;
            }
        }
        return -1;
    }

    /** Takes the highest deliverable vector into service; -1 if there is none. */
    public int acknowledge() {
        int vector = pendingVector();
        if (vector >= 0) {
            int i = vector >>> 5;
            int bit = 1 << (vector & 31);
            irr.getAndUpdate(i, w -> w & ~bit);
            isr[i] |= bit;
            isrPriority = vector & 0xF0;
        }
        return vector;
    }

    int processorPriority() {
        int t = tpr;
        int s = isrPriority;
        return (t & 0xF0) >= s ? t : s;
    }

    /** Task priority as CR8 shows it: 0 to 15. */
    public int taskPriority() {
        return tpr >>> 4;
    }

    public void setTaskPriority(int value) {
        tpr = (value & 0xF) << 4;
        signalIfPending();
    }

    private void signalIfPending() {
        if (pendingVector() >= 0) {
            processor.interruptPending();
        }
    }

    // ------------------------------------------------------------ interrupts that arrive

    /** Accepts a fixed interrupt, as from a device or from the hypervisor. Any thread. */
    public void interrupt(int vector, boolean level) {
        if (!softwareEnabled()) {
            return;
        }
        if (vector < 16) {
            raiseError(ESR_RECEIVE_ILLEGAL_VECTOR);
            return;
        }
        post(vector, level);
    }

    /**
     * Makes an interrupt pending even while software has the APIC disabled; it is delivered once
     * that changes. Xen raises event upcalls so, and guests count on it: one may come before they
     * have enabled the APIC. Any thread.
     *
     * @param vector 16 to 255
     */
    public void post(int vector, boolean level) {
        int i = vector >>> 5;
        int bit = 1 << (vector & 31);
        if (level) {
            tmr.getAndUpdate(i, w -> w | bit);
        } else {
            tmr.getAndUpdate(i, w -> w & ~bit);
        }
        if ((irr.getAndUpdate(i, w -> w | bit) & bit) == 0) {
            processor.interruptPending();
        }
    }

    /** Withdraws an interrupt that was not acknowledged yet. */
    public void withdraw(int vector) {
        int bit = 1 << (vector & 31);
        irr.getAndUpdate(vector >>> 5, w -> w & ~bit);
    }

    void receive(int mode, int vector, boolean level) {
        if (!hardwareEnabled()) {
            return;
        }
        switch (mode) {
            case MODE_FIXED, MODE_LOWEST -> interrupt(vector, level);
            case MODE_NMI -> processor.nmi();
            case MODE_INIT -> processor.init();
            case MODE_STARTUP -> processor.startup(vector);
            default -> {}
        }
    }

    boolean matches(int destination, boolean logical, boolean wide) {
        if (!logical) {
            if (wide ? destination == -1 : (destination & 0xFF) == 0xFF) {
                return true;
            }
            // A wide destination never reaches an 8-bit APIC whose id only matches when truncated.
            return wide || inX2Mode() ? id == destination : (id & 0xFF) == (destination & 0xFF);
        }
        if (inX2Mode()) {
            if (destination == -1) {
                return true;
            }
            int ldr = x2LogicalId();
            return ldr >>> 16 == destination >>> 16 && (ldr & destination & 0xFFFF) != 0;
        }
        int mda = destination & 0xFF;
        int ldr = logicalDestination >>> 24;
        if (destinationFormat >>> 28 == 0xF) {
            return (ldr & mda) != 0;
        }
        return mda == 0xFF || (ldr >>> 4 == mda >>> 4 && (ldr & mda & 0xF) != 0);
    }

    private int x2LogicalId() {
        return (id & ~0xF) << 12 | 1 << (id & 0xF);
    }

    private void raiseError(int bit) {
        if ((errors.getAndUpdate(0, e -> e | bit) & bit) != 0) {
            return; // Reported before: also ends the recursion of an error about the error vector.
        }
        int entry = lvt[LVT_ERROR];
        if ((entry & LVT_MASKED) == 0) {
            interrupt(entry & 0xFF, false);
        }
    }

    private void endOfInterrupt() {
        for (int i = 7; i >= 0; i--) {
            if (isr[i] != 0) {
                isr[i] &= ~Integer.highestOneBit(isr[i]);
                break;
            }
        }
        int p = 0;
        for (int i = 7; i >= 0; i--) {
            if (isr[i] != 0) {
                p = (i * 32 + 31 - Integer.numberOfLeadingZeros(isr[i])) & 0xF0;
                break;
            }
        }
        isrPriority = p;
        signalIfPending();
    }

    // -------------------------------------------------------------------------- timer

    private int timerMode() {
        return (lvt[LVT_TIMER] >>> 17) & 3;
    }

    private long divisor() {
        int d = (divide & 3) | (divide & 8) >>> 1;
        return d == 7 ? 1 : 2L << d;
    }

    private synchronized void startTimer() {
        timerStart = clock.now();
        if (initialCount == 0) {
            timer.cancel();
        } else {
            long p = period();
            timer.set(
                    timerStart
                            + (timerMode() == TIMER_PERIODIC ? Math.max(p, MIN_PERIOD_NANOS) : p));
        }
    }

    private long period() {
        return (initialCount & 0xFFFFFFFFL) * divisor() * BUS_NANOS;
    }

    private synchronized int currentCount() {
        if (initialCount == 0 || timerMode() == TIMER_DEADLINE) {
            return 0;
        }
        long passed = (clock.now() - timerStart) / (divisor() * BUS_NANOS);
        long initial = initialCount & 0xFFFFFFFFL;
        if (timerMode() == TIMER_PERIODIC) {
            return (int) (initial - passed % initial);
        }
        return passed >= initial ? 0 : (int) (initial - passed);
    }

    private synchronized void startDeadline() {
        if (tscDeadline == 0) {
            timer.cancel();
            return;
        }
        // A deadline that the guest's TSC adjustment made negative has passed long ago.
        timer.set(tscDeadline < 0 ? clock.now() : clock.nanos(tscDeadline));
    }

    private void timerExpired(long deadline) {
        synchronized (this) {
            if (timerMode() == TIMER_DEADLINE) {
                if (tscDeadline == 0) {
                    return;
                }
                tscDeadline = 0;
            } else if (initialCount == 0) {
                return;
            } else if (timerMode() == TIMER_PERIODIC) {
                long now = clock.now();
                long period = Math.max(period(), MIN_PERIOD_NANOS);
                long next = deadline + period;
                if (next <= now) {
                    next = now + period - (now - deadline) % period; // late: missed ticks are lost
                }
                timer.set(next);
            }
        }
        int entry = lvt[LVT_TIMER];
        if ((entry & LVT_MASKED) == 0) {
            interrupt(entry & 0xFF, false);
        }
    }

    // ---------------------------------------------------------------------- registers

    /**
     * Reads from the register page.
     *
     * @param offset 0 to 0xFFF
     * @param size bytes, 1 to 8
     */
    public long readPage(int offset, int size) {
        if ((offset & 0xF) + size > 4) {
            return 0; // Only the first four bytes of each 16 are defined.
        }
        long v = readRegister(offset >>> 4, false) & 0xFFFFFFFFL;
        return v >>> ((offset & 3) * 8) & ((1L << (size * 8)) - 1);
    }

    /** Writes to the register page. Anything but an aligned 32-bit write is ignored. */
    public void writePage(int offset, int size, long value) {
        if (size != 4 || (offset & 0xF) != 0) {
            return;
        }
        int register = offset >>> 4;
        int v = (int) value;
        switch (register) {
            case 0x30 -> {
                icr = (icr & ~0xFFFFFFFFL) | (v & 0xFFFFFFFFL & ~(1L << 12));
                send();
            }
            case 0x31 -> icr = (icr & 0xFFFFFFFFL) | (long) (v & 0xFF000000) << 32;
            case 0x0D -> logicalDestination = v & 0xFF000000;
            case 0x0E -> destinationFormat = v | 0x0FFFFFFF;
            case 0x02 -> {} // The id is fixed here; Xen has it read-only, too.
            default -> {
                if (!writeRegister(register, v)) {
                    raiseError(ESR_ILLEGAL_REGISTER);
                }
            }
        }
    }

    private void send() {
        int low = (int) icr;
        int mode = (low >>> 8) & 7;
        if ((mode == MODE_FIXED || mode == MODE_LOWEST) && (low & 0xFF) < 16) {
            raiseError(ESR_SEND_ILLEGAL_VECTOR);
            return;
        }
        bus.send(this, inX2Mode() ? icr : (icr & 0xFFFFFFFFL) | icr >>> 56 << 32);
    }

    private int readRegister(int register, boolean x2) {
        if (register >= 0x10 && register < 0x28) {
            int i = register & 7;
            return switch ((register - 0x10) >>> 3) {
                case 0 -> isr[i];
                case 1 -> tmr.get(i);
                default -> irr.get(i);
            };
        }
        return switch (register) {
            case 0x02 -> x2 ? id : id << 24;
            case 0x03 -> VERSION;
            case 0x08 -> tpr;
            case 0x09 -> 0; // arbitration priority: no such thing since the Pentium 4
            case 0x0A -> processorPriority();
            case 0x0D -> x2 ? x2LogicalId() : logicalDestination;
            case 0x0E -> destinationFormat;
            case 0x0F -> spurious;
            case 0x28 -> esr;
            case 0x30 -> (int) icr;
            case 0x31 -> (int) (icr >>> 32);
            case 0x32, 0x33, 0x34, 0x35, 0x36, 0x37 -> lvt[register - 0x32];
            case 0x38 -> initialCount;
            case 0x39 -> currentCount();
            case 0x3E -> divide;
            default -> {
                if (!x2) {
                    raiseError(ESR_ILLEGAL_REGISTER);
                }
                yield 0;
            }
        };
    }

    private boolean writeRegister(int register, int value) {
        switch (register) {
            case 0x08 -> {
                tpr = value & 0xFF;
                signalIfPending();
            }
            case 0x0B -> endOfInterrupt();
            case 0x0F -> {
                spurious = value & 0x1FF;
                if ((value & 0x100) == 0) {
                    for (int i = 0; i < lvt.length; i++) {
                        lvt[i] |= LVT_MASKED;
                    }
                } else {
                    signalIfPending();
                }
            }
            case 0x28 -> esr = errors.getAndSet(0, 0);
            case 0x32, 0x33, 0x34, 0x35, 0x36, 0x37 -> writeLvt(register - 0x32, value);
            case 0x38 -> {
                if (timerMode() != TIMER_DEADLINE) {
                    synchronized (this) {
                        initialCount = value;
                        startTimer();
                    }
                }
            }
            case 0x3E -> {
                synchronized (this) {
                    if (divide != (value & 0xB)) {
                        divide = value & 0xB;
                        if (initialCount != 0 && timerMode() != TIMER_DEADLINE) {
                            startTimer();
                        }
                    }
                }
            }
            default -> {
                return false;
            }
        }
        return true;
    }

    private void writeLvt(int n, int value) {
        int v = value & LVT_WRITABLE[n];
        if ((spurious & 0x100) == 0) {
            v |= LVT_MASKED;
        }
        if (n != LVT_TIMER) {
            lvt[n] = v;
            return;
        }
        synchronized (this) {
            int before = timerMode();
            lvt[n] = v;
            int after = timerMode();
            if (before != after && (before == TIMER_DEADLINE || after == TIMER_DEADLINE)) {
                timer.cancel();
                initialCount = 0;
                tscDeadline = 0;
            }
        }
    }

    // --------------------------------------------------------------------------- MSRs

    /** Whether an MSR belongs to the local APIC (it may still refuse the access). */
    public static boolean ownsMsr(int msr) {
        return msr == MSR_APIC_BASE
                || msr == MSR_TSC_DEADLINE
                || (msr >= MSR_X2APIC_FIRST && msr <= MSR_X2APIC_LAST);
    }

    /**
     * RDMSR.
     *
     * @param out receives the value in element 0
     * @return false for #GP
     */
    public boolean readMsr(int msr, long[] out) {
        if (msr == MSR_APIC_BASE) {
            out[0] = base;
            return true;
        }
        if (msr == MSR_TSC_DEADLINE) {
            synchronized (this) {
                out[0] = tscDeadline;
            }
            return true;
        }
        if (!inX2Mode()) {
            return false;
        }
        int register = msr - MSR_X2APIC_FIRST;
        if (register == 0x30) {
            out[0] = icr;
            return true;
        }
        boolean readable =
                switch (register) {
                    case 0x02, 0x03, 0x08, 0x0A, 0x0D, 0x0F, 0x28, 0x38, 0x39, 0x3E -> true;
                    default ->
                            (register >= 0x10 && register < 0x28)
                                    || (register >= 0x32 && register <= 0x37);
                };
        if (readable) {
            out[0] = readRegister(register, true) & 0xFFFFFFFFL;
        }
        return readable;
    }

    /** WRMSR; false for #GP. */
    public boolean writeMsr(int msr, long value) {
        if (msr == MSR_APIC_BASE) {
            return writeBase(value);
        }
        if (msr == MSR_TSC_DEADLINE) {
            synchronized (this) {
                if (timerMode() == TIMER_DEADLINE) {
                    tscDeadline = value;
                    startDeadline();
                }
            }
            return true;
        }
        if (!inX2Mode()) {
            return false;
        }
        int register = msr - MSR_X2APIC_FIRST;
        switch (register) {
            case 0x30 -> {
                if ((value & 0xFFFF_FFFFL & ~0xC_CFFFL) != 0) {
                    return false;
                }
                icr = value;
                send();
                return true;
            }
            case 0x3F -> {
                if ((value & ~0xFFL) != 0) {
                    return false;
                }
                if (value < 16) {
                    raiseError(ESR_SEND_ILLEGAL_VECTOR);
                } else {
                    interrupt((int) value, false);
                }
                return true;
            }
            default -> {
                long allowed =
                        switch (register) {
                            case 0x08 -> 0xFF;
                            case 0x0B, 0x28 -> 0;
                            case 0x0F -> 0x1FF;
                            case 0x32, 0x33, 0x34, 0x35, 0x36, 0x37 ->
                                    LVT_WRITABLE[register - 0x32] | 1 << 12 | 1 << 14;
                            case 0x38 -> 0xFFFFFFFFL;
                            case 0x3E -> 0xB;
                            default -> -1;
                        };
                if (allowed == -1 || (value & ~allowed) != 0) {
                    return false;
                }
                return writeRegister(register, (int) value);
            }
        }
    }

    private boolean writeBase(long value) {
        if ((value & ~0x3FFF_FFFF_FD00L) != 0) {
            return false;
        }
        int now = (int) base & (BASE_ENABLE | BASE_EXTD);
        int then = (int) value & (BASE_ENABLE | BASE_EXTD);
        if (then == BASE_EXTD
                || (now == (BASE_ENABLE | BASE_EXTD) && then == BASE_ENABLE)
                || (now == 0 && then == (BASE_ENABLE | BASE_EXTD))) {
            return false;
        }
        if (then == 0 && now != 0) {
            reset();
        }
        base = (value & ~BASE_BSP) | (bootstrap ? BASE_BSP : 0);
        return true;
    }
}
