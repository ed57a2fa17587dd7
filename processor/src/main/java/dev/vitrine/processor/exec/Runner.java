// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.system.DebugRegisters;
import dev.vitrine.processor.system.Interrupts;
import dev.vitrine.processor.system.TripleFault;

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

    private final Cpu cpu;
    private final Rendezvous rendezvous;
    private final Interpreter interpreter;
    private boolean stepOnce;

    /** See {@link Interpreter#prepare}. */
    public static void prepare() {
        Interpreter.prepare();
    }

    /** With a {@link RecordedHost} all that regions do is checked; for one processor only. */
    public Runner(
            Cpu cpu,
            CodeCache cache,
            Rendezvous rendezvous,
            boolean smp,
            boolean fep,
            Tiering tiering) {
        this.cpu = cpu;
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

    /** Block look-ups that missed the processor's own cache, for statistics. */
    public long lookups() {
        return interpreter.lookups;
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
                if (!shadowed) {
                    deliverEvents();
                }
                if (cpu.halted) {
                    return HALTED;
                }
                if (cpu.retired >= limit || cpu.retired >= hardLimit) {
                    return BUDGET;
                }
                if (shadowed
                        || stepOnce
                        || (cpu.modeKey & (Cpu.MODE_TF | Cpu.MODE_DEBUG)) != 0
                        || (cpu.eflags & Cpu.RF) != 0) {
                    step();
                } else if (hardLimit != Long.MAX_VALUE) {
                    approach(limit);
                } else {
                    interpreter.run(Math.min(limit, cpu.retired + slice()));
                }
            } catch (GuestFault f) {
                cpu.currentBlock = null;
                cpu.shadow = Cpu.SHADOW_NONE;
                try {
                    Interrupts.deliverFault(cpu);
                } catch (TripleFault t) {
                    return SHUTDOWN;
                }
            } catch (SelfModification m) {
                stepOnce = true;
            } catch (TripleFault t) {
                return SHUTDOWN;
            }
        }
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

    private void deliverEvents() {
        Cpu cpu = this.cpu;
        if (cpu.pendingDebug != 0) {
            // A trap that an instruction outside of step() has left: task switch, SYSRET.
            int bits = cpu.pendingDebug;
            cpu.pendingDebug = 0;
            cpu.currentBlock = null;
            Interrupts.deliverDebugTrap(cpu, bits);
        }
        if (nmiWaiting && !cpu.nmiBlocked) {
            nmiWaiting = false;
            cpu.currentBlock = null;
            Interrupts.deliverNmi(cpu);
        }
        if (cpu.interruptWaiting && (cpu.eflags & Cpu.IF) != 0) {
            int vector = cpu.host.acknowledgeInterrupt();
            if (vector < 0) {
                cpu.interruptWaiting = false;
            } else {
                cpu.currentBlock = null;
                Interrupts.deliverExternal(cpu, vector);
            }
        }
    }

    /** One instruction, with the debug traps that follow it. */
    private void step() {
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
            done = interpreter.step();
        } catch (SelfModification m) {
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
            cpu.currentBlock = null;
            Interrupts.deliverDebugTrap(cpu, bits);
        }
    }
}
