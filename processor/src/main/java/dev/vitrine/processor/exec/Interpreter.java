// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

/**
 * Runs blocks of micro-operations, from one to the next, until an event wants attention.
 *
 * <p>{@link #execute} is one method so that HotSpot compiles the dispatch loop as a whole; a test
 * keeps it under 8000 bytes of bytecode. Faults leave it through its one handler, which finds the
 * guest instruction by the micro-operation's index; nothing is stored on the way for that.
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
        this.regions = new RegionRunner(cpu, cache, this, tiering);
        this.cache = cache;
        this.builder = builder;
        this.finder = new BlockFinder(cpu, cache, builder, extraMode);
        this.rendezvous = rendezvous;
        LoopCompilation.begin();
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
        if (b.starts[at] == b.code.length) {
            // A branch that is one with the comparison before it, and ends the block.
            step();
            return true;
        }
        cpu.retired -= at;
        execute(b, b.starts[at], cpu.retired + 1);
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

    private static long address(long[] r, long w, long imm) {
        return r[(int) (w >>> 16) & 31]
                + (r[(int) (w >>> 24) & 31] << (int) (w >>> 32))
                + r[(int) (w >>> 40) & 31]
                + imm;
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
        try {
            blocks:
            while (true) {
                if (whole && b.entry != null) {
                    b = regions.run(b, limit);
                    if (b == null) {
                        return;
                    }
                    start = regions.takeResume();
                }
                whole = true;
                cpu.currentBlock = b;
                trail[trailEnd++ & (TRAIL - 1)] = b.rip;
                final int execution = ++b.executions & Block.LOOK;
                final boolean sample = (execution + 1 & Block.LOOK) <= 1;
                if (execution == 0) {
                    tiering.sampled(cpu, cache, b);
                }
                final long[] code = b.code;
                pc = start;
                start = 0;
                boolean taken;
                long target;
                uops:
                while (true) {
                    final long w = code[pc];
                    final long imm = code[pc + 1];
                    pc += 2;
                    final int d = (int) (w >>> 8) & 31;
                    switch ((int) w & 0xFF) {
                        case Uop.MOVI:
                            r[d] = imm;
                            continue uops;
                        case Uop.MOV64:
                            r[d] = r[(int) (w >>> 16) & 31];
                            continue uops;
                        case Uop.MOV32:
                            r[d] = r[(int) (w >>> 16) & 31] & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.MOV16:
                            r[d] = (r[d] & ~0xFFFFL) | (r[(int) (w >>> 16) & 31] & 0xFFFF);
                            continue uops;
                        case Uop.MOV8:
                            r[d] = (r[d] & ~0xFFL) | (r[(int) (w >>> 16) & 31] & 0xFF);
                            continue uops;
                        case Uop.EXTRACT_HIGH:
                            r[d] = r[(int) (w >>> 16) & 31] >>> 8 & 0xFF;
                            continue uops;
                        case Uop.INSERT_HIGH:
                            r[d] = (r[d] & ~0xFF00L) | (r[(int) (w >>> 16) & 31] & 0xFF) << 8;
                            continue uops;
                        case Uop.ZX8:
                            r[d] = r[(int) (w >>> 16) & 31] & 0xFF;
                            continue uops;
                        case Uop.ZX16:
                            r[d] = r[(int) (w >>> 16) & 31] & 0xFFFF;
                            continue uops;
                        case Uop.SX8:
                            r[d] = (byte) r[(int) (w >>> 16) & 31];
                            continue uops;
                        case Uop.SX16:
                            r[d] = (short) r[(int) (w >>> 16) & 31];
                            continue uops;
                        case Uop.SX32:
                            r[d] = (int) r[(int) (w >>> 16) & 31];
                            continue uops;
                        case Uop.LEA64:
                            r[d] = address(r, w, imm);
                            continue uops;
                        case Uop.LEA32:
                            r[d] = address(r, w, imm) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.LEA16:
                            r[d] = address(r, w, imm) & 0xFFFFL;
                            continue uops;
                        case Uop.SEGMENT:
                            r[d] = segment(w);
                            continue uops;
                        case Uop.LD8:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                r[d] = mmu.load8(la) & 0xFFL;
                                continue uops;
                            }
                        case Uop.LD16:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                r[d] = mmu.load16(la) & 0xFFFFL;
                                continue uops;
                            }
                        case Uop.LD32:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                r[d] = mmu.load32(la) & 0xFFFFFFFFL;
                                continue uops;
                            }
                        case Uop.LD64:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                r[d] = mmu.load64(la);
                                continue uops;
                            }
                        case Uop.ST8:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                mmu.store8(la, (byte) r[d]);
                                continue uops;
                            }
                        case Uop.ST16:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                mmu.store16(la, (short) r[d]);
                                continue uops;
                            }
                        case Uop.ST32:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                mmu.store32(la, (int) r[d]);
                                continue uops;
                            }
                        case Uop.ST64:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                mmu.store64(la, r[d]);
                                continue uops;
                            }
                        case Uop.LDW8:
                        case Uop.LDW16:
                        case Uop.LDW32:
                        case Uop.LDW64:
                            {
                                long la = address(r, w, imm);
                                if (sample) {
                                    b.observe(pc, la);
                                }
                                r[d] = mmu.loadForWrite(la, 1 << ((int) w & 0xFF) - Uop.LDW8);
                                continue uops;
                            }
                        case Uop.LOCK_LOAD:
                            lockLoad(w, imm);
                            continue uops;
                        case Uop.LOCK_STORE:
                            if (!lockStore(w)) {
                                pc = (int) imm;
                            }
                            continue uops;
                        case Uop.PUSH64:
                            {
                                long sp = r[Cpu.RSP] - 8;
                                mmu.store64(sp, r[(int) (w >>> 16) & 31]);
                                r[Cpu.RSP] = sp;
                                continue uops;
                            }
                        case Uop.POP64:
                            {
                                long sp = r[Cpu.RSP];
                                long v = mmu.load64(sp);
                                r[Cpu.RSP] = sp + 8;
                                r[d] = v;
                                continue uops;
                            }
                        case Uop.ADD64:
                            r[d] =
                                    Alu.add64(
                                            cpu,
                                            r[(int) (w >>> 16) & 31],
                                            r[(int) (w >>> 24) & 31] + imm);
                            continue uops;
                        case Uop.ADD32:
                            r[d] =
                                    Alu.add32(
                                                    cpu,
                                                    (int) r[(int) (w >>> 16) & 31],
                                                    (int) (r[(int) (w >>> 24) & 31] + imm))
                                            & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.SUB64:
                            r[d] =
                                    Alu.sub64(
                                            cpu,
                                            r[(int) (w >>> 16) & 31],
                                            r[(int) (w >>> 24) & 31] + imm);
                            continue uops;
                        case Uop.SUB32:
                            r[d] =
                                    Alu.sub32(
                                                    cpu,
                                                    (int) r[(int) (w >>> 16) & 31],
                                                    (int) (r[(int) (w >>> 24) & 31] + imm))
                                            & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.CMP64:
                            Alu.sub64(
                                    cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                            continue uops;
                        case Uop.CMP32:
                            Alu.sub32(
                                    cpu,
                                    (int) r[(int) (w >>> 16) & 31],
                                    (int) (r[(int) (w >>> 24) & 31] + imm));
                            continue uops;
                        case Uop.CMPN:
                            Alu.sub(
                                    cpu,
                                    r[(int) (w >>> 16) & 31],
                                    r[(int) (w >>> 24) & 31] + imm,
                                    0,
                                    (int) (w >>> 32) & 63);
                            continue uops;
                        case Uop.AND64:
                            {
                                long v =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                r[d] = v;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.AND32:
                            {
                                int v =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        & (r[(int) (w >>> 24) & 31] + imm));
                                r[d] = v & 0xFFFFFFFFL;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.OR64:
                            {
                                long v =
                                        r[(int) (w >>> 16) & 31] | (r[(int) (w >>> 24) & 31] + imm);
                                r[d] = v;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.OR32:
                            {
                                int v =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        | (r[(int) (w >>> 24) & 31] + imm));
                                r[d] = v & 0xFFFFFFFFL;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.XOR64:
                            {
                                long v =
                                        r[(int) (w >>> 16) & 31] ^ (r[(int) (w >>> 24) & 31] + imm);
                                r[d] = v;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.XOR32:
                            {
                                int v =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        ^ (r[(int) (w >>> 24) & 31] + imm));
                                r[d] = v & 0xFFFFFFFFL;
                                Alu.logic(cpu, v);
                                continue uops;
                            }
                        case Uop.TESTN:
                            {
                                int shift = (int) (w >>> 32) & 63;
                                long v =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                Alu.logic(cpu, v << shift >> shift);
                                continue uops;
                            }
                        case Uop.TEST64:
                            Alu.logic(
                                    cpu,
                                    r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm));
                            continue uops;
                        case Uop.TEST32:
                            Alu.logic(
                                    cpu,
                                    (int)
                                            (r[(int) (w >>> 16) & 31]
                                                    & (r[(int) (w >>> 24) & 31] + imm)));
                            continue uops;
                        case Uop.ADDN:
                        case Uop.SUBN:
                        case Uop.ANDN:
                        case Uop.ORN:
                        case Uop.XORN:
                        case Uop.ADC:
                        case Uop.SBB:
                        case Uop.INC:
                        case Uop.DEC:
                        case Uop.NEG:
                        case Uop.NOT:
                        case Uop.SHL:
                        case Uop.SHR:
                        case Uop.SAR:
                        case Uop.ROL:
                        case Uop.ROR:
                        case Uop.IMUL:
                            SizedUnit.execute(cpu, w, imm);
                            continue uops;
                        case Uop.ADC64:
                            r[d] =
                                    Alu.adc64(
                                            cpu,
                                            r[(int) (w >>> 16) & 31],
                                            r[(int) (w >>> 24) & 31] + imm);
                            continue uops;
                        case Uop.SBB64:
                            r[d] =
                                    Alu.sbb64(
                                            cpu,
                                            r[(int) (w >>> 16) & 31],
                                            r[(int) (w >>> 24) & 31] + imm);
                            continue uops;
                        case Uop.INC64:
                            r[d] = Alu.inc(cpu, r[d], 0);
                            continue uops;
                        case Uop.INC32:
                            r[d] = Alu.inc(cpu, r[d], 32) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.DEC64:
                            r[d] = Alu.dec(cpu, r[d], 0);
                            continue uops;
                        case Uop.DEC32:
                            r[d] = Alu.dec(cpu, r[d], 32) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.MUL64:
                            Alu.mul64(cpu, r[d]);
                            continue uops;
                        case Uop.SHL64:
                            r[d] = Alu.shl(cpu, r[d], imm, 0);
                            continue uops;
                        case Uop.SHL32:
                            r[d] = Alu.shl(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.SHR64:
                            r[d] = Alu.shr(cpu, r[d], imm, 0);
                            continue uops;
                        case Uop.SHR32:
                            r[d] = Alu.shr(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.SAR64:
                            r[d] = Alu.sar(cpu, r[d], imm, 0);
                            continue uops;
                        case Uop.SAR32:
                            r[d] = Alu.sar(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                            continue uops;
                        case Uop.SAVE_FLAGS:
                            cpu.savedFlagResult = cpu.flagResult;
                            cpu.savedFlagAux = cpu.flagAux;
                            continue uops;
                        case Uop.RESTORE_FLAGS:
                            cpu.flagResult = cpu.savedFlagResult;
                            cpu.flagAux = cpu.savedFlagAux;
                            continue uops;
                        case Uop.SETCC:
                            r[d] = (r[d] & ~0xFFL) | (Alu.condition(cpu, (int) imm) ? 1 : 0);
                            continue uops;
                        case Uop.CMOV:
                            SizedUnit.conditionalMove(cpu, w, imm);
                            continue uops;
                        case Uop.BSWAP:
                            r[d] =
                                    Long.reverseBytes(r[(int) (w >>> 16) & 31])
                                            >>> ((int) (w >>> 32) & 63);
                            continue uops;
                        case Uop.XCHG:
                            SizedUnit.exchange(cpu, w);
                            continue uops;
                        case Uop.HOOK:
                            if (hooked(b, (int) (w >>> 32) & 0xFF, imm)) {
                                continue uops;
                            }
                            pc = BETWEEN;
                            b = lookup();
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

                        case Uop.JCC:
                            taken = (cpu.flagAux ^ (cpu.flagAux << 1)) < 0;
                            break uops;
                        case Uop.JCC + 1:
                            taken = (cpu.flagAux ^ (cpu.flagAux << 1)) >= 0;
                            break uops;
                        case Uop.JCC + 2:
                            taken = cpu.flagAux < 0;
                            break uops;
                        case Uop.JCC + 3:
                            taken = cpu.flagAux >= 0;
                            break uops;
                        case Uop.JCC + 4:
                            taken = cpu.flagResult == 0;
                            break uops;
                        case Uop.JCC + 5:
                            taken = cpu.flagResult != 0;
                            break uops;
                        case Uop.JCC + 6:
                            taken = cpu.flagAux < 0 || cpu.flagResult == 0;
                            break uops;
                        case Uop.JCC + 7:
                            taken = cpu.flagAux >= 0 && cpu.flagResult != 0;
                            break uops;
                        case Uop.JCC + 8:
                            taken = (cpu.flagResult ^ (cpu.flagAux << 63)) < 0;
                            break uops;
                        case Uop.JCC + 9:
                            taken = (cpu.flagResult ^ (cpu.flagAux << 63)) >= 0;
                            break uops;
                        case Uop.CMP64_JCC + 2:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = Long.compareUnsigned(x, y) < 0;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 2:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = Integer.compareUnsigned(x, y) < 0;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 3:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = Long.compareUnsigned(x, y) >= 0;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 3:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = Integer.compareUnsigned(x, y) >= 0;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 4:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x == y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 4:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x == y;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 5:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x != y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 5:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x != y;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 6:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = Long.compareUnsigned(x, y) <= 0;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 6:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = Integer.compareUnsigned(x, y) <= 0;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 7:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = Long.compareUnsigned(x, y) > 0;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 7:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = Integer.compareUnsigned(x, y) > 0;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 12:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x < y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 12:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x < y;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 13:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x >= y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 13:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x >= y;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 14:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x <= y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 14:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x <= y;
                                break uops;
                            }
                        case Uop.CMP64_JCC + 15:
                            {
                                long x = r[(int) (w >>> 16) & 31];
                                long y = r[(int) (w >>> 24) & 31] + imm;
                                Alu.sub64(cpu, x, y);
                                taken = x > y;
                                break uops;
                            }
                        case Uop.CMP32_JCC + 15:
                            {
                                int x = (int) r[(int) (w >>> 16) & 31];
                                int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                                Alu.sub32(cpu, x, y);
                                taken = x > y;
                                break uops;
                            }
                        case Uop.TEST64_JCC + 4:
                            {
                                long x =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                Alu.logic(cpu, x);
                                taken = x == 0;
                                break uops;
                            }
                        case Uop.TEST32_JCC + 4:
                            {
                                int x =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        & (r[(int) (w >>> 24) & 31] + imm));
                                Alu.logic(cpu, x);
                                taken = x == 0;
                                break uops;
                            }
                        case Uop.TEST64_JCC + 5:
                            {
                                long x =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                Alu.logic(cpu, x);
                                taken = x != 0;
                                break uops;
                            }
                        case Uop.TEST32_JCC + 5:
                            {
                                int x =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        & (r[(int) (w >>> 24) & 31] + imm));
                                Alu.logic(cpu, x);
                                taken = x != 0;
                                break uops;
                            }
                        case Uop.TEST64_JCC + 8:
                            {
                                long x =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                Alu.logic(cpu, x);
                                taken = x < 0;
                                break uops;
                            }
                        case Uop.TEST32_JCC + 8:
                            {
                                int x =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        & (r[(int) (w >>> 24) & 31] + imm));
                                Alu.logic(cpu, x);
                                taken = x < 0;
                                break uops;
                            }
                        case Uop.TEST64_JCC + 9:
                            {
                                long x =
                                        r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                                Alu.logic(cpu, x);
                                taken = x >= 0;
                                break uops;
                            }
                        case Uop.TEST32_JCC + 9:
                            {
                                int x =
                                        (int)
                                                (r[(int) (w >>> 16) & 31]
                                                        & (r[(int) (w >>> 24) & 31] + imm));
                                Alu.logic(cpu, x);
                                taken = x >= 0;
                                break uops;
                            }
                        case Uop.JCC + 12:
                            taken = less(cpu);
                            break uops;
                        case Uop.JCC + 13:
                            taken = !less(cpu);
                            break uops;
                        case Uop.JCC + 14:
                            taken = cpu.flagResult == 0 || less(cpu);
                            break uops;
                        case Uop.JCC + 15:
                            taken = cpu.flagResult != 0 && !less(cpu);
                            break uops;
                        case Uop.JCC + 10:
                        case Uop.JCC + 11:
                            taken = Alu.condition(cpu, (int) w & 15);
                            break uops;
                        case Uop.JMP:
                            taken = true;
                            break uops;
                        case Uop.NEXT:
                            taken = false;
                            break uops;
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
                            continue blocks;
                        case Uop.CALL64:
                            {
                                long sp = r[Cpu.RSP] - 8;
                                mmu.store64(sp, r[d]);
                                r[Cpu.RSP] = sp;
                                taken = true;
                                break uops;
                            }
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
                    cpu.rip = taken ? b.target : b.fallThrough;
                    return;
                }
                Block n;
                if (taken) {
                    b.takenCount++;
                    n = b.taken;
                    if (n == null || !n.valid) {
                        cpu.rip = b.target;
                        n = follow(b, true);
                    }
                } else {
                    n = b.next;
                    if (n == null || !n.valid) {
                        cpu.rip = b.fallThrough;
                        n = follow(b, false);
                    }
                }
                b = n;
            }
        } catch (GuestFault | Intercepted | SelfModification e) {
            if (pc == ENDING) {
                FaultSite.left(cpu, b, b.count - 1);
            } else if (pc != BETWEEN) {
                FaultSite.locate(cpu, b, pc - 2, e instanceof GuestFault);
            }
            throw e;
        }
    }

    /** SF differs from OF. */
    private static boolean less(Cpu cpu) {
        long aux = cpu.flagAux;
        return (cpu.flagResult ^ (aux << 63) ^ aux ^ (aux << 1)) < 0;
    }

    /** Value of the micro-operation index while no block's micro-operation is under way. */
    private static final int BETWEEN = -1;

    /** The same while a block's last instruction is executed as a whole. */
    private static final int ENDING = -2;

    private static final Interception BREAKPOINT = new Interception.Breakpoint(1);

    /** Finds the successor at cpu.rip and links it where the link needs no check later. */
    private Block follow(Block b, boolean taken) {
        Block n = lookup();
        // On the page that is being executed the mapping cannot have changed under us.
        if (n.mfn0 == b.mfn0 && n.mfn1 < 0 && b.mfn0 >= 0 && b.onSamePage(n.rip)) {
            if (taken) {
                b.taken = n;
            } else {
                b.next = n;
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

    private long segment(long w) {
        int c = (int) (w >>> 32) & 0xFF;
        return SegmentCheck.linear(
                cpu, (int) (w >>> 40) & 7, cpu.r[(int) (w >>> 16) & 31], c & 0x7F, (c & 0x80) != 0);
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

    private void lockLoad(long w, long imm) {
        final long[] r = cpu.r;
        int c = (int) (w >>> 32) & 0xFF;
        int size = c >>> 4;
        long la =
                r[(int) (w >>> 16) & 31]
                        + (r[(int) (w >>> 24) & 31] << (c & 3))
                        + r[(int) (w >>> 40) & 31]
                        + imm;
        r[(int) (w >>> 8) & 31] = LockedAccess.load(cpu, la, size);
    }

    private boolean lockStore(long w) {
        final long[] r = cpu.r;
        int size = (int) (w >>> 32) & 0xFF;
        return LockedAccess.store(cpu, size, r[(int) (w >>> 16) & 31], r[(int) (w >>> 8) & 31]);
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
