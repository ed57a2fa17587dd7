// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.oracle.OracleLayout.CODE;
import static dev.vitrine.processor.oracle.OracleLayout.CODE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_SELECTOR;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_WRITABLE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.STACK;
import static dev.vitrine.processor.oracle.OracleLayout.STACK_SIZE;

import dev.vitrine.processor.decode.Form;
import dev.vitrine.processor.decode.OperandSpec;

import java.util.SplittableRandom;

/**
 * Encodes one instruction of a given form at random: prefixes in random order, REX or VEX bits,
 * registers, addressing mode, displacement and immediates. Where the form has a memory operand, it
 * first chooses the address that the operand shall have and then sets the address registers (and
 * the segment base) of the case so that the encoding yields it.
 *
 * <p>What comes out need not be the wanted form: some encodings belong to an earlier row of the
 * table. The caller decodes and tries again.
 */
final class RandomInstruction {
    /** More than the length of any instruction: the encoding is not fit for comparison. */
    static final int UNUSABLE = 32;

    /** No memory operand is larger. */
    private static final int MOST_OPERAND_BYTES = 1024;

    private final SplittableRandom r;
    private final byte[] out = new byte[40];
    private int length;

    /** The linear address of the memory operand, or -1. Valid after {@link #encode}. */
    long target;

    /** Whether the memory operand's address was chosen to be plainly writable. */
    boolean targetWritable;

    /**
     * Bit n set: general register n is part of the memory operand's address and must keep its
     * value.
     */
    int addressRegisters;

    /** The vector register that is a VSIB index, or -1. */
    int vsibIndex;

    /** The size of the memory operand in bytes, as far as the table tells it. */
    int memorySize;

    private boolean mode64;
    private boolean operand16;
    private boolean rexW;
    private int addressSize;
    private int ripField;
    private long ripTarget;
    private boolean fixedRegisters;
    private boolean unusable;

    RandomInstruction(SplittableRandom random) {
        this.r = random;
    }

    byte[] bytes() {
        return out;
    }

    private boolean chance(int of) {
        return r.nextInt(of) == 0;
    }

    private void put(int b) {
        out[length++] = (byte) b;
    }

    private void put(long v, int bytes) {
        for (int i = 0; i < bytes; i++) {
            put((int) (v >> (8 * i)));
        }
    }

    /**
     * Encodes an instruction.
     *
     * @param f the form that is wanted
     * @param c the case, whose mode counts and whose registers may be set
     * @param at where the first byte will be
     * @param fixed whether registers must not be set: memory is then reached by absolute and
     *     RIP-relative addresses and by RBX, which the caller has pointed to the data region
     * @return the length in bytes, at most 15 in most cases; {@link #UNUSABLE} if the caller should
     *     try again
     */
    int encode(Form f, Case c, long at, boolean fixed) {
        length = 0;
        target = -1;
        targetWritable = false;
        addressRegisters = 0;
        vsibIndex = -1;
        memorySize = 0;
        ripField = -1;
        unusable = false;
        fixedRegisters = fixed;
        mode64 = !c.is32();
        boolean hasV = false;
        boolean hasMemory = f.modrm != Form.MODRM_NONE && f.modrm != Form.MODRM_FIXED && f.memory;
        boolean implicit = false;
        for (OperandSpec o : f.operands) {
            hasV |=
                    o.size >= OperandSpec.SIZE_V && o.size <= OperandSpec.SIZE_Z
                            || o.size == OperandSpec.SIZE_P;
            implicit |= o.source == OperandSpec.OFFSET || o.source == OperandSpec.STRING;
        }
        boolean registerForm = !hasMemory || f.register && chance(2);
        int repeat = 0;
        operand16 = false;
        switch (f.vex ? 0 : f.prefixClass) {
            case Form.PREFIX_ANY -> {
                operand16 = chance(hasV ? 4 : 32);
                repeat =
                        f.has(Form.REP)
                                ? new int[] {0, 0xf2, 0xf3}[r.nextInt(3)]
                                : chance(48) ? 0xf2 + r.nextInt(2) : 0;
            }
            case Form.PREFIX_NONE | Form.PREFIX_66 -> operand16 = chance(4);
            case Form.PREFIX_66 -> operand16 = true;
            case Form.PREFIX_F2 -> {
                repeat = 0xf2;
                operand16 = chance(hasV ? 4 : 32);
            }
            case Form.PREFIX_F3 -> {
                repeat = 0xf3;
                operand16 = chance(hasV ? 4 : 32);
            }
            default -> {}
        }
        rexW = mode64 && (f.w == 1 || f.w < 0 && chance(hasV || f.has(Form.REP) ? 2 : 8));
        int segment = 0;
        addressSize = mode64 ? 8 : 4;
        boolean usesAddress = !registerForm || implicit;
        if (usesAddress ? chance(8) : chance(40)) {
            addressSize = mode64 ? 4 : 2;
        }
        if (usesAddress ? chance(8) : chance(40)) {
            segment =
                    chance(2)
                            ? 0x64 + r.nextInt(2)
                            : new int[] {0x26, 0x2e, 0x36, 0x3e}[r.nextInt(4)];
        }
        if (!registerForm && addressSize == 2) {
            segment = 0x64 + r.nextInt(2); // only so does a 16-bit address reach the data
        }
        boolean lock = f.has(Form.LOCK) && !registerForm ? chance(3) : chance(400);

        int[] prefixes = {
            addressSize == (mode64 ? 8 : 4) ? 0 : 0x67,
            segment,
            operand16 ? 0x66 : 0,
            repeat,
            lock ? 0xf0 : 0
        };
        for (int i = 0, k = r.nextInt(5); i < 5; i++) {
            int p = prefixes[(i + k) % 5];
            if (p != 0 && !(f.vex && (p == 0xf0 || p == 0x66))) {
                put(p);
            }
        }
        int reg = f.modrm == Form.MODRM_ANY ? r.nextInt(mode64 ? 16 : 8) : f.digit;
        int rm = f.modrm == Form.MODRM_FIXED ? f.fixedModrm & 7 : r.nextInt(mode64 ? 16 : 8);
        int index = r.nextInt(mode64 ? 16 : 8);
        int vvvv = r.nextInt(mode64 ? 16 : 8);
        if (f.has(Form.NO_REX_B)) {
            rm &= 7;
        }
        int opcode =
                f.opcode + (f.opcodeCount == 16 ? r.nextInt(16) : f.opcodeCount == 8 ? rm & 7 : 0);
        if (f.opcodeCount == 16 && f.modrm == Form.MODRM_NONE) {
            rm = 0;
        }
        if (registerForm) {
            index = 0;
        }
        putOpcode(f, opcode, reg, index, rm, vvvv);
        int immediate = immediateBytes(f);
        if (f.modrm == Form.MODRM_FIXED) {
            put(f.fixedModrm);
        } else if (f.modrm != Form.MODRM_NONE && registerForm) {
            put(0xc0 | (reg & 7) << 3 | rm & 7);
        } else if (f.modrm != Form.MODRM_NONE) {
            memorySize = memorySize(f);
            boolean aligned = lock || f.op.name().equals("XCHG") || chance(2);
            chooseTarget(aligned);
            putMemory(f, c, reg, rm, index, segment);
        }
        putImmediates(f, c, at, segment, immediate);
        if (ripField >= 0) {
            long disp = ripTarget - at - length;
            for (int i = 0; i < 4; i++) {
                out[ripField + i] = (byte) (disp >> (8 * i));
            }
        }
        return unusable ? UNUSABLE : length;
    }

    private void putOpcode(Form f, int opcode, int reg, int index, int rm, int vvvv) {
        int regBit = reg >> 3;
        int indexBit = index >> 3;
        int rmBit = rm >> 3;
        if (f.vex) {
            int pp = Integer.numberOfTrailingZeros(f.prefixClass);
            int[] order = {0, 1, 2, 3}; // none, 66, F3, F2
            int w = f.w == 1 || f.w < 0 && (mode64 ? rexW : chance(4)) ? 1 : 0;
            rexW = w == 1 && mode64;
            int l = f.l < 0 ? r.nextInt(2) : f.l;
            boolean usesVvvv = false;
            for (OperandSpec o : f.operands) {
                usesVvvv |= o.source == OperandSpec.VVVV || o.source == OperandSpec.XMM_VVVV;
            }
            int v = usesVvvv ? ~vvvv & 15 : chance(200) ? vvvv : 15;
            if (f.map == 1 && w == 0 && indexBit == 0 && rmBit == 0 && chance(2)) {
                put(0xc5);
                put((regBit ^ 1) << 7 | v << 3 | l << 2 | order[pp]);
            } else {
                put(0xc4);
                put((regBit ^ 1) << 7 | (indexBit ^ 1) << 6 | (rmBit ^ 1) << 5 | f.map);
                put(w << 7 | v << 3 | l << 2 | order[pp]);
            }
            put(opcode);
            return;
        }
        if (mode64) {
            int rex = (rexW ? 8 : 0) | regBit << 2 | indexBit << 1 | rmBit;
            if (f.modrm == Form.MODRM_NONE && f.opcodeCount != 8) {
                rex &= 8;
            }
            if (f.modrm == Form.MODRM_DIGIT) {
                rex |= chance(8) ? 4 : 0;
            }
            if (rex != 0 || chance(4)) {
                put(0x40 | rex);
            }
        }
        if (f.map >= 1) {
            put(0x0f);
        }
        if (f.map >= 2) {
            put(f.map == 2 ? 0x38 : 0x3a);
        }
        put(opcode);
    }

    /**
     * The number of immediate bytes that follow ModRM, SIB and displacement; offsets and far
     * pointers not counted.
     */
    private int immediateBytes(Form f) {
        int n = 0;
        for (OperandSpec o : f.operands) {
            n += o.source == OperandSpec.XMM_IMMEDIATE ? 1 : encoded(f, o);
        }
        return n;
    }

    private int encoded(Form f, OperandSpec o) {
        boolean short16 = operand16 && !rexW && !(mode64 && f.has(Form.F64));
        return switch (o.encodedSize) {
            case OperandSpec.SIZE_Z -> short16 ? 2 : 4;
            case OperandSpec.SIZE_V -> rexW ? 8 : operand16 ? 2 : 4;
            default -> o.encodedSize;
        };
    }

    private int memorySize(Form f) {
        for (OperandSpec o : f.operands) {
            switch (o.source) {
                case OperandSpec.RM,
                        OperandSpec.MEMORY,
                        OperandSpec.XMM_RM,
                        OperandSpec.MMX_RM,
                        OperandSpec.VSIB -> {
                    return bytes(f, o.memorySize);
                }
                default -> {}
            }
        }
        return 0;
    }

    private int bytes(Form f, int size) {
        int v =
                rexW
                        ? 8
                        : operand16
                                ? 2
                                : mode64 && (f.attributes & (Form.D64 | Form.F64)) != 0 ? 8 : 4;
        int x = f.vex && f.l == 1 ? 32 : 16;
        return switch (size) {
            case OperandSpec.SIZE_V -> v;
            case OperandSpec.SIZE_Y -> rexW ? 8 : 4;
            case OperandSpec.SIZE_Z -> Math.min(v, 4);
            case OperandSpec.SIZE_N -> mode64 ? 8 : 4;
            case OperandSpec.SIZE_P, OperandSpec.SIZE_S -> 16;
            case OperandSpec.SIZE_X -> x;
            case OperandSpec.SIZE_X2 -> x / 2;
            case OperandSpec.SIZE_X4 -> x / 4;
            case OperandSpec.SIZE_X8 -> x / 8;
            case 0 -> 64;
            default -> size;
        };
    }

    /**
     * Chooses where the memory operand shall lie: mostly well inside, now and then over an edge.
     */
    private void chooseTarget(boolean aligned) {
        int size = Math.max(memorySize, 1);
        int kind = fixedRegisters ? 0 : r.nextInt(32);
        if (kind < 26) {
            target = DATA + 128 + r.nextInt(DATA_WRITABLE_SIZE - 1024);
            targetWritable = true;
        } else if (kind < 28) { // over the edge of the writable part, or of the readable part
            target = DATA + (chance(2) ? DATA_SIZE : DATA_WRITABLE_SIZE) - r.nextInt(size + 1);
        } else if (kind == 28) {
            target = STACK + r.nextInt(STACK_SIZE - 64);
            targetWritable = true;
        } else if (kind == 29) { // over the lower edges
            target = (chance(2) ? STACK : DATA) - r.nextInt(size + 1);
        } else if (kind == 30) { // over the page boundary inside
            target = DATA + OracleLayout.PAGE - r.nextInt(size + 1);
            targetWritable = true;
        } else {
            target =
                    mode64
                            ? Interesting.edge(r, 64) ^ r.nextInt(64)
                            : 0xffff_0000L + r.nextInt(0x1_0000);
        }
        if (aligned && kind < 29) {
            target &= -Integer.highestOneBit(Math.min(size, 64));
        }
        if (!mode64) {
            target &= 0xffff_ffffL;
        }
    }

    private void putMemory(Form f, Case c, int reg, int rm, int index, int segment) {
        int field = (reg & 7) << 3;
        long offset = target - segmentBase(c, segment);
        boolean vsib = false;
        for (OperandSpec o : f.operands) {
            vsib |= o.source == OperandSpec.VSIB;
        }
        if (addressSize == 2) {
            putMemory16(c, field, segment);
            return;
        }
        long mask = addressSize == 4 ? 0xffff_ffffL : -1L;
        if (vsib) {
            int disp = r.nextInt(-64, 64);
            int base = usable(rm);
            put(field | 0x44);
            int scale = r.nextInt(4);
            put(scale << 6 | (index & 7) << 3 | base & 7);
            put(disp);
            setAddress(c, base, offset - disp, mask);
            vsibIndex = index;
            return;
        }
        int kind = r.nextInt(fixedRegisters ? 3 : 10);
        if (kind == 0
                && mode64
                && (fixedRegisters || segment != 0x64 && segment != 0x65 || reachable(offset))) {
            put(field | 5);
            ripField = length;
            ripTarget = offset;
            if (!reachable(offset)) {
                ripTarget = DATA + 256;
                target = -1;
                targetWritable = false;
            }
            put(0, 4);
            return;
        }
        if (kind <= 1 && reachable(offset) || fixedRegisters) {
            if (!reachable(offset)) {
                offset = DATA + 256;
                target = -1;
            }
            if (mode64 || chance(3)) {
                put(field | 4);
                put(r.nextInt(4) << 6 | 0x25); // no index, no base; the scale has no meaning
            } else {
                put(field | 5);
            }
            // index bits of REX.X = 1 would name R12
            if ((index & 8) != 0) {
                clearIndexBit(f);
            }
            put(offset, 4);
            return;
        }
        int base = usable(rm);
        boolean sib = (base & 7) == 4 || chance(2);
        if (!sib) {
            int mod = (base & 7) == 5 ? 1 + r.nextInt(2) : r.nextInt(3);
            long disp = displacement(mod);
            put(mod << 6 | field | base & 7);
            put(disp, mod == 1 ? 1 : mod == 2 ? 4 : 0);
            setAddress(c, base, offset - disp, mask);
            return;
        }
        int scale = r.nextInt(4);
        boolean noBase = (base & 7) == 5 && chance(3);
        int mod = noBase ? 0 : (base & 7) == 5 ? 1 + r.nextInt(2) : r.nextInt(3);
        long disp = noBase ? r.nextInt() : displacement(mod);
        put(mod << 6 | field | 4);
        put(scale << 6 | (index & 7) << 3 | base & 7);
        put(disp, noBase || mod == 2 ? 4 : mod);
        if (index == 4) {
            if (noBase) {
                target = -1;
                targetWritable = false;
            } else {
                setAddress(c, base, offset - disp, mask);
            }
        } else if (noBase || index == base) {
            // the sum must be met by the index alone: leave a remainder that the displacement
            // cannot take
            long factor = noBase ? 1L << scale : 1 + (1L << scale);
            long value = Math.floorDiv(offset - disp, factor);
            c.state.gpr[index] = value;
            addressRegisters |= 1 << index;
            target = value * factor + disp + (target - offset) & mask;
            targetWritable = target >= DATA && target < DATA + DATA_WRITABLE_SIZE - 1024;
        } else {
            long value = chance(2) ? r.nextInt(-256, 256) : Interesting.word(r);
            c.state.gpr[index] = value;
            addressRegisters |= 1 << index;
            setAddress(c, base, offset - disp - (value << scale), mask);
        }
    }

    /** Removes the index bit from the REX or VEX prefix that is already there. */
    private void clearIndexBit(Form f) {
        for (int i = 0; i < length; i++) {
            int b = out[i] & 0xff;
            if (f.vex && b == 0xc4) {
                out[i + 1] |= 0x40;
                return;
            }
            if (!f.vex && b >= 0x40 && b <= 0x4f) {
                out[i] &= (byte) ~2;
                return;
            }
        }
    }

    private int usable(int register) {
        return register;
    }

    private long displacement(int mod) {
        return switch (mod) {
            case 0 -> 0;
            case 1 -> r.nextInt(-128, 128);
            default -> chance(2) ? r.nextInt() : r.nextInt(-4096, 4096);
        };
    }

    private static boolean reachable(long offset) {
        return offset >= 0 && offset < 0x7fff_0000L;
    }

    private void setAddress(Case c, int base, long value, long mask) {
        long junk = mask == -1 || chance(2) ? 0 : r.nextLong() & ~mask;
        c.state.gpr[base] = mode64 ? value & mask | junk : value & mask;
        addressRegisters |= 1 << base;
    }

    private void putMemory16(Case c, int field, int segment) {
        int rm = r.nextInt(8);
        int mod = r.nextInt(3);
        put(mod << 6 | field | rm);
        int disp = 0;
        if (mod == 1) {
            disp = r.nextInt(-128, 128);
            put(disp);
        } else if (mod == 2 || rm == 6) {
            disp = (short) r.nextInt();
            put(disp, 2);
        }
        int[][] parts = {
            {3, 6}, {3, 7}, {5, 6}, {5, 7}, {6}, {7}, mod == 0 ? new int[0] : new int[] {5}, {3}
        };
        int sum = disp;
        for (int part : parts[rm]) {
            sum += (int) c.state.gpr[part];
            addressRegisters |= 1 << part;
        }
        if ((sum & 0xffff) > 0x1_0000 - MOST_OPERAND_BYTES) {
            unusable = true; // where a piece of an operand wraps at 64 KiB is the processor's own
            // choice
        }
        long base = target - (sum & 0xffff) & 0xffff_ffffL;
        if (segment == 0x64) {
            c.state.fsBase = base;
        } else {
            c.state.gsBase = base;
        }
    }

    /**
     * Now and then gives the segment of the operand a base; returns the base of the segment that
     * the prefix names.
     */
    private long segmentBase(Case c, int segment) {
        if (segment != 0x64 && segment != 0x65 || addressSize == 2) {
            return 0;
        }
        long base = chance(2) || fixedRegisters ? 0 : r.nextInt(0x1000_0000);
        if (mode64 && base != 0 && chance(2)) {
            base = Interesting.word(r) << 17 >> 17;
        }
        if (addressSize == 4 && mode64 && base != 0) {
            base &= 0x0fff_ffffL;
        }
        if (segment == 0x64) {
            c.state.fsBase = base;
        } else {
            c.state.gsBase = base;
        }
        return base;
    }

    private void putImmediates(Form f, Case c, long at, int segment, int total) {
        int left = total;
        for (OperandSpec o : f.operands) {
            int size = encoded(f, o);
            switch (o.source) {
                case OperandSpec.IMMEDIATE, OperandSpec.IMMEDIATE_UNSIGNED -> {
                    left -= size;
                    put(chance(2) ? Interesting.edge(r, size * 8) : r.nextLong(), size);
                }
                case OperandSpec.XMM_IMMEDIATE -> put(r.nextInt(256));
                case OperandSpec.RELATIVE -> putRelative(at, size);
                case OperandSpec.FAR_POINTER -> {
                    put(codeTarget(), operand16 ? 2 : 4);
                    put(selector(r, true), 2);
                }
                case OperandSpec.OFFSET -> {
                    memorySize = bytes(f, o.memorySize);
                    chooseTarget(chance(2));
                    long offset = target - segmentBase(c, segment);
                    put(offset, addressSize);
                    if (addressSize == 2) {
                        target = -1;
                        targetWritable = false;
                    }
                }
                default -> {}
            }
        }
    }

    private void putRelative(long at, int size) {
        long next = at + length + size;
        if (size == 1) {
            int d = r.nextInt(-128, 128);
            while (d < 0 && d >= -(length + size) - 1) {
                d = r.nextInt(-128, 128);
            }
            put(d);
        } else {
            long to = codeTarget();
            while (to >= at && to < next) {
                to = codeTarget();
            }
            put(to - next, size);
        }
    }

    /** An address to jump to: mostly in the code region's filler. */
    long codeTarget() {
        int kind = r.nextInt(16);
        if (kind < 13) {
            return CODE + r.nextInt(CODE_SIZE - 64);
        }
        if (kind == 13) {
            return CODE + CODE_SIZE - 2 + r.nextInt(4);
        }
        return 0x4000_0000L + r.nextInt(0x1000_0000);
    }

    /**
     * A selector for the tests' descriptor table, which is Linux's: null, user code and data,
     * kernel segments, beyond the limit, or in the (empty) local table.
     */
    static int selector(SplittableRandom r, boolean code) {
        int kind = r.nextInt(16);
        if (kind < 6) {
            return code
                    ? (kind < 3 ? OracleLayout.CODE64_SELECTOR : OracleLayout.CODE32_SELECTOR)
                    : DATA_SELECTOR;
        }
        return switch (kind) {
            case 6, 7 -> OracleLayout.CODE64_SELECTOR;
            case 8 -> OracleLayout.CODE32_SELECTOR;
            case 9 -> DATA_SELECTOR;
            case 10 -> r.nextInt(4);
            case 11 -> DATA_SELECTOR & ~3 | r.nextInt(4);
            case 12 -> OracleLayout.CODE64_SELECTOR & ~3 | r.nextInt(4);
            case 13 -> 0x10 + 8 * r.nextInt(2) | r.nextInt(4);
            case 14 -> 0x80 + r.nextInt(0xff80);
            default -> 4 | r.nextInt(4) | 8 * r.nextInt(16);
        };
    }
}
