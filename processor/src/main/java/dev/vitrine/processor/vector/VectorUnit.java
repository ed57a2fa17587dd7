// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Vector;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Executes every instruction of {@link Op.Group#VECTOR}. */
public final class VectorUnit {
    private static final long CR0_EM_TS = Cpu.CR0_EM | Cpu.CR0_TS;
    private static final long XCR0_SSE_AVX = 6;

    /** Error summary of the x87 status word: an unmasked exception waits. */
    private static final int X87_ES = 0x80;

    private static final long SIGNS_32 = 0x8000_0000_8000_0000L;

    private VectorUnit() {}

    /**
     * Executes one instruction; raises #UD, #NM, #MF, #GP, #PF, #XM and the like before anything
     * changes.
     */
    public static void execute(Cpu cpu, Instruction i) {
        if ((cpu.modeKey & Cpu.MODE_ALIGN) != 0 && mayMisalign(i)) {
            // The accesses' own check looks at this bit only.
            cpu.modeKey &= ~Cpu.MODE_ALIGN;
            try {
                dispatch(cpu, i);
            } finally {
                cpu.modeKey |= Cpu.MODE_ALIGN;
            }
            return;
        }
        dispatch(cpu, i);
    }

    /**
     * Whether EFLAGS.AC does not concern the memory operand: operands of 16 bytes and more,
     * gathers, masked moves and the half-precision conversions never give #AC.
     */
    private static boolean mayMisalign(Instruction i) {
        int n = i.memoryOperand();
        return switch (i.op) {
            case VGATHERDPS,
                    VGATHERDPD,
                    VGATHERQPS,
                    VGATHERQPD,
                    VPGATHERDD,
                    VPGATHERDQ,
                    VPGATHERQD,
                    VPGATHERQQ,
                    VCVTPH2PS,
                    VCVTPS2PH ->
                    true;
            default -> n >= 0 && i.size[n] >= 16;
        };
    }

    private static void dispatch(Cpu cpu, Instruction i) {
        if (i.vex) {
            checkVex(cpu);
        } else if ((cpu.cr0 & CR0_EM_TS) != 0
                || (cpu.cr4 & Cpu.CR4_OSFXSR) == 0
                || i.kind[0] == Operand.MMX
                || i.kind[1] == Operand.MMX) {
            checkLegacy(cpu, i);
        }
        switch (i.op) {
            // Common ones first, for the reader; it is a table jump.
            case MOVUPS, MOVUPD, MOVDQU, LDDQU -> Moves.whole(cpu, i, false);
            case MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTDQA ->
                    Moves.whole(cpu, i, true);
            case MOVD -> Moves.general(cpu, i);
            case MOVQ, MOVNTQ -> Moves.quad(cpu, i);
            case MOVSS -> Moves.scalar(cpu, i, 4);
            case MOVSD -> Moves.scalar(cpu, i, 8);
            case PMOVMSKB -> Moves.byteMask(cpu, i);
            case ADDPS, SUBPS, MULPS, DIVPS, MINPS, MAXPS, SQRTPS, RCPPS, RSQRTPS, ROUNDPS, CMPPS ->
                    FloatOps.packedSingle(cpu, i);
            case ADDPD, SUBPD, MULPD, DIVPD, MINPD, MAXPD, SQRTPD, ROUNDPD, CMPPD ->
                    FloatOps.packedDouble(cpu, i);
            case ADDSS, SUBSS, MULSS, DIVSS, MINSS, MAXSS, SQRTSS, RCPSS, RSQRTSS, ROUNDSS, CMPSS ->
                    FloatOps.scalarSingle(cpu, i);
            case ADDSD, SUBSD, MULSD, DIVSD, MINSD, MAXSD, SQRTSD, ROUNDSD, CMPSD ->
                    FloatOps.scalarDouble(cpu, i);
            case UCOMISS -> FloatOps.executeCompare(cpu, i, false, false);
            case UCOMISD -> FloatOps.executeCompare(cpu, i, true, false);
            case COMISS -> FloatOps.executeCompare(cpu, i, false, true);
            case COMISD -> FloatOps.executeCompare(cpu, i, true, true);
            case PTEST -> FloatOps.executeTest(cpu, i, -1L);
            case VTESTPS -> FloatOps.executeTest(cpu, i, SIGNS_32);
            case VTESTPD -> FloatOps.executeTest(cpu, i, Long.MIN_VALUE);
            case PXOR, XORPS, XORPD -> CommonLanes.xor(cpu, i);
            case PAND, ANDPS, ANDPD -> CommonLanes.and(cpu, i);
            case PANDN, ANDNPS, ANDNPD -> CommonLanes.andNot(cpu, i);
            case POR, ORPS, ORPD -> CommonLanes.or(cpu, i);
            case PADDB -> CommonLanes.addBytes(cpu, i);
            case PADDD -> CommonLanes.addDwords(cpu, i);
            case PADDQ -> CommonLanes.addQwords(cpu, i);
            case PSUBB -> CommonLanes.subtractBytes(cpu, i);
            case PSUBD -> CommonLanes.subtractDwords(cpu, i);
            case PCMPEQB -> CommonLanes.equalBytes(cpu, i);
            case PCMPEQD -> CommonLanes.equalDwords(cpu, i);
            case PMINUB -> CommonLanes.leastBytes(cpu, i);
            case PADDW,
                    PADDSB,
                    PADDSW,
                    PADDUSB,
                    PADDUSW,
                    PSUBW,
                    PSUBQ,
                    PSUBSB,
                    PSUBSW,
                    PSUBUSB,
                    PSUBUSW,
                    PMULLW,
                    PMULHW,
                    PMULHUW,
                    PMULUDQ,
                    PMULDQ,
                    PMULLD,
                    PMULHRSW,
                    PMADDWD,
                    PMADDUBSW,
                    PABSB,
                    PABSW,
                    PABSD,
                    PSIGNB,
                    PSIGNW,
                    PSIGND,
                    PAVGB,
                    PAVGW,
                    PSADBW,
                    PMINSB,
                    PMINSW,
                    PMINSD,
                    PMINUW,
                    PMINUD,
                    PMAXSB,
                    PMAXSW,
                    PMAXSD,
                    PMAXUB,
                    PMAXUW,
                    PMAXUD,
                    PCMPEQW,
                    PCMPEQQ,
                    PCMPGTB,
                    PCMPGTW,
                    PCMPGTD,
                    PCMPGTQ,
                    VPSLLVD,
                    VPSLLVQ,
                    VPSRLVD,
                    VPSRLVQ,
                    VPSRAVD,
                    MOVSLDUP,
                    MOVSHDUP ->
                    IntegerLanes.execute(cpu, i);
            case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD -> Shifts.execute(cpu, i);
            case PSLLDQ, PSRLDQ -> Shifts.executeBytes(cpu, i);
            case PACKSSWB,
                    PACKSSDW,
                    PACKUSWB,
                    PACKUSDW,
                    PHADDW,
                    PHADDD,
                    PHADDSW,
                    PHSUBW,
                    PHSUBD,
                    PHSUBSW ->
                    Packs.execute(cpu, i);
            case PUNPCKLBW,
                    PUNPCKLWD,
                    PUNPCKLDQ,
                    PUNPCKLQDQ,
                    PUNPCKHBW,
                    PUNPCKHWD,
                    PUNPCKHDQ,
                    PUNPCKHQDQ,
                    UNPCKLPS,
                    UNPCKLPD,
                    UNPCKHPS,
                    UNPCKHPD ->
                    Packs.executeInterleave(cpu, i);
            case PSHUFB,
                    PSHUFD,
                    PSHUFHW,
                    PSHUFLW,
                    PSHUFW,
                    PALIGNR,
                    SHUFPS,
                    SHUFPD,
                    BLENDPS,
                    BLENDPD,
                    PBLENDW,
                    VPBLENDD,
                    VPERMILPS,
                    VPERMILPD,
                    MOVDDUP ->
                    Shuffles.execute(cpu, i);
            case PINSRB, PINSRW, PINSRD -> Shuffles.executeInsert(cpu, i);
            case PEXTRB, PEXTRW, PEXTRD, EXTRACTPS -> Shuffles.executeExtract(cpu, i);
            case PMOVSXBW,
                    PMOVSXBD,
                    PMOVSXBQ,
                    PMOVSXWD,
                    PMOVSXWQ,
                    PMOVSXDQ,
                    PMOVZXBW,
                    PMOVZXBD,
                    PMOVZXBQ,
                    PMOVZXWD,
                    PMOVZXWQ,
                    PMOVZXDQ ->
                    Shuffles.executeExtend(cpu, i);
            default -> executeRarer(cpu, i);
        }
    }

    /** Which instructions would not be stopped by an operating system: 1 legacy, 2 with VEX. */
    public static int enabled(Cpu cpu) {
        int legacy = (cpu.cr0 & CR0_EM_TS) == 0 && (cpu.cr4 & Cpu.CR4_OSFXSR) != 0 ? 1 : 0;
        boolean vex =
                (cpu.cr4 & Cpu.CR4_OSXSAVE) != 0
                        && (cpu.xcr0 & XCR0_SSE_AVX) == XCR0_SSE_AVX
                        && (cpu.cr0 & Cpu.CR0_TS) == 0;
        return legacy | (vex ? 2 : 0);
    }

    private static void executeRarer(Cpu cpu, Instruction i) {
        switch (i.op) {
            case MOVLPS, MOVLPD, MOVHPS, MOVHPD, MOVHLPS, MOVLHPS -> Moves.half(cpu, i);
            case MOVMSKPS -> Moves.signMask(cpu, i, true);
            case MOVMSKPD -> Moves.signMask(cpu, i, false);
            case MOVQ2DQ, MOVDQ2Q -> Moves.crossing(cpu, i);
            case MASKMOVQ, MASKMOVDQU -> Moves.maskedBytes(cpu, i);
            case VMASKMOVPS, VPMASKMOVD -> Moves.masked(cpu, i, 4);
            case VMASKMOVPD, VPMASKMOVQ -> Moves.masked(cpu, i, 8);
            case ADDSUBPS, ADDSUBPD -> FloatOps.executeAddSub(cpu, i);
            case HADDPS, HADDPD, HSUBPS, HSUBPD -> FloatOps.executeHorizontal(cpu, i);
            case DPPS, DPPD -> FloatOps.executeDotProduct(cpu, i);
            case CVTSI2SS, CVTSI2SD -> Conversions.fromGeneral(cpu, i);
            case CVTSS2SI -> Conversions.toGeneral(cpu, i, false, false);
            case CVTSD2SI -> Conversions.toGeneral(cpu, i, true, false);
            case CVTTSS2SI -> Conversions.toGeneral(cpu, i, false, true);
            case CVTTSD2SI -> Conversions.toGeneral(cpu, i, true, true);
            case CVTSS2SD, CVTSD2SS -> Conversions.scalar(cpu, i);
            case CVTDQ2PS, CVTPS2DQ, CVTTPS2DQ -> Conversions.same(cpu, i);
            case CVTPS2PD, CVTDQ2PD -> Conversions.widen(cpu, i);
            case CVTPD2PS, CVTPD2DQ, CVTTPD2DQ -> Conversions.narrow(cpu, i);
            case CVTPI2PS, CVTPI2PD, CVTPS2PI, CVTPD2PI, CVTTPS2PI, CVTTPD2PI ->
                    Conversions.withMmx(cpu, i);
            case VCVTPH2PS -> Conversions.fromHalf(cpu, i);
            case VCVTPS2PH -> Conversions.toHalf(cpu, i);
            case BLENDVPS, BLENDVPD, PBLENDVB -> Shuffles.executeVariableBlend(cpu, i);
            case INSERTPS -> Shuffles.executeInsertPs(cpu, i);
            case MPSADBW -> Shuffles.executeMpsadbw(cpu, i);
            case PHMINPOSUW -> Shuffles.executeMinimumPosition(cpu, i);
            case PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM -> StringCompare.execute(cpu, i);
            case AESENC, AESENCLAST, AESDEC, AESDECLAST, AESIMC, AESKEYGENASSIST ->
                    Aes.execute(cpu, i);
            case PCLMULQDQ -> CarrylessProduct.execute(cpu, i);
            case SHA1MSG1, SHA1MSG2, SHA1NEXTE, SHA1RNDS4, SHA256MSG1, SHA256MSG2, SHA256RNDS2 ->
                    Sha.execute(cpu, i);
            case VBROADCASTSS,
                    VBROADCASTSD,
                    VBROADCASTF128,
                    VBROADCASTI128,
                    VPBROADCASTB,
                    VPBROADCASTW,
                    VPBROADCASTD,
                    VPBROADCASTQ ->
                    Permutes.executeBroadcast(cpu, i);
            case VEXTRACTF128, VEXTRACTI128 -> Permutes.executeExtract(cpu, i);
            case VINSERTF128, VINSERTI128 -> Permutes.executeInsert(cpu, i);
            case VPERM2F128, VPERM2I128 -> Permutes.executePerm2(cpu, i);
            case VPERMPS, VPERMD -> Permutes.executeDword(cpu, i);
            case VPERMPD, VPERMQ -> Permutes.executeQuad(cpu, i);
            case VZEROUPPER, VZEROALL -> Permutes.executeZero(cpu, i.op);
            case VGATHERDPS, VPGATHERDD -> Gather.execute(cpu, i, 4, 4);
            case VGATHERDPD, VPGATHERDQ -> Gather.execute(cpu, i, 8, 4);
            case VGATHERQPS, VPGATHERQD -> Gather.execute(cpu, i, 4, 8);
            case VGATHERQPD, VPGATHERQQ -> Gather.execute(cpu, i, 8, 8);
            default -> executeFused(cpu, i);
        }
    }

    private static void executeFused(Cpu cpu, Instruction i) {
        switch (i.op) {
            case VFMADD132PS,
                    VFMADD213PS,
                    VFMADD231PS,
                    VFMSUB132PS,
                    VFMSUB213PS,
                    VFMSUB231PS,
                    VFNMADD132PS,
                    VFNMADD213PS,
                    VFNMADD231PS,
                    VFNMSUB132PS,
                    VFNMSUB213PS,
                    VFNMSUB231PS,
                    VFMADDSUB132PS,
                    VFMADDSUB213PS,
                    VFMADDSUB231PS,
                    VFMSUBADD132PS,
                    VFMSUBADD213PS,
                    VFMSUBADD231PS ->
                    Fma.packedSingle(cpu, i);
            case VFMADD132PD,
                    VFMADD213PD,
                    VFMADD231PD,
                    VFMSUB132PD,
                    VFMSUB213PD,
                    VFMSUB231PD,
                    VFNMADD132PD,
                    VFNMADD213PD,
                    VFNMADD231PD,
                    VFNMSUB132PD,
                    VFNMSUB213PD,
                    VFNMSUB231PD,
                    VFMADDSUB132PD,
                    VFMADDSUB213PD,
                    VFMADDSUB231PD,
                    VFMSUBADD132PD,
                    VFMSUBADD213PD,
                    VFMSUBADD231PD ->
                    Fma.packedDouble(cpu, i);
            case VFMADD132SS,
                    VFMADD213SS,
                    VFMADD231SS,
                    VFMSUB132SS,
                    VFMSUB213SS,
                    VFMSUB231SS,
                    VFNMADD132SS,
                    VFNMADD213SS,
                    VFNMADD231SS,
                    VFNMSUB132SS,
                    VFNMSUB213SS,
                    VFNMSUB231SS ->
                    Fma.scalarSingle(cpu, i);
            case VFMADD132SD,
                    VFMADD213SD,
                    VFMADD231SD,
                    VFMSUB132SD,
                    VFMSUB213SD,
                    VFMSUB231SD,
                    VFNMADD132SD,
                    VFNMADD213SD,
                    VFNMADD231SD,
                    VFNMSUB132SD,
                    VFNMSUB213SD,
                    VFNMSUB231SD ->
                    Fma.scalarDouble(cpu, i);
            default -> throw cpu.ud();
        }
    }

    /** AVX state must be enabled and the unit available. */
    private static void checkVex(Cpu cpu) {
        if ((cpu.cr4 & Cpu.CR4_OSXSAVE) == 0 || (cpu.xcr0 & XCR0_SSE_AVX) != XCR0_SSE_AVX) {
            throw cpu.ud();
        }
        if ((cpu.cr0 & Cpu.CR0_TS) != 0) {
            throw cpu.fault(Vector.NM);
        }
    }

    /** MMX instructions do not need CR4.OSFXSR, but heed waiting x87 exceptions. */
    private static void checkLegacy(Cpu cpu, Instruction i) {
        boolean mmx = i.kind[0] == Operand.MMX || i.kind[1] == Operand.MMX;
        boolean xmm = !mmx || i.kind[0] == Operand.XMM || i.kind[1] == Operand.XMM;
        if ((cpu.cr0 & Cpu.CR0_EM) != 0 || (xmm && (cpu.cr4 & Cpu.CR4_OSFXSR) == 0)) {
            throw cpu.ud();
        }
        if ((cpu.cr0 & Cpu.CR0_TS) != 0) {
            throw cpu.fault(Vector.NM);
        }
        if (mmx && (cpu.x87.status & X87_ES) != 0) {
            throw cpu.fault(Vector.MF);
        }
    }
}
