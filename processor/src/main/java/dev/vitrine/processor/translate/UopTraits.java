// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.lift.Uop;

/** What micro-operations read and write, for those who must know before they are written out. */
final class UopTraits {
    private UopTraits() {}

    /** A fault may come from it, or a helper that sees all of the processor's state. */
    static boolean leaves(int op) {
        return switch (op) {
            case Uop.SEGMENT,
                    Uop.LD8,
                    Uop.LD16,
                    Uop.LD32,
                    Uop.LD64,
                    Uop.ST8,
                    Uop.ST16,
                    Uop.ST32,
                    Uop.ST64,
                    Uop.LDW8,
                    Uop.LDW16,
                    Uop.LDW32,
                    Uop.LDW64,
                    Uop.LOCK_LOAD,
                    Uop.LOCK_STORE,
                    Uop.PUSH64,
                    Uop.POP64,
                    Uop.EXEC ->
                    true;
            default -> endsBlock(op);
        };
    }

    /** Reads or writes guest memory. */
    static boolean accesses(int op) {
        return (op >= Uop.LD8 && op <= Uop.POP64)
                || op == Uop.CALL64
                || op == Uop.CALL_REG64
                || op == Uop.RET64;
    }

    static boolean isRotation(int op) {
        return op == Uop.ROL || op == Uop.ROR;
    }

    static boolean endsBlock(int op) {
        return (op >= Uop.JCC && op <= Uop.LOOP) || op >= Uop.CMP64_JCC;
    }

    /** Sets all flags and does not look at the old ones. */
    static boolean definesFlags(int op) {
        return switch (op) {
            case Uop.ADD64,
                    Uop.ADD32,
                    Uop.ADDN,
                    Uop.SUB64,
                    Uop.SUB32,
                    Uop.SUBN,
                    Uop.CMP64,
                    Uop.CMP32,
                    Uop.CMPN,
                    Uop.AND64,
                    Uop.AND32,
                    Uop.ANDN,
                    Uop.OR64,
                    Uop.OR32,
                    Uop.ORN,
                    Uop.XOR64,
                    Uop.XOR32,
                    Uop.XORN,
                    Uop.TEST64,
                    Uop.TEST32,
                    Uop.TESTN,
                    Uop.NEG,
                    Uop.IMUL,
                    Uop.MUL64,
                    Uop.SHL64,
                    Uop.SHL32,
                    Uop.SHR64,
                    Uop.SHR32,
                    Uop.SAR64,
                    Uop.SAR32 ->
                    true;
            default -> false;
        };
    }

    /** Looks at the flags, or changes some of them. */
    static boolean needsFlags(int op) {
        return switch (op) {
            case Uop.ADC,
                    Uop.SBB,
                    Uop.ADC64,
                    Uop.SBB64,
                    Uop.INC,
                    Uop.DEC,
                    Uop.INC64,
                    Uop.INC32,
                    Uop.DEC64,
                    Uop.DEC32,
                    Uop.SHL,
                    Uop.SHR,
                    Uop.SAR,
                    Uop.ROL,
                    Uop.ROR,
                    Uop.SAVE_FLAGS,
                    Uop.RESTORE_FLAGS,
                    Uop.SETCC,
                    Uop.CMOV ->
                    true;
            default -> false;
        };
    }

    /**
     * Whether flags that micro-operation at index u sets can be seen before others replace them.
     */
    static boolean flagsSeen(long[] code, int u) {
        for (int k = u + 2; k < code.length; k += 2) {
            int op = (int) code[k] & 0xFF;
            if (op >= Uop.CMP64_JCC) {
                // The comparison comes first and replaces them.
                return false;
            }
            if (leaves(op) || needsFlags(op)) {
                return true;
            }
            if (definesFlags(op)) {
                return false;
            }
        }
        return true;
    }

    /** Registers 0 to 15 and segment bases that a micro-operation names; a mask by index. */
    static int registers(long w) {
        int op = (int) w & 0xFF;
        int mask =
                1 << ((int) (w >>> 8) & 31)
                        | 1 << ((int) (w >>> 16) & 31)
                        | 1 << ((int) (w >>> 24) & 31);
        if (op != Uop.SEGMENT) {
            mask |= 1 << ((int) (w >>> 40) & 31);
        }
        mask |= implied(op);
        return mask & ((1 << Cpu.R_TEMP) - 1) & ~(1 << Cpu.R_ZERO);
    }

    private static int implied(int op) {
        return switch (op) {
            case Uop.PUSH64, Uop.POP64, Uop.CALL64, Uop.CALL_REG64, Uop.RET64 -> 1 << Cpu.RSP;
            case Uop.MUL64 -> 1 << Cpu.RAX | 1 << Cpu.RDX;
            default -> 0;
        };
    }

    /** General registers that a micro-operation changes; a mask. */
    static int written(long w) {
        int op = (int) w & 0xFF;
        int d = 1 << ((int) (w >>> 8) & 31) & 0xFFFF;
        return switch (op) {
            case Uop.ST8, Uop.ST16, Uop.ST32, Uop.ST64, Uop.LOCK_STORE -> 0;
            case Uop.CMP64, Uop.CMP32, Uop.CMPN, Uop.TEST64, Uop.TEST32, Uop.TESTN -> 0;
            case Uop.SAVE_FLAGS, Uop.RESTORE_FLAGS -> 0;
            case Uop.PUSH64, Uop.CALL64, Uop.CALL_REG64, Uop.RET64 -> 1 << Cpu.RSP;
            case Uop.POP64 -> d | 1 << Cpu.RSP;
            case Uop.MUL64 -> 1 << Cpu.RAX | 1 << Cpu.RDX;
            case Uop.XCHG -> d | (1 << ((int) (w >>> 16) & 31) & 0xFFFF);
            // After helpers the registers are read again: both are the same then.
            case Uop.EXEC, Uop.LOOP -> 0;
            default -> endsBlock(op) ? 0 : d;
        };
    }
}
