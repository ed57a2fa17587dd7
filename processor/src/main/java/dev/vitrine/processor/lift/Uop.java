// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.lift;

/**
 * The micro-operations. Each is two longs: a packed word and an immediate.
 *
 * <pre>
 *   word:  op 0-7 | d 8-15 | a 16-23 | b 24-31 | c 32-39 | s 40-47
 * </pre>
 *
 * d, a, b and s are indexes into the register file of the processor state (general registers, zero,
 * segment bases, temporaries). An <i>address</i> is {@code r[a] + (r[b] << c) + r[s] + imm}; the
 * second operand of arithmetic is {@code r[b] + imm}, so one operation serves registers and
 * immediates. Where c is a size it is the shift {@code 64 - bits}: 0, 32, 48 or 56. Results of 32
 * bits clear the upper half of d, of 16 and 8 bits leave the rest of d as it was.
 *
 * <p>The order within a guest instruction keeps faults precise: whatever can fault comes before the
 * first change of a general register or of the flags.
 */
public final class Uop {
    // Moves.
    public static final int MOVI = 0;
    public static final int MOV64 = 1;
    public static final int MOV32 = 2;
    public static final int MOV16 = 3;
    public static final int MOV8 = 4;

    /** d = bits 8 to 15 of a. */
    public static final int EXTRACT_HIGH = 5;

    /** Bits 8 to 15 of d = low byte of a. */
    public static final int INSERT_HIGH = 6;

    public static final int ZX8 = 7;
    public static final int ZX16 = 8;

    /** Sign-extensions to 64 bits. */
    public static final int SX8 = 9;

    public static final int SX16 = 10;
    public static final int SX32 = 11;

    /** d = address, 64 bits; no flags: also serves as plain addition. */
    public static final int LEA64 = 12;

    public static final int LEA32 = 13;
    public static final int LEA16 = 14;

    /** a = linear address of offset a in segment s for c bytes (bit 7 of c: write) into d. */
    public static final int SEGMENT = 15;

    // Memory; loads zero-extend.
    public static final int LD8 = 16;
    public static final int LD16 = 17;
    public static final int LD32 = 18;
    public static final int LD64 = 19;
    public static final int ST8 = 20;
    public static final int ST16 = 21;
    public static final int ST32 = 22;
    public static final int ST64 = 23;

    /** Loads for a read-modify-write: fault as the write will. */
    public static final int LDW8 = 24;

    public static final int LDW16 = 25;
    public static final int LDW32 = 26;
    public static final int LDW64 = 27;

    /** Locked load: size in bytes in the upper byte of s (bits 48 to 55); remembers the address. */
    public static final int LOCK_LOAD = 28;

    /** Compare-and-set of what LOCK_LOAD found; on failure goes back to micro-operation imm. */
    public static final int LOCK_STORE = 29;

    public static final int PUSH64 = 30;
    public static final int POP64 = 31;

    // Arithmetic with flags.
    public static final int ADD64 = 32;
    public static final int ADD32 = 33;
    public static final int ADDN = 34;
    public static final int SUB64 = 35;
    public static final int SUB32 = 36;
    public static final int SUBN = 37;
    public static final int CMP64 = 38;
    public static final int CMP32 = 39;
    public static final int CMPN = 40;
    public static final int AND64 = 41;
    public static final int AND32 = 42;
    public static final int ANDN = 43;
    public static final int OR64 = 44;
    public static final int OR32 = 45;
    public static final int ORN = 46;
    public static final int XOR64 = 47;
    public static final int XOR32 = 48;
    public static final int XORN = 49;
    public static final int TEST64 = 50;
    public static final int TEST32 = 51;
    public static final int TESTN = 52;
    public static final int ADC = 53;
    public static final int SBB = 54;
    public static final int INC = 55;
    public static final int DEC = 56;
    public static final int NEG = 57;

    /** No flags. */
    public static final int NOT = 58;

    /** d = a shifted by (r[b] + imm) masked; size c. */
    public static final int SHL = 59;

    public static final int SHR = 60;
    public static final int SAR = 61;
    public static final int ROL = 62;
    public static final int ROR = 63;

    /** d = low half of signed a * (r[b] + imm); CF and OF tell overflow; size c. */
    public static final int IMUL = 64;

    public static final int SAVE_FLAGS = 65;
    public static final int RESTORE_FLAGS = 66;

    /** d = condition imm ? 1 : 0, low byte only. */
    public static final int SETCC = 67;

    /** If condition imm: d = a; size c (a 32-bit move clears the upper half either way). */
    public static final int CMOV = 68;

    /** d = a with bytes reversed, c = 0 or 32. */
    public static final int BSWAP = 69;

    /**
     * Helper for guest instruction imm of the block; goes on with the next micro-operation. With c
     * = 1 it looks at the clock, for which the count of instructions must be exact.
     */
    public static final int EXEC = 70;

    /** Exchange of registers d and a, size c. */
    public static final int XCHG = 71;

    // Ends of blocks.
    /**
     * Conditional branches: JCC + condition; imm is the target; falls through to the next block.
     */
    public static final int JCC = 80;

    public static final int JMP = 96;

    /** To the address in a. */
    public static final int JMP_REG = 97;

    /** 64-bit call: pushes the address in imm2 slot (see lifter), jumps to imm. */
    public static final int CALL64 = 98;

    /** 64-bit call through a. */
    public static final int CALL_REG64 = 99;

    /** 64-bit return; imm more bytes are popped. */
    public static final int RET64 = 100;

    /** End without a branch: goes on behind the block's last instruction. */
    public static final int NEXT = 101;

    /** Helper for guest instruction imm; then goes where nextRip says, with events looked at. */
    public static final int EXEC_END = 102;

    /**
     * Decrement-and-branch family by helper: branches to imm when nextRip is not the fallthrough.
     */
    public static final int LOOP = 103;

    // The commonest sizes of what the operations above do for all.
    public static final int ADC64 = 104;
    public static final int SBB64 = 105;
    public static final int INC64 = 106;
    public static final int INC32 = 107;
    public static final int DEC64 = 108;
    public static final int DEC32 = 109;

    /** RDX:RAX = RAX times d, unsigned, 64 bits. */
    public static final int MUL64 = 110;

    /** d = a shifted by imm, which is 1 to 63 (31). */
    public static final int SHL64 = 111;

    public static final int SHL32 = 112;
    public static final int SHR64 = 113;
    public static final int SHR32 = 114;
    public static final int SAR64 = 115;
    public static final int SAR32 = 116;

    /** Calls the hooks at machine address imm, before guest instruction c of the block. */
    public static final int HOOK = 117;

    /**
     * Shows the host that guest instruction c of the block is about to be executed, where a
     * breakpoint instruction stands in a copy.
     */
    public static final int TRAP = 118;

    // A comparison and the branch behind it: CMP64_JCC + condition and so on. The flags are set as
    // by the comparison; the target is the block's. Only the conditions listed in FUSED exist.
    public static final int CMP64_JCC = 128;
    public static final int CMP32_JCC = 144;
    public static final int TEST64_JCC = 160;
    public static final int TEST32_JCC = 176;

    private static final int FUSED_CMP = 0xF0FC;
    private static final int FUSED_TEST = 0x0330;

    /** The fused form of a comparison and JCC + condition, or -1. */
    public static int fuse(int comparison, int condition) {
        boolean test = comparison == TEST64 || comparison == TEST32;
        if (((test ? FUSED_TEST : FUSED_CMP) >>> condition & 1) == 0) {
            return -1;
        }
        return switch (comparison) {
            case CMP64 -> CMP64_JCC + condition;
            case CMP32 -> CMP32_JCC + condition;
            case TEST64 -> TEST64_JCC + condition;
            case TEST32 -> TEST32_JCC + condition;
            default -> -1;
        };
    }

    private Uop() {}

    public static long word(int op, int d, int a, int b, int c, int s) {
        return op
                | (long) d << 8
                | (long) a << 16
                | (long) b << 24
                | (long) c << 32
                | (long) s << 40;
    }

    /** What a comparison with its branch, {@link #CMP64_JCC} or above, is without the branch. */
    public static int comparison(int op) {
        return switch (op & 0xF0) {
            case CMP64_JCC -> CMP64;
            case CMP32_JCC -> CMP32;
            case TEST64_JCC -> TEST64;
            default -> TEST32;
        };
    }
}
