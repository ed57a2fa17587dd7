// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

/**
 * Runs blocks of micro-operations, from one to the next, until an event wants attention.
 *
 * <p>{@link #execute} goes from block to block, and takes what needs more than the processor's
 * registers, flags and memory; all else is {@link StraightLine}'s. Faults leave it through its one
 * handler, which finds the guest instruction by the micro-operation's index.
 */
final class Interpreter {
    /** Added to the mode key of blocks that hold one instruction only. */
    static final int MODE_SINGLE = 1 << 16;

    /** Added to the mode key of the blocks of an interpreter that checks translated code. */
    static final int MODE_REPLAY = 1 << 17;

    private final Cpu cpu;
    private final CodeCache cache;
    private final BlockBuilder builder;
    private final Rendezvous rendezvous;
    private final Tiering tiering;

    /** Added to the mode key of its blocks. */
    private final int extraMode;

    final RegionRunner regions;

    private final StraightLine straight;

    private final BlockFinder finder;

    /** Addresses of the blocks entered last, for crash reports. */
    private static final int TRAIL = 32;

    private final long[] trail = new long[TRAIL];
    private int trailEnd;

    Interpreter(
            Cpu cpu,
            CodeCache cache,
            BlockBuilder builder,
            Rendezvous rendezvous,
            Tiering tiering,
            int extraMode) {
        this.cpu = cpu;
        this.extraMode = extraMode;
        this.tiering = tiering;
        this.straight = new StraightLine(cpu);
        this.regions = new RegionRunner(cpu, cache, this, tiering);
        this.cache = cache;
        this.builder = builder;
        this.finder = new BlockFinder(cpu, cache, builder, extraMode);
        this.rendezvous = rendezvous;
        LoopCompilation.beginOne();
    }

    /** The block at cpu.rip in the current mode. */
    Block lookup() {
        return finder.lookup();
    }

    /** Runs exactly one instruction (or one iteration of a repeated one that was interrupted). */
    Instruction step() {
        return step(null);
    }

    /**
     * As {@link #step()}.
     *
     * @param supplied the instruction; null for the one in memory
     */
    Instruction step(byte @Nullable [] supplied) {
        cpu.currentBlock = null;
        int mode = cpu.modeKey | MODE_SINGLE;
        Block b = supplied == null ? finder.find(mode) : builder.buildSupplied(mode, supplied);
        execute(b, BETWEEN, cpu.retired + 1);
        return b.instructions[0];
    }

    /** Runs from cpu.rip on until cpu.retired reaches the limit or an event wants attention. */
    void run(long limit) {
        cpu.currentBlock = null;
        execute(lookup(), BETWEEN, limit);
    }

    /**
     * Goes on within the block that {@link Intercepted} has left, to its end, if the processor is
     * where the block would be. So blocks end, and events come, where they do without the host.
     *
     * @param repeated the instruction at which it was left is not complete
     * @return false if it is elsewhere, and nothing was done
     */
    boolean runRest(boolean repeated) {
        Block b = (Block) cpu.leftBlock;
        int at = cpu.leftInstruction + (repeated ? 0 : 1);
        cpu.leftBlock = null;
        if (b == null
                || !b.valid
                || at >= b.count
                || b.rip(at) != cpu.rip
                || b.modeKey != (cpu.modeKey | extraMode)
                || cpu.shadow != Cpu.SHADOW_NONE
                || cpu.pendingDebug != 0
                || (cpu.eflags & Cpu.RF) != 0) {
            return false;
        }
        if (b.start(at) == b.code.length) {
            // A branch that is one with the comparison before it, and ends the block.
            step();
            return true;
        }
        cpu.retired -= at;
        execute(b, b.start(at), cpu.retired + 1);
        return true;
    }

    /** Whether what a frame holds, or what it is a copy of, is in a block. */
    boolean isOf(Object block, long mfn) {
        Block b = (Block) block;
        return b.mfn0 >= 0 && cache.hookFrame(b.mfn0) == mfn
                || b.mfn1 >= 0 && cache.hookFrame(b.mfn1) == mfn;
    }

    /**
     * Runs some instructions of the block at cpu.rip.
     *
     * @param count positive
     * @return false if the block has not more than that, and nothing was done
     */
    boolean runBeginning(int count) {
        cpu.currentBlock = null;
        Block b = lookup();
        if (b.count <= count) {
            return false;
        }
        execute(b.beginning(count), BETWEEN, cpu.retired + count);
        return true;
    }

    /**
     * @param from index in the block's code to begin at; {@link #BETWEEN} for its beginning, or a
     *     translation of it
     */
    private void execute(Block first, int from, long limit) {
        final Cpu cpu = this.cpu;
        final Mmu mmu = cpu.mmu;
        final long[] r = cpu.r;
        Block b = first;
        int pc = BETWEEN;
        int start = Math.max(from, 0);
        boolean whole = from == BETWEEN;
        long[] code = first.code;
        try {
            blocks:
            while (true) {
                if (whole && b.entry != null) {
                    b = regions.run(b, limit);
                    if (b == null) {
                        return;
                    }
                    start = regions.takeResume();
                    code = b.code;
                }
                whole = true;
                cpu.currentBlock = b;
                trail[trailEnd++ & (TRAIL - 1)] = b.rip;
                final int execution = ++b.executions & Block.LOOK;
                final boolean sample = (execution + 1 & Block.LOOK) <= 1;
                if (execution == 0) {
                    tiering.sampled(cpu, cache, b);
                }
                pc = start;
                start = 0;
                boolean taken;
                long target;
                uops:
                while (true) {
                    final int line = pc;
                    pc = STRAIGHT;
                    pc = straight.run(code, line, sample ? b : null);
                    if (pc >= StraightLine.NOT_TAKEN) {
                        taken = pc == StraightLine.TAKEN;
                        break;
                    }
                    final long w = code[pc];
                    final long imm = code[pc + 1];
                    pc += 2;
                    final int d = (int) (w >>> 8) & 31;
                    switch ((int) w & 0xFF) {
                        case Uop.HOOK:
                            if (hooked(b, (int) (w >>> 32) & 0xFF, imm)) {
                                continue uops;
                            }
                            pc = BETWEEN;
                            b = lookup();
                            code = b.code;
                            continue blocks;
                        case Uop.TRAP:
                            if ((cpu.passed & Intercepts.BREAKPOINT) == 0) {
                                cpu.nextRip = b.after((int) (w >>> 32) & 0xFF);
                                throw cpu.intercept(BREAKPOINT);
                            }
                            continue uops;
                        case Uop.EXEC:
                            {
                                Instruction i = b.instructions[(int) imm];
                                cpu.rip = i.rip;
                                cpu.nextRip = i.nextRip();
                                if ((int) (w >>> 32) == 0) {
                                    Units.execute(cpu, i);
                                } else {
                                    timed(b, pc - 2, i);
                                }
                                continue uops;
                            }

                        case Uop.JMP_REG:
                            target = r[(int) (w >>> 16) & 31];
                            if (target != target << 16 >> 16) {
                                throw cpu.gp(0);
                            }
                            cpu.rip = target;
                            if (sample) {
                                b.observeTarget(target);
                            }
                            cpu.retired += b.count;
                            pc = BETWEEN;
                            if (cpu.requests() != 0 || cpu.retired >= limit) {
                                return;
                            }
                            b = lookup();
                            code = b.code;
                            continue blocks;
                        case Uop.CALL_REG64:
                            {
                                target = r[(int) (w >>> 16) & 31];
                                long sp = r[Cpu.RSP] - 8;
                                if (target != target << 16 >> 16) {
                                    throw FaultSite.badCallTarget(cpu, sp);
                                }
                                mmu.store64(sp, r[d]);
                                r[Cpu.RSP] = sp;
                                cpu.rip = target;
                                if (sample) {
                                    b.observeTarget(target);
                                }
                                cpu.retired += b.count;
                                pc = BETWEEN;
                                if (cpu.requests() != 0 || cpu.retired >= limit) {
                                    return;
                                }
                                b = lookup();
                                code = b.code;
                                continue blocks;
                            }
                        case Uop.RET64:
                            target = mmu.load64(r[Cpu.RSP]);
                            if (target != target << 16 >> 16) {
                                throw cpu.gp(0);
                            }
                            r[Cpu.RSP] += imm;
                            cpu.rip = target;
                            if (sample) {
                                b.observeTarget(target);
                            }
                            cpu.retired += b.count;
                            pc = BETWEEN;
                            if (cpu.requests() != 0 || cpu.retired >= limit) {
                                return;
                            }
                            b = lookup();
                            code = b.code;
                            continue blocks;
                        case Uop.EXEC_END:
                            {
                                Instruction i = b.instructions[(int) imm];
                                cpu.rip = i.rip;
                                cpu.nextRip = i.nextRip();
                                // The count is exact for the helper, and what faults is found
                                // already.
                                cpu.retired += b.count - 1;
                                pc = ENDING;
                                Units.execute(cpu, i);
                                pc = BETWEEN;
                                cpu.rip = cpu.nextRip;
                                cpu.retired++;
                                if (attention(limit)) {
                                    return;
                                }
                                b = lookup();
                                code = b.code;
                                continue blocks;
                            }
                        case Uop.LOOP:
                            {
                                Instruction i = b.instructions[(int) imm];
                                taken = IntegerUnit.loop(cpu, i);
                                break uops;
                            }
                        default:
                            throw new IllegalStateException("micro-operation " + (w & 0xFF));
                    }
                }
                cpu.retired += b.count;
                pc = BETWEEN;
                if (cpu.requests() != 0 || cpu.retired >= limit) {
                    if (b instanceof Detour d) {
                        // Not between two blocks: the whole one comes to its end.
                        cpu.retired -= b.count;
                        start = d.whole.start(b.count);
                        b = d.whole;
                        code = b.code;
                        whole = false;
                        continue;
                    }
                    cpu.rip = taken ? b.target : b.fallThrough;
                    return;
                }
                Block n;
                long[] c;
                if (taken) {
                    b.takenCount++;
                    n = b.taken;
                    c = b.takenCode;
                } else {
                    n = b.next;
                    c = b.nextCode;
                }
                // Other processors may set both.
                if (n == null || c == null || !n.valid || n.code != c) {
                    n = follow(b, taken);
                    c = n.code;
                }
                code = c;
                b = n;
            }
        } catch (GuestFault | Intercepted | SelfModification e) {
            if (pc == ENDING) {
                FaultSite.left(cpu, b, b.count - 1);
            } else if (pc != BETWEEN) {
                if (pc == STRAIGHT) {
                    pc = straight.at;
                }
                FaultSite.locate(cpu, b, pc - 2, e instanceof GuestFault);
            }
            throw e;
        }
    }

    /** Value of the micro-operation index while no block's micro-operation is under way. */
    private static final int BETWEEN = -1;

    /** The same while a block's last instruction is executed as a whole. */
    private static final int ENDING = -2;

    /** The same while the micro-operations are {@link StraightLine}'s, which knows. */
    private static final int STRAIGHT = -3;

    private static final Interception BREAKPOINT = new Interception.Breakpoint(1);

    /**
     * Goes to a successor whose link is not there or not good any more, and links it where the link
     * needs no check later.
     */
    private Block follow(Block b, boolean taken) {
        cpu.rip = taken ? b.target : b.fallThrough;
        Block n = lookup();
        // On the page that is being executed the mapping cannot have changed under us.
        if (n.mfn0 == b.mfn0 && n.mfn1 < 0 && b.mfn0 >= 0 && b.onSamePage(n.rip)) {
            if (taken) {
                b.taken = n;
                b.takenCode = n.code;
            } else {
                b.next = n;
                b.nextCode = n.code;
            }
        }
        return n;
    }

    boolean attention(long limit) {
        Cpu c = cpu;
        return c.requests() != 0
                || c.retired >= limit
                || c.shadow != Cpu.SHADOW_NONE
                || c.halted
                || (c.modeKey & (Cpu.MODE_TF | Cpu.MODE_DEBUG | Cpu.MODE_STEP)) != 0
                || (c.eflags & Cpu.RF) != 0
                || c.pendingDebug != 0
                || (c.interruptWaiting && (c.eflags & Cpu.IF) != 0);
    }

    /** A helper that looks at the clock, which may be the count of instructions. */
    private void timed(Block b, int uop, Instruction i) {
        int done = b.instructionAt(uop);
        cpu.retired += done;
        try {
            Units.execute(cpu, i);
        } finally {
            cpu.retired -= done;
        }
    }

    /**
     * Calls the hooks before an instruction, with the state that is the guest's there.
     *
     * @return false if execution goes on elsewhere: all is left as it is between two blocks
     */
    private boolean hooked(Block b, int instruction, long machine) {
        final Cpu cpu = this.cpu;
        long rip = b.rip(instruction);
        int mode = cpu.modeKey;
        int listeners = cpu.mmu.fetchListeners;
        cpu.retired += instruction;
        boolean on = true;
        try {
            // What is interpreted once more since it writes to its own block was reached before.
            if (cpu.hookedAt != cpu.retired || cpu.hookedRip != rip) {
                cpu.hookedAt = cpu.retired;
                cpu.hookedRip = rip;
                cpu.rip = rip;
                cache.hooks.reached(cpu, machine);
                on =
                        cpu.rip == rip
                                && cpu.modeKey == mode
                                && b.valid
                                && cpu.mmu.fetchListeners == listeners;
            }
        } finally {
            if (on) {
                cpu.retired -= instruction;
            }
        }
        return on;
    }

    /** Block look-ups that missed the processor's own cache, for statistics. */
    long searches() {
        return finder.searches;
    }

    /** Instruction pointers of the blocks entered last, oldest first; 0 where there were fewer. */
    long[] history() {
        long[] addresses = new long[TRAIL];
        for (int k = 0; k < TRAIL; k++) {
            addresses[k] = trail[(trailEnd + k) & (TRAIL - 1)];
        }
        return addresses;
    }

    /** Does what other processors and the host have asked for between blocks. */
    void serveTasks() {
        cpu.takeRequests(Cpu.REQUEST_TASK);
        rendezvous.serve(cpu);
    }
}
