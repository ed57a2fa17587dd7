// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/**
 * One decoded instruction. The decoder fills a fresh object; after that it does not change, so the
 * same object serves the lifter, helpers and every execution of a cached block.
 *
 * <p>Register numbers are the hardware encoding's: RAX 0, RCX 1, RDX 2, RBX 3, RSP 4, RBP 5, RSI 6,
 * RDI 7, R8..R15. Segments: ES 0, CS 1, SS 2, DS 3, FS 4, GS 5.
 */
public final class Instruction {
    /** Value of {@link #base} and {@link #index} when the address has no such register. */
    public static final int NO_REGISTER = -1;

    /** Value of {@link #base} for RIP-relative addresses; {@link #disp} then excludes RIP. */
    public static final int RIP_BASE = 16;

    /** No repeat prefix that matters. */
    public static final int REP_NONE = 0;

    /** F3: REP or REPE. */
    public static final int REP_F3 = 1;

    /** F2: REPNE. */
    public static final int REP_F2 = 2;

    /** The table's row. Null only before decoding ended. */
    public Form form = Form.INVALID;

    /** What it does; the same for a legacy SSE instruction and its VEX form. */
    public Op op = Op.INVALID;

    /**
     * What {@link Op#INVALID} would have been: the name of an instruction that this processor
     * lacks, or of one that is used illegally, or an opcode. Empty for an instruction.
     */
    public String missing = "";

    /** Instruction pointer (offset in CS) of its first byte. */
    public long rip;

    /** Length in bytes, 1 to 15. */
    public int length;

    /** Code size in bits: 16, 32 or 64. */
    public int codeSize;

    /** Effective size of "v" operands in bytes: 2, 4 or 8. */
    public int operandSize;

    /** Effective address size in bytes: 2, 4 or 8. */
    public int addressSize;

    /**
     * Effective stack address size in 64-bit mode is 8; elsewhere it is SS.B's, known at run time.
     */
    public int rep;

    /** F0 was present (and legal, else the decoder answers #UD). */
    public boolean lock;

    /** Encoded with VEX. */
    public boolean vex;

    /** Vector length in bytes: 16 or 32 (scalar forms: 16). 0 when not a vector instruction. */
    public int vectorLength;

    /** Condition code 0..15 of JCC, SETCC, CMOVCC; else 0. */
    public int cond;

    /** Number of operands, 0 to 4. Operand 0 is the destination, as in Intel's syntax. */
    public int operands;

    /** Kind of each operand, of {@link Operand}. */
    public final int[] kind = new int[4];

    /** Size of each operand in bytes (MEM of FXSAVE and the like: 0). */
    public final int[] size = new int[4];

    /** Register number of each register operand. */
    public final int[] reg = new int[4];

    /** Memory operand: segment after overrides and defaults. */
    public int segment;

    public int base = NO_REGISTER;
    public int index = NO_REGISTER;

    /** Shift count of the index: 0 to 3. */
    public int scale;

    /** Displacement, sign-extended; for moffs forms the whole address. */
    public long disp;

    /** Immediate, sign-extended to 64 bits. */
    public long imm;

    public long imm2;

    /** Instruction pointer after this instruction, truncated to the code size. */
    public long nextRip() {
        long next = rip + length;
        return codeSize == 64 ? next : codeSize == 32 ? next & 0xFFFF_FFFFL : next & 0xFFFFL;
    }

    /**
     * x87 instructions: the low three bits of the first opcode byte and the ModRM byte, as the FOP
     * register keeps them; else 0.
     */
    public int x87Opcode;

    /** Index of the memory operand, or -1. */
    public int memoryOperand() {
        for (int i = 0; i < operands; i++) {
            if (kind[i] == Operand.MEM || kind[i] == Operand.ADDR) {
                return i;
            }
        }
        return -1;
    }
}
