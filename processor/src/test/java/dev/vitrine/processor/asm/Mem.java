// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

import org.jspecify.annotations.Nullable;

/**
 * A memory operand: {@code Mem.base(RBX).index(RCX, 8).disp(16).seg(FS).d()}.
 *
 * @param base base register, or null
 * @param index index register, or null
 * @param scale 1, 2, 4 or 8
 * @param disp displacement; sign-extended to the address size by the processor
 * @param label the target of an IP-relative or absolute address, or null
 * @param relative whether {@code label} is reached relative to RIP
 * @param segment segment override, or null
 * @param bits operand width, 0 if another operand or the mnemonic gives it
 */
public record Mem(
        @Nullable Reg base,
        @Nullable Reg index,
        int scale,
        int disp,
        @Nullable Label label,
        boolean relative,
        @Nullable Reg segment,
        int bits)
        implements Operand {

    /** Memory at a base register, whose width gives the address size. */
    public static Mem base(Reg base) {
        return new Mem(base, null, 1, 0, null, false, null, 0);
    }

    /**
     * Memory at an absolute address that fits the address size (sign-extended from 32 bits in
     * 64-bit code).
     */
    public static Mem abs(long address) {
        if (address != (int) address && address != (address & 0xffff_ffffL)) {
            throw new IllegalArgumentException(
                    "not a 32-bit address: " + Long.toHexString(address));
        }
        return new Mem(null, null, 1, (int) address, null, false, null, 0);
    }

    /** Memory at the absolute address of a label. */
    public static Mem abs(Label label) {
        return new Mem(null, null, 1, 0, label, false, null, 0);
    }

    /** Memory at a label, reached relative to RIP (64-bit code only). */
    public static Mem rip(Label label) {
        return new Mem(null, null, 1, 0, label, true, null, 0);
    }

    /** Adds a scaled index register. */
    public Mem index(Reg register, int factor) {
        return new Mem(base, register, factor, disp, label, relative, segment, bits);
    }

    /** Sets the displacement. */
    public Mem disp(int value) {
        return new Mem(base, index, scale, value, label, relative, segment, bits);
    }

    /** Sets a segment override. */
    public Mem seg(Reg register) {
        return new Mem(base, index, scale, disp, label, relative, register, bits);
    }

    /** States the operand's width in bits. */
    public Mem bits(int width) {
        return new Mem(base, index, scale, disp, label, relative, segment, width);
    }

    /** An 8-bit operand. */
    public Mem b() {
        return bits(8);
    }

    /** A 16-bit operand. */
    public Mem w() {
        return bits(16);
    }

    /** A 32-bit operand. */
    public Mem d() {
        return bits(32);
    }

    /** A 64-bit operand. */
    public Mem q() {
        return bits(64);
    }
}
