// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.lift.Uop;

/** Micro-operations that have the size of their operands as a parameter. */
final class SizedUnit {
    private SizedUnit() {}

    /** All but these two. */
    static void execute(Cpu cpu, long w, long imm) {
        final long[] r = cpu.r;
        final int d = (int) (w >>> 8) & 31;
        final long a = r[(int) (w >>> 16) & 31];
        final long b = r[(int) (w >>> 24) & 31] + imm;
        final int s = (int) (w >>> 32) & 63;
        long v;
        switch ((int) w & 0xFF) {
            case Uop.ADDN -> v = Alu.add(cpu, a, b, 0, s);
            case Uop.SUBN -> v = Alu.sub(cpu, a, b, 0, s);
            case Uop.ADC -> v = Alu.add(cpu, a, b, cpu.flagAux >>> 63, s);
            case Uop.SBB -> v = Alu.sub(cpu, a, b, cpu.flagAux >>> 63, s);
            case Uop.ANDN -> {
                v = (a & b) << s >> s;
                Alu.logic(cpu, v);
            }
            case Uop.ORN -> {
                v = (a | b) << s >> s;
                Alu.logic(cpu, v);
            }
            case Uop.XORN -> {
                v = (a ^ b) << s >> s;
                Alu.logic(cpu, v);
            }
            case Uop.INC -> v = Alu.inc(cpu, a, s);
            case Uop.DEC -> v = Alu.dec(cpu, a, s);
            case Uop.NEG -> v = Alu.sub(cpu, 0, a, 0, s);
            case Uop.NOT -> v = ~a;
            case Uop.SHL -> v = Alu.shl(cpu, a, b, s);
            case Uop.SHR -> v = Alu.shr(cpu, a, b, s);
            case Uop.SAR -> v = Alu.sar(cpu, a, b, s);
            case Uop.ROL -> v = Alu.rol(cpu, a, b, s);
            case Uop.ROR -> v = Alu.ror(cpu, a, b, s);
            default -> v = Alu.imul(cpu, a, b, s);
        }
        r[d] = Alu.merge(r[d], v, s);
    }

    static void conditionalMove(Cpu cpu, long w, long cc) {
        final long[] r = cpu.r;
        int d = (int) (w >>> 8) & 31;
        int s = (int) (w >>> 32) & 63;
        if (Conditions.holds(cpu, (int) cc)) {
            r[d] = Alu.merge(r[d], r[(int) (w >>> 16) & 31], s);
        } else if (s == 32) {
            r[d] &= 0xFFFFFFFFL;
        }
    }

    static void exchange(Cpu cpu, long w) {
        final long[] r = cpu.r;
        int d = (int) (w >>> 8) & 31;
        int a = (int) (w >>> 16) & 31;
        int s = (int) (w >>> 32) & 63;
        long x = r[d];
        long y = r[a];
        r[d] = Alu.merge(x, y, s);
        r[a] = Alu.merge(d == a ? r[a] : y, x, s);
    }
}
