// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import java.util.List;

/** One row of the instruction table: an encoding with its operands and what is known about it. */
public final class Form {
    // Bits of prefixClass: which mandatory-prefix states select this row.
    public static final int PREFIX_NONE = 1;
    public static final int PREFIX_66 = 2;
    public static final int PREFIX_F3 = 4;
    public static final int PREFIX_F2 = 8;
    public static final int PREFIX_ANY = 15;

    // Values of modrm.
    /** No ModRM byte. */
    public static final int MODRM_NONE = 0;

    /** ModRM.reg is an operand or ignored. */
    public static final int MODRM_ANY = 1;

    /** ModRM.reg extends the opcode: {@link #digit}. */
    public static final int MODRM_DIGIT = 2;

    /** The whole ModRM byte extends the opcode: {@link #fixedModrm}. */
    public static final int MODRM_FIXED = 3;

    // Attributes.
    /** LOCK is legal when the destination is memory. */
    public static final int LOCK = 1;

    /** F2 and F3 repeat. */
    public static final int REP = 1 << 1;

    /** #UD in 64-bit mode. */
    public static final int I64 = 1 << 2;

    /** #UD outside of 64-bit mode. */
    public static final int O64 = 1 << 3;

    /** Operand size is 8 (or, with 66, 2) in 64-bit mode. */
    public static final int D64 = 1 << 4;

    /** Operand size is 8 in 64-bit mode whatever the prefixes. */
    public static final int F64 = 1 << 5;

    /** #GP above CPL 0 (or by IOPL, or by CR4): not for user-mode tests. */
    public static final int PRIVILEGED = 1 << 6;

    /** ModRM.mod is ignored and taken as 3 (MOV to and from CR and DR). */
    public static final int ANY_MOD = 1 << 7;

    /** Selected only without REX.B (NOP against XCHG). */
    public static final int NO_REX_B = 1 << 8;

    /** Legacy SSE memory operand of 16 bytes need not be aligned, or the form has none. */
    public static final int UNALIGNED = 1 << 9;

    /** Result differs between processors or over time (RDTSC, CPUID, RDRAND): not comparable. */
    public static final int VOLATILE = 1 << 10;

    /** The low four bits of the opcode are a condition. */
    public static final int CONDITION = 1 << 11;

    /** Not in Intel's manual; kept because processors do it. */
    public static final int UNDOCUMENTED = 1 << 12;

    /** The form of an instruction that is none. */
    public static final Form INVALID =
            new Form(-1, "(bad)", "", List.of(), Op.INVALID, Feature.BASE, 0, 0);

    /** Row number, 0 for the first; -1 for {@link #INVALID}. */
    public final int index;

    /** Intel's mnemonic in lower case. */
    public final String mnemonic;

    /** The encoding as the table writes it. */
    public final String encoding;

    /** Operands, the destination first. */
    public final List<OperandSpec> operands;

    public final Op op;
    public final Feature feature;

    /** Attribute bits. */
    public final int attributes;

    /** RFLAGS bits that the manual leaves undefined afterwards, in some or all cases. */
    public final int undefinedFlags;

    // What the encoding column says.
    /** VEX-encoded. */
    public boolean vex;

    /** Opcode map: 0 one byte, 1 0F, 2 0F 38, 3 0F 3A. */
    public int map;

    /** Opcode byte; with {@link #opcodeCount} above 1 the first of as many. */
    public int opcode;

    /** 8 for +r, 16 for +cc, else 1. */
    public int opcodeCount = 1;

    /** Set of PREFIX_ bits; for VEX exactly one. */
    public int prefixClass = PREFIX_ANY;

    /** Required REX.W or VEX.W: 0, 1, or -1 for either. */
    public int w = -1;

    /** Required VEX.L: 0, 1, or -1 for either. */
    public int l = -1;

    /** Has vector register operands: {@link Instruction#vectorLength} is set. */
    public boolean vector;

    /** One of the MODRM_ constants. */
    public int modrm;

    public int digit;
    public int fixedModrm;

    /** ModRM.mod = 3 selects this row. */
    public boolean register = true;

    /** ModRM.mod other than 3 selects this row. */
    public boolean memory = true;

    Form(
            int index,
            String mnemonic,
            String encoding,
            List<OperandSpec> operands,
            Op op,
            Feature feature,
            int attributes,
            int undefinedFlags) {
        this.index = index;
        this.mnemonic = mnemonic;
        this.encoding = encoding;
        this.operands = operands;
        this.op = op;
        this.feature = feature;
        this.attributes = attributes;
        this.undefinedFlags = undefinedFlags;
    }

    /** Whether an attribute bit is set. */
    public boolean has(int attribute) {
        return (attributes & attribute) != 0;
    }

    @Override
    public String toString() {
        return mnemonic + " " + operands + " : " + encoding;
    }
}
