// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/**
 * Where a form's operand comes from and how large it is: the meaning of a token such as {@code Ev}
 * or {@code Hx} in the table's operand column. The grammar of tokens is in the head of the table.
 */
public final class OperandSpec {
    // Sources.
    /** General register by ModRM.reg. */
    public static final int REG = 0;

    /** General register or memory by ModRM.rm. */
    public static final int RM = 1;

    /** General register by ModRM.rm, never memory. */
    public static final int RM_REGISTER = 2;

    /** Memory by ModRM.rm, never a register. */
    public static final int MEMORY = 3;

    /** Address by ModRM.rm that is not accessed as data. */
    public static final int ADDRESS = 4;

    /** General register by VEX.vvvv. */
    public static final int VVVV = 5;

    /** General register by the low three bits of the opcode. */
    public static final int OPCODE_REGISTER = 6;

    /** The general register whose number is {@link #value}. */
    public static final int FIXED_REGISTER = 7;

    /** Immediate, sign-extended from {@link #encodedSize}. */
    public static final int IMMEDIATE = 8;

    /** Immediate, zero-extended from {@link #encodedSize}. */
    public static final int IMMEDIATE_UNSIGNED = 9;

    /** Branch displacement. */
    public static final int RELATIVE = 10;

    /** Far pointer in the instruction. */
    public static final int FAR_POINTER = 11;

    /** Memory at an absolute offset in the instruction, as wide as addresses are. */
    public static final int OFFSET = 12;

    /** The constant {@link #value}. */
    public static final int CONSTANT = 13;

    /** Vector register by ModRM.reg. */
    public static final int XMM_REG = 14;

    /** Vector register or memory by ModRM.rm. */
    public static final int XMM_RM = 15;

    /** Vector register by ModRM.rm, never memory. */
    public static final int XMM_RM_REGISTER = 16;

    /** Vector register by VEX.vvvv. */
    public static final int XMM_VVVV = 17;

    /** Vector register by bits 4 to 7 of an immediate byte. */
    public static final int XMM_IMMEDIATE = 18;

    /** The vector register whose number is {@link #value}. */
    public static final int XMM_FIXED = 19;

    /** MMX register by ModRM.reg. */
    public static final int MMX_REG = 20;

    /** MMX register or memory by ModRM.rm. */
    public static final int MMX_RM = 21;

    /** MMX register by ModRM.rm, never memory. */
    public static final int MMX_RM_REGISTER = 22;

    /** x87 register by ModRM.rm. */
    public static final int ST_RM = 23;

    /** x87 register {@link #value}. */
    public static final int ST_FIXED = 24;

    /** Segment register by ModRM.reg. */
    public static final int SEGMENT_REG = 25;

    /** Segment register {@link #value}. */
    public static final int SEGMENT_FIXED = 26;

    /** Control register by ModRM.reg. */
    public static final int CONTROL_REG = 27;

    /** Debug register by ModRM.reg. */
    public static final int DEBUG_REG = 28;

    /** Memory with a vector index (gathers): the index is a vector register's number. */
    public static final int VSIB = 29;

    /** Element of a string instruction: sets size[0] only. */
    public static final int STRING = 30;

    // Size codes above 64 depend on the instruction; below they are bytes.
    /** 2, 4 or 8 by the operand size ("v"). */
    public static final int SIZE_V = 65;

    /** 4, or 8 by REX.W or VEX.W ("y"). */
    public static final int SIZE_Y = 66;

    /** 2 or 4: never 8 ("z"). */
    public static final int SIZE_Z = 67;

    /** 8 in 64-bit mode, else 4 ("n"). */
    public static final int SIZE_N = 68;

    /** A far pointer in memory: operand size plus 2 ("p"). */
    public static final int SIZE_P = 69;

    /** The vector length ("x"). */
    public static final int SIZE_X = 70;

    /** Half, a quarter, an eighth of the vector length. */
    public static final int SIZE_X2 = 71;

    public static final int SIZE_X4 = 72;
    public static final int SIZE_X8 = 73;

    /** A descriptor table's pseudo descriptor: 10 bytes in 64-bit mode, else 6 ("s"). */
    public static final int SIZE_S = 74;

    /** The token in the table. */
    public final String token;

    /** One of the sources above. */
    public final int source;

    /** Size in bytes or a size code, of a register or immediate as it is used. */
    public final int size;

    /**
     * Size when the operand is memory; differs from {@link #size} for PEXTRB, SLDT and the like.
     */
    public final int memorySize;

    /** Bytes of an immediate in the instruction: 1, 2, or a size code V or Z; 0 if none. */
    public final int encodedSize;

    /** Number of a fixed register, value of a constant, index width (4 or 8) of VSIB. */
    public final int value;

    OperandSpec(String token, int source, int size, int memorySize, int encodedSize, int value) {
        this.token = token;
        this.source = source;
        this.size = size;
        this.memorySize = memorySize;
        this.encodedSize = encodedSize;
        this.value = value;
    }

    @Override
    public String toString() {
        return token;
    }
}
