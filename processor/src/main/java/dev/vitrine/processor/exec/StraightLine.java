// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.lift.Uop;

import org.jspecify.annotations.Nullable;

/**
 * Executes the micro-operations up to one that calls for more than the processor's registers, flags
 * and memory, and decides the branch at a block's end, unless its target is to be looked up.
 *
 * <p>A loop of its own: what HotSpot computes before the jump to one of many cases, and moves out
 * of registers around it, grows with the number of cases and with what else lives in the method.
 */
final class StraightLine {
    private final Cpu cpu;

    /** Returned instead of an index: the block has ended, and its branch is not taken. */
    static final int NOT_TAKEN = 1 << 30;

    /** The same, and it is taken. */
    static final int TAKEN = NOT_TAKEN + 1;

    /**
     * Index behind the micro-operation that accessed memory last, or is doing so: where a fault is.
     */
    int at;

    StraightLine(Cpu cpu) {
        this.cpu = cpu;
    }

    /**
     * Executes micro-operations up to the first one that is not for this class, or to the end of
     * the block.
     *
     * @param first index of the first one
     * @param seen whose accesses are to be observed; null if they are not
     * @return the index of the one that was not executed; or {@link #TAKEN} or {@link #NOT_TAKEN}
     */
    int run(long[] code, int first, @Nullable Block seen) {
        final Cpu cpu = this.cpu;
        final Mmu mmu = cpu.mmu;
        final long[] r = cpu.r;
        int pc = first;
        while (true) {
            final long w = code[pc];
            final long imm = code[pc + 1];
            pc += 2;
            final int d = (int) (w >>> 8) & 31;
            switch ((int) w & 0xFF) {
                case Uop.MOVI:
                    r[d] = imm;
                    continue;
                case Uop.MOV64:
                    r[d] = r[(int) (w >>> 16) & 31];
                    continue;
                case Uop.MOV32:
                    r[d] = r[(int) (w >>> 16) & 31] & 0xFFFFFFFFL;
                    continue;
                case Uop.MOV16:
                    r[d] = (r[d] & ~0xFFFFL) | (r[(int) (w >>> 16) & 31] & 0xFFFF);
                    continue;
                case Uop.MOV8:
                    r[d] = (r[d] & ~0xFFL) | (r[(int) (w >>> 16) & 31] & 0xFF);
                    continue;
                case Uop.EXTRACT_HIGH:
                    r[d] = r[(int) (w >>> 16) & 31] >>> 8 & 0xFF;
                    continue;
                case Uop.INSERT_HIGH:
                    r[d] = (r[d] & ~0xFF00L) | (r[(int) (w >>> 16) & 31] & 0xFF) << 8;
                    continue;
                case Uop.ZX8:
                    r[d] = r[(int) (w >>> 16) & 31] & 0xFF;
                    continue;
                case Uop.ZX16:
                    r[d] = r[(int) (w >>> 16) & 31] & 0xFFFF;
                    continue;
                case Uop.SX8:
                    r[d] = (byte) r[(int) (w >>> 16) & 31];
                    continue;
                case Uop.SX16:
                    r[d] = (short) r[(int) (w >>> 16) & 31];
                    continue;
                case Uop.SX32:
                    r[d] = (int) r[(int) (w >>> 16) & 31];
                    continue;
                case Uop.LEA64:
                    r[d] = address(r, w, imm);
                    continue;
                case Uop.LEA32:
                    r[d] = address(r, w, imm) & 0xFFFFFFFFL;
                    continue;
                case Uop.LEA16:
                    r[d] = address(r, w, imm) & 0xFFFFL;
                    continue;
                case Uop.SEGMENT:
                    at = pc;
                    r[d] = segment(w);
                    continue;
                case Uop.LD8:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        r[d] = mmu.load8(la) & 0xFFL;
                        continue;
                    }
                case Uop.LD16:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        r[d] = mmu.load16(la) & 0xFFFFL;
                        continue;
                    }
                case Uop.LD32:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        r[d] = mmu.load32(la) & 0xFFFFFFFFL;
                        continue;
                    }
                case Uop.LD64:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        r[d] = mmu.load64(la);
                        continue;
                    }
                case Uop.ST8:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        mmu.store8(la, (byte) r[d]);
                        continue;
                    }
                case Uop.ST16:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        mmu.store16(la, (short) r[d]);
                        continue;
                    }
                case Uop.ST32:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        mmu.store32(la, (int) r[d]);
                        continue;
                    }
                case Uop.ST64:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        mmu.store64(la, r[d]);
                        continue;
                    }
                case Uop.LDW8:
                case Uop.LDW16:
                case Uop.LDW32:
                case Uop.LDW64:
                    {
                        long la = address(r, w, imm);
                        if (seen != null) {
                            seen.observe(pc, la);
                        }
                        at = pc;
                        r[d] = mmu.loadForWrite(la, 1 << ((int) w & 0xFF) - Uop.LDW8);
                        continue;
                    }
                case Uop.LOCK_LOAD:
                    at = pc;
                    lockLoad(w, imm);
                    continue;
                case Uop.LOCK_STORE:
                    at = pc;
                    if (!lockStore(w)) {
                        pc = (int) imm;
                    }
                    continue;
                case Uop.PUSH64:
                    {
                        long sp = r[Cpu.RSP] - 8;
                        at = pc;
                        mmu.store64(sp, r[(int) (w >>> 16) & 31]);
                        r[Cpu.RSP] = sp;
                        continue;
                    }
                case Uop.POP64:
                    {
                        long sp = r[Cpu.RSP];
                        at = pc;
                        long v = mmu.load64(sp);
                        r[Cpu.RSP] = sp + 8;
                        r[d] = v;
                        continue;
                    }
                case Uop.ADD64:
                    r[d] = Alu.add64(cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                    continue;
                case Uop.ADD32:
                    r[d] =
                            Alu.add32(
                                            cpu,
                                            (int) r[(int) (w >>> 16) & 31],
                                            (int) (r[(int) (w >>> 24) & 31] + imm))
                                    & 0xFFFFFFFFL;
                    continue;
                case Uop.SUB64:
                    r[d] = Alu.sub64(cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                    continue;
                case Uop.SUB32:
                    r[d] =
                            Alu.sub32(
                                            cpu,
                                            (int) r[(int) (w >>> 16) & 31],
                                            (int) (r[(int) (w >>> 24) & 31] + imm))
                                    & 0xFFFFFFFFL;
                    continue;
                case Uop.CMP64:
                    Alu.sub64(cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                    continue;
                case Uop.CMP32:
                    Alu.sub32(
                            cpu,
                            (int) r[(int) (w >>> 16) & 31],
                            (int) (r[(int) (w >>> 24) & 31] + imm));
                    continue;
                case Uop.CMPN:
                    Alu.sub(
                            cpu,
                            r[(int) (w >>> 16) & 31],
                            r[(int) (w >>> 24) & 31] + imm,
                            0,
                            (int) (w >>> 32) & 63);
                    continue;
                case Uop.AND64:
                    {
                        long v = r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                        r[d] = v;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.AND32:
                    {
                        int v = (int) (r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm));
                        r[d] = v & 0xFFFFFFFFL;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.OR64:
                    {
                        long v = r[(int) (w >>> 16) & 31] | (r[(int) (w >>> 24) & 31] + imm);
                        r[d] = v;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.OR32:
                    {
                        int v = (int) (r[(int) (w >>> 16) & 31] | (r[(int) (w >>> 24) & 31] + imm));
                        r[d] = v & 0xFFFFFFFFL;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.XOR64:
                    {
                        long v = r[(int) (w >>> 16) & 31] ^ (r[(int) (w >>> 24) & 31] + imm);
                        r[d] = v;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.XOR32:
                    {
                        int v = (int) (r[(int) (w >>> 16) & 31] ^ (r[(int) (w >>> 24) & 31] + imm));
                        r[d] = v & 0xFFFFFFFFL;
                        Alu.logic(cpu, v);
                        continue;
                    }
                case Uop.TESTN:
                    {
                        int shift = (int) (w >>> 32) & 63;
                        long v = r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                        Alu.logic(cpu, v << shift >> shift);
                        continue;
                    }
                case Uop.TEST64:
                    Alu.logic(cpu, r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm));
                    continue;
                case Uop.TEST32:
                    Alu.logic(
                            cpu,
                            (int) (r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm)));
                    continue;
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
                    continue;
                case Uop.ADC64:
                    r[d] = Alu.adc64(cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                    continue;
                case Uop.SBB64:
                    r[d] = Alu.sbb64(cpu, r[(int) (w >>> 16) & 31], r[(int) (w >>> 24) & 31] + imm);
                    continue;
                case Uop.INC64:
                    r[d] = Alu.inc(cpu, r[d], 0);
                    continue;
                case Uop.INC32:
                    r[d] = Alu.inc(cpu, r[d], 32) & 0xFFFFFFFFL;
                    continue;
                case Uop.DEC64:
                    r[d] = Alu.dec(cpu, r[d], 0);
                    continue;
                case Uop.DEC32:
                    r[d] = Alu.dec(cpu, r[d], 32) & 0xFFFFFFFFL;
                    continue;
                case Uop.MUL64:
                    Alu.mul64(cpu, r[d]);
                    continue;
                case Uop.SHL64:
                    r[d] = Alu.shl(cpu, r[d], imm, 0);
                    continue;
                case Uop.SHL32:
                    r[d] = Alu.shl(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                    continue;
                case Uop.SHR64:
                    r[d] = Alu.shr(cpu, r[d], imm, 0);
                    continue;
                case Uop.SHR32:
                    r[d] = Alu.shr(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                    continue;
                case Uop.SAR64:
                    r[d] = Alu.sar(cpu, r[d], imm, 0);
                    continue;
                case Uop.SAR32:
                    r[d] = Alu.sar(cpu, r[d], imm, 32) & 0xFFFFFFFFL;
                    continue;
                case Uop.SAVE_FLAGS:
                    cpu.savedFlagResult = cpu.flagResult;
                    cpu.savedFlagAux = cpu.flagAux;
                    continue;
                case Uop.RESTORE_FLAGS:
                    cpu.flagResult = cpu.savedFlagResult;
                    cpu.flagAux = cpu.savedFlagAux;
                    continue;
                case Uop.SETCC:
                    r[d] = (r[d] & ~0xFFL) | (Conditions.holds(cpu, (int) imm) ? 1 : 0);
                    continue;
                case Uop.CMOV:
                    SizedUnit.conditionalMove(cpu, w, imm);
                    continue;
                case Uop.BSWAP:
                    r[d] = Long.reverseBytes(r[(int) (w >>> 16) & 31]) >>> ((int) (w >>> 32) & 63);
                    continue;
                case Uop.XCHG:
                    SizedUnit.exchange(cpu, w);
                    continue;

                case Uop.JMP:
                    return TAKEN;
                case Uop.NEXT:
                    return NOT_TAKEN;
                case Uop.CALL64:
                    {
                        long sp = r[Cpu.RSP] - 8;
                        at = pc;
                        mmu.store64(sp, r[d]);
                        r[Cpu.RSP] = sp;
                        return TAKEN;
                    }
                case Uop.JCC:
                case Uop.JCC + 1:
                case Uop.JCC + 2:
                case Uop.JCC + 3:
                case Uop.JCC + 4:
                case Uop.JCC + 5:
                case Uop.JCC + 6:
                case Uop.JCC + 7:
                case Uop.JCC + 8:
                case Uop.JCC + 9:
                case Uop.JCC + 12:
                case Uop.JCC + 13:
                case Uop.JCC + 14:
                case Uop.JCC + 15:
                    return way(Conditions.BY_FLAGS, w, Conditions.flags(cpu));
                case Uop.JCC + 10:
                case Uop.JCC + 11:
                    return Conditions.holds(cpu, (int) w & 15) ? TAKEN : NOT_TAKEN;
                case Uop.CMP64_JCC + 2:
                case Uop.CMP64_JCC + 3:
                case Uop.CMP64_JCC + 4:
                case Uop.CMP64_JCC + 5:
                case Uop.CMP64_JCC + 6:
                case Uop.CMP64_JCC + 7:
                case Uop.CMP64_JCC + 12:
                case Uop.CMP64_JCC + 13:
                case Uop.CMP64_JCC + 14:
                case Uop.CMP64_JCC + 15:
                    {
                        long x = r[(int) (w >>> 16) & 31];
                        long y = r[(int) (w >>> 24) & 31] + imm;
                        Alu.sub64(cpu, x, y);
                        return way(Conditions.BY_ORDER, w, Conditions.order(x, y));
                    }
                case Uop.CMP32_JCC + 2:
                case Uop.CMP32_JCC + 3:
                case Uop.CMP32_JCC + 4:
                case Uop.CMP32_JCC + 5:
                case Uop.CMP32_JCC + 6:
                case Uop.CMP32_JCC + 7:
                case Uop.CMP32_JCC + 12:
                case Uop.CMP32_JCC + 13:
                case Uop.CMP32_JCC + 14:
                case Uop.CMP32_JCC + 15:
                    {
                        int x = (int) r[(int) (w >>> 16) & 31];
                        int y = (int) (r[(int) (w >>> 24) & 31] + imm);
                        Alu.sub32(cpu, x, y);
                        // Sign-extended they are in the same order, unsigned as well.
                        return way(Conditions.BY_ORDER, w, Conditions.order(x, y));
                    }
                case Uop.TEST64_JCC + 4:
                case Uop.TEST64_JCC + 5:
                case Uop.TEST64_JCC + 8:
                case Uop.TEST64_JCC + 9:
                    {
                        long x = r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm);
                        Alu.logic(cpu, x);
                        return way(Conditions.BY_SIGN, w, Conditions.sign(x));
                    }
                case Uop.TEST32_JCC + 4:
                case Uop.TEST32_JCC + 5:
                case Uop.TEST32_JCC + 8:
                case Uop.TEST32_JCC + 9:
                    {
                        int x = (int) (r[(int) (w >>> 16) & 31] & (r[(int) (w >>> 24) & 31] + imm));
                        Alu.logic(cpu, x);
                        return way(Conditions.BY_SIGN, w, Conditions.sign(x));
                    }

                default:
                    return pc - 2;
            }
        }
    }

    /** Where a branch goes whose condition is in the operation's low four bits. */
    private static int way(long[] table, long w, int state) {
        return NOT_TAKEN + ((int) (table[(int) w & 15] >>> state) & 1);
    }

    private long segment(long w) {
        int c = (int) (w >>> 32) & 0xFF;
        return SegmentCheck.linear(
                cpu, (int) (w >>> 40) & 7, cpu.r[(int) (w >>> 16) & 31], c & 0x7F, (c & 0x80) != 0);
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

    private static long address(long[] r, long w, long imm) {
        return r[(int) (w >>> 16) & 31]
                + (r[(int) (w >>> 24) & 31] << (int) (w >>> 32))
                + r[(int) (w >>> 40) & 31]
                + imm;
    }
}
