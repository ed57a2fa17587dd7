// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import static dev.vitrine.processor.x87.Float80.C0;
import static dev.vitrine.processor.x87.Float80.C1;
import static dev.vitrine.processor.x87.Float80.C2;
import static dev.vitrine.processor.x87.Float80.C3;
import static dev.vitrine.processor.x87.Float80.CLASS_DENORMAL;
import static dev.vitrine.processor.x87.Float80.CLASS_INFINITY;
import static dev.vitrine.processor.x87.Float80.CLASS_QNAN;
import static dev.vitrine.processor.x87.Float80.CLASS_UNSUPPORTED;
import static dev.vitrine.processor.x87.Float80.CLASS_ZERO;
import static dev.vitrine.processor.x87.Float80.DE;
import static dev.vitrine.processor.x87.Float80.IE;
import static dev.vitrine.processor.x87.Float80.MAX_EXPONENT;
import static dev.vitrine.processor.x87.Float80.SF;
import static dev.vitrine.processor.x87.Float80.SIGN;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.X87State;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Operand;

/** Comparison and classification. */
final class X87Compare {
    private static final int UNORDERED = C3 | C2 | C0;
    private static final int CONDITION = C3 | C2 | C0;

    private X87Compare() {}

    /**
     * Compares and leaves the exceptions in r.flags.
     *
     * @param quiet QNaNs do not raise IE
     * @return C3, C2 and C0 as FCOM sets them
     */
    static int order(Float80 r, long ma, int ea, long mb, int eb, boolean quiet) {
        r.flags = 0;
        int ka = Float80.classify(ma, ea);
        int kb = Float80.classify(mb, eb);
        if (ka >= CLASS_QNAN || kb >= CLASS_QNAN) {
            if (!quiet || ka > CLASS_QNAN || kb > CLASS_QNAN) {
                r.flags = IE;
            }
            return UNORDERED;
        }
        if (ka == CLASS_DENORMAL || kb == CLASS_DENORMAL) {
            r.flags = DE;
        }
        if (ka == CLASS_ZERO && kb == CLASS_ZERO) {
            return C3;
        }
        boolean negativeA = (ea & SIGN) != 0;
        boolean negativeB = (eb & SIGN) != 0;
        if (negativeA != negativeB) {
            return negativeA ? C0 : 0;
        }
        // A pseudo-denormal has exponent 0 but counts as 1; its significand tells it from
        // denormals.
        int xa = exponent(ma, ea);
        int xb = exponent(mb, eb);
        int c = xa != xb ? Integer.compare(xa, xb) : Long.compareUnsigned(ma, mb);
        if (negativeA) {
            c = -c;
        }
        return c == 0 ? C3 : c < 0 ? C0 : 0;
    }

    private static int exponent(long m, int e) {
        int x = e & MAX_EXPONENT;
        return x == 0 && m < 0 ? 1 : x;
    }

    static void compare(Cpu cpu, Instruction i, boolean quiet, int pops) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        long mb;
        int eb;
        int sourceFlags = 0;
        boolean missing = X87Unit.empty(s, a);
        if (i.operands > 0 && i.kind[0] == Operand.MEM) {
            X87Move.fetch(cpu, i);
            mb = r.mantissa;
            eb = r.exponent;
            sourceFlags = r.flags;
        } else {
            int b = (a + (i.operands == 0 ? 1 : i.reg[i.operands - 1])) & 7;
            mb = s.mantissa[b];
            eb = s.exponent[b];
            missing |= X87Unit.empty(s, b);
        }
        int condition;
        int flags;
        if (missing) {
            condition = UNORDERED;
            flags = IE | SF;
        } else {
            condition = order(r, s.mantissa[a], s.exponent[a], mb, eb, quiet);
            flags = condition == UNORDERED ? r.flags : r.flags | sourceFlags;
        }
        boolean unmasked = X87Unit.raise(cpu, i, flags) != 0;
        s.status = s.status & ~CONDITION | condition;
        if (unmasked) {
            return;
        }
        for (int n = 0; n < pops; n++) {
            X87Unit.pop(s);
        }
    }

    static void compareToFlags(Cpu cpu, Instruction i, boolean quiet, int pops) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        int b = (a + i.reg[1]) & 7;
        int condition;
        int flags;
        if (X87Unit.empty(s, a) || X87Unit.empty(s, b)) {
            condition = UNORDERED;
            flags = IE | SF;
        } else {
            condition = order(r, s.mantissa[a], s.exponent[a], s.mantissa[b], s.exponent[b], quiet);
            flags = r.flags;
        }
        // Unlike FCOM these leave C1 alone, but for stack faults.
        int c1 = (flags & SF) != 0 ? 0 : s.status & C1;
        boolean unmasked = X87Unit.raise(cpu, i, flags | c1) != 0;
        cpu.setArithmeticFlags(
                ((condition & C3) != 0 ? Cpu.ZF : 0)
                        | ((condition & C2) != 0 ? Cpu.PF : 0)
                        | ((condition & C0) != 0 ? Cpu.CF : 0));
        if (pops != 0 && !unmasked) {
            X87Unit.pop(s);
        }
    }

    /** FTST. */
    static void test(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        Float80 r = s.result;
        int a = s.top;
        int condition;
        int flags;
        if (X87Unit.empty(s, a)) {
            condition = UNORDERED;
            flags = IE | SF;
        } else {
            condition = order(r, s.mantissa[a], s.exponent[a], 0, 0, false);
            flags = r.flags;
        }
        X87Unit.raise(cpu, i, flags);
        s.status = s.status & ~CONDITION | condition;
    }

    /** FXAM: the class of ST0, of an empty register too. */
    static void examine(Cpu cpu, Instruction i) {
        X87State s = cpu.x87;
        int a = s.top;
        X87Unit.raise(cpu, i, 0);
        int condition;
        if (X87Unit.empty(s, a)) {
            condition = C3 | C0;
        } else {
            condition =
                    switch (Float80.classify(s.mantissa[a], s.exponent[a])) {
                        case CLASS_UNSUPPORTED -> 0;
                        case CLASS_ZERO -> C3;
                        case CLASS_DENORMAL -> C3 | C2;
                        case CLASS_INFINITY -> C2 | C0;
                        case Float80.CLASS_NORMAL -> C2;
                        default -> C0;
                    };
        }
        if ((s.exponent[a] & SIGN) != 0) {
            condition |= C1;
        }
        s.status = s.status & ~(CONDITION | C1) | condition;
    }
}
