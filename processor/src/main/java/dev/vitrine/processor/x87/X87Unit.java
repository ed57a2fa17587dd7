// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.BUSY;
import static dev.vitrine.processor.x87.Float80.C0;
import static dev.vitrine.processor.x87.Float80.C1;
import static dev.vitrine.processor.x87.Float80.C2;
import static dev.vitrine.processor.x87.Float80.C3;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.ES;
import static dev.vitrine.processor.x87.Float80.EXCEPTIONS;
import static dev.vitrine.processor.x87.Float80.IE;
import static dev.vitrine.processor.x87.Float80.SF;
import static dev.vitrine.processor.x87.Float80.SIGN;
import static dev.vitrine.processor.x87.Float80.ZE;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/**
 * The x87 instructions (SDM volume 1, chapter 8) and those that save and restore the state of the
 * x87 and vector units.
 *
 * <p>Stack faults, masked and unmasked responses and the last-instruction pointers are handled
 * here; the values come from {@link Float80Arithmetic} and its neighbours. As on processors since
 * Skylake the data pointer and the opcode are recorded only when an unmasked exception comes up,
 * and the selectors read as zero.
 */
public final class X87Unit {
    private static final int PRECOMPUTED = IE | DE | ZE;

    /** Opcode D9 D0. */
    private static final int FNOP = 0x1D0;

    private X87Unit() {}

    /** Executes one instruction of group X87. */
    public static void execute(Cpu cpu, Instruction i) {
        switch (i.op) {
            case FXSAVE,
                    FXRSTOR,
                    XSAVE,
                    XRSTOR,
                    XSAVEOPT,
                    XSAVEC,
                    XSAVES,
                    XRSTORS,
                    LDMXCSR,
                    STMXCSR ->
                    XsaveUnit.execute(cpu, i);
            case FNINIT, FNCLEX, FNSTCW, FNSTSW, FLDCW, FNSTENV, FLDENV, FNSAVE, FRSTOR ->
                    X87Environment.execute(cpu, i);
            case FWAIT -> waitForExceptions(cpu);
            case EMMS -> emptyMmxState(cpu);
            case FNOP -> noOperation(cpu, i);
            default -> {
                enter(cpu);
                compute(cpu, i);
            }
        }
    }

    private static void compute(Cpu cpu, Instruction i) {
        switch (i.op) {
            case FADD, FIADD, FSUB, FISUB, FMUL, FIMUL, FDIV, FIDIV -> arithmetic(cpu, i, false, 0);
            case FSUBR, FISUBR, FDIVR, FIDIVR -> arithmetic(cpu, i, true, 0);
            case FADDP, FSUBP, FMULP, FDIVP -> arithmetic(cpu, i, false, 1);
            case FSUBRP, FDIVRP -> arithmetic(cpu, i, true, 1);
            case FCOM, FICOM -> X87Compare.compare(cpu, i, false, 0);
            case FCOMP, FICOMP -> X87Compare.compare(cpu, i, false, 1);
            case FCOMPP -> X87Compare.compare(cpu, i, false, 2);
            case FUCOM -> X87Compare.compare(cpu, i, true, 0);
            case FUCOMP -> X87Compare.compare(cpu, i, true, 1);
            case FUCOMPP -> X87Compare.compare(cpu, i, true, 2);
            case FCOMI -> X87Compare.compareToFlags(cpu, i, false, 0);
            case FCOMIP -> X87Compare.compareToFlags(cpu, i, false, 1);
            case FUCOMI -> X87Compare.compareToFlags(cpu, i, true, 0);
            case FUCOMIP -> X87Compare.compareToFlags(cpu, i, true, 1);
            case FTST -> X87Compare.test(cpu, i);
            case FXAM -> X87Compare.examine(cpu, i);
            case FLD, FILD, FBLD -> X87Move.load(cpu, i);
            case FST, FIST -> X87Move.store(cpu, i, 0);
            case FSTP, FISTP, FISTTP, FBSTP -> X87Move.store(cpu, i, 1);
            case FLD1, FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2, FLDZ -> X87Move.loadConstant(cpu, i);
            case FXCH -> X87Move.exchange(cpu, i);
            case FCMOVB, FCMOVE, FCMOVBE, FCMOVU, FCMOVNB, FCMOVNE, FCMOVNBE, FCMOVNU ->
                    X87Move.conditional(cpu, i);
            case FFREE, FFREEP, FINCSTP, FDECSTP -> X87Move.moveStack(cpu, i);
            case FABS, FCHS -> sign(cpu, i);
            case FSQRT, FRNDINT, F2XM1 -> unary(cpu, i);
            case FSIN, FCOS -> trigonometric(cpu, i);
            case FSCALE, FPREM, FPREM1 -> binary(cpu, i);
            case FYL2X, FYL2XP1, FPATAN -> binaryPop(cpu, i);
            case FXTRACT, FSINCOS, FPTAN -> pair(cpu, i);
            default -> throw cpu.ud();
        }
    }

    // ----------------------------------------------------------- entry and exceptions

    /** What every waiting instruction checks first: #NM, then a pending exception. */
    static void enter(Cpu cpu) {
        if ((cpu.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
            throw cpu.fault(Vector.NM);
        }
        pending(cpu);
    }

    /**
     * Delivers a pending unmasked exception. Without CR0.NE it goes to a pin that nothing listens
     * to.
     */
    static void pending(Cpu cpu) {
        if ((cpu.x87.status & ES) != 0 && (cpu.cr0 & Cpu.CR0_NE) != 0) {
            throw cpu.fault(Vector.MF);
        }
    }

    private static void waitForExceptions(Cpu cpu) {
        if ((cpu.cr0 & (Cpu.CR0_MP | Cpu.CR0_TS)) == (Cpu.CR0_MP | Cpu.CR0_TS)) {
            throw cpu.fault(Vector.NM);
        }
        pending(cpu);
    }

    private static void emptyMmxState(Cpu cpu) {
        if ((cpu.cr0 & Cpu.CR0_EM) != 0) {
            throw cpu.ud();
        }
        if ((cpu.cr0 & Cpu.CR0_TS) != 0) {
            throw cpu.fault(Vector.NM);
        }
        pending(cpu);
        cpu.x87.valid = 0;
        cpu.x87.top = 0;
    }

    /** FNOP waits and counts as an x87 instruction; FNENI, FNDISI and FNSETPM do neither. */
    private static void noOperation(Cpu cpu, Instruction i) {
        if ((cpu.cr0 & (Cpu.CR0_EM | Cpu.CR0_TS)) != 0) {
            throw cpu.fault(Vector.NM);
        }
        if (i.x87Opcode == FNOP) {
            pending(cpu);
            touch(cpu);
        }
    }

    /** Records the instruction pointer, as every non-control instruction does. */
    static void touch(Cpu cpu) {
        cpu.x87.instructionPointer = cpu.rip;
        cpu.x87.instructionSelector = 0;
    }

    /**
     * Records exceptions, C1 (from bit C1 of the flags) and the last-instruction pointers.
     *
     * @return the unmasked ones among the exceptions
     */
    static int raise(Cpu cpu, Instruction i, int flags) {
        X87State s = cpu.x87;
        touch(cpu);
        s.status = (s.status & ~C1) | flags;
        int unmasked = flags & ~s.control & EXCEPTIONS;
        if (unmasked != 0) {
            s.status |= ES | BUSY;
            s.opcode = i.x87Opcode;
            if (i.memoryOperand() >= 0) {
                s.dataPointer = cpu.offset(i);
                s.dataSelector = 0;
            }
        }
        return unmasked;
    }

    /** Stack underflow: true if the masked response is to be given. */
    static boolean underflow(Cpu cpu, Instruction i) {
        return raise(cpu, i, IE | SF) == 0;
    }

    /** Stack overflow: true if the masked response is to be given. */
    static boolean overflow(Cpu cpu, Instruction i) {
        return raise(cpu, i, IE | SF | C1) == 0;
    }

    static boolean empty(X87State s, int physical) {
        return (s.valid >>> physical & 1) == 0;
    }

    /** Writes a register and marks it as in use. */
    static void put(X87State s, int physical, long m, int e) {
        s.mantissa[physical] = m;
        s.exponent[physical] = e;
        s.valid |= 1 << physical;
    }

    static void putIndefinite(X87State s, int physical) {
        put(s, physical, Float80.INDEFINITE, Float80.INDEFINITE_EXPONENT);
    }

    static void pop(X87State s) {
        s.valid &= ~(1 << s.top);
        s.top = (s.top + 1) & 7;
    }

    /**
     * Ends an operation whose value and exceptions stand in the result: exceptions found before the
     * computation leave everything as it was if unmasked, all others let the result through.
     */
    private static boolean commit(Cpu cpu, Instruction i, int destination) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int flags = r.flags;
        if ((flags & ~s.control & PRECOMPUTED) != 0) {
            raise(cpu, i, flags & PRECOMPUTED);
            return false;
        }
        raise(cpu, i, flags);
        put(s, destination, r.mantissa, r.exponent);
        return true;
    }

    // ------------------------------------------------------------------ arithmetic

    private static void arithmetic(Cpu cpu, Instruction i, boolean reverse, int pops) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int destination;
        long ms;
        int es;
        int sourceFlags = 0;
        boolean sourceEmpty = false;
        if (i.kind[0] == Operand.MEM) {
            destination = s.top;
            X87Move.fetch(cpu, i);
            ms = r.mantissa;
            es = r.exponent;
            sourceFlags = r.flags;
        } else {
            destination = (s.top + i.reg[0]) & 7;
            int source = (s.top + i.reg[1]) & 7;
            ms = s.mantissa[source];
            es = s.exponent[source];
            sourceEmpty = empty(s, source);
        }
        if (sourceEmpty || empty(s, destination)) {
            if (underflow(cpu, i)) {
                putIndefinite(s, destination);
                if (pops != 0) {
                    pop(s);
                }
            }
            return;
        }
        long md = s.mantissa[destination];
        int ed = s.exponent[destination];
        if (reverse) {
            operate(r, i, ms, es, md, ed, s.control);
        } else {
            operate(r, i, md, ed, ms, es, s.control);
        }
        if (sourceFlags != 0
                && (r.flags & ZE) == 0
                && Float80.classify(r.mantissa, r.exponent) < Float80.CLASS_QNAN) {
            // A denormal of a smaller format is a normal number here, but was one all the same.
            r.flags |= sourceFlags;
        }
        if (commit(cpu, i, destination) && pops != 0) {
            pop(s);
        }
    }

    private static void operate(
            Float80 r, Instruction i, long ma, int ea, long mb, int eb, int control) {
        switch (i.op) {
            case FADD, FADDP, FIADD -> Float80Arithmetic.add(r, ma, ea, mb, eb, control, false);
            case FMUL, FMULP, FIMUL -> Float80Arithmetic.multiply(r, ma, ea, mb, eb, control);
            case FDIV, FDIVP, FIDIV, FDIVR, FDIVRP, FIDIVR ->
                    Float80Arithmetic.divide(r, ma, ea, mb, eb, control);
            default -> Float80Arithmetic.add(r, ma, ea, mb, eb, control, true);
        }
    }

    private static void sign(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        int p = s.top;
        if (empty(s, p)) {
            if (underflow(cpu, i)) {
                putIndefinite(s, p);
            }
            return;
        }
        raise(cpu, i, 0);
        s.exponent[p] = i.op == Op.FABS ? s.exponent[p] & ~SIGN : s.exponent[p] ^ SIGN;
    }

    private static void unary(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int p = s.top;
        if (empty(s, p)) {
            if (underflow(cpu, i)) {
                putIndefinite(s, p);
            }
            return;
        }
        long m = s.mantissa[p];
        int e = s.exponent[p];
        switch (i.op) {
            case FSQRT -> Float80Arithmetic.squareRoot(r, m, e, s.control);
            case FRNDINT -> Float80Conversions.roundToInteger(r, m, e, s.control);
            default -> Transcendentals.exponentialMinusOne(r, m, e, s.control);
        }
        commit(cpu, i, p);
    }

    private static void trigonometric(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int p = s.top;
        if (empty(s, p)) {
            s.status &= ~C2;
            if (underflow(cpu, i)) {
                putIndefinite(s, p);
            }
            return;
        }
        long m = s.mantissa[p];
        int e = s.exponent[p];
        if (Transcendentals.outOfRange(m, e)) {
            raise(cpu, i, C2);
            return;
        }
        s.status &= ~C2;
        if (i.op == Op.FSIN) {
            Transcendentals.sine(r, m, e, s.control);
        } else {
            Transcendentals.cosine(r, m, e, s.control);
        }
        commit(cpu, i, p);
    }

    /** ST0 from ST0 and ST1. */
    private static void binary(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        int b = (a + 1) & 7;
        boolean scale = i.op == Op.FSCALE;
        if (empty(s, a) || empty(s, b)) {
            if (!scale) {
                s.status &= ~C2;
            }
            if (underflow(cpu, i)) {
                putIndefinite(s, a);
            }
            return;
        }
        if (scale) {
            Float80Remainder.scale(
                    r, s.mantissa[a], s.exponent[a], s.mantissa[b], s.exponent[b], s.control);
        } else {
            s.status &= ~C2;
            Float80Remainder.remainder(
                    r,
                    s.mantissa[a],
                    s.exponent[a],
                    s.mantissa[b],
                    s.exponent[b],
                    s.control,
                    i.op == Op.FPREM1);
            if ((r.flags & ~s.control & PRECOMPUTED) == 0
                    && Float80.classify(r.mantissa, r.exponent) < Float80.CLASS_QNAN) {
                s.status &= ~(C0 | C3);
            }
        }
        commit(cpu, i, a);
    }

    /** ST1 from ST0 and ST1; ST0 goes. */
    private static void binaryPop(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        int b = (a + 1) & 7;
        if (empty(s, a) || empty(s, b)) {
            if (underflow(cpu, i)) {
                putIndefinite(s, b);
                pop(s);
            }
            return;
        }
        long mx = s.mantissa[a];
        int ex = s.exponent[a];
        long my = s.mantissa[b];
        int ey = s.exponent[b];
        switch (i.op) {
            case FYL2X -> Transcendentals.logarithm(r, mx, ex, my, ey, s.control);
            case FYL2XP1 -> Transcendentals.logarithmPlusOne(r, mx, ex, my, ey, s.control);
            default -> Transcendentals.arcTangent(r, mx, ex, my, ey, s.control);
        }
        if (commit(cpu, i, b)) {
            pop(s);
        }
    }

    /** Instructions that replace ST0 and push a second result. */
    private static void pair(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        int b = (a - 1) & 7;
        boolean extract = i.op == Op.FXTRACT;
        if (!extract) {
            s.status &= ~C2;
        }
        if (empty(s, a) || !empty(s, b)) {
            if (empty(s, a) ? underflow(cpu, i) : overflow(cpu, i)) {
                putIndefinite(s, a);
                s.top = b;
                putIndefinite(s, b);
            }
            return;
        }
        long m = s.mantissa[a];
        int e = s.exponent[a];
        if (!extract && Transcendentals.outOfRange(m, e)) {
            raise(cpu, i, C2);
            return;
        }
        long first;
        int firstExponent;
        int flags;
        switch (i.op) {
            case FXTRACT -> {
                Float80Remainder.exponentOf(r, m, e);
                first = r.mantissa;
                firstExponent = r.exponent;
                flags = r.flags;
                Float80Remainder.significandOf(r, m, e);
            }
            case FSINCOS -> {
                Transcendentals.sine(r, m, e, s.control);
                first = r.mantissa;
                firstExponent = r.exponent;
                flags = r.flags;
                Transcendentals.cosine(r, m, e, s.control);
                flags = (flags | r.flags) & ~C1 | r.flags & C1;
            }
            default -> {
                Transcendentals.tangent(r, m, e, s.control);
                first = r.mantissa;
                firstExponent = r.exponent;
                flags = r.flags;
                if (Float80.classify(first, firstExponent) < Float80.CLASS_QNAN) {
                    r.set(Float80.INTEGER_BIT, Float80.BIAS);
                }
            }
        }
        if ((flags & ~s.control & PRECOMPUTED) != 0) {
            raise(cpu, i, flags & PRECOMPUTED);
            return;
        }
        raise(cpu, i, flags);
        put(s, a, first, firstExponent);
        s.top = b;
        put(s, b, r.mantissa, r.exponent);
    }
}
