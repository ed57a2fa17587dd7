// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/**
 * Which arithmetic flags an instruction leaves undefined, given its shift count. The table's column
 * holds for all counts; the manual is more exact (SDM volume 2, each instruction).
 */
public final class UndefinedFlags {
    private static final int CF = 1;
    private static final int AF = 1 << 4;
    private static final int OF = 1 << 11;

    private UndefinedFlags() {}

    /**
     * RFLAGS bits that are undefined after an instruction.
     *
     * @param rcx register RCX before it, where counts may come from
     */
    public static int after(Instruction i, long rcx) {
        int table = i.form.undefinedFlags;
        switch (i.op) {
            case ROL, ROR, RCL, RCR, SHL, SHR, SAR, SHLD, SHRD -> {}
            default -> {
                return table;
            }
        }
        int bits = i.size[0] * 8;
        int last = i.operands - 1;
        long source = i.kind[last] == Operand.GPR ? rcx : i.imm;
        int count = (int) source & (bits == 64 ? 63 : 31);
        if (count == 0) {
            return 0;
        }
        return switch (i.op) {
            case ROL, ROR, RCL, RCR -> count == 1 ? 0 : OF;
            case SHLD, SHRD -> count > bits ? table : count == 1 ? AF : AF | OF;
            case SAR -> count == 1 ? AF : AF | OF;
            default -> (count == 1 ? AF : AF | OF) | (count >= bits ? CF : 0);
        };
    }
}
