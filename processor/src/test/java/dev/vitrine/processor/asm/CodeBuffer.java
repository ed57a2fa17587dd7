// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The bytes under construction: output, labels with their fixups, and the encoding of prefixes,
 * REX, ModRM, SIB and displacement (SDM volume 2, chapter 2). {@link Asm} puts the mnemonics on
 * top.
 */
abstract class CodeBuffer {

    /** A field to be filled when its label is known. */
    private record Fixup(
            int at, int bytes, Label label, long addend, boolean relative, long next) {}

    private final long origin;
    private final List<Fixup> fixups = new ArrayList<>();
    private byte[] bytes = new byte[256];
    private int length;
    int mode;

    CodeBuffer(int mode, long origin) {
        setMode(mode);
        this.origin = origin;
    }

    final void setMode(int bits) {
        if (bits != 16 && bits != 32 && bits != 64) {
            throw new IllegalArgumentException("mode: " + bits);
        }
        mode = bits;
    }

    /** The address of the next byte. */
    public final long here() {
        return origin + length;
    }

    /** The address of the first byte. */
    public final long origin() {
        return origin;
    }

    /** The number of bytes emitted so far. */
    public final int size() {
        return length;
    }

    /**
     * The finished bytes.
     *
     * @throws IllegalStateException if a label that is used was never bound or is out of reach
     */
    public final byte[] toBytes() {
        byte[] result = Arrays.copyOf(bytes, length);
        for (Fixup f : fixups) {
            long value = f.label.address() + f.addend - (f.relative ? f.next : 0);
            int bits = f.bytes * 8;
            boolean signed = bits == 64 || value == value << (64 - bits) >> (64 - bits);
            boolean unsigned = !f.relative && (bits == 64 || value >>> bits == 0);
            if (!signed && !unsigned && !(f.relative && bits == 16)) {
                throw new IllegalStateException("label out of reach: " + f.label);
            }
            for (int i = 0; i < f.bytes; i++) {
                result[f.at + i] = (byte) (value >> (8 * i));
            }
        }
        return result;
    }

    final void put(int value) {
        if (length == bytes.length) {
            bytes = Arrays.copyOf(bytes, length * 2);
        }
        bytes[length++] = (byte) value;
    }

    final void put(long value, int count) {
        for (int i = 0; i < count; i++) {
            put((int) (value >> (8 * i)));
        }
    }

    final void putLabel(Label label, int count, long addend) {
        fixups.add(new Fixup(length, count, label, addend, false, 0));
        put(0, count);
    }

    /** A displacement relative to the address {@code trailing} bytes behind the field. */
    final void putRelative(Label label, int count, long addend, int trailing) {
        fixups.add(new Fixup(length, count, label, addend, true, here() + count + trailing));
        put(0, count);
    }

    final void putOpcode(int opcode) {
        if (opcode > 0xffff) {
            put(opcode >> 16);
        }
        if (opcode > 0xff) {
            put(opcode >> 8);
        }
        put(opcode);
    }

    /** The operand-size prefix, where the size is not the mode's own. */
    final void putOperandSize(int size) {
        if (size == 16 && mode != 16 || size == 32 && mode == 16) {
            put(0x66);
        }
    }

    private static int segmentPrefix(Reg segment) {
        int[] prefixes = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65};
        return prefixes[segment.number()];
    }

    private int addressSize(Mem m) {
        Reg r = m.base() != null ? m.base() : m.index();
        if (r != null) {
            return r.bits();
        }
        if (mode == 16) {
            return m.label() == null && (m.disp() < -0x8000 || m.disp() > 0xffff) ? 32 : 16;
        }
        return mode;
    }

    final void putAddressPrefixes(Operand rm) {
        if (rm instanceof Mem m) {
            if (m.segment() != null) {
                put(segmentPrefix(m.segment()));
            }
            if (addressSize(m) != mode) {
                put(0x67);
            }
        }
    }

    /**
     * One instruction with a ModRM byte.
     *
     * @param size operand size in bits; 0 if the instruction has none
     * @param mandatory mandatory prefix (66, F2, F3), LOCK or 0
     * @param wide whether a 64-bit size needs REX.W
     * @param field the reg field, 0 to 15
     * @param byteReg the register in the reg field if it may be SPL to DIL, or null
     * @param immediate bytes of immediate that the caller emits behind
     */
    final void encode(
            int size,
            int mandatory,
            int opcode,
            boolean wide,
            int field,
            @Nullable Reg byteReg,
            Operand rm,
            int immediate) {
        putAddressPrefixes(rm);
        putOperandSize(size);
        if (mandatory != 0) {
            put(mandatory);
        }
        int rex = (size == 64 && wide ? 8 : 0) | (field & 8) >> 1;
        boolean needed = byteReg != null && byteReg.needsRex();
        boolean forbidden = byteReg != null && byteReg.kind() == Reg.Kind.GP8_HIGH;
        if (rm instanceof Reg r) {
            rex |= (r.number() & 8) >> 3;
            needed |= r.needsRex();
            forbidden |= r.kind() == Reg.Kind.GP8_HIGH;
        } else if (rm instanceof Mem m) {
            rex |= m.base() == null ? 0 : (m.base().number() & 8) >> 3;
            rex |= m.index() == null ? 0 : (m.index().number() & 8) >> 2;
        }
        if (rex != 0 || needed) {
            if (mode != 64 || forbidden) {
                throw new IllegalArgumentException("operands cannot be encoded together");
            }
            put(0x40 | rex);
        }
        putOpcode(opcode);
        if (rm instanceof Reg r) {
            put(0xc0 | (field & 7) << 3 | r.number() & 7);
        } else {
            putMemory((Mem) rm, (field & 7) << 3, immediate);
        }
    }

    final void putMemory(Mem m, int field, int immediate) {
        if (addressSize(m) == 16) {
            putMemory16(m, field);
            return;
        }
        Label label = m.label();
        Reg base = m.base();
        Reg index = m.index();
        if (label != null && m.relative()) {
            put(field | 5);
            putRelative(label, 4, m.disp(), immediate);
            return;
        }
        if (base == null && index == null) {
            if (mode == 64) {
                put(field | 4);
                put(0x25);
            } else {
                put(field | 5);
            }
            putDisplacement(m, 4);
            return;
        }
        int mod =
                m.disp() == 0 && label == null
                        ? 0
                        : m.disp() == (byte) m.disp() && label == null ? 1 : 2;
        if (base == null) {
            mod = 0;
        } else if (mod == 0 && (base.number() & 7) == 5) {
            mod = 1;
        }
        if (index == null && (base == null || (base.number() & 7) != 4)) {
            put(mod << 6 | field | (base == null ? 5 : base.number() & 7));
        } else {
            if (index != null && index.number() == 4) {
                throw new IllegalArgumentException("the stack pointer cannot be an index");
            }
            int scale = Integer.numberOfTrailingZeros(m.scale());
            put(mod << 6 | field | 4);
            put(
                    scale << 6
                            | (index == null ? 4 : index.number() & 7) << 3
                            | (base == null ? 5 : base.number() & 7));
        }
        if (mod == 1) {
            put(m.disp());
        } else if (mod == 2 || base == null) {
            putDisplacement(m, 4);
        }
    }

    private void putMemory16(Mem m, int field) {
        Reg base = m.base();
        Reg index = m.index();
        if (base == null && index == null) {
            put(field | 6);
            putDisplacement(m, 2);
            return;
        }
        int b = base == null ? -1 : base.number();
        int i = index == null ? -1 : index.number();
        int rm =
                switch (b << 4 | i & 15) {
                    case 3 << 4 | 6 -> 0;
                    case 3 << 4 | 7 -> 1;
                    case 5 << 4 | 6 -> 2;
                    case 5 << 4 | 7 -> 3;
                    case 6 << 4 | 15 -> 4;
                    case 7 << 4 | 15 -> 5;
                    case 5 << 4 | 15 -> 6;
                    case 3 << 4 | 15 -> 7;
                    default -> throw new IllegalArgumentException("no 16-bit address: " + m);
                };
        boolean plain = m.disp() == 0 && m.label() == null && rm != 6;
        int mod = plain ? 0 : m.label() == null && m.disp() == (byte) m.disp() ? 1 : 2;
        put(mod << 6 | field | rm);
        if (mod != 0) {
            putDisplacement(m, mod);
        }
    }

    private void putDisplacement(Mem m, int count) {
        if (m.label() != null) {
            putLabel(m.label(), count, m.disp());
        } else {
            put(m.disp(), count);
        }
    }
}
