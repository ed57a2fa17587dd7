// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

/** Writes instructions in Intel's syntax, for traces and crash reports. */
public final class InstructionText {
    private static final String[] CONDITION = {
        "o", "no", "b", "ae", "e", "ne", "be", "a", "s", "ns", "p", "np", "l", "ge", "le", "g"
    };
    private static final String[] NAMES = {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"};
    private static final String[] BYTES = {"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"};
    private static final String[] SEGMENTS = {"es", "cs", "ss", "ds", "fs", "gs"};

    private InstructionText() {}

    /**
     * The instruction as text, such as {@code mov rax,QWORD PTR [rbp+rcx*4-0x8]}. Branch targets
     * are offsets in CS.
     */
    public static String format(Instruction i) {
        if (i.op == Op.INVALID) {
            return i.missing.isEmpty() ? "(bad)" : "(bad: " + i.missing + ")";
        }
        StringBuilder s = new StringBuilder(48);
        if (i.lock) {
            s.append("lock ");
        }
        if (i.rep != Instruction.REP_NONE) {
            boolean compares = i.op == Op.CMPS || i.op == Op.SCAS;
            s.append(i.rep == Instruction.REP_F2 ? "repnz " : compares ? "repz " : "rep ");
        }
        s.append(mnemonic(i));
        int skip = hiddenOperand(i);
        boolean first = true;
        for (int n = 0; n < i.operands; n++) {
            if (n == skip) {
                continue;
            }
            s.append(first ? ' ' : ',');
            first = false;
            operand(s, i, n);
        }
        return s.toString();
    }

    /** Operand that the assembler's syntax leaves out; -1 if none. */
    private static int hiddenOperand(Instruction i) {
        return switch (i.op) {
            case FXCH, FCOM, FCOMP, FUCOM, FUCOMP -> i.operands == 2 ? 0 : -1;
            case LOAD_FAR -> 2;
            default -> -1;
        };
    }

    private static String mnemonic(Instruction i) {
        String name = i.form.mnemonic;
        int size = i.operandSize;
        return switch (i.op) {
            case JCC, SETCC, CMOVCC -> name.substring(0, name.length() - 2) + CONDITION[i.cond];
            case MOVS, CMPS, STOS, LODS, SCAS, INS, OUTS -> name + suffix(i.size[0]);
            case CBW -> size == 2 ? "cbw" : size == 4 ? "cwde" : "cdqe";
            case CWD -> size == 2 ? "cwd" : size == 4 ? "cdq" : "cqo";
            case IRET -> size == 2 ? "iretw" : size == 4 ? "iret" : "iretq";
            case PUSHF, POPF, PUSHA, POPA ->
                    (size == 2) == (i.codeSize == 16) ? name : name + (size == 2 ? "w" : "d");
            case JRCXZ -> i.addressSize == 2 ? "jcxz" : i.addressSize == 4 ? "jecxz" : "jrcxz";
            case MOVD, PEXTRD, PINSRD ->
                    wide(i) ? name.substring(0, name.length() - 1) + "q" : name;
            case FXSAVE, FXRSTOR, XSAVE, XRSTOR, XSAVEOPT, XSAVEC, XSAVES, XRSTORS ->
                    size == 8 ? name + "64" : name;
            case SYSRET, SYSEXIT, RET_FAR -> size == 8 ? name + "q" : name;
            case MOV -> absolute(i) ? "movabs" : name;
            default -> name;
        };
    }

    /** Whether it has a 64-bit immediate or absolute address. */
    private static boolean absolute(Instruction i) {
        for (OperandSpec s : i.form.operands) {
            if (s.source == OperandSpec.OFFSET && i.addressSize == 8
                    || s.encodedSize == OperandSpec.SIZE_V && i.operandSize == 8) {
                return true;
            }
        }
        return false;
    }

    /** Whether a general register or memory operand of 8 bytes makes MOVD a MOVQ. */
    private static boolean wide(Instruction i) {
        for (int n = 0; n < i.operands; n++) {
            if ((i.kind[n] == Operand.GPR || i.kind[n] == Operand.MEM) && i.size[n] == 8) {
                return true;
            }
        }
        return false;
    }

    private static String suffix(int size) {
        return size == 1 ? "b" : size == 2 ? "w" : size == 4 ? "d" : "q";
    }

    private static void operand(StringBuilder s, Instruction i, int n) {
        int size = i.size[n];
        int reg = i.reg[n];
        switch (i.kind[n]) {
            case Operand.GPR -> s.append(general(reg, size));
            case Operand.GPR_HIGH -> s.append("acdb".charAt(reg)).append('h');
            case Operand.MEM, Operand.ADDR -> memory(s, i, n);
            case Operand.IMM -> hex(s, i.imm, size);
            case Operand.CONST -> s.append(i.imm);
            case Operand.IMM2 -> hex(s, i.imm2, size);
            case Operand.REL -> {
                long target = i.nextRip() + i.imm;
                hex(s, target, i.codeSize == 64 ? 8 : i.operandSize);
            }
            case Operand.FAR -> {
                hex(s, i.imm2, 2);
                s.append(':');
                hex(s, i.imm, 4);
            }
            case Operand.XMM -> s.append(size == 32 ? "ymm" : "xmm").append(reg);
            case Operand.MMX -> s.append("mm").append(reg);
            case Operand.ST -> {
                // Without a number where the assembler's syntax has none.
                boolean top = i.form.operands.get(n).source == OperandSpec.ST_FIXED;
                s.append("st");
                if (!top) {
                    s.append('(').append(reg).append(')');
                }
            }
            case Operand.SEG -> s.append(SEGMENTS[reg]);
            case Operand.CR -> s.append("cr").append(reg);
            case Operand.DR -> s.append("db").append(reg);
            default -> s.append('?');
        }
    }

    private static void hex(StringBuilder s, long value, int size) {
        long v = size >= 8 ? value : value & ((1L << (size * 8)) - 1);
        s.append("0x").append(Long.toHexString(v));
    }

    /** Name of a general register for an operand of that many bytes. */
    public static String general(int reg, int size) {
        if (reg >= 8) {
            String name = "r" + reg;
            return size == 8 ? name : size == 4 ? name + "d" : size == 2 ? name + "w" : name + "b";
        }
        return switch (size) {
            case 1 -> BYTES[reg];
            case 2 -> NAMES[reg];
            case 4 -> "e" + NAMES[reg];
            default -> "r" + NAMES[reg];
        };
    }

    private static void memory(StringBuilder s, Instruction i, int n) {
        OperandSpec spec = i.form.operands.get(n);
        s.append(
                switch (i.size[n]) {
                    case 1 -> "BYTE PTR ";
                    case 2 -> "WORD PTR ";
                    case 4 -> "DWORD PTR ";
                    case 6 -> "FWORD PTR ";
                    case 8 -> "QWORD PTR ";
                    case 10 -> "TBYTE PTR ";
                    case 16 -> "XMMWORD PTR ";
                    case 32 -> "YMMWORD PTR ";
                    default -> "";
                });
        boolean vsib = spec.source == OperandSpec.VSIB;
        boolean absolute = i.base == Instruction.NO_REGISTER && i.index == Instruction.NO_REGISTER;
        int usual = i.base == 4 || i.base == 5 ? 2 : 3;
        if (i.segment != usual || absolute) {
            s.append(SEGMENTS[i.segment]).append(':');
        }
        if (absolute) {
            hex(s, i.disp, i.addressSize);
            return;
        }
        s.append('[');
        boolean more = false;
        if (i.base == Instruction.RIP_BASE) {
            s.append(i.addressSize == 8 ? "rip" : "eip");
            more = true;
        } else if (i.base >= 0) {
            s.append(general(i.base, i.addressSize));
            more = true;
        }
        if (i.index >= 0) {
            if (more) {
                s.append('+');
            }
            if (vsib) {
                s.append(spec.size == 32 ? "ymm" : "xmm").append(i.index);
            } else {
                s.append(general(i.index, i.addressSize));
            }
            if (i.addressSize != 2) {
                s.append('*').append(1 << i.scale);
            }
            more = true;
        }
        if (i.disp < 0) {
            s.append("-0x").append(Long.toHexString(-i.disp));
        } else if (i.disp != 0 || i.base == Instruction.RIP_BASE) {
            s.append("+0x").append(Long.toHexString(i.disp));
        }
        s.append(']');
    }
}
