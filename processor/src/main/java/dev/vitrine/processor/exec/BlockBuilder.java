// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Decoder;
import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.lift.Lifter;
import dev.vitrine.processor.lift.Uop;
import dev.vitrine.processor.lift.UopBuffer;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;

/** Decodes and lifts the block at the current instruction pointer. One per processor. */
final class BlockBuilder {
    static final int MAX_INSTRUCTIONS = 48;

    /** The block in hand has a hook, or an instruction that stands behind a breakpoint. */
    private boolean hooked;

    private final Cpu cpu;
    private final CodeCache cache;
    private final Decoder decoder;
    private final UopBuffer uops = new UopBuffer();
    private final Lifter lifter;

    /** What is fetched where there is no memory. */
    private static final byte[] NO_MEMORY = new byte[4096];

    static {
        Arrays.fill(NO_MEMORY, (byte) 0xFF);
    }

    /** An instruction that crosses from one page to the next, or has been supplied. */
    private final byte[] apart = new byte[2 * Decoder.MOST_BYTES];

    /** What the next instruction is decoded into; most are needed only until they are lifted. */
    private Instruction spare = new Instruction();

    private static final Instruction[] NONE = {};

    private final ArrayList<Instruction> kept = new ArrayList<>();
    private final int[] places = new int[MAX_INSTRUCTIONS];

    private final boolean smp;

    /**
     * @param forcedEmulation Xen's forced-emulation prefix is skipped instead of raising #UD
     */
    BlockBuilder(Cpu cpu, CodeCache cache, boolean smp, boolean forcedEmulation) {
        this.decoder = new Decoder(forcedEmulation);
        this.cpu = cpu;
        this.cache = cache;
        this.lifter = new Lifter(uops, smp);
        this.smp = smp;
    }

    /**
     * Builds the block at cpu.rip.
     *
     * @param modeKey mode and {@link Interpreter#MODE_SINGLE}
     * @throws GuestFault if its first instruction cannot be fetched
     */
    Block build(int modeKey) {
        Mmu mmu = cpu.mmu;
        long csBase = cpu.r[Cpu.R_SEG_BASE + Cpu.CS];
        boolean mode64 = (modeKey & Cpu.MODE_64) != 0;
        int limit = cpu.segment[Cpu.CS].limit;
        long rip = cpu.rip;
        if (!mode64 && Long.compareUnsigned(rip, limit & 0xFFFFFFFFL) > 0) {
            throw cpu.gp(0);
        }
        long la = mode64 ? rip : (rip + csBase) & 0xFFFFFFFFL;
        mmu.accessSegment = Cpu.CS;
        long machine = mmu.fetch(la);
        int available = (int) (4096 - (la & 4095));
        CodeCache.Page page = null;
        CodeCache.Page secondPage = null;
        byte[] bytes = NO_MEMORY;
        int base = 0;
        BitSet hooks = null;
        hooked = false;
        long hookFrame = -1;
        PatchedFrame patched = null;
        if (machine >= 0) {
            page = cache.markCode(machine >>> 12);
            cache.fetched(page, cpu, la);
            Block former = cache.find(machine, cpu, modeKey);
            if (former != null && former.mfn1 < 0) {
                // Marking the frame has brought it back.
                return former;
            }
            bytes = page.bytes();
            base = (int) machine & 4095;
            patched = page.patched;
            hookFrame = cache.hookFrame(machine >>> 12);
            // Behind the mark: who adds a hook ends what has been decoded without it.
            hooks = (modeKey & Interpreter.MODE_REPLAY) == 0 ? cache.hooks.in(hookFrame) : null;
        }
        int codeSize = mode64 ? 64 : (modeKey & Cpu.MODE_32) != 0 ? 32 : 16;
        int max =
                (modeKey & (Interpreter.MODE_SINGLE | Cpu.MODE_TF | Cpu.MODE_DEBUG)) != 0
                        ? 1
                        : MAX_INSTRUCTIONS;
        uops.clear();
        kept.clear();
        int count = 0;
        long end = 0;
        long secondFrame = -1;
        int offset = 0;
        int ended = Lifter.CONTINUES;
        lifter.target = 0;
        while (ended == Lifter.CONTINUES && count < max && offset < available) {
            Instruction i = spare;
            long at = rip + offset;
            if (codeSize == 16) {
                at &= 0xFFFF;
            } else if (codeSize == 32) {
                at &= 0xFFFFFFFFL;
            }
            int length =
                    decoder.decode(
                            bytes,
                            base + offset,
                            Math.min(available - offset, Decoder.MOST_BYTES),
                            at,
                            codeSize,
                            i);
            if (length == Decoder.NEED_MORE) {
                if (count > 0) {
                    break;
                }
                // The first instruction crosses the page: only then is the next page touched.
                long nextLa = (la & -4096L) + 4096;
                long next = mmu.fetch(mode64 ? nextLa : nextLa & 0xFFFFFFFFL);
                byte[] rest = NO_MEMORY;
                if (next >= 0) {
                    secondPage = cache.markCode(next >>> 12);
                    cache.fetched(secondPage, cpu, nextLa);
                    rest = secondPage.bytes();
                    secondFrame = next >>> 12;
                }
                System.arraycopy(bytes, base, apart, 0, available);
                System.arraycopy(rest, 0, apart, available, Decoder.MOST_BYTES);
                length = decoder.decode(apart, 0, Decoder.MOST_BYTES, at, codeSize, i);
            }
            if (length == Decoder.TOO_LONG) {
                if (count == 0) {
                    throw cpu.gp(0);
                }
                break;
            }
            if (length == Decoder.INVALID) {
                invalid(i, at, codeSize);
                length = i.length;
            }
            if (!mode64 && Long.compareUnsigned(at + length - 1, limit & 0xFFFFFFFFL) > 0) {
                if (count == 0) {
                    throw cpu.fault(Vector.GP, 0);
                }
                break;
            }
            // With one processor a locked access is like any other.
            i.lock &= smp;
            int start = uops.length();
            if (hooks != null && hooks.get(((int) machine & 4095) + offset)) {
                int z = Cpu.R_ZERO;
                long place = hookFrame << 12 | ((int) machine & 4095) + offset;
                uops.emit(Uop.HOOK, z, z, z, count, z, place);
                hooked = true;
            }
            if (patched != null && patched.places().get(((int) machine & 4095) + offset)) {
                int z = Cpu.R_ZERO;
                uops.emit(Uop.TRAP, z, z, z, count, z, 0);
                hooked = true;
            }
            ended = lifter.lift(i, modeKey, kept.size());
            places[count] = Places.of(i, rip, start);
            if (max == 1 || executedAsAWhole(start)) {
                kept.add(i);
                spare = new Instruction();
            }
            end = i.nextRip();
            count++;
            offset += length;
        }
        return finish(modeKey, count, end, ended, machine, page, secondPage, secondFrame);
    }

    /**
     * Builds a block of one instruction that is not the one in memory; it is not kept.
     *
     * @param code as many bytes as the instruction has, or more
     */
    Block buildSupplied(int modeKey, byte[] code) {
        Arrays.fill(apart, 0, Decoder.MAX_LENGTH, (byte) 0);
        System.arraycopy(code, 0, apart, 0, Math.min(code.length, Decoder.MAX_LENGTH));
        Instruction i = new Instruction();
        int codeSize = (modeKey & Cpu.MODE_64) != 0 ? 64 : (modeKey & Cpu.MODE_32) != 0 ? 32 : 16;
        int length = decoder.decode(apart, 0, Decoder.MAX_LENGTH, cpu.rip, codeSize, i);
        if (length == Decoder.TOO_LONG || length == Decoder.NEED_MORE) {
            throw cpu.gp(0);
        }
        if (length == Decoder.INVALID) {
            invalid(i, cpu.rip, codeSize);
        }
        i.lock &= smp;
        uops.clear();
        kept.clear();
        lifter.target = 0;
        int ended = lifter.lift(i, modeKey, 0);
        places[0] = Places.of(i, cpu.rip, 0);
        kept.add(i);
        return finish(modeKey, 1, i.nextRip(), ended, -1, null, null, -1);
    }

    private static void invalid(Instruction i, long at, int codeSize) {
        i.form = Form.INVALID;
        i.op = Op.INVALID;
        i.rip = at;
        i.codeSize = codeSize;
        i.length = Math.max(1, i.length);
    }

    private Block finish(
            int modeKey,
            int count,
            long end,
            int ended,
            long machine,
            CodeCache.@Nullable Page page,
            CodeCache.@Nullable Page secondPage,
            long secondFrame) {
        if (count == 0) {
            throw new IllegalStateException("block without an instruction");
        }
        if (ended == Lifter.CONTINUES) {
            uops.emit(Uop.NEXT, 0, Cpu.R_ZERO, Cpu.R_ZERO, 0, Cpu.R_ZERO, end);
        }
        Block b =
                new Block(
                        cpu.rip,
                        cpu.r[Cpu.R_SEG_BASE + Cpu.CS],
                        cpu.segment[Cpu.CS].limit,
                        modeKey,
                        uops.toArray(),
                        kept.isEmpty() ? NONE : kept.toArray(NONE),
                        Arrays.copyOf(places, count),
                        machine >= 0 ? machine >>> 12 : -1,
                        secondFrame,
                        end,
                        lifter.target);
        if (page != null) {
            b.hooked = hooked;
            cache.add(machine, b, page, secondPage);
        }
        return b;
    }

    /** Whether micro-operations from an index on name the instruction itself. */
    private boolean executedAsAWhole(int from) {
        for (int u = from; u < uops.length(); u += 2) {
            int op = uops.operation(u);
            if (op == Uop.EXEC || op == Uop.EXEC_END || op == Uop.LOOP) {
                return true;
            }
        }
        return false;
    }
}
