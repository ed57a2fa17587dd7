// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import org.jspecify.annotations.Nullable;

/**
 * Decodes one instruction at a time from bytes into an {@link Instruction}, by the instruction
 * table. Allocates nothing. One decoder serves one thread.
 *
 * <p>Where processors differ, Intel's are followed: 66 does nothing on near branches in 64-bit
 * mode, F2 and F3 take precedence over 66 as mandatory prefixes, the last of several segment
 * prefixes counts, a REX prefix that is not last is ignored.
 */
public final class Decoder {
    /** The bytes ended before the instruction did. */
    public static final int NEED_MORE = -1;

    /** No instruction: #UD. {@link Instruction#length} tells how many bytes showed it. */
    public static final int INVALID = -2;

    /** Longer than 15 bytes: #GP(0). */
    public static final int TOO_LONG = -3;

    /** The architectural limit in bytes. */
    public static final int MAX_LENGTH = 15;

    /** UD2 and "xen", which Xen guests put before an instruction that is to be emulated. */
    private static final byte[] FORCED_EMULATION = {0x0F, 0x0B, 0x78, 0x65, 0x6E};

    /** Bytes that a decoder looks at, at the most: those with that prefix. */
    public static final int MOST_BYTES = MAX_LENGTH + FORCED_EMULATION.length;

    private static final int NO_SEGMENT = -1;

    // Classes of bytes that may be prefixes.
    private static final int P_NONE = 0;
    private static final int P_SEGMENT = 1;
    private static final int P_66 = 2;
    private static final int P_67 = 3;
    private static final int P_LOCK = 4;
    private static final int P_REP = 5;
    private static final int P_REX = 6;
    private static final byte[] PREFIX = new byte[256];

    static {
        PREFIX[0x26] = PREFIX[0x2E] = PREFIX[0x36] = PREFIX[0x3E] = P_SEGMENT;
        PREFIX[0x64] = PREFIX[0x65] = P_SEGMENT;
        PREFIX[0x66] = P_66;
        PREFIX[0x67] = P_67;
        PREFIX[0xF0] = P_LOCK;
        PREFIX[0xF2] = PREFIX[0xF3] = P_REP;
        for (int b = 0x40; b <= 0x4F; b++) {
            PREFIX[b] = P_REX;
        }
    }

    private final boolean forcedEmulationPrefix;

    // Zero bytes follow the instruction's, so that reading on is harmless: the lengths are compared
    // at the end. 15 prefixes, VEX, opcode, ModRM, SIB, displacement and immediate fit.
    private final byte[] buffer = new byte[64];
    private int pos;

    private int codeSize;
    private int segmentOverride;
    private boolean rexPresent;
    private int rexW;
    private int rexR;
    private int rexX;
    private int rexB;
    private int vexL;
    private int vvvv;
    private int map;
    private int prefix;
    private int opcode;
    private int modrm;
    private int immediates;

    /** A decoder to which the forced-emulation prefix is UD2, as to a processor. */
    public Decoder() {
        this(false);
    }

    /**
     * A decoder.
     *
     * @param forcedEmulationPrefix skip {@code 0F 0B 78 65 6E} before an instruction, and count it
     *     in the length
     */
    public Decoder(boolean forcedEmulationPrefix) {
        this.forcedEmulationPrefix = forcedEmulationPrefix;
    }

    /**
     * Decodes the instruction at {@code code[offset]}.
     *
     * @param available bytes that may be read, from offset on; no more than {@link #MOST_BYTES} are
     * @param rip its offset in CS
     * @param codeSize 16, 32 or 64
     * @param out receives the instruction; every field is set
     * @return its length in bytes, or NEED_MORE, INVALID or TOO_LONG
     */
    public int decode(
            byte[] code, int offset, int available, long rip, int codeSize, Instruction out) {
        int skip = forcedEmulationPrefix ? forcedEmulation(code, offset, available) : 0;
        int usable = Math.min(available - skip, MAX_LENGTH);
        byte[] b = buffer;
        System.arraycopy(code, offset + skip, b, 0, usable);
        for (int i = usable; i < MAX_LENGTH; i++) {
            b[i] = 0;
        }
        this.codeSize = codeSize;
        clear(out, rip, codeSize);
        boolean good = decodeBuffer(out);
        int length = pos;
        if (length > usable) {
            out.op = Op.INVALID;
            out.form = Form.INVALID;
            out.operands = 0;
            out.length = usable + skip;
            return usable == MAX_LENGTH ? TOO_LONG : NEED_MORE;
        }
        out.length = length + skip;
        if (!good) {
            out.missing = missing(out.form);
            out.op = Op.INVALID;
            out.form = Form.INVALID;
            out.operands = 0;
            return INVALID;
        }
        return length + skip;
    }

    /** Cold: names what was found to be no instruction. */
    private String missing(Form form) {
        if (form != Form.INVALID) {
            return "illegal " + form.mnemonic;
        }
        boolean vex = map > OpcodeMap.VEX;
        return MissingInstruction.name(vex, vex ? map - OpcodeMap.VEX : map, prefix, opcode, modrm);
    }

    private static int forcedEmulation(byte[] code, int offset, int available) {
        if (available < FORCED_EMULATION.length) {
            return 0;
        }
        for (int i = 0; i < FORCED_EMULATION.length; i++) {
            if (code[offset + i] != FORCED_EMULATION[i]) {
                return 0;
            }
        }
        return FORCED_EMULATION.length;
    }

    private static void clear(Instruction out, long rip, int codeSize) {
        out.form = Form.INVALID;
        out.op = Op.INVALID;
        out.missing = "";
        out.rip = rip;
        out.codeSize = codeSize;
        out.operandSize = 0;
        out.addressSize = 0;
        out.rep = Instruction.REP_NONE;
        out.lock = false;
        out.vex = false;
        out.vectorLength = 0;
        out.cond = 0;
        out.operands = 0;
        for (int i = 0; i < 4; i++) {
            out.kind[i] = Operand.NONE;
            out.size[i] = 0;
            out.reg[i] = 0;
        }
        out.segment = 0;
        out.base = Instruction.NO_REGISTER;
        out.index = Instruction.NO_REGISTER;
        out.scale = 0;
        out.disp = 0;
        out.imm = 0;
        out.imm2 = 0;
        out.x87Opcode = 0;
    }

    /** Decodes the buffer; pos is then the number of bytes read. False is #UD. */
    private boolean decodeBuffer(Instruction out) {
        byte[] b = buffer;
        boolean mode64 = codeSize == 64;
        boolean p66 = false;
        boolean p67 = false;
        boolean lock = false;
        int rep = 0;
        int rex = 0;
        segmentOverride = NO_SEGMENT;
        int p = 0;
        int byteValue;
        while (true) {
            byteValue = b[p++] & 0xFF;
            int kind = PREFIX[byteValue];
            if (kind == P_NONE) {
                break;
            }
            if (kind == P_REX) {
                if (!mode64) {
                    break;
                }
                rex = byteValue;
            } else {
                rex = 0;
                switch (kind) {
                    case P_SEGMENT -> segment(byteValue, mode64);
                    case P_66 -> p66 = true;
                    case P_67 -> p67 = true;
                    case P_LOCK -> lock = true;
                    default -> rep = byteValue;
                }
            }
        }
        rexPresent = rex != 0;
        rexW = rex >> 3 & 1;
        rexR = rex << 1 & 8;
        rexX = rex << 2 & 8;
        rexB = rex << 3 & 8;
        vexL = 0;
        vvvv = 0;
        boolean vex = false;
        int prefix = rep == 0xF3 ? 2 : rep == 0xF2 ? 3 : p66 ? 1 : 0;
        int map = 0;
        if (byteValue == 0x0F) {
            byteValue = b[p++] & 0xFF;
            map = 1;
            if (byteValue == 0x38 || byteValue == 0x3A) {
                map = byteValue == 0x38 ? 2 : 3;
                byteValue = b[p++] & 0xFF;
            }
        } else if ((byteValue == 0xC4 || byteValue == 0xC5) && (mode64 || (b[p] & 0xC0) == 0xC0)) {
            vex = true;
            opcode = byteValue;
            modrm = -1;
            this.map = 0;
            this.prefix = prefix;
            if (p66 || rep != 0 || lock || rexPresent) {
                pos = p + 1;
                return false;
            }
            int v = b[p++];
            rexR = ~v >> 4 & 8;
            if (byteValue == 0xC4) {
                map = v & 0x1F;
                rexX = ~v >> 3 & 8;
                rexB = ~v >> 2 & 8;
                v = b[p++];
                rexW = v >> 7 & 1;
            } else {
                map = 1;
            }
            vvvv = ~v >> 3 & 15;
            vexL = v >> 2 & 1;
            // pp counts none, 66, F3, F2: the order of the buckets.
            prefix = v & 3;
            if (map < 1 || map > 3) {
                pos = p;
                return false;
            }
            map += OpcodeMap.VEX;
            if (!mode64) {
                rexB = 0;
            }
            byteValue = b[p++] & 0xFF;
        }
        opcode = byteValue;
        this.map = map;
        this.prefix = prefix;
        OpcodeMap.Entry entry = OpcodeMap.entry(map, byteValue);
        Form[] candidates;
        modrm = -1;
        if (entry.modrm) {
            modrm = b[p++] & 0xFF;
            candidates = entry.bucket(prefix, modrm >= 0xC0 ? 1 : 0, modrm >> 3 & 7);
        } else {
            candidates = entry.bucket(prefix, 0, 0);
        }
        pos = p;
        Form form = select(candidates, mode64);
        if (form == null) {
            return false;
        }
        out.form = form;
        out.op = form.op;
        out.vex = vex;
        out.lock = lock;
        out.x87Opcode = map == 0 && (byteValue & 0xF8) == 0xD8 ? (byteValue & 7) << 8 | modrm : 0;
        out.addressSize = mode64 ? (p67 ? 4 : 8) : (codeSize == 32) != p67 ? 4 : 2;
        boolean size66 = p66 && form.prefixClass != Form.PREFIX_66;
        out.operandSize = operandSize(form, mode64, size66, vex);
        if (form.vector) {
            out.vectorLength = form.l == 1 ? 32 : 16;
        }
        if (form.has(Form.REP) && rep != 0) {
            out.rep = rep == 0xF3 ? Instruction.REP_F3 : Instruction.REP_F2;
        }
        if (form.opcodeCount == 16) {
            out.cond = byteValue & 15;
        }
        out.segment = segmentOverride == NO_SEGMENT ? 3 : segmentOverride;
        boolean memory = modrm >= 0 && modrm < 0xC0 && !form.has(Form.ANY_MOD);
        if (memory && !memory(out, form)) {
            return false;
        }
        if (!operands(out, form, memory)) {
            return false;
        }
        return !lock || (form.has(Form.LOCK) && out.kind[0] == Operand.MEM);
    }

    private void segment(int prefix, boolean mode64) {
        if (prefix >= 0x64) {
            segmentOverride = prefix - 0x60;
        } else if (!mode64) {
            segmentOverride = prefix >> 3 & 3;
        }
    }

    private @Nullable Form select(Form[] candidates, boolean mode64) {
        for (Form f : candidates) {
            if (f.has(mode64 ? Form.I64 : Form.O64)) {
                continue;
            }
            if (f.w >= 0 && f.w != rexW) {
                continue;
            }
            if (f.vex && f.l >= 0 && f.l != vexL) {
                continue;
            }
            if (f.modrm == Form.MODRM_FIXED && f.fixedModrm != modrm) {
                continue;
            }
            if (rexB != 0 && f.has(Form.NO_REX_B)) {
                continue;
            }
            return f;
        }
        return null;
    }

    private int operandSize(Form form, boolean mode64, boolean p66, boolean vex) {
        if (!mode64) {
            return vex ? 4 : (codeSize == 32) != p66 ? 4 : 2;
        }
        if (rexW != 0 || form.has(Form.F64)) {
            return 8;
        }
        return p66 ? 2 : form.has(Form.D64) ? 8 : 4;
    }

    // --------------------------------------------------------------- address

    private boolean memory(Instruction out, Form form) {
        boolean vsib = false;
        if (form.op.group == Op.Group.VECTOR && form.vex) {
            for (int n = 0; n < form.operands.size(); n++) {
                vsib |= form.operands.get(n).source == OperandSpec.VSIB;
            }
        }
        int rm = modrm & 7;
        int mod = modrm >> 6;
        if (vsib && (rm != 4 || out.addressSize == 2)) {
            return false;
        }
        if (out.addressSize == 2) {
            memory16(out, mod, rm);
            return true;
        }
        int base = rm;
        if (rm == 4) {
            int sib = buffer[pos++] & 0xFF;
            base = sib & 7;
            int index = (sib >> 3 & 7) | rexX;
            if (index != 4 || vsib) {
                out.index = index;
                out.scale = sib >> 6;
            }
        }
        if (mod == 0 && base == 5) {
            out.disp = immediate(4);
            if (rm == 5 && codeSize == 64) {
                out.base = Instruction.RIP_BASE;
            }
            return true;
        }
        out.base = base | rexB;
        if (segmentOverride == NO_SEGMENT && (out.base == 4 || out.base == 5)) {
            out.segment = 2;
        }
        if (mod != 0) {
            out.disp = immediate(mod == 1 ? 1 : 4);
        }
        return true;
    }

    private void memory16(Instruction out, int mod, int rm) {
        if (mod == 0 && rm == 6) {
            out.disp = immediate(2);
            return;
        }
        // BX+SI BX+DI BP+SI BP+DI SI DI BP BX
        switch (rm) {
            case 0, 1, 7 -> out.base = 3;
            case 2, 3, 6 -> out.base = 5;
            case 4 -> out.base = 6;
            default -> out.base = 7;
        }
        if (rm < 4) {
            out.index = 6 + (rm & 1);
        }
        if (out.base == 5 && segmentOverride == NO_SEGMENT) {
            out.segment = 2;
        }
        if (mod != 0) {
            out.disp = immediate(mod);
        }
    }

    /** Reads a little-endian number, sign-extended. */
    private long immediate(int size) {
        byte[] b = buffer;
        int p = pos;
        pos = p + size;
        return switch (size) {
            case 1 -> b[p];
            case 2 -> (short) (b[p] & 0xFF | b[p + 1] << 8);
            case 4 -> int32(p);
            default -> int32(p) & 0xFFFFFFFFL | (long) int32(p + 4) << 32;
        };
    }

    private int int32(int p) {
        byte[] b = buffer;
        return b[p] & 0xFF | (b[p + 1] & 0xFF) << 8 | (b[p + 2] & 0xFF) << 16 | b[p + 3] << 24;
    }

    // -------------------------------------------------------------- operands

    private boolean operands(Instruction out, Form form, boolean memory) {
        immediates = 0;
        boolean vvvvUsed = !form.vex;
        int count = form.operands.size();
        int n = 0;
        for (; n < count; n++) {
            OperandSpec s = form.operands.get(n);
            switch (s.source) {
                case OperandSpec.REG -> general(out, n, s, (modrm >> 3 & 7) | rexR);
                case OperandSpec.RM -> {
                    if (memory) {
                        set(out, n, Operand.MEM, size(s.memorySize, out), 0);
                    } else {
                        general(out, n, s, (modrm & 7) | rexB);
                    }
                }
                case OperandSpec.RM_REGISTER -> general(out, n, s, (modrm & 7) | rexB);
                case OperandSpec.OPCODE_REGISTER -> general(out, n, s, (opcode & 7) | rexB);
                case OperandSpec.FIXED_REGISTER ->
                        set(out, n, Operand.GPR, size(s.size, out), s.value);
                case OperandSpec.VVVV -> {
                    vvvvUsed = true;
                    general(out, n, s, codeSize == 64 ? vvvv : vvvv & 7);
                }
                case OperandSpec.MEMORY, OperandSpec.VSIB ->
                        set(out, n, Operand.MEM, size(s.memorySize, out), 0);
                case OperandSpec.XMM_REG ->
                        set(out, n, Operand.XMM, size(s.size, out), (modrm >> 3 & 7) | rexR);
                case OperandSpec.XMM_RM, OperandSpec.XMM_RM_REGISTER -> {
                    if (memory) {
                        set(out, n, Operand.MEM, size(s.memorySize, out), 0);
                    } else {
                        set(out, n, Operand.XMM, size(s.size, out), (modrm & 7) | rexB);
                    }
                }
                case OperandSpec.XMM_VVVV -> {
                    vvvvUsed = true;
                    int r = codeSize == 64 ? vvvv : vvvv & 7;
                    set(out, n, Operand.XMM, size(s.size, out), r);
                }
                case OperandSpec.STRING -> {
                    // Not an operand: the registers are implied.
                    out.size[0] = size(s.size, out);
                    return true;
                }
                case OperandSpec.SEGMENT_REG -> {
                    int r = modrm >> 3 & 7;
                    if (r > 5 || (n == 0 && r == 1)) {
                        return false;
                    }
                    set(out, n, Operand.SEG, 2, r);
                }
                case OperandSpec.CONTROL_REG -> {
                    int r = (modrm >> 3 & 7) | rexR;
                    if (r != 0 && r != 2 && r != 3 && r != 4 && r != 8) {
                        return false;
                    }
                    set(out, n, Operand.CR, size(s.size, out), r);
                }
                case OperandSpec.DEBUG_REG -> {
                    if (rexR != 0) {
                        return false;
                    }
                    set(out, n, Operand.DR, size(s.size, out), modrm >> 3 & 7);
                }
                default -> otherOperand(out, n, s, memory);
            }
        }
        out.operands = n;
        if (!vvvvUsed && vvvv != 0) {
            return false;
        }
        // Gathers: destination, index and mask must be three registers.
        return out.memoryOperand() != 1
                || form.operands.get(1).source != OperandSpec.VSIB
                || (out.reg[0] != out.index && out.reg[2] != out.index && out.reg[0] != out.reg[2]);
    }

    private void otherOperand(Instruction out, int n, OperandSpec s, boolean memory) {
        int size = size(s.size, out);
        switch (s.source) {
            case OperandSpec.ADDRESS -> set(out, n, Operand.ADDR, size, 0);
            case OperandSpec.IMMEDIATE, OperandSpec.IMMEDIATE_UNSIGNED -> {
                int bytes = size(s.encodedSize, out);
                long value = immediate(bytes);
                if (s.source == OperandSpec.IMMEDIATE_UNSIGNED) {
                    value &= (1L << (bytes * 8)) - 1;
                }
                if (immediates++ == 0) {
                    out.imm = value;
                    set(out, n, Operand.IMM, size, 0);
                } else {
                    out.imm2 = value;
                    set(out, n, Operand.IMM2, size, 0);
                }
            }
            case OperandSpec.RELATIVE -> {
                out.imm = immediate(size(s.encodedSize, out));
                set(out, n, Operand.REL, size, 0);
            }
            case OperandSpec.FAR_POINTER -> {
                int bytes = out.operandSize == 2 ? 2 : 4;
                out.imm = immediate(bytes) & (bytes == 2 ? 0xFFFFL : 0xFFFFFFFFL);
                out.imm2 = immediate(2) & 0xFFFF;
                set(out, n, Operand.FAR, size, 0);
            }
            case OperandSpec.OFFSET -> {
                out.disp = immediate(out.addressSize);
                set(out, n, Operand.MEM, size, 0);
            }
            case OperandSpec.CONSTANT -> {
                out.imm = s.value;
                set(out, n, Operand.CONST, size, 0);
            }
            case OperandSpec.XMM_IMMEDIATE -> {
                int r = buffer[pos++] >> 4 & 15;
                set(out, n, Operand.XMM, size, codeSize == 64 ? r : r & 7);
            }
            case OperandSpec.XMM_FIXED -> set(out, n, Operand.XMM, size, s.value);
            case OperandSpec.MMX_REG -> set(out, n, Operand.MMX, size, modrm >> 3 & 7);
            case OperandSpec.MMX_RM, OperandSpec.MMX_RM_REGISTER -> {
                if (memory) {
                    set(out, n, Operand.MEM, size, 0);
                } else {
                    set(out, n, Operand.MMX, size, modrm & 7);
                }
            }
            case OperandSpec.ST_RM -> set(out, n, Operand.ST, size, modrm & 7);
            case OperandSpec.ST_FIXED -> set(out, n, Operand.ST, size, s.value);
            case OperandSpec.SEGMENT_FIXED -> set(out, n, Operand.SEG, size, s.value);
            default -> throw new IllegalStateException("operand source " + s.source);
        }
    }

    private static void set(Instruction out, int n, int kind, int size, int reg) {
        out.kind[n] = kind;
        out.size[n] = size;
        out.reg[n] = reg;
    }

    private void general(Instruction out, int n, OperandSpec s, int reg) {
        int size = size(s.size, out);
        if (size == 1 && reg >= 4 && reg < 8 && !rexPresent) {
            set(out, n, Operand.GPR_HIGH, 1, reg - 4);
        } else {
            set(out, n, Operand.GPR, size, reg);
        }
    }

    private int size(int code, Instruction out) {
        if (code <= 32) {
            return code;
        }
        return switch (code) {
            case OperandSpec.SIZE_V -> out.operandSize;
            case OperandSpec.SIZE_Y -> rexW != 0 && codeSize == 64 ? 8 : 4;
            case OperandSpec.SIZE_Z -> out.operandSize == 2 ? 2 : 4;
            case OperandSpec.SIZE_N -> codeSize == 64 ? 8 : 4;
            case OperandSpec.SIZE_P -> out.operandSize + 2;
            case OperandSpec.SIZE_S -> codeSize == 64 ? 10 : 6;
            case OperandSpec.SIZE_X -> out.vectorLength;
            case OperandSpec.SIZE_X2 -> out.vectorLength >> 1;
            case OperandSpec.SIZE_X4 -> out.vectorLength >> 2;
            case OperandSpec.SIZE_X8 -> out.vectorLength >> 3;
            default -> throw new IllegalStateException("size code " + code);
        };
    }
}
