// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.asm;

/**
 * A register operand. {@code number} is the number that an instruction encodes, 0 to 15; AH, CH, DH
 * and BH have the numbers 4 to 7 and the kind {@link Kind#GP8_HIGH}.
 */
public record Reg(Kind kind, int number, String name) implements Operand {

    /** The register files. */
    public enum Kind {
        GP8(8),
        GP8_HIGH(8),
        GP16(16),
        GP32(32),
        GP64(64),
        SEGMENT(16),
        CONTROL(64),
        DEBUG(64),
        X87(80),
        MMX(64),
        XMM(128),
        YMM(256);

        private final int bits;

        Kind(int bits) {
            this.bits = bits;
        }
    }

    public static final Reg RAX = new Reg(Kind.GP64, 0, "rax");
    public static final Reg RCX = new Reg(Kind.GP64, 1, "rcx");
    public static final Reg RDX = new Reg(Kind.GP64, 2, "rdx");
    public static final Reg RBX = new Reg(Kind.GP64, 3, "rbx");
    public static final Reg RSP = new Reg(Kind.GP64, 4, "rsp");
    public static final Reg RBP = new Reg(Kind.GP64, 5, "rbp");
    public static final Reg RSI = new Reg(Kind.GP64, 6, "rsi");
    public static final Reg RDI = new Reg(Kind.GP64, 7, "rdi");
    public static final Reg R8 = new Reg(Kind.GP64, 8, "r8");
    public static final Reg R9 = new Reg(Kind.GP64, 9, "r9");
    public static final Reg R10 = new Reg(Kind.GP64, 10, "r10");
    public static final Reg R11 = new Reg(Kind.GP64, 11, "r11");
    public static final Reg R12 = new Reg(Kind.GP64, 12, "r12");
    public static final Reg R13 = new Reg(Kind.GP64, 13, "r13");
    public static final Reg R14 = new Reg(Kind.GP64, 14, "r14");
    public static final Reg R15 = new Reg(Kind.GP64, 15, "r15");

    public static final Reg EAX = new Reg(Kind.GP32, 0, "eax");
    public static final Reg ECX = new Reg(Kind.GP32, 1, "ecx");
    public static final Reg EDX = new Reg(Kind.GP32, 2, "edx");
    public static final Reg EBX = new Reg(Kind.GP32, 3, "ebx");
    public static final Reg ESP = new Reg(Kind.GP32, 4, "esp");
    public static final Reg EBP = new Reg(Kind.GP32, 5, "ebp");
    public static final Reg ESI = new Reg(Kind.GP32, 6, "esi");
    public static final Reg EDI = new Reg(Kind.GP32, 7, "edi");
    public static final Reg R8D = new Reg(Kind.GP32, 8, "r8d");
    public static final Reg R9D = new Reg(Kind.GP32, 9, "r9d");
    public static final Reg R10D = new Reg(Kind.GP32, 10, "r10d");
    public static final Reg R11D = new Reg(Kind.GP32, 11, "r11d");
    public static final Reg R12D = new Reg(Kind.GP32, 12, "r12d");
    public static final Reg R13D = new Reg(Kind.GP32, 13, "r13d");
    public static final Reg R14D = new Reg(Kind.GP32, 14, "r14d");
    public static final Reg R15D = new Reg(Kind.GP32, 15, "r15d");

    public static final Reg AX = new Reg(Kind.GP16, 0, "ax");
    public static final Reg CX = new Reg(Kind.GP16, 1, "cx");
    public static final Reg DX = new Reg(Kind.GP16, 2, "dx");
    public static final Reg BX = new Reg(Kind.GP16, 3, "bx");
    public static final Reg SP = new Reg(Kind.GP16, 4, "sp");
    public static final Reg BP = new Reg(Kind.GP16, 5, "bp");
    public static final Reg SI = new Reg(Kind.GP16, 6, "si");
    public static final Reg DI = new Reg(Kind.GP16, 7, "di");
    public static final Reg R8W = new Reg(Kind.GP16, 8, "r8w");
    public static final Reg R9W = new Reg(Kind.GP16, 9, "r9w");
    public static final Reg R10W = new Reg(Kind.GP16, 10, "r10w");
    public static final Reg R11W = new Reg(Kind.GP16, 11, "r11w");
    public static final Reg R12W = new Reg(Kind.GP16, 12, "r12w");
    public static final Reg R13W = new Reg(Kind.GP16, 13, "r13w");
    public static final Reg R14W = new Reg(Kind.GP16, 14, "r14w");
    public static final Reg R15W = new Reg(Kind.GP16, 15, "r15w");

    public static final Reg AL = new Reg(Kind.GP8, 0, "al");
    public static final Reg CL = new Reg(Kind.GP8, 1, "cl");
    public static final Reg DL = new Reg(Kind.GP8, 2, "dl");
    public static final Reg BL = new Reg(Kind.GP8, 3, "bl");
    public static final Reg SPL = new Reg(Kind.GP8, 4, "spl");
    public static final Reg BPL = new Reg(Kind.GP8, 5, "bpl");
    public static final Reg SIL = new Reg(Kind.GP8, 6, "sil");
    public static final Reg DIL = new Reg(Kind.GP8, 7, "dil");
    public static final Reg R8B = new Reg(Kind.GP8, 8, "r8b");
    public static final Reg R9B = new Reg(Kind.GP8, 9, "r9b");
    public static final Reg R10B = new Reg(Kind.GP8, 10, "r10b");
    public static final Reg R11B = new Reg(Kind.GP8, 11, "r11b");
    public static final Reg R12B = new Reg(Kind.GP8, 12, "r12b");
    public static final Reg R13B = new Reg(Kind.GP8, 13, "r13b");
    public static final Reg R14B = new Reg(Kind.GP8, 14, "r14b");
    public static final Reg R15B = new Reg(Kind.GP8, 15, "r15b");

    public static final Reg AH = new Reg(Kind.GP8_HIGH, 4, "ah");
    public static final Reg CH = new Reg(Kind.GP8_HIGH, 5, "ch");
    public static final Reg DH = new Reg(Kind.GP8_HIGH, 6, "dh");
    public static final Reg BH = new Reg(Kind.GP8_HIGH, 7, "bh");

    public static final Reg ES = new Reg(Kind.SEGMENT, 0, "es");
    public static final Reg CS = new Reg(Kind.SEGMENT, 1, "cs");
    public static final Reg SS = new Reg(Kind.SEGMENT, 2, "ss");
    public static final Reg DS = new Reg(Kind.SEGMENT, 3, "ds");
    public static final Reg FS = new Reg(Kind.SEGMENT, 4, "fs");
    public static final Reg GS = new Reg(Kind.SEGMENT, 5, "gs");

    public static final Reg CR0 = new Reg(Kind.CONTROL, 0, "cr0");
    public static final Reg CR2 = new Reg(Kind.CONTROL, 2, "cr2");
    public static final Reg CR3 = new Reg(Kind.CONTROL, 3, "cr3");
    public static final Reg CR4 = new Reg(Kind.CONTROL, 4, "cr4");
    public static final Reg CR8 = new Reg(Kind.CONTROL, 8, "cr8");

    public static final Reg DR0 = new Reg(Kind.DEBUG, 0, "dr0");
    public static final Reg DR1 = new Reg(Kind.DEBUG, 1, "dr1");
    public static final Reg DR2 = new Reg(Kind.DEBUG, 2, "dr2");
    public static final Reg DR3 = new Reg(Kind.DEBUG, 3, "dr3");
    public static final Reg DR6 = new Reg(Kind.DEBUG, 6, "dr6");
    public static final Reg DR7 = new Reg(Kind.DEBUG, 7, "dr7");

    public static final Reg ST0 = new Reg(Kind.X87, 0, "st0");
    public static final Reg ST1 = new Reg(Kind.X87, 1, "st1");
    public static final Reg ST2 = new Reg(Kind.X87, 2, "st2");
    public static final Reg ST3 = new Reg(Kind.X87, 3, "st3");
    public static final Reg ST4 = new Reg(Kind.X87, 4, "st4");
    public static final Reg ST5 = new Reg(Kind.X87, 5, "st5");
    public static final Reg ST6 = new Reg(Kind.X87, 6, "st6");
    public static final Reg ST7 = new Reg(Kind.X87, 7, "st7");

    public static final Reg MM0 = new Reg(Kind.MMX, 0, "mm0");
    public static final Reg MM1 = new Reg(Kind.MMX, 1, "mm1");
    public static final Reg MM2 = new Reg(Kind.MMX, 2, "mm2");
    public static final Reg MM3 = new Reg(Kind.MMX, 3, "mm3");
    public static final Reg MM4 = new Reg(Kind.MMX, 4, "mm4");
    public static final Reg MM5 = new Reg(Kind.MMX, 5, "mm5");
    public static final Reg MM6 = new Reg(Kind.MMX, 6, "mm6");
    public static final Reg MM7 = new Reg(Kind.MMX, 7, "mm7");

    public static final Reg XMM0 = new Reg(Kind.XMM, 0, "xmm0");
    public static final Reg XMM1 = new Reg(Kind.XMM, 1, "xmm1");
    public static final Reg XMM2 = new Reg(Kind.XMM, 2, "xmm2");
    public static final Reg XMM3 = new Reg(Kind.XMM, 3, "xmm3");
    public static final Reg XMM4 = new Reg(Kind.XMM, 4, "xmm4");
    public static final Reg XMM5 = new Reg(Kind.XMM, 5, "xmm5");
    public static final Reg XMM6 = new Reg(Kind.XMM, 6, "xmm6");
    public static final Reg XMM7 = new Reg(Kind.XMM, 7, "xmm7");
    public static final Reg XMM8 = new Reg(Kind.XMM, 8, "xmm8");
    public static final Reg XMM9 = new Reg(Kind.XMM, 9, "xmm9");
    public static final Reg XMM10 = new Reg(Kind.XMM, 10, "xmm10");
    public static final Reg XMM11 = new Reg(Kind.XMM, 11, "xmm11");
    public static final Reg XMM12 = new Reg(Kind.XMM, 12, "xmm12");
    public static final Reg XMM13 = new Reg(Kind.XMM, 13, "xmm13");
    public static final Reg XMM14 = new Reg(Kind.XMM, 14, "xmm14");
    public static final Reg XMM15 = new Reg(Kind.XMM, 15, "xmm15");

    public static final Reg YMM0 = new Reg(Kind.YMM, 0, "ymm0");
    public static final Reg YMM1 = new Reg(Kind.YMM, 1, "ymm1");
    public static final Reg YMM2 = new Reg(Kind.YMM, 2, "ymm2");
    public static final Reg YMM3 = new Reg(Kind.YMM, 3, "ymm3");
    public static final Reg YMM4 = new Reg(Kind.YMM, 4, "ymm4");
    public static final Reg YMM5 = new Reg(Kind.YMM, 5, "ymm5");
    public static final Reg YMM6 = new Reg(Kind.YMM, 6, "ymm6");
    public static final Reg YMM7 = new Reg(Kind.YMM, 7, "ymm7");
    public static final Reg YMM8 = new Reg(Kind.YMM, 8, "ymm8");
    public static final Reg YMM9 = new Reg(Kind.YMM, 9, "ymm9");
    public static final Reg YMM10 = new Reg(Kind.YMM, 10, "ymm10");
    public static final Reg YMM11 = new Reg(Kind.YMM, 11, "ymm11");
    public static final Reg YMM12 = new Reg(Kind.YMM, 12, "ymm12");
    public static final Reg YMM13 = new Reg(Kind.YMM, 13, "ymm13");
    public static final Reg YMM14 = new Reg(Kind.YMM, 14, "ymm14");
    public static final Reg YMM15 = new Reg(Kind.YMM, 15, "ymm15");

    private static final Reg[] WIDE = {
        RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15
    };

    /** The 64-bit general register with the given number, 0 to 15. */
    public static Reg gp64(int number) {
        return WIDE[number];
    }

    /** The XMM register with the given number, 0 to 15. */
    public static Reg xmm(int number) {
        return new Reg(Kind.XMM, number, "xmm" + number);
    }

    @Override
    public int bits() {
        return kind.bits;
    }

    /** Whether this is a general register of any width. */
    public boolean isGeneral() {
        return kind.ordinal() <= Kind.GP64.ordinal();
    }

    /** Whether this byte register can be named only with a REX prefix: SPL, BPL, SIL and DIL. */
    boolean needsRex() {
        return kind == Kind.GP8 && number >= 4 && number < 8;
    }

    @Override
    public String toString() {
        return name;
    }
}
