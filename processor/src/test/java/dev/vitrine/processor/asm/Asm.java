// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

import org.jspecify.annotations.Nullable;

import java.util.HexFormat;

/**
 * An assembler with one method per mnemonic, in Intel's operand order. Every method returns the
 * assembler:
 *
 * <pre>{@code
 * Asm a = new Asm(64, 0x100000);
 * Label loop = a.label("loop");
 * a.mov(ECX, 10).bind(loop).add(RAX, Mem.base(RBX).index(RCX, 8).disp(16)).dec(ECX).jcc(Cond.NZ, loop).hlt();
 * }</pre>
 *
 * <p>Jumps to labels take their long forms unless {@code Short} is in the name. {@link #bits}
 * changes the mode in the middle of the code, as a guest that climbs from real mode to 64-bit mode
 * needs.
 */
public final class Asm extends CodeBuffer {

    /** Condition codes, in encoding order. */
    public enum Cond {
        O,
        NO,
        C,
        NC,
        Z,
        NZ,
        BE,
        A,
        S,
        NS,
        P,
        NP,
        L,
        GE,
        LE,
        G
    }

    private int labels;

    /**
     * Creates an assembler.
     *
     * @param mode 16, 32 or 64
     * @param origin the address of the first byte
     */
    public Asm(int mode, long origin) {
        super(mode, origin);
    }

    // ---- structure: modes, labels, data ----

    /** Assembles what follows for 16-, 32- or 64-bit code. */
    public Asm bits(int bits) {
        setMode(bits);
        return this;
    }

    /** A new label, not bound yet. */
    public Label label(String name) {
        return new Label(name);
    }

    /** A new label, not bound yet, without a name of its own. */
    public Label label() {
        return new Label("label" + labels++);
    }

    /** Binds the label here. */
    public Asm bind(Label label) {
        label.bind(here());
        return this;
    }

    /** Raw bytes. */
    public Asm bytes(byte... raw) {
        for (byte b : raw) {
            put(b);
        }
        return this;
    }

    /** Raw bytes in hexadecimal, blanks allowed. */
    public Asm hex(String digits) {
        return bytes(HexFormat.of().parseHex(digits.replace(" ", "")));
    }

    /** Bytes of data. */
    public Asm db(int... values) {
        return data(1, values);
    }

    /** 16-bit words of data. */
    public Asm dw(int... values) {
        return data(2, values);
    }

    /** 32-bit words of data. */
    public Asm dd(int... values) {
        return data(4, values);
    }

    private Asm data(int size, int... values) {
        for (int v : values) {
            put(v, size);
        }
        return this;
    }

    /** 64-bit words of data. */
    public Asm dq(long... values) {
        for (long v : values) {
            put(v, 8);
        }
        return this;
    }

    /** The address of a label as a 32-bit word. */
    public Asm dd(Label label) {
        putLabel(label, 4, 0);
        return this;
    }

    /** The address of a label as a 64-bit word. */
    public Asm dq(Label label) {
        putLabel(label, 8, 0);
        return this;
    }

    /** Text as bytes, without an end mark. */
    public Asm ascii(String text) {
        for (char c : text.toCharArray()) {
            put(c);
        }
        return this;
    }

    /** {@code count} bytes of zero. */
    public Asm zero(int count) {
        return fill(count, 0);
    }

    /** {@code count} bytes of one value. */
    public Asm fill(int count, int value) {
        for (int i = 0; i < count; i++) {
            put(value);
        }
        return this;
    }

    /** Zeroes up to the next multiple of {@code alignment}. */
    public Asm align(int alignment) {
        return zero((int) Math.floorMod(-here(), (long) alignment));
    }

    /** Zeroes up to the given address. */
    public Asm org(long address) {
        if (address < here()) {
            throw new IllegalArgumentException(
                    "org goes backwards to " + Long.toHexString(address));
        }
        return zero((int) (address - here()));
    }

    // ---- encoding helpers ----

    private static int size(Operand a, Operand b) {
        int bits = a.bits() != 0 ? a.bits() : b.bits();
        if (bits == 0) {
            throw new IllegalArgumentException("operand size not known");
        }
        return bits;
    }

    private Asm rm(int size, int opcode, int field, Operand rm, int immBytes, long imm) {
        encode(size, 0, opcode, true, field, null, rm, immBytes);
        put(imm, immBytes);
        return this;
    }

    private Asm rm(int size, int opcode, int field, Operand rm) {
        return rm(size, opcode, field, rm, 0, 0);
    }

    private Asm rm(int size, int opcode, Reg reg, Operand rm, int immBytes, long imm) {
        encode(size, 0, opcode, true, reg.number(), reg, rm, immBytes);
        put(imm, immBytes);
        return this;
    }

    private Asm rm(int size, int opcode, Reg reg, Operand rm) {
        return rm(size, opcode, reg, rm, 0, 0);
    }

    /** An opcode whose lowest bit tells bytes from wider operands. */
    private static int sized(int opcode, int size) {
        return size == 8 ? opcode : opcode | 1;
    }

    private Asm group(int opcode, int field, Operand dst) {
        int size = size(dst, dst);
        return rm(size, sized(opcode, size), field, dst);
    }

    /** An instruction without operands, whose operand size is not in question. */
    private Asm plain(int opcode) {
        putOpcode(opcode);
        return this;
    }

    private Asm plainSized(int size, int opcode) {
        putOperandSize(size);
        if (size == 64) {
            put(0x48);
        }
        putOpcode(opcode);
        return this;
    }

    private static boolean isByte(long value) {
        return value == (byte) value;
    }

    // ---- prefixes ----

    /** The LOCK prefix, for the instruction that follows. */
    public Asm lock() {
        return plain(0xf0);
    }

    /** The REP or REPE prefix, for the instruction that follows. */
    public Asm rep() {
        return plain(0xf3);
    }

    /** The REPNE prefix, for the instruction that follows. */
    public Asm repne() {
        return plain(0xf2);
    }

    // ---- moves ----

    /** Moves between general registers, memory, segment, control and debug registers. */
    public Asm mov(Operand dst, Operand src) {
        if (dst instanceof Reg d && !d.isGeneral()) {
            return movSpecial(d, src, true);
        }
        if (src instanceof Reg s && !s.isGeneral()) {
            return movSpecial(s, dst, false);
        }
        int size = size(dst, src);
        if (src instanceof Reg s) {
            return rm(size, sized(0x88, size), s, dst);
        }
        return rm(size, sized(0x8a, size), (Reg) dst, src);
    }

    private Asm movSpecial(Reg special, Operand other, boolean load) {
        switch (special.kind()) {
            case SEGMENT -> {
                int size = other instanceof Reg r && !load ? r.bits() : 0;
                return rm(size, load ? 0x8e : 0x8c, special.number(), other);
            }
            case CONTROL -> {
                return rm(0, load ? 0x0f22 : 0x0f20, special.number(), other);
            }
            case DEBUG -> {
                return rm(0, load ? 0x0f23 : 0x0f21, special.number(), other);
            }
            default -> throw new IllegalArgumentException("mov with " + special);
        }
    }

    /** Moves an immediate; a 64-bit register gets the shortest of the three forms. */
    public Asm mov(Operand dst, long value) {
        int size = size(dst, dst);
        if (dst instanceof Reg d) {
            if (size == 64 && value == (int) value && value < 0) {
                return rm(64, 0xc7, 0, d, 4, value);
            }
            boolean narrow = size == 64 && value >>> 32 == 0;
            int bits = narrow ? 32 : size;
            putOperandSize(bits);
            int rex = (bits == 64 ? 8 : 0) | d.number() >> 3;
            if (rex != 0 || d.needsRex()) {
                put(0x40 | rex);
            }
            put((size == 8 ? 0xb0 : 0xb8) | d.number() & 7);
            put(value, bits / 8);
            return this;
        }
        return rm(size, sized(0xc6, size), 0, dst, Math.min(size / 8, 4), value);
    }

    /** Loads the address of a label: as many bytes as the register has. */
    public Asm mov(Reg dst, Label label) {
        int size = dst.bits();
        putOperandSize(size);
        int rex = (size == 64 ? 8 : 0) | dst.number() >> 3;
        if (rex != 0) {
            put(0x40 | rex);
        }
        put(0xb8 | dst.number() & 7);
        putLabel(label, size / 8, 0);
        return this;
    }

    /** Loads the offset address of a memory operand. */
    public Asm lea(Reg dst, Mem src) {
        return rm(dst.bits(), 0x8d, dst, src);
    }

    /** Zero-extends an 8- or 16-bit operand. */
    public Asm movzx(Reg dst, Operand src) {
        return rm(dst.bits(), src.bits() == 8 ? 0x0fb6 : 0x0fb7, dst, src);
    }

    /** Sign-extends an 8- or 16-bit operand, or a 32-bit operand to 64 bits. */
    public Asm movsx(Reg dst, Operand src) {
        return rm(
                dst.bits(), src.bits() == 8 ? 0x0fbe : src.bits() == 16 ? 0x0fbf : 0x63, dst, src);
    }

    /** Exchanges; with memory it is atomic. */
    public Asm xchg(Operand dst, Reg src) {
        return rm(src.bits(), sized(0x86, src.bits()), src, dst);
    }

    public Asm cmpxchg(Operand dst, Reg src) {
        return rm(src.bits(), sized(0x0fb0, src.bits()), src, dst);
    }

    public Asm xadd(Operand dst, Reg src) {
        return rm(src.bits(), sized(0x0fc0, src.bits()), src, dst);
    }

    public Asm cmpxchg8b(Mem dst) {
        return rm(0, 0x0fc7, 1, dst);
    }

    public Asm cmpxchg16b(Mem dst) {
        return rm(64, 0x0fc7, 1, dst);
    }

    public Asm cmov(Cond cond, Reg dst, Operand src) {
        return rm(dst.bits(), 0x0f40 + cond.ordinal(), dst, src);
    }

    public Asm set(Cond cond, Operand dst) {
        return rm(8, 0x0f90 + cond.ordinal(), 0, dst);
    }

    public Asm bswap(Reg r) {
        putOperandSize(r.bits());
        int rex = (r.bits() == 64 ? 8 : 0) | r.number() >> 3;
        if (rex != 0) {
            put(0x40 | rex);
        }
        put(0x0f);
        put(0xc8 | r.number() & 7);
        return this;
    }

    public Asm xlat() {
        return plain(0xd7);
    }

    // ---- stack ----

    /**
     * Pushes a general register, a segment register or memory (64 bits wide in 64-bit code unless
     * stated).
     */
    public Asm push(Operand src) {
        return pushPop(src, 0x50, 0xff, 6, 0);
    }

    public Asm pop(Operand dst) {
        return pushPop(dst, 0x58, 0x8f, 0, 1);
    }

    private Asm pushPop(Operand o, int shortForm, int opcode, int field, int popBit) {
        if (o instanceof Reg r) {
            if (r.kind() == Reg.Kind.SEGMENT) {
                return plain(
                        (r.number() >= 4 ? 0x0f80 + 0x20 : 6)
                                + 8 * (r.number() - (r.number() >= 4 ? 4 : 0))
                                + popBit);
            }
            putOperandSize(r.bits());
            if (r.number() >= 8) {
                put(0x41);
            }
            put(shortForm | r.number() & 7);
            return this;
        }
        encode(o.bits() == 0 ? mode : o.bits(), 0, opcode, false, field, null, o, 0);
        return this;
    }

    /** Pushes an immediate at the mode's own width. */
    public Asm push(long value) {
        if (isByte(value)) {
            put(0x6a);
            put((int) value);
        } else {
            put(0x68);
            put(value, mode == 16 ? 2 : 4);
        }
        return this;
    }

    /** Pushes the 32-bit address of a label (sign-extended in 64-bit code). */
    public Asm push(Label label) {
        put(0x68);
        putLabel(label, mode == 16 ? 2 : 4, 0);
        return this;
    }

    public Asm pushf() {
        return plain(0x9c);
    }

    public Asm popf() {
        return plain(0x9d);
    }

    public Asm pusha() {
        return plain(0x60);
    }

    public Asm popa() {
        return plain(0x61);
    }

    public Asm enter(int bytes, int level) {
        put(0xc8);
        put(bytes, 2);
        put(level);
        return this;
    }

    public Asm leave() {
        return plain(0xc9);
    }

    // ---- arithmetic and logic ----

    private Asm alu(int operation, Operand dst, Operand src) {
        int size = size(dst, src);
        if (src instanceof Reg s) {
            return rm(size, sized(operation << 3, size), s, dst);
        }
        return rm(size, sized(operation << 3 | 2, size), (Reg) dst, src);
    }

    private Asm alu(int operation, Operand dst, long value) {
        int size = size(dst, dst);
        if (size == 8) {
            return rm(8, 0x80, operation, dst, 1, value);
        }
        if (isByte(value)) {
            return rm(size, 0x83, operation, dst, 1, value);
        }
        return rm(size, 0x81, operation, dst, Math.min(size / 8, 4), value);
    }

    public Asm add(Operand dst, Operand src) {
        return alu(0, dst, src);
    }

    public Asm add(Operand dst, long value) {
        return alu(0, dst, value);
    }

    public Asm or(Operand dst, Operand src) {
        return alu(1, dst, src);
    }

    public Asm or(Operand dst, long value) {
        return alu(1, dst, value);
    }

    public Asm adc(Operand dst, Operand src) {
        return alu(2, dst, src);
    }

    public Asm adc(Operand dst, long value) {
        return alu(2, dst, value);
    }

    public Asm sbb(Operand dst, Operand src) {
        return alu(3, dst, src);
    }

    public Asm sbb(Operand dst, long value) {
        return alu(3, dst, value);
    }

    public Asm and(Operand dst, Operand src) {
        return alu(4, dst, src);
    }

    public Asm and(Operand dst, long value) {
        return alu(4, dst, value);
    }

    public Asm sub(Operand dst, Operand src) {
        return alu(5, dst, src);
    }

    public Asm sub(Operand dst, long value) {
        return alu(5, dst, value);
    }

    public Asm xor(Operand dst, Operand src) {
        return alu(6, dst, src);
    }

    public Asm xor(Operand dst, long value) {
        return alu(6, dst, value);
    }

    public Asm cmp(Operand dst, Operand src) {
        return alu(7, dst, src);
    }

    public Asm cmp(Operand dst, long value) {
        return alu(7, dst, value);
    }

    public Asm test(Operand dst, Reg src) {
        return rm(src.bits(), sized(0x84, src.bits()), src, dst);
    }

    public Asm test(Operand dst, long value) {
        int size = size(dst, dst);
        return rm(size, sized(0xf6, size), 0, dst, Math.min(size / 8, 4), value);
    }

    public Asm inc(Operand dst) {
        return group(0xfe, 0, dst);
    }

    public Asm dec(Operand dst) {
        return group(0xfe, 1, dst);
    }

    public Asm not(Operand dst) {
        return group(0xf6, 2, dst);
    }

    public Asm neg(Operand dst) {
        return group(0xf6, 3, dst);
    }

    public Asm mul(Operand src) {
        return group(0xf6, 4, src);
    }

    public Asm imul(Operand src) {
        return group(0xf6, 5, src);
    }

    public Asm imul(Reg dst, Operand src) {
        return rm(dst.bits(), 0x0faf, dst, src);
    }

    public Asm imul(Reg dst, Operand src, long value) {
        int count = isByte(value) ? 1 : Math.min(dst.bits() / 8, 4);
        return rm(dst.bits(), count == 1 ? 0x6b : 0x69, dst, src, count, value);
    }

    public Asm div(Operand src) {
        return group(0xf6, 6, src);
    }

    public Asm idiv(Operand src) {
        return group(0xf6, 7, src);
    }

    private Asm shift(int operation, Operand dst, int count) {
        int size = size(dst, dst);
        return count == 1
                ? rm(size, sized(0xd0, size), operation, dst)
                : rm(size, sized(0xc0, size), operation, dst, 1, count);
    }

    public Asm rol(Operand dst, int count) {
        return shift(0, dst, count);
    }

    public Asm ror(Operand dst, int count) {
        return shift(1, dst, count);
    }

    public Asm rcl(Operand dst, int count) {
        return shift(2, dst, count);
    }

    public Asm rcr(Operand dst, int count) {
        return shift(3, dst, count);
    }

    public Asm shl(Operand dst, int count) {
        return shift(4, dst, count);
    }

    public Asm shr(Operand dst, int count) {
        return shift(5, dst, count);
    }

    public Asm sar(Operand dst, int count) {
        return shift(7, dst, count);
    }

    /** Shifts left by CL. */
    public Asm shlCl(Operand dst) {
        return group(0xd2, 4, dst);
    }

    /** Shifts right by CL. */
    public Asm shrCl(Operand dst) {
        return group(0xd2, 5, dst);
    }

    /** Shifts right by CL with the sign. */
    public Asm sarCl(Operand dst) {
        return group(0xd2, 7, dst);
    }

    public Asm shld(Operand dst, Reg src, int count) {
        return rm(src.bits(), 0x0fa4, src, dst, 1, count);
    }

    public Asm shrd(Operand dst, Reg src, int count) {
        return rm(src.bits(), 0x0fac, src, dst, 1, count);
    }

    public Asm bt(Operand dst, int bit) {
        return rm(size(dst, dst), 0x0fba, 4, dst, 1, bit);
    }

    public Asm bts(Operand dst, int bit) {
        return rm(size(dst, dst), 0x0fba, 5, dst, 1, bit);
    }

    public Asm btr(Operand dst, int bit) {
        return rm(size(dst, dst), 0x0fba, 6, dst, 1, bit);
    }

    public Asm btc(Operand dst, int bit) {
        return rm(size(dst, dst), 0x0fba, 7, dst, 1, bit);
    }

    public Asm bt(Operand dst, Reg bit) {
        return rm(bit.bits(), 0x0fa3, bit, dst);
    }

    public Asm bts(Operand dst, Reg bit) {
        return rm(bit.bits(), 0x0fab, bit, dst);
    }

    public Asm bsf(Reg dst, Operand src) {
        return rm(dst.bits(), 0x0fbc, dst, src);
    }

    public Asm bsr(Reg dst, Operand src) {
        return rm(dst.bits(), 0x0fbd, dst, src);
    }

    public Asm popcnt(Reg dst, Operand src) {
        encode(dst.bits(), 0xf3, 0x0fb8, true, dst.number(), null, src, 0);
        return this;
    }

    /** Sign-extends AL to AX (16), AX to EAX (32) or EAX to RAX (64). */
    public Asm cbw(int size) {
        return plainSized(size, 0x98);
    }

    /** Sign-extends AX into DX (16), EAX into EDX (32) or RAX into RDX (64). */
    public Asm cwd(int size) {
        return plainSized(size, 0x99);
    }

    // ---- flags ----

    public Asm clc() {
        return plain(0xf8);
    }

    public Asm stc() {
        return plain(0xf9);
    }

    public Asm cmc() {
        return plain(0xf5);
    }

    public Asm cld() {
        return plain(0xfc);
    }

    public Asm std() {
        return plain(0xfd);
    }

    public Asm cli() {
        return plain(0xfa);
    }

    public Asm sti() {
        return plain(0xfb);
    }

    public Asm lahf() {
        return plain(0x9f);
    }

    public Asm sahf() {
        return plain(0x9e);
    }

    public Asm stac() {
        return plain(0x0f01cb);
    }

    public Asm clac() {
        return plain(0x0f01ca);
    }

    // ---- control flow ----

    private Asm near(int opcode, Label target) {
        putOpcode(opcode);
        putRelative(target, mode == 16 ? 2 : 4, 0, 0);
        return this;
    }

    public Asm jmp(Label target) {
        return near(0xe9, target);
    }

    /** Jumps to an absolute address. */
    public Asm jmp(long target) {
        put(0xe9);
        int count = mode == 16 ? 2 : 4;
        put(target - here() - count, count);
        return this;
    }

    public Asm jmpShort(Label target) {
        put(0xeb);
        putRelative(target, 1, 0, 0);
        return this;
    }

    /** Jumps to the address in a register or in memory. */
    public Asm jmp(Operand target) {
        encode(target.bits() == 0 ? mode : target.bits(), 0, 0xff, false, 4, null, target, 0);
        return this;
    }

    public Asm jcc(Cond cond, Label target) {
        return near(0x0f80 + cond.ordinal(), target);
    }

    public Asm jccShort(Cond cond, Label target) {
        put(0x70 + cond.ordinal());
        putRelative(target, 1, 0, 0);
        return this;
    }

    public Asm jz(Label target) {
        return jcc(Cond.Z, target);
    }

    public Asm jnz(Label target) {
        return jcc(Cond.NZ, target);
    }

    public Asm loop(Label target) {
        put(0xe2);
        putRelative(target, 1, 0, 0);
        return this;
    }

    public Asm call(Label target) {
        return near(0xe8, target);
    }

    public Asm call(Operand target) {
        encode(target.bits() == 0 ? mode : target.bits(), 0, 0xff, false, 2, null, target, 0);
        return this;
    }

    public Asm ret() {
        return plain(0xc3);
    }

    public Asm ret(int bytes) {
        put(0xc2);
        put(bytes, 2);
        return this;
    }

    /**
     * The far jump with an immediate pointer, in 16- and 32-bit code.
     *
     * @param size width of the offset, 16 or 32; it may differ from the mode, as on the way to
     *     protected mode
     */
    public Asm jmpFar(int selector, Label target, int size) {
        return farImmediate(0xea, selector, target, size);
    }

    public Asm callFar(int selector, Label target, int size) {
        return farImmediate(0x9a, selector, target, size);
    }

    private Asm farImmediate(int opcode, int selector, Label target, int size) {
        if (mode == 64) {
            throw new IllegalArgumentException("no immediate far pointers in 64-bit code");
        }
        putOperandSize(size);
        put(opcode);
        putLabel(target, size / 8, 0);
        put(selector, 2);
        return this;
    }

    /** The far jump through memory; the operand's width is that of the offset. */
    public Asm jmpFar(Mem pointer) {
        return rm(size(pointer, pointer), 0xff, 5, pointer);
    }

    public Asm callFar(Mem pointer) {
        return rm(size(pointer, pointer), 0xff, 3, pointer);
    }

    /** The far return with the given operand size. */
    public Asm retf(int size) {
        return plainSized(size, 0xcb);
    }

    /** The return from interrupt with the given operand size. */
    public Asm iret(int size) {
        return plainSized(size, 0xcf);
    }

    public Asm interrupt(int vector) {
        put(0xcd);
        put(vector);
        return this;
    }

    public Asm int3() {
        return plain(0xcc);
    }

    public Asm int1() {
        return plain(0xf1);
    }

    public Asm into() {
        return plain(0xce);
    }

    public Asm ud2() {
        return plain(0x0f0b);
    }

    public Asm nop() {
        return plain(0x90);
    }

    public Asm pause() {
        return plain(0xf390);
    }

    // ---- strings: the width is that of one element, in bits ----

    private Asm string(int opcode, int size) {
        return plainSized(size, sized(opcode, size));
    }

    public Asm movs(int size) {
        return string(0xa4, size);
    }

    public Asm cmps(int size) {
        return string(0xa6, size);
    }

    public Asm stos(int size) {
        return string(0xaa, size);
    }

    public Asm lods(int size) {
        return string(0xac, size);
    }

    public Asm scas(int size) {
        return string(0xae, size);
    }

    public Asm ins(int size) {
        return string(0x6c, size);
    }

    public Asm outs(int size) {
        return string(0x6e, size);
    }

    // ---- ports ----

    /** Reads a port into AL, AX or EAX. */
    public Asm in(Reg accumulator, int port) {
        plainSized(accumulator.bits(), sized(0xe4, accumulator.bits()));
        put(port);
        return this;
    }

    /** Reads the port in DX into AL, AX or EAX. */
    public Asm inDx(Reg accumulator) {
        return plainSized(accumulator.bits(), sized(0xec, accumulator.bits()));
    }

    public Asm out(int port, Reg accumulator) {
        plainSized(accumulator.bits(), sized(0xe6, accumulator.bits()));
        put(port);
        return this;
    }

    public Asm outDx(Reg accumulator) {
        return plainSized(accumulator.bits(), sized(0xee, accumulator.bits()));
    }

    // ---- system ----

    public Asm hlt() {
        return plain(0xf4);
    }

    public Asm cpuid() {
        return plain(0x0fa2);
    }

    public Asm rdtsc() {
        return plain(0x0f31);
    }

    public Asm rdtscp() {
        return plain(0x0f01f9);
    }

    public Asm rdmsr() {
        return plain(0x0f32);
    }

    public Asm wrmsr() {
        return plain(0x0f30);
    }

    public Asm rdpmc() {
        return plain(0x0f33);
    }

    public Asm sgdt(Mem dst) {
        return rm(0, 0x0f01, 0, dst);
    }

    public Asm sidt(Mem dst) {
        return rm(0, 0x0f01, 1, dst);
    }

    public Asm lgdt(Mem src) {
        return rm(0, 0x0f01, 2, src);
    }

    public Asm lidt(Mem src) {
        return rm(0, 0x0f01, 3, src);
    }

    /** LGDT with a 32-bit base in 16-bit code, where the plain form takes 24 bits only. */
    public Asm lgdt32(Mem src) {
        return rm(32, 0x0f01, 2, src);
    }

    public Asm smsw(Operand dst) {
        return rm(dst.bits(), 0x0f01, 4, dst);
    }

    public Asm lmsw(Operand src) {
        return rm(0, 0x0f01, 6, src);
    }

    public Asm invlpg(Mem address) {
        return rm(0, 0x0f01, 7, address);
    }

    public Asm sldt(Operand dst) {
        return rm(dst.bits(), 0x0f00, 0, dst);
    }

    public Asm str(Operand dst) {
        return rm(dst.bits(), 0x0f00, 1, dst);
    }

    public Asm lldt(Operand src) {
        return rm(0, 0x0f00, 2, src);
    }

    public Asm ltr(Operand src) {
        return rm(0, 0x0f00, 3, src);
    }

    public Asm verr(Operand src) {
        return rm(0, 0x0f00, 4, src);
    }

    public Asm verw(Operand src) {
        return rm(0, 0x0f00, 5, src);
    }

    public Asm lar(Reg dst, Operand src) {
        return rm(dst.bits(), 0x0f02, dst.number(), src);
    }

    public Asm lsl(Reg dst, Operand src) {
        return rm(dst.bits(), 0x0f03, dst.number(), src);
    }

    public Asm clts() {
        return plain(0x0f06);
    }

    public Asm invd() {
        return plain(0x0f08);
    }

    public Asm wbinvd() {
        return plain(0x0f09);
    }

    public Asm invpcid(Reg type, Mem descriptor) {
        encode(0, 0x66, 0x0f3882, false, type.number(), null, descriptor, 0);
        return this;
    }

    public Asm swapgs() {
        return plain(0x0f01f8);
    }

    public Asm syscall() {
        return plain(0x0f05);
    }

    /** SYSRET to 32-bit (32) or to 64-bit code (64). */
    public Asm sysret(int size) {
        return plainSized(size, 0x0f07);
    }

    public Asm sysenter() {
        return plain(0x0f34);
    }

    public Asm sysexit(int size) {
        return plainSized(size, 0x0f35);
    }

    public Asm vmcall() {
        return plain(0x0f01c1);
    }

    public Asm vmmcall() {
        return plain(0x0f01d9);
    }

    public Asm monitor() {
        return plain(0x0f01c8);
    }

    public Asm mwait() {
        return plain(0x0f01c9);
    }

    public Asm xgetbv() {
        return plain(0x0f01d0);
    }

    public Asm xsetbv() {
        return plain(0x0f01d1);
    }

    /** XSAVE, or XSAVE64 with {@code size} 64. */
    public Asm xsave(int size, Mem area) {
        return rm(size == 64 ? 64 : 0, 0x0fae, 4, area);
    }

    /** XRSTOR, or XRSTOR64 with {@code size} 64. */
    public Asm xrstor(int size, Mem area) {
        return rm(size == 64 ? 64 : 0, 0x0fae, 5, area);
    }

    public Asm fxsave(Mem area) {
        return rm(0, 0x0fae, 0, area);
    }

    public Asm fxrstor(Mem area) {
        return rm(0, 0x0fae, 1, area);
    }

    public Asm ldmxcsr(Mem src) {
        return rm(0, 0x0fae, 2, src);
    }

    public Asm stmxcsr(Mem dst) {
        return rm(0, 0x0fae, 3, dst);
    }

    private Asm base(int field, Reg r) {
        encode(r.bits(), 0xf3, 0x0fae, true, field, null, r, 0);
        return this;
    }

    public Asm rdfsbase(Reg r) {
        return base(0, r);
    }

    public Asm rdgsbase(Reg r) {
        return base(1, r);
    }

    public Asm wrfsbase(Reg r) {
        return base(2, r);
    }

    public Asm wrgsbase(Reg r) {
        return base(3, r);
    }

    public Asm lfence() {
        return plain(0x0faee8);
    }

    public Asm mfence() {
        return plain(0x0faef0);
    }

    public Asm sfence() {
        return plain(0x0faef8);
    }

    public Asm fninit() {
        return plain(0xdbe3);
    }

    public Asm fld1() {
        return plain(0xd9e8);
    }

    // ---- vectors: what copying, comparing and smoke tests need; for more use sse() ----

    /**
     * An SSE instruction with the usual layout.
     *
     * @param mandatory 0, 0x66, 0xF2 or 0xF3
     * @param opcode with its escape bytes, such as 0x0F6F
     */
    public Asm sse(int mandatory, int opcode, Reg reg, Operand rm) {
        encode(0, mandatory, opcode, false, reg.number(), null, rm, 0);
        return this;
    }

    public Asm movdqu(Reg dst, Mem src) {
        return sse(0xf3, 0x0f6f, dst, src);
    }

    public Asm movdqu(Mem dst, Reg src) {
        return sse(0xf3, 0x0f7f, src, dst);
    }

    public Asm movdqa(Reg dst, Mem src) {
        return sse(0x66, 0x0f6f, dst, src);
    }

    public Asm movdqa(Mem dst, Reg src) {
        return sse(0x66, 0x0f7f, src, dst);
    }

    public Asm pxor(Reg dst, Operand src) {
        return sse(0x66, 0x0fef, dst, src);
    }

    public Asm por(Reg dst, Operand src) {
        return sse(0x66, 0x0feb, dst, src);
    }

    public Asm pand(Reg dst, Operand src) {
        return sse(0x66, 0x0fdb, dst, src);
    }

    public Asm pcmpeqb(Reg dst, Operand src) {
        return sse(0x66, 0x0f74, dst, src);
    }

    public Asm pmovmskb(Reg dst, Reg src) {
        return sse(0x66, 0x0fd7, dst, src);
    }

    /**
     * A VEX instruction with the three-byte prefix.
     *
     * @param map 1 (0F), 2 (0F38) or 3 (0F3A)
     * @param pp 0 (none), 1 (66), 2 (F3) or 3 (F2)
     * @param w VEX.W
     * @param second the register in VEX.vvvv, or null
     */
    public Asm vex(int map, int pp, int w, int opcode, Reg reg, @Nullable Reg second, Operand rm) {
        putAddressPrefixes(rm);
        int r = reg.number() >> 3;
        int x = 0;
        int b = 0;
        if (rm instanceof Reg source) {
            b = source.number() >> 3;
        } else {
            Mem m = (Mem) rm;
            b = m.base() == null ? 0 : m.base().number() >> 3;
            x = m.index() == null ? 0 : m.index().number() >> 3;
        }
        int l = reg.kind() == Reg.Kind.YMM ? 4 : 0;
        put(0xc4);
        put((r ^ 1) << 7 | (x ^ 1) << 6 | (b ^ 1) << 5 | map);
        put(w << 7 | (~(second == null ? 0 : second.number()) & 15) << 3 | l | pp);
        putVexOperands(opcode, reg, rm);
        return this;
    }

    private void putVexOperands(int opcode, Reg reg, Operand rm) {
        put(opcode);
        if (rm instanceof Reg r) {
            put(0xc0 | (reg.number() & 7) << 3 | r.number() & 7);
        } else {
            putMemory((Mem) rm, (reg.number() & 7) << 3, 0);
        }
    }
}
