// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.IE;
import static dev.vitrine.processor.x87.Float80.INTEGER_BIT;
import static dev.vitrine.processor.x87.Float80.OE;
import static dev.vitrine.processor.x87.Float80.QUIET_BIT;
import static dev.vitrine.processor.x87.Float80.UE;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Loads, stores and moves within the register stack. */
final class X87Move {
    /** Significands of log2(10), log2(e), pi, log10(2), ln(2), rounded down, and exponents. */
    private static final long[] CONSTANTS = {
        0xD49A784BCD1B8AFEL,
        0xB8AA3B295C17F0BBL,
        0xC90FDAA22168C234L,
        0x9A209A84FBCFF798L,
        0xB17217F7D1CF79ABL
    };

    private static final int[] CONSTANT_EXPONENTS = {0x4000, 0x3FFF, 0x4000, 0x3FFD, 0x3FFE};

    /** Whether rounding to nearest rounds them up. */
    private static final boolean[] CONSTANT_NEAREST_UP = {false, true, true, true, true};

    private X87Move() {}

    /**
     * Reads the memory operand of an arithmetic instruction or comparison as 80-bit value into the
     * result. NaNs stay as they are; a denormal leaves DE in the flags.
     */
    static void fetch(Cpu cpu, Instruction i) {
        Float80 r = cpu.x87.result;
        int size = i.size[0];
        long la = cpu.linear(i, size, false);
        switch (i.op) {
            case FIADD, FISUB, FISUBR, FIMUL, FIDIV, FIDIVR, FICOM, FICOMP ->
                    Float80Conversions.fromInteger(r, Cpu.extend(cpu.load(la, size), size));
            default -> {
                long bits = cpu.load(la, size);
                if (size == 4) {
                    Float80Conversions.fromSingle(r, (int) bits);
                } else {
                    Float80Conversions.fromDouble(r, bits);
                }
                if (r.flags == IE) {
                    r.flags = 0;
                    r.mantissa &= ~QUIET_BIT;
                }
            }
        }
    }

    // ------------------------------------------------------------------------ loads

    static void load(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int p = (s.top - 1) & 7;
        boolean missing = false;
        if (i.kind[0] == Operand.ST) {
            int source = (s.top + i.reg[0]) & 7;
            missing = X87Unit.empty(s, source);
            r.flags = 0;
            r.set(s.mantissa[source], s.exponent[source]);
        } else {
            int size = i.size[0];
            long la = cpu.linear(i, size, false);
            if (size == 10) {
                cpu.mmu.probeRead(la, 8); // its alignment counts
                cpu.mmu.probeRead(la, 10);
                long low = cpu.mmu.load64(la);
                int high = cpu.mmu.load16(la + 8) & 0xFFFF;
                if (i.op == Op.FBLD) {
                    Float80Conversions.fromDecimal(r, low, high);
                } else {
                    r.flags = 0;
                    r.set(low, high);
                }
            } else {
                long bits = cpu.load(la, size);
                if (i.op == Op.FILD) {
                    Float80Conversions.fromInteger(r, Cpu.extend(bits, size));
                } else if (size == 4) {
                    Float80Conversions.fromSingle(r, (int) bits);
                } else {
                    Float80Conversions.fromDouble(r, bits);
                }
            }
        }
        if (missing || !X87Unit.empty(s, p)) {
            if (missing ? X87Unit.underflow(cpu, i) : X87Unit.overflow(cpu, i)) {
                s.top = p;
                X87Unit.putIndefinite(s, p);
            }
            return;
        }
        long m = r.mantissa;
        int e = r.exponent;
        if ((X87Unit.raise(cpu, i, r.flags) & IE) != 0) {
            return;
        }
        s.top = p;
        X87Unit.put(s, p, m, e);
    }

    static void loadConstant(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        int p = (s.top - 1) & 7;
        if (!X87Unit.empty(s, p)) {
            if (X87Unit.overflow(cpu, i)) {
                s.top = p;
                X87Unit.putIndefinite(s, p);
            }
            return;
        }
        X87Unit.raise(cpu, i, 0);
        s.top = p;
        switch (i.op) {
            case FLD1 -> X87Unit.put(s, p, INTEGER_BIT, Float80.BIAS);
            case FLDZ -> X87Unit.put(s, p, 0, 0);
            case FLDL2T -> constant(s, p, 0);
            case FLDL2E -> constant(s, p, 1);
            case FLDPI -> constant(s, p, 2);
            case FLDLG2 -> constant(s, p, 3);
            default -> constant(s, p, 4);
        }
    }

    private static void constant(X87State s, int p, int n) {
        boolean up =
                switch (Float80Arithmetic.rounding(s.control)) {
                    case Float80.NEAREST -> CONSTANT_NEAREST_UP[n];
                    case Float80.UP -> true;
                    default -> false;
                };
        X87Unit.put(s, p, CONSTANTS[n] + (up ? 1 : 0), CONSTANT_EXPONENTS[n]);
    }

    // ----------------------------------------------------------------------- stores

    static void store(Cpu cpu, Instruction i, int pops) {
        X87State s = cpu.x87;
        if (i.kind[0] == Operand.ST) {
            storeRegister(cpu, i, pops);
            return;
        }
        Float80 r = s.result;
        int size = i.size[0];
        int a = s.top;
        boolean missing = X87Unit.empty(s, a);
        long m = missing ? Float80.INDEFINITE : s.mantissa[a];
        int e = missing ? Float80.INDEFINITE_EXPONENT : s.exponent[a];
        int rounding = Float80Arithmetic.rounding(s.control);
        long bits;
        int high = 0;
        switch (i.op) {
            case FIST, FISTP -> bits = Float80Conversions.toInteger(r, m, e, rounding, size * 8);
            case FISTTP -> bits = Float80Conversions.toInteger(r, m, e, Float80.ZERO, size * 8);
            case FBSTP -> {
                bits = Float80Conversions.toDecimal(r, m, e, rounding);
                high = r.exponent;
            }
            default -> {
                if (size == 4) {
                    bits = Float80Conversions.toSingle(r, m, e, s.control);
                } else if (size == 8) {
                    bits = Float80Conversions.toDouble(r, m, e, s.control);
                } else {
                    r.flags = 0;
                    bits = m;
                    high = e;
                }
            }
        }
        int flags = missing ? IE | Float80.SF : r.flags;
        int unmasked = flags & ~s.control & (IE | OE | UE);
        if (unmasked != 0) {
            // Nothing is stored, so even the address goes unchecked; exceptions of the rounding
            // that
            // did not happen are not reported.
            X87Unit.raise(cpu, i, flags & (IE | OE | UE | Float80.SF));
            return;
        }
        long la = cpu.linear(i, size, true);
        if (size == 10) {
            cpu.mmu.probeWrite(la, 8); // its alignment counts
            cpu.mmu.probeWrite(la, 10);
            cpu.mmu.store64(la, bits);
            cpu.mmu.store16(la + 8, (short) high);
        } else {
            cpu.store(la, size, bits);
        }
        X87Unit.raise(cpu, i, flags);
        if (pops != 0) {
            X87Unit.pop(s);
        }
    }

    private static void storeRegister(Cpu cpu, Instruction i, int pops) {
        X87State s = cpu.x87;
        int a = s.top;
        int d = (a + i.reg[0]) & 7;
        if (X87Unit.empty(s, a)) {
            // D9 D8+i only pops an empty register and does not complain.
            if ((i.x87Opcode & 0x7F8) == 0x1D8) {
                X87Unit.raise(cpu, i, 0);
                X87Unit.pop(s);
                return;
            }
            if (X87Unit.underflow(cpu, i)) {
                X87Unit.putIndefinite(s, d);
                if (pops != 0) {
                    X87Unit.pop(s);
                }
            }
            return;
        }
        X87Unit.raise(cpu, i, 0);
        X87Unit.put(s, d, s.mantissa[a], s.exponent[a]);
        if (pops != 0) {
            X87Unit.pop(s);
        }
    }

    // ------------------------------------------------------------------------ stack

    static void exchange(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        int a = s.top;
        int b = (a + i.reg[i.operands - 1]) & 7;
        if (X87Unit.empty(s, a) || X87Unit.empty(s, b)) {
            if (!X87Unit.underflow(cpu, i)) {
                return;
            }
            if (X87Unit.empty(s, a)) {
                X87Unit.putIndefinite(s, a);
            }
            if (X87Unit.empty(s, b)) {
                X87Unit.putIndefinite(s, b);
            }
        } else {
            X87Unit.raise(cpu, i, 0);
        }
        long m = s.mantissa[a];
        int e = s.exponent[a];
        s.mantissa[a] = s.mantissa[b];
        s.exponent[a] = s.exponent[b];
        s.mantissa[b] = m;
        s.exponent[b] = e;
    }

    static void conditional(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        int a = s.top;
        int b = (a + i.reg[1]) & 7;
        if (X87Unit.empty(s, a) || X87Unit.empty(s, b)) {
            if (X87Unit.underflow(cpu, i)) {
                X87Unit.putIndefinite(s, a);
            }
            return;
        }
        X87Unit.touch(cpu);
        int f = cpu.arithmeticFlags();
        boolean taken =
                switch (i.op) {
                    case FCMOVB -> (f & Cpu.CF) != 0;
                    case FCMOVE -> (f & Cpu.ZF) != 0;
                    case FCMOVBE -> (f & (Cpu.CF | Cpu.ZF)) != 0;
                    case FCMOVU -> (f & Cpu.PF) != 0;
                    case FCMOVNB -> (f & Cpu.CF) == 0;
                    case FCMOVNE -> (f & Cpu.ZF) == 0;
                    case FCMOVNBE -> (f & (Cpu.CF | Cpu.ZF)) == 0;
                    default -> (f & Cpu.PF) == 0;
                };
        if (taken) {
            s.mantissa[a] = s.mantissa[b];
            s.exponent[a] = s.exponent[b];
        }
    }

    /** FINCSTP, FDECSTP, FFREE, FFREEP. */
    static void moveStack(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        X87Unit.raise(cpu, i, 0);
        switch (i.op) {
            case FINCSTP -> s.top = (s.top + 1) & 7;
            case FDECSTP -> s.top = (s.top - 1) & 7;
            case FFREE -> s.valid &= ~(1 << ((s.top + i.reg[0]) & 7));
            default -> {
                s.valid &= ~(1 << ((s.top + i.reg[0]) & 7));
                X87Unit.pop(s);
            }
        }
    }
}
