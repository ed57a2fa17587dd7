// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Interception.EventType;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.Reaction;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.system.DebugRegisters;
import dev.vitrine.processor.system.TripleFault;

import org.jspecify.annotations.Nullable;

import java.util.Objects;
import java.util.function.LongConsumer;
import java.util.function.ObjLongConsumer;

/**
 * Runs one processor: events between blocks, single steps where events need them, delivery of
 * faults.
 */
public final class Runner {
    /** The budget is spent. */
    public static final int BUDGET = 0;

    /** HLT, and nothing to wake it. */
    public static final int HALTED = 1;

    /** A stop was requested. */
    public static final int STOPPED = 2;

    /** Triple fault. */
    public static final int SHUTDOWN = 3;

    /** The host has not made up its mind about what it was asked. */
    public static final int WAITING = 4;

    private final Cpu cpu;
    private final Rendezvous rendezvous;
    private final Interpreter interpreter;
    private boolean stepOnce;

    private final DueEvent due = new DueEvent();
    private final Attempt attempt = new Attempt();

    /** What the host was asked about last. */
    private @Nullable Interception asked;

    /** Where execution would go on behind the instruction that was intercepted. */
    private long behind;

    /**
     * The instruction that was intercepted has been executed; what follows it in its block is next.
     */
    private boolean rest;

    /** A part of it has been; it is to go on. */
    private boolean repeated;

    /** The host's answer, not acted upon yet. */
    private @Nullable Reaction reaction;

    private final LongConsumer mirrorWritten;

    /** See {@link LoopCompilation#begin}. */
    public static void prepare() {
        LoopCompilation.begin();
    }

    /**
     * With a {@link RecordedHost} all that regions do is checked; for one processor only.
     *
     * @param mirrorWritten told of each write to a frame that is mirrored, when it has been made
     */
    public Runner(
            Cpu cpu,
            CodeCache cache,
            Rendezvous rendezvous,
            boolean smp,
            boolean fep,
            Tiering tiering,
            LongConsumer mirrorWritten) {
        this.cpu = cpu;
        this.mirrorWritten = mirrorWritten;
        this.rendezvous = rendezvous;
        this.interpreter =
                new Interpreter(
                        cpu, cache, new BlockBuilder(cpu, cache, smp, fep), rendezvous, tiering, 0);
        if (cpu.host instanceof RecordedHost host) {
            Interpreter alone =
                    new Interpreter(
                            cpu,
                            cache,
                            new BlockBuilder(cpu, cache, smp, fep),
                            rendezvous,
                            Tiering.NONE,
                            Interpreter.MODE_REPLAY);
            interpreter.regions.verifier = new Verifier(cpu, alone, host, cache.frames());
        }
    }

    /** Runs until one of the reasons above, or until about budget instructions have retired. */
    public int run(long budget) {
        if (waiting()) {
            return WAITING;
        }
        long limit = cpu.retired + budget;
        rendezvous.enter(cpu);
        try {
            return loop(limit);
        } finally {
            cpu.currentBlock = null;
            rendezvous.leave(cpu);
        }
    }

    /**
     * As {@link #run}, but never retires more than so many instructions, and stops within a block
     * if they end there. What follows then depends on where interrupts may come: they do at the
     * ends of blocks.
     */
    public int run(long budget, long most) {
        hardLimit = cpu.retired + most;
        try {
            return run(budget);
        } finally {
            hardLimit = Long.MAX_VALUE;
        }
    }

    /** Whether the host owes an answer. */
    public boolean waiting() {
        return asked != null && reaction == null;
    }

    /** The host's answer to what it was asked about, after it has asked for time. */
    public void react(Reaction answer) {
        if (asked == null) {
            throw new IllegalStateException("nothing has been asked");
        }
        reaction = answer;
    }

    /** The processor begins anew: what was intercepted or due is no more. */
    public void reset() {
        asked = null;
        reaction = null;
        attempt.clear();
        due.clear();
        stepOnce = false;
        rest = false;
        cpu.leftBlock = null;
    }

    /** An event of the host's making, in place of one that is due. */
    public void inject(int vector, EventType type, int code, long cr2, int length) {
        due.inject(vector, type, code, cr2, length);
    }

    /** An event has been taken, and its delivery is not complete. */
    public boolean delivering() {
        return due.isDue();
    }

    /** Block look-ups that missed the processor's own cache, for statistics. */
    public long lookups() {
        return interpreter.searches();
    }

    /** How regions were entered and left. */
    public void regionStatistics(ObjLongConsumer<String> out) {
        interpreter.regions.statistics(out);
    }

    /** Where the blocks entered last begin, oldest first. */
    public long[] history() {
        return interpreter.history();
    }

    private int loop(long limit) {
        final Cpu cpu = this.cpu;
        while (true) {
            try {
                if (reaction != null && !act()) {
                    return WAITING;
                }
                if (rest) {
                    rest = false;
                    if (!due.isDue() && !cpu.stepping && interpreter.runRest(repeated)) {
                        continue;
                    }
                }
                if (due.isDue() && !deliver()) {
                    return WAITING;
                }
                tellMirrors();
                if (stepOnce) {
                    // Within a block: no event comes before it.
                    step(null);
                    continue;
                }
                cpu.leftBlock = null;
                cpu.elementsDone = 0;
                int requests = cpu.requests();
                if (requests != 0) {
                    if ((requests & Cpu.REQUEST_TASK) != 0) {
                        interpreter.serveTasks();
                    }
                    if ((requests & Cpu.REQUEST_STOP) != 0) {
                        cpu.takeRequests(Cpu.REQUEST_STOP);
                        return STOPPED;
                    }
                    if ((requests & Cpu.REQUEST_INTERRUPT) != 0) {
                        cpu.takeRequests(Cpu.REQUEST_INTERRUPT);
                        cpu.interruptWaiting = true;
                    }
                    if ((requests & Cpu.REQUEST_NMI) != 0) {
                        cpu.takeRequests(Cpu.REQUEST_NMI);
                        nmiWaiting = true;
                    }
                }
                boolean shadowed = cpu.shadow != Cpu.SHADOW_NONE;
                if (!shadowed && nextEvent()) {
                    continue;
                }
                if (cpu.halted) {
                    return HALTED;
                }
                if (cpu.retired >= limit || cpu.retired >= hardLimit) {
                    return BUDGET;
                }
                if (shadowed || (cpu.modeKey & STEPPING) != 0 || (cpu.eflags & Cpu.RF) != 0) {
                    boolean shown = cpu.stepping;
                    step(null);
                    // What the instruction itself has switched on is for the next one.
                    if (shown && cpu.stepping && !ask(STEP)) {
                        return WAITING;
                    }
                } else if (hardLimit != Long.MAX_VALUE) {
                    approach(limit);
                } else {
                    interpreter.run(Math.min(limit, cpu.retired + slice()));
                }
            } catch (GuestFault f) {
                cpu.currentBlock = null;
                cpu.leftBlock = null;
                cpu.elementsDone = 0;
                cpu.shadow = Cpu.SHADOW_NONE;
                attempt.clear();
                due.fault(cpu);
            } catch (Intercepted i) {
                cpu.currentBlock = null;
                behind = cpu.nextRip;
                if (!ask(Objects.requireNonNull(cpu.interception))) {
                    return WAITING;
                }
            } catch (SelfModification m) {
                cpu.leftBlock = null;
                stepOnce = true;
            } catch (TripleFault t) {
                due.clear();
                return SHUTDOWN;
            }
        }
    }

    private static final int STEPPING = Cpu.MODE_TF | Cpu.MODE_DEBUG | Cpu.MODE_STEP;
    private static final Interception STEP = new Interception.Step();

    // ---------------------------------------------------------- interceptions

    /** Asks the host; false if it wants time to think. */
    private boolean ask(Interception what) {
        int listeners = cpu.mmu.fetchListeners;
        Reaction r = cpu.host.intercepted(cpu.facade, what);
        if (cpu.mmu.fetchListeners != listeners) {
            cpu.leftBlock = null;
        }
        // Only now: an exception of the host leaves nothing open.
        asked = what;
        reaction = r.waits() ? null : r;
        return reaction != null;
    }

    /** Does what the host has answered; false if it was asked once more and wants time. */
    private boolean act() {
        Reaction r = Objects.requireNonNull(reaction);
        Interception what = Objects.requireNonNull(asked);
        reaction = null;
        asked = null;
        switch (what) {
            case Interception.Step s -> {
                return true;
            }
            case Interception.Event e -> {
                // It is due and has been shown.
                return true;
            }
            case Interception.DebugException d when due.isDue() -> {
                if (r.proceeds()) {
                    due.pass();
                } else if (!due.passed()) {
                    // Unless the host has put an event of its own in its place.
                    due.clear();
                }
                return true;
            }
            case Interception.MemoryAccess m when due.isDue() && !r.again() -> {
                if (r.passesWalk()) {
                    attempt.passWalks();
                } else {
                    attempt.emulate(false, null, null);
                }
                attempt.with(cpu, () -> due.deliver(cpu));
                attempt.clear();
                return !cpu.stepping || ask(STEP);
            }
            case Interception.ControlRegisterWrite c when due.isDue() && !r.again() -> {
                // Of a task switch, by the task gate that the event leads to.
                if (r.skips()) {
                    due.clear();
                } else {
                    attempt.pass(Intercepts.CONTROL);
                    attempt.with(cpu, () -> due.deliver(cpu));
                }
                attempt.clear();
                if (r.after() != null) {
                    r.after().run();
                }
                return !cpu.stepping || ask(STEP);
            }
            default -> {
                return instruction(r, what);
            }
        }
    }

    /** Goes on with an instruction that was intercepted. */
    private boolean instruction(Reaction r, Interception what) {
        if (r.again()) {
            attempt.clear();
            return true;
        }
        if (r.after() != null) {
            attempt.after = r.after();
        }
        if (r.skips()) {
            if ((cpu.eflags & Cpu.TF) != 0) {
                cpu.pendingDebug |= DebugRegisters.BS;
            }
            cpu.rip = behind;
            cpu.shadow = Cpu.SHADOW_NONE;
            cpu.eflags &= ~Cpu.RF;
            cpu.retired++;
            repeated = false;
        } else {
            if (r.passesWalk()) {
                attempt.passWalks();
            } else if (r.emulates() || what instanceof Interception.MemoryAccess) {
                attempt.emulate(r.discardsWrites(), r.readData(), r.instruction());
            }
            if (what instanceof Interception.MemoryAccess) {
                attempt.inParts();
            }
            attempt.pass(kind(what));
            attempt.with(cpu, () -> step(attempt.instruction));
            repeated = cpu.unfinished;
            if (repeated) {
                cpu.unfinished = false;
                cpu.retired--;
            }
        }
        Runnable after = attempt.after;
        attempt.clear();
        rest = cpu.leftBlock != null;
        tellMirrors();
        if (after != null) {
            after.run();
        }
        return !cpu.stepping || ask(STEP);
    }

    private static int kind(Interception what) {
        return switch (what) {
            case Interception.Breakpoint b -> Intercepts.BREAKPOINT;
            case Interception.DebugException d -> Intercepts.DEBUG_EXCEPTION;
            case Interception.Cpuid c -> Intercepts.CPUID;
            case Interception.PortAccess p -> Intercepts.PORT;
            case Interception.DescriptorAccess d -> Intercepts.DESCRIPTOR;
            case Interception.MsrWrite m -> Intercepts.MSR;
            case Interception.ControlRegisterWrite c -> Intercepts.CONTROL;
            case Interception.UnknownInstruction u -> Intercepts.UNKNOWN;
            default -> 0;
        };
    }

    /** Tells of writes to mirrored frames, which have been made by now. */
    private void tellMirrors() {
        for (long mfn; (mfn = cpu.takeMirrored()) >= 0; ) {
            Object left = cpu.leftBlock;
            if (left != null && interpreter.isOf(left, mfn)) {
                // As behind SelfModification, which it would have been without the copy.
                rest = false;
            }
            mirrorWritten.accept(mfn);
        }
    }

    /** Delivers the event that is due; false if the host wants time first. */
    private boolean deliver() {
        boolean debug = cpu.intercepts(Intercepts.DEBUG_EXCEPTION);
        if (debug || cpu.showNext) {
            Interception question = due.question(cpu.showNext, debug);
            if (question != null) {
                cpu.showNext &= !(question instanceof Interception.Event);
                if (!ask(question)) {
                    return false;
                }
                if (!act()) {
                    return false;
                }
                if (!due.isDue()) {
                    return true;
                }
            }
        }
        boolean fault = due.isFault();
        due.deliver(cpu);
        return !fault || !cpu.stepping || ask(STEP);
    }

    /**
     * The interpreter's loop is left now and then, so that it comes into use when HotSpot has
     * compiled it; soon in the beginning, since calls are what HotSpot counts. (The launcher
     * switches replacement on the stack off, which would compile the largest method there is once
     * more.)
     */
    private long slice() {
        if (slices < FIRST_SLICES) {
            slices++;
            return FIRST_SLICE;
        }
        return SLICE;
    }

    /** Runs towards the limit, and never beyond the hard one. */
    private void approach(long limit) {
        long left = hardLimit - cpu.retired;
        if (left > BlockBuilder.MAX_INSTRUCTIONS) {
            long safe = hardLimit - BlockBuilder.MAX_INSTRUCTIONS;
            interpreter.run(Math.min(Math.min(limit, safe), cpu.retired + slice()));
        } else if (!interpreter.runBeginning((int) left)) {
            interpreter.run(cpu.retired + 1);
        }
    }

    private long hardLimit = Long.MAX_VALUE;

    private static final int FIRST_SLICES = 2000;
    private static final long FIRST_SLICE = 200;
    private static final long SLICE = 100_000;

    private int slices;
    private boolean nmiWaiting;

    /** Takes the event that is to be delivered next, if there is one. */
    private boolean nextEvent() {
        Cpu cpu = this.cpu;
        if (cpu.pendingDebug != 0) {
            // A trap that an instruction outside of step() has left: task switch, SYSRET.
            int bits = cpu.pendingDebug;
            cpu.pendingDebug = 0;
            due.debugTrap(bits);
            return true;
        }
        if (cpu.stepping && !cpu.halted) {
            // Interrupts would take the step away from the instruction that it is for.
            return false;
        }
        if (nmiWaiting && !cpu.nmiBlocked) {
            nmiWaiting = false;
            due.nmi();
            return true;
        }
        if (cpu.interruptWaiting && (cpu.eflags & Cpu.IF) != 0) {
            int vector = cpu.host.acknowledgeInterrupt();
            if (vector >= 0) {
                due.external(vector);
                return true;
            }
            cpu.interruptWaiting = false;
        }
        return false;
    }

    /**
     * One instruction, with the debug traps that follow it.
     *
     * @param supplied the instruction; null for the one in memory
     */
    private void step(byte @Nullable [] supplied) {
        Cpu cpu = this.cpu;
        int shadow = cpu.shadow;
        boolean trap = (cpu.eflags & Cpu.TF) != 0;
        boolean overflow = (cpu.arithmeticFlags() & Cpu.OF) != 0;
        stepOnce = false;
        if ((cpu.modeKey & Cpu.MODE_DEBUG) != 0 && shadow != Cpu.SHADOW_MOV_SS) {
            long la = cpu.rip;
            if (!cpu.mode64()) {
                la = (la + cpu.r[Cpu.R_SEG_BASE + Cpu.CS]) & 0xFFFFFFFFL;
            }
            int hit = DebugRegisters.matchInstruction(cpu, la);
            if (hit != 0) {
                throw cpu.fault(dev.vitrine.processor.core.Vector.DB, hit);
            }
        }
        cpu.shadow = Cpu.SHADOW_NONE;
        int resume = cpu.eflags & Cpu.RF;
        cpu.eflags &= ~Cpu.RF;
        Instruction done;
        try {
            done = interpreter.step(supplied);
        } catch (SelfModification | Intercepted m) {
            // Nothing happened yet: the same instruction comes again, under the same shadow.
            cpu.shadow = shadow;
            cpu.eflags |= resume;
            throw m;
        }
        if (done.op == Op.INT
                || done.op == Op.INT3
                || done.op == Op.INT1
                || (done.op == Op.INTO && overflow)) {
            trap = false;
        }
        if (done.op == Op.SYSCALL) {
            // It goes by the flags that it has loaded, lest user code steps into the kernel.
            trap = (cpu.eflags & Cpu.TF) != 0;
        }
        if (cpu.shadow == Cpu.SHADOW_MOV_SS) {
            return;
        }
        int bits = cpu.pendingDebug | (trap ? DebugRegisters.BS : 0);
        if (bits != 0) {
            cpu.pendingDebug = 0;
            due.debugTrap(bits);
        }
    }
}
