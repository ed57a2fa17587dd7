// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * Encodes any form of the instruction table: the opposite of {@link Decoder}. Choose a form, set
 * what is not to be the default, and encode:
 *
 * <pre>{@code
 * byte[] code = new FormEncoder(64).form(f).operandSize(8).register(0, 3).memory(5, -1, 0, 16).encode();
 * }</pre>
 *
 * What a form cannot express is an IllegalArgumentException.
 */
public final class FormEncoder {
    /** Forms whose operand size no operand shows. */
    private static final Set<Op> IMPLIED_SIZE =
            EnumSet.of(
                    Op.CBW,
                    Op.CWD,
                    Op.PUSHA,
                    Op.POPA,
                    Op.PUSHF,
                    Op.POPF,
                    Op.ENTER,
                    Op.LEAVE,
                    Op.IRET,
                    Op.RET_NEAR,
                    Op.RET_FAR,
                    Op.PUSH_SEG,
                    Op.POP_SEG,
                    Op.FLDENV,
                    Op.FNSTENV,
                    Op.FRSTOR,
                    Op.FNSAVE,
                    Op.FXSAVE,
                    Op.FXRSTOR,
                    Op.XSAVE,
                    Op.XRSTOR,
                    Op.XSAVEOPT,
                    Op.XSAVEC,
                    Op.XSAVES,
                    Op.XRSTORS,
                    Op.SYSRET,
                    Op.SYSEXIT,
                    Op.PCMPESTRI,
                    Op.PCMPESTRM);

    private static final int HARMLESS_REG = 5;

    private final int codeSize;
    private Form form = Form.INVALID;
    private final int[] registers = new int[4];
    private final boolean[] high = new boolean[4];
    private int operandSize;
    private int addressSize;
    private boolean memory;
    private int base;
    private int index;
    private int scale;
    private long disp;
    private int dispSize;
    private int segment;
    private long imm;
    private long imm2;
    private int cond;
    private boolean lock;
    private int rep;
    private boolean forceRex;
    private boolean longVex;
    private int regField;
    private int vexW;
    private int vexL;

    private final byte[] out = new byte[32];
    private int pos;

    /**
     * An encoder.
     *
     * @param codeSize 16, 32 or 64
     */
    public FormEncoder(int codeSize) {
        this.codeSize = codeSize;
        form(Form.INVALID);
    }

    /** Chooses the form and sets everything else to its default: registers 0, immediates 0. */
    public FormEncoder form(Form f) {
        form = f;
        Arrays.fill(registers, 0);
        Arrays.fill(high, false);
        int[] sizes = f.index < 0 ? new int[] {0} : operandSizes(f, codeSize);
        operandSize = sizes.length == 0 ? 0 : sizes[sizes.length > 1 ? 1 : 0];
        addressSize = codeSize / 8;
        memory = !f.register;
        base = codeSize == 16 ? 3 : 0;
        index = -1;
        scale = 0;
        disp = 0;
        dispSize = -1;
        segment = -1;
        imm = 0;
        imm2 = 0;
        cond = 0;
        lock = false;
        rep = 0;
        forceRex = false;
        longVex = false;
        regField = HARMLESS_REG;
        vexW = 0;
        vexL = 0;
        for (OperandSpec s : f.operands) {
            if (s.source == OperandSpec.VSIB) {
                // Legal only when the three vector registers differ.
                registers[0] = 1;
                registers[2] = 2;
                index = 3;
            }
        }
        return this;
    }

    /** Whether the form exists in this code size. */
    public static boolean valid(Form f, int codeSize) {
        return !f.has(codeSize == 64 ? Form.I64 : Form.O64)
                && (f.vex || f.w != 1 || codeSize == 64);
    }

    /**
     * Operand sizes in bytes that the form can have; {0} when it has no such thing. Sizes of y
     * operands count, too.
     */
    public static int[] operandSizes(Form f, int codeSize) {
        boolean v = IMPLIED_SIZE.contains(f.op);
        boolean y = false;
        boolean z = false;
        for (OperandSpec s : f.operands) {
            for (int size : new int[] {s.size, s.memorySize, s.encodedSize}) {
                v |= size == OperandSpec.SIZE_V || size == OperandSpec.SIZE_P;
                y |= size == OperandSpec.SIZE_Y;
                z |= size == OperandSpec.SIZE_Z && s.source != OperandSpec.IMMEDIATE;
            }
        }
        if (!v && !z && !y) {
            return new int[] {0};
        }
        List<Integer> sizes = new ArrayList<>();
        boolean selectable = (v || z) && sizePrefix(f);
        if (codeSize == 64) {
            if (selectable && !f.has(Form.F64)) {
                sizes.add(2);
            }
            if (!f.has(Form.F64) && !f.has(Form.D64) && f.w != 1) {
                sizes.add(4);
            }
            if ((v || y) && f.w != 0) {
                sizes.add(8);
            }
        } else {
            boolean fixed = f.vex || !v && !z;
            if (selectable || !fixed && codeSize == 16) {
                sizes.add(2);
            }
            if (selectable || fixed || codeSize == 32) {
                sizes.add(4);
            }
        }
        return sizes.stream().mapToInt(Integer::intValue).toArray();
    }

    /** Whether 66 before this form means the operand size. */
    private static boolean sizePrefix(Form f) {
        return !f.vex && f.prefixClass != Form.PREFIX_NONE && f.prefixClass != Form.PREFIX_66;
    }

    /** Operand size in bytes: one of {@link #operandSizes}. */
    public FormEncoder operandSize(int bytes) {
        operandSize = bytes;
        return this;
    }

    /** Address size in bytes: 2, 4 or 8; the code size's own by default. */
    public FormEncoder addressSize(int bytes) {
        addressSize = bytes;
        return this;
    }

    /** Register number of operand n, whatever file it is of. */
    public FormEncoder register(int n, int number) {
        registers[n] = number;
        high[n] = false;
        if (isRm(form.operands.get(n))) {
            memory = false;
        }
        return this;
    }

    /** Operand n is AH, CH, DH or BH (0 to 3). */
    public FormEncoder highByte(int n, int number) {
        register(n, number + 4);
        high[n] = true;
        return this;
    }

    /**
     * The r/m operand is memory.
     *
     * @param base register number, -1 for none, 16 for RIP
     * @param index register number or -1; a vector register for VSIB
     * @param scale shift count 0 to 3
     */
    public FormEncoder memory(int base, int index, int scale, long disp) {
        memory = true;
        this.base = base;
        this.index = index;
        this.scale = scale;
        this.disp = disp;
        return this;
    }

    /** Bytes of the displacement (0, 1, 2 or 4) where more than the shortest is wanted. */
    public FormEncoder displacementSize(int bytes) {
        dispSize = bytes;
        return this;
    }

    /** Segment override in encoding order; -1 for none. */
    public FormEncoder segment(int number) {
        segment = number;
        return this;
    }

    /** First immediate, branch displacement or far offset. */
    public FormEncoder immediate(long value) {
        imm = value;
        return this;
    }

    /** Second immediate or selector. */
    public FormEncoder immediate2(long value) {
        imm2 = value;
        return this;
    }

    /** Condition code of jcc, setcc, cmovcc. */
    public FormEncoder condition(int code) {
        cond = code;
        return this;
    }

    /** Puts F0 before the instruction. */
    public FormEncoder lock(boolean on) {
        lock = on;
        return this;
    }

    /** Instruction.REP_NONE, REP_F3 or REP_F2. */
    public FormEncoder repeat(int kind) {
        rep = kind;
        return this;
    }

    /** Emits a REX prefix (64-bit mode) even if it would be 40. */
    public FormEncoder rex(boolean on) {
        forceRex = on;
        return this;
    }

    /** Uses the three-byte VEX prefix also where two bytes do. */
    public FormEncoder longVex(boolean on) {
        longVex = on;
        return this;
    }

    /** VEX.W and VEX.L where the form ignores them. */
    public FormEncoder ignored(int w, int l) {
        vexW = w;
        vexL = l;
        return this;
    }

    /** ModRM.reg where the form ignores it; 5 by default, which is no special hint. */
    public FormEncoder regField(int value) {
        regField = value;
        return this;
    }

    private static boolean isRm(OperandSpec s) {
        return switch (s.source) {
            case OperandSpec.RM,
                    OperandSpec.RM_REGISTER,
                    OperandSpec.XMM_RM,
                    OperandSpec.XMM_RM_REGISTER,
                    OperandSpec.MMX_RM,
                    OperandSpec.MMX_RM_REGISTER,
                    OperandSpec.ST_RM ->
                    true;
            default -> false;
        };
    }

    private static IllegalArgumentException bad(String why) {
        return new IllegalArgumentException(why);
    }

    /** The bytes. */
    public byte[] encode() {
        pos = 0;
        boolean mode64 = codeSize == 64;
        if (!valid(form, codeSize)) {
            throw bad("no such instruction in this mode: " + form);
        }
        int reg = form.modrm == Form.MODRM_ANY ? regField : form.digit;
        int rm = form.fixedModrm & 7;
        int vvvv = 0;
        int opcodeRegister = 0;
        boolean byteRex = false;
        boolean anyHigh = false;
        for (int n = 0; n < form.operands.size(); n++) {
            OperandSpec s = form.operands.get(n);
            int r = registers[n];
            switch (s.source) {
                case OperandSpec.REG,
                        OperandSpec.XMM_REG,
                        OperandSpec.MMX_REG,
                        OperandSpec.SEGMENT_REG,
                        OperandSpec.CONTROL_REG,
                        OperandSpec.DEBUG_REG ->
                        reg = r;
                case OperandSpec.VVVV, OperandSpec.XMM_VVVV -> vvvv = r;
                case OperandSpec.OPCODE_REGISTER -> opcodeRegister = r;
                default -> {
                    if (isRm(s)) {
                        rm = r;
                    }
                }
            }
            boolean encoded =
                    s.source == OperandSpec.REG
                            || s.source == OperandSpec.OPCODE_REGISTER
                            || (s.source == OperandSpec.RM && !memory);
            if (encoded && s.size == 1) {
                byteRex |= r >= 4 && !high[n];
                anyHigh |= high[n];
            }
        }
        if (memory && !form.memory || !memory && !form.register) {
            throw bad("no such kind of r/m operand");
        }
        int rexR = reg >> 3 & 1;
        int rexX = memory && form.modrm != Form.MODRM_NONE && index >= 8 ? 1 : 0;
        int rexB = rm >> 3 & 1 | opcodeRegister >> 3 & 1;
        boolean hasModrmMemory = memory && form.modrm != Form.MODRM_NONE;
        if (hasModrmMemory) {
            rexB = base >= 8 && base < 16 ? 1 : 0;
        }
        if (!mode64 && (rexR | rexX | rexB | vvvv >> 3) != 0) {
            throw bad("no such register in this mode");
        }
        prefixes(mode64);
        int w = form.w >= 0 ? form.w : form.vex && !sizedByW() ? vexW : operandSize == 8 ? 1 : 0;
        if (!form.vex && form.w < 0 && (!mode64 || form.has(Form.F64) || form.has(Form.D64))) {
            w = 0;
        }
        if (form.vex) {
            vex(w, rexR, rexX, rexB, vvvv);
        } else {
            int rex = w << 3 | rexR << 2 | rexX << 1 | rexB;
            if (rex != 0 || byteRex && mode64 || forceRex) {
                if (!mode64 || anyHigh) {
                    throw bad("REX is impossible here");
                }
                put(0x40 | rex);
            } else if (byteRex) {
                throw bad("no such byte register in this mode");
            }
            if (form.map > 0) {
                put(0x0F);
            }
            if (form.map > 1) {
                put(form.map == 2 ? 0x38 : 0x3A);
            }
        }
        put(form.opcode + (form.opcodeCount == 16 ? cond : opcodeRegister & 7));
        if (form.modrm != Form.MODRM_NONE) {
            if (hasModrmMemory) {
                address(reg & 7);
            } else {
                put(0xC0 | (reg & 7) << 3 | rm & 7);
            }
        }
        immediates();
        return Arrays.copyOf(out, pos);
    }

    private boolean sizedByW() {
        for (OperandSpec s : form.operands) {
            if (s.size == OperandSpec.SIZE_Y || s.memorySize == OperandSpec.SIZE_Y) {
                return true;
            }
        }
        return IMPLIED_SIZE.contains(form.op);
    }

    private void prefixes(boolean mode64) {
        if (lock) {
            put(0xF0);
        }
        if (segment >= 0) {
            put(segment < 4 ? 0x26 | segment << 3 : 0x60 + segment);
        }
        if (addressSize != codeSize / 8) {
            boolean legal = codeSize == 32 ? addressSize == 2 : addressSize == 4;
            if (!legal) {
                throw bad("address size");
            }
            put(0x67);
        }
        if (form.vex) {
            return;
        }
        boolean need66 = operandSize == 2 && codeSize != 16 || operandSize == 4 && codeSize == 16;
        if (form.prefixClass == Form.PREFIX_66) {
            put(0x66);
        } else if (need66 && sized66()) {
            if (!sizePrefix(form) || mode64 && form.has(Form.F64)) {
                throw bad("operand size");
            }
            put(0x66);
        }
        if (form.prefixClass == Form.PREFIX_F3 || rep == Instruction.REP_F3) {
            put(0xF3);
        } else if (form.prefixClass == Form.PREFIX_F2 || rep == Instruction.REP_F2) {
            put(0xF2);
        }
    }

    /** Whether the 66 prefix chooses between sizes: not for y operands. */
    private boolean sized66() {
        if (IMPLIED_SIZE.contains(form.op)) {
            return true;
        }
        for (OperandSpec s : form.operands) {
            for (int size : new int[] {s.size, s.memorySize, s.encodedSize}) {
                if (size == OperandSpec.SIZE_V
                        || size == OperandSpec.SIZE_Z
                        || size == OperandSpec.SIZE_P) {
                    return true;
                }
            }
        }
        return false;
    }

    private void vex(int w, int rexR, int rexX, int rexB, int vvvv) {
        int pp =
                switch (form.prefixClass) {
                    case Form.PREFIX_NONE -> 0;
                    case Form.PREFIX_66 -> 1;
                    case Form.PREFIX_F3 -> 2;
                    default -> 3;
                };
        int l = form.l >= 0 ? form.l : vexL;
        int tail = (~vvvv & 15) << 3 | l << 2 | pp;
        if (form.map == 1 && w == 0 && rexX == 0 && rexB == 0 && !longVex) {
            put(0xC5);
            put((rexR ^ 1) << 7 | tail);
        } else {
            put(0xC4);
            put((rexR ^ 1) << 7 | (rexX ^ 1) << 6 | (rexB ^ 1) << 5 | form.map);
            put(w << 7 | tail);
        }
    }

    private void address(int reg) {
        if (addressSize == 2) {
            address16(reg);
            return;
        }
        boolean vsib = form.operands.size() > 1 && form.operands.get(1).source == OperandSpec.VSIB;
        if (base == Instruction.RIP_BASE) {
            if (codeSize != 64 || index >= 0 || vsib) {
                throw bad("RIP-relative");
            }
            put(reg << 3 | 5);
            put(disp, 4);
            return;
        }
        if (index == 4 && !vsib) {
            throw bad("RSP as index");
        }
        if (base < 0) {
            if (index < 0 && codeSize != 64 && !vsib) {
                put(reg << 3 | 5);
            } else {
                put(reg << 3 | 4);
                put(scale << 6 | (index < 0 ? 4 : index & 7) << 3 | 5);
            }
            put(disp, 4);
            return;
        }
        int size = dispSize;
        if (size < 0) {
            size = disp == 0 && (base & 7) != 5 ? 0 : disp == (byte) disp ? 1 : 4;
        }
        int mod = size == 0 ? 0 : size == 1 ? 1 : 2;
        if (index >= 0 || vsib || (base & 7) == 4) {
            put(mod << 6 | reg << 3 | 4);
            put(scale << 6 | (index < 0 ? 4 : index & 7) << 3 | base & 7);
        } else {
            put(mod << 6 | reg << 3 | base & 7);
        }
        put(disp, size);
    }

    private void address16(int reg) {
        if (codeSize == 64) {
            throw bad("16-bit addressing");
        }
        if (base < 0 && index < 0) {
            put(reg << 3 | 6);
            put(disp, 2);
            return;
        }
        int rm =
                switch (base << 4 | index & 15) {
                    case 0x36 -> 0;
                    case 0x37 -> 1;
                    case 0x56 -> 2;
                    case 0x57 -> 3;
                    case 0x6F -> 4;
                    case 0x7F -> 5;
                    case 0x5F -> 6;
                    case 0x3F -> 7;
                    default -> throw bad("16-bit addressing");
                };
        int size = dispSize;
        if (size < 0) {
            size = disp == 0 && rm != 6 ? 0 : disp == (byte) disp ? 1 : 2;
        }
        put(size << 6 | reg << 3 | rm);
        put(disp, size);
    }

    private void immediates() {
        boolean first = true;
        for (int n = 0; n < form.operands.size(); n++) {
            OperandSpec s = form.operands.get(n);
            switch (s.source) {
                case OperandSpec.IMMEDIATE,
                        OperandSpec.IMMEDIATE_UNSIGNED,
                        OperandSpec.RELATIVE -> {
                    put(first ? imm : imm2, bytes(s.encodedSize));
                    first = false;
                }
                case OperandSpec.FAR_POINTER -> {
                    put(imm, operandSize == 2 ? 2 : 4);
                    put(imm2, 2);
                }
                case OperandSpec.OFFSET -> put(disp, addressSize);
                case OperandSpec.XMM_IMMEDIATE -> put(registers[n] << 4);
                default -> {}
            }
        }
    }

    private int bytes(int code) {
        return switch (code) {
            case OperandSpec.SIZE_V -> operandSize;
            case OperandSpec.SIZE_Z -> operandSize == 2 ? 2 : 4;
            default -> code;
        };
    }

    private void put(int value) {
        out[pos++] = (byte) value;
    }

    private void put(long value, int size) {
        for (int i = 0; i < size; i++) {
            out[pos++] = (byte) (value >> (8 * i));
        }
    }
}
