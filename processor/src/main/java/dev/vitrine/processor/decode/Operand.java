// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/** Kinds of decoded operands, as held in {@link Instruction#kind}. */
public final class Operand {
    /** No operand. */
    public static final int NONE = 0;

    /** General register; size 1 means the low byte (SPL.. with REX), else 2, 4 or 8 bytes. */
    public static final int GPR = 1;

    /** AH, CH, DH or BH: the register number is that of the containing register (0 to 3). */
    public static final int GPR_HIGH = 2;

    /** Memory; the address parts are in the instruction. */
    public static final int MEM = 3;

    /** Immediate, sign-extended to 64 bits, in {@link Instruction#imm}. */
    public static final int IMM = 4;

    /** Second immediate (ENTER, EXTRQ-like), in {@link Instruction#imm2}. */
    public static final int IMM2 = 5;

    /** Branch displacement relative to the next instruction, in {@link Instruction#imm}. */
    public static final int REL = 6;

    /** Far pointer: offset in {@link Instruction#imm}, selector in {@link Instruction#imm2}. */
    public static final int FAR = 7;

    /** XMM or YMM register; the size says how much of it is meant. */
    public static final int XMM = 8;

    /** MMX register. */
    public static final int MMX = 9;

    /** x87 stack register ST(i). */
    public static final int ST = 10;

    /** Segment register, in encoding order ES CS SS DS FS GS. */
    public static final int SEG = 11;

    /** Control register. */
    public static final int CR = 12;

    /** Debug register. */
    public static final int DR = 13;

    /** A constant implied by the encoding (the 1 of D1 shifts), in {@link Instruction#imm}. */
    public static final int CONST = 14;

    /** Memory-only address operand of LEA, INVLPG and the like: never read as data. */
    public static final int ADDR = 15;

    private Operand() {}
}
