// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.Op;

import java.util.Arrays;

/** Compares what two processors made of a case, in everything that the architecture defines. */
final class Comparison {
    private static final int ARITHMETIC = 0x8d5;

    /** The first address that Linux counts as the kernel's: TASK_SIZE_MAX. */
    private static final long KERNEL_SPACE = 0x7fff_ffff_f000L;

    /** No operand is larger, in bytes. */
    private static final int LARGEST_AREA = 1024;

    /** TF, DF, NT, RF, AC and ID: nothing leaves these undefined. */
    private static final int OTHER_FLAGS = 0x25_4500;

    private static final String[] NAMES = {
        "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
        "r13", "r14", "r15"
    };

    private final Case c;
    private final Result real;
    private final Result ours;
    private final StringBuilder text = new StringBuilder();

    private Comparison(Case c, Result real, Result ours) {
        this.c = c;
        this.real = real;
        this.ours = ours;
    }

    /**
     * Compares results.
     *
     * @param undefinedFlags arithmetic flags not to compare
     * @param tolerance what the form's result may deviate by
     * @return a line for each difference; empty if there is none
     */
    static String differences(
            Case c, Result real, Result ours, int undefinedFlags, Tolerance tolerance) {
        if (same(real, ours)) {
            return "";
        }
        return new Comparison(c, real, ours).compare(undefinedFlags, tolerance);
    }

    /** The common case: equal to the last bit, so that nothing needs to be explained. */
    private static boolean same(Result a, Result b) {
        CpuImage x = a.state;
        CpuImage y = b.state;
        return a.vector == b.vector
                && a.error == b.error
                && a.cr2 == b.cr2
                && x.rip == y.rip
                && x.rflags == y.rflags
                && x.cs == y.cs
                && x.fsBase == y.fsBase
                && x.gsBase == y.gsBase
                && (x.ss | x.ds << 16) == (y.ss | y.ds << 16)
                && (x.es | x.fs << 16) == (y.es | y.fs << 16)
                && x.gs == y.gs
                && Arrays.equals(x.gpr, y.gpr)
                && Arrays.equals(x.xsave, y.xsave)
                && sameLines(a, b);
    }

    private static boolean sameLines(Result a, Result b) {
        int n = a.lineCount;
        return n == b.lineCount
                && Arrays.equals(a.lineAddresses, 0, n, b.lineAddresses, 0, n)
                && Arrays.equals(a.lineWords, 0, n * 8, b.lineWords, 0, n * 8);
    }

    private void check(String what, long a, long b) {
        if (a != b) {
            text.append(String.format("  %-8s real %x, ours %x%n", what, a, b));
        }
    }

    private String compare(int undefinedFlags, Tolerance tolerance) {
        if (real.vector != ours.vector) {
            text.append("  real ").append(real).append("\n  ours ").append(ours).append('\n');
            return text.toString();
        }
        if (real.vector == Result.TIMEOUT || real.vector == Result.SYSTEM_CALL) {
            return ""; // where a loop without end was stopped, or what the kernel did to registers,
            // means nothing
        }
        if (tolerance == Tolerance.UNCOMPARABLE) {
            check("rip", real.state.rip, ours.state.rip);
            return text.toString();
        }
        boolean fault = real.vector >= 10 && real.vector <= 17; // faults that memory operands raise
        boolean area = tolerance == Tolerance.AREA || tolerance == Tolerance.IMAGE;
        boolean partial = fault && (area || tolerance == Tolerance.PARTIAL);
        // Linux reports every fault on a kernel address as a protection fault. An area may span
        // pages of different
        // rights, and any of its bytes may be named.
        boolean kernel = Long.compareUnsigned(real.cr2, KERNEL_SPACE) >= 0;
        int errorMask = kernel || area ? ~1 : ~0;
        check("error", real.error & errorMask, ours.error & errorMask);
        if (!area || Math.abs((int) (real.cr2 - ours.cr2)) > LARGEST_AREA) {
            check("cr2", real.cr2, ours.cr2);
        }
        CpuImage x = real.state;
        CpuImage y = ours.state;
        check("rip", x.rip, y.rip);
        int mask = ARITHMETIC & ~undefinedFlags | OTHER_FLAGS;
        check("rflags", x.rflags & mask, y.rflags & mask);
        if (partial) {
            return text.toString();
        }
        boolean narrow = c.is32() || x.cs == OracleLayout.CODE32_SELECTOR;
        for (int i = 0; i < (narrow ? 8 : 16); i++) {
            long registerMask = narrow ? 0xffff_ffffL : -1L;
            check(NAMES[i], x.gpr[i] & registerMask, y.gpr[i] & registerMask);
        }
        check("cs", x.cs, y.cs);
        check("ss", x.ss, y.ss);
        // The return from the kernel clears the privilege bits of null selectors.
        check("ds", x.ds < 4 ? 0 : x.ds, y.ds < 4 ? 0 : y.ds);
        check("es", x.es < 4 ? 0 : x.es, y.es < 4 ? 0 : y.es);
        check("fs", x.fs < 4 ? 0 : x.fs, y.fs < 4 ? 0 : y.fs);
        check("gs", x.gs < 4 ? 0 : x.gs, y.gs < 4 ? 0 : y.gs);
        check("fsbase", x.fsBase, y.fsBase);
        check("gsbase", x.gsBase, y.gsBase);
        vectors(x, y, tolerance);
        if (!fault || tolerance != Tolerance.MMX) {
            x87(x, y, tolerance);
        }
        memory(tolerance);
        return text.toString();
    }

    private void vectors(CpuImage x, CpuImage y, Tolerance tolerance) {
        if (!(real.vector == 14 && tolerance == Tolerance.CONVERTING_STORE)) {
            check("mxcsr", x.mxcsr(), y.mxcsr());
        }
        for (int i = 0; i < 16; i++) {
            for (int lane = 0; lane < 4; lane++) {
                long a = x.lane(i, lane);
                long b = y.lane(i, lane);
                boolean near = tolerance == Tolerance.RECIPROCAL && Tolerance.nearFloats(a, b);
                if (!near) {
                    check("ymm" + i + "[" + lane + "]", a, b);
                }
            }
        }
    }

    private void x87(CpuImage x, CpuImage y, Tolerance tolerance) {
        check("fcw", x.fcw(), y.fcw());
        // The precision of transcendental results, and with it the direction of rounding, is the
        // processor's own.
        int ignored = tolerance == Tolerance.TRANSCENDENTAL ? 0x220 : 0;
        for (int i = 0; i < 2 && ignored != 0; i++) {
            // Nor need both find a result tiny that lies next to the least normal number.
            ignored |=
                    (x.stExponent(i) ^ y.stExponent(i)) == 1 && tiny(x, i) != tiny(y, i) ? 0x10 : 0;
        }
        check("fsw", x.fsw() & ~ignored, y.fsw() & ~ignored);
        check("ftw", x.ftw(), y.ftw());
        check("fop", x.fop(), y.fop());
        check("fip", x.fip(), y.fip());
        check("fdp", x.fdp(), y.fdp());
        for (int i = 0; i < 8; i++) {
            boolean near =
                    tolerance == Tolerance.TRANSCENDENTAL
                            && Tolerance.near80(
                                    x.stExponent(i),
                                    x.stMantissa(i),
                                    y.stExponent(i),
                                    y.stMantissa(i));
            if (!near) {
                check("st" + i + " m", x.stMantissa(i), y.stMantissa(i));
                check("st" + i + " e", x.stExponent(i), y.stExponent(i));
            }
        }
    }

    private static boolean tiny(CpuImage s, int i) {
        return (s.stExponent(i) & 0x7fff) == 0;
    }

    private void memory(Tolerance tolerance) {
        if (tolerance == Tolerance.IMAGE || sameLines(real, ours)) {
            return;
        }
        for (int i = 0; i < real.lineCount; i++) {
            int j = ours.line(real.lineAddresses[i]);
            for (int w = 0; w < 8; w++) {
                if (j < 0 || real.lineWords[i * 8 + w] != ours.lineWords[j * 8 + w]) {
                    String b = j < 0 ? "not changed" : Long.toHexString(ours.lineWords[j * 8 + w]);
                    text.append(
                            String.format(
                                    "  [%x] real %x, ours %s%n",
                                    real.lineAddresses[i] + 8 * w, real.lineWords[i * 8 + w], b));
                }
            }
        }
        for (int j = 0; j < ours.lineCount; j++) {
            if (real.line(ours.lineAddresses[j]) < 0) {
                text.append(
                        String.format(
                                "  [%x] real not changed, ours changed%n", ours.lineAddresses[j]));
            }
        }
    }

    /** How exactly the results of a form can be compared. */
    enum Tolerance {
        /** To the last bit. */
        EXACT,
        /** Only whether and where it ends: the values are the processor's own business. */
        UNCOMPARABLE,
        /** RCPPS and its kin: relative error of at most 1.5 * 2^-12 (SDM volume 1, 5.5). */
        RECIPROCAL,
        /**
         * x87 transcendental instructions: within one unit in the last place of the true result.
         */
        TRANSCENDENTAL,
        /**
         * Large or masked operands: any byte may be the one that a page fault names, and a fault
         * may leave a part done.
         */
        AREA,
        /** Several memory accesses: a fault may leave a part of them done. */
        PARTIAL,
        /** MMX: a fault of the memory operand may leave the switch from x87 to MMX half done. */
        MMX,
        /**
         * Conversion and store in one: a fault of the store may leave the conversion's flags set.
         */
        CONVERTING_STORE,
        /** Memory images whose unused parts the processor may or may not write (XSAVEOPT). */
        IMAGE;

        static Tolerance of(Form form) {
            if (form.has(Form.VOLATILE) && form.op != Op.PUSHF) {
                return UNCOMPARABLE;
            }
            return switch (form.op) {
                case RCPPS, RCPSS, RSQRTPS, RSQRTSS -> RECIPROCAL;
                case F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS -> TRANSCENDENTAL;
                case XSAVEOPT -> IMAGE;
                case XSAVE, XSAVEC, XRSTOR, FXSAVE, FXRSTOR, FNSAVE, FRSTOR, FNSTENV, FLDENV ->
                        AREA;
                case MASKMOVQ, MASKMOVDQU, VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ -> AREA;
                case PUSHA,
                        POPA,
                        ENTER,
                        CALL_REL,
                        CALL_IND,
                        CALL_FAR,
                        RET_FAR,
                        IRET,
                        BOUND,
                        FBSTP ->
                        PARTIAL;
                case FSTP -> form.operands.getFirst().token.equals("Mt") ? PARTIAL : EXACT;
                case VCVTPS2PH -> CONVERTING_STORE;
                default -> usesMmx(form) ? MMX : EXACT;
            };
        }

        private static boolean usesMmx(Form form) {
            return form.operands.stream().anyMatch(o -> "PQN".indexOf(o.token.charAt(0)) >= 0);
        }

        static boolean nearFloats(long a, long b) {
            return nearFloat((int) a, (int) b) && nearFloat((int) (a >>> 32), (int) (b >>> 32));
        }

        private static boolean nearFloat(int a, int b) {
            float x = Float.intBitsToFloat(a);
            float y = Float.intBitsToFloat(b);
            return a == b || Math.abs(x - y) <= 3 * 0x1p-12 * Math.abs(x);
        }

        static boolean near80(int e1, long m1, int e2, long m2) {
            if (e1 == e2 || e1 >>> 1 == e2 >>> 1 && (e1 & 0x7ffe) == 0) {
                // Denormals, of exponent 0, go on where the numbers of exponent 1 end.
                return Math.abs(m1 - m2) <= 2;
            }
            // just below and just above a power of two
            return e1 - e2 == 1 && m1 == Long.MIN_VALUE && m2 >= -2 && m2 < 0
                    || e2 - e1 == 1 && m2 == Long.MIN_VALUE && m1 >= -2 && m1 < 0;
        }
    }
}
