// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static java.lang.constant.ConstantDescs.CD_long;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;

/** Writes shuffles, interleavings, alignments and blends by an immediate. */
final class ShuffleEmitter {
    private static final ClassDesc SHUFFLES = ClassDesc.of("dev.vitrine.processor.vector.Shuffles");
    private static final MethodTypeDesc SELECT =
            MethodTypeDesc.of(CD_long, CD_long, CD_long, CD_long);

    private final LaneAccess lanes;
    private final CodeBuilder code;

    ShuffleEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case PSHUFB,
                    PSHUFD,
                    PSHUFLW,
                    PSHUFHW,
                    SHUFPS,
                    SHUFPD,
                    PALIGNR,
                    BLENDPS,
                    BLENDPD,
                    PBLENDW,
                    VPBLENDD,
                    MOVDDUP,
                    INSERTPS,
                    PUNPCKLBW,
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
                    true;
            case VPERMILPS, VPERMILPD -> i.kind[i.operands - 1] == Operand.IMM;
            default -> false;
        };
    }

    void emit(Instruction i, Label miss) {
        if (i.op == Op.INSERTPS) {
            insertSingle(i, miss);
            return;
        }
        int n = LaneAccess.lastSource(i);
        boolean half = i.op == Op.MOVDDUP && i.vectorLength == 16;
        lanes.fetch(i, n, half ? 8 : i.vectorLength, false, miss);
        int a = LaneAccess.firstSource(i, n);
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k += 2) {
            if (duplicates(i, n)) {
                // The way of compilers to have a number in both lanes; what is known of it stays.
                lanes.copy(i.reg[0], k + 1, i.reg[n], k);
                lanes.copy(i.reg[0], k, i.reg[n], k);
                continue;
            }
            for (int h = 0; h < 2; h++) {
                half(i, n, a, k, h);
            }
            lanes.pop(i.reg[0], k + 1);
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, count);
    }

    /** The lower lane becomes both. */
    private static boolean duplicates(Instruction i, int n) {
        return i.kind[n] == Operand.XMM
                && switch (i.op) {
                    case UNPCKLPD, PUNPCKLQDQ -> i.reg[n] == LaneAccess.firstSource(i, n);
                    case MOVDDUP -> true;
                    default -> false;
                };
    }

    /** Pushes the lower (h is 0) or upper half of the 128 bits that begin with lane k. */
    private void half(Instruction i, int n, int a, int k, int h) {
        int imm = (int) i.imm & 0xFF;
        Runnable alo = () -> lanes.push(a, k);
        Runnable ahi = () -> lanes.push(a, k + 1);
        Runnable blo = () -> lanes.pushOperand(i, n, k);
        Runnable bhi = () -> lanes.pushOperand(i, n, k + 1);
        Runnable mine = h == 0 ? blo : bhi;
        Runnable first = h == 0 ? alo : ahi;
        switch (i.op) {
            case PSHUFD, VPERMILPS -> pair(blo, bhi, imm >> 4 * h);
            case SHUFPS -> {
                if (h == 0) {
                    pair(alo, ahi, imm);
                } else {
                    pair(blo, bhi, imm >> 4);
                }
            }
            case SHUFPD -> {
                boolean upper = (imm >> k + h & 1) != 0;
                if (h == 0) {
                    (upper ? ahi : alo).run();
                } else {
                    (upper ? bhi : blo).run();
                }
            }
            case VPERMILPD -> ((imm >> k + h & 1) != 0 ? bhi : blo).run();
            case MOVDDUP -> blo.run();
            case PSHUFLW -> words(h == 0, mine, imm);
            case PSHUFHW -> words(h == 1, mine, imm);
            case PALIGNR -> align(new Runnable[] {blo, bhi, alo, ahi}, imm + 8 * h);
            case BLENDPS, VPBLENDD -> blend(first, mine, doublewords(imm >> 2 * (k + h)));
            case BLENDPD -> blend(first, mine, (imm >> k + h & 1) != 0 ? -1 : 0);
            case PBLENDW -> blend(first, mine, words(imm >> 4 * h));
            case PSHUFB -> {
                alo.run();
                ahi.run();
                mine.run();
                code.invokestatic(SHUFFLES, "pshufb", SELECT);
            }
            default -> interleave(i.op, alo, ahi, blo, bhi, h);
        }
    }

    /** Two doublewords of a 128-bit value, chosen by bits 0 to 1 and 2 to 3. */
    private void pair(Runnable lo, Runnable hi, int selector) {
        int low = selector & 3;
        int high = selector >> 2 & 3;
        Runnable x = low < 2 ? lo : hi;
        Runnable y = high < 2 ? lo : hi;
        if ((low & 2) == (high & 2) && (low & 1) != (high & 1)) {
            x.run();
            if ((low & 1) != 0) {
                // Two shifts, which HotSpot knows to be a rotation.
                code.loadConstant(32).lushr();
                x.run();
                code.loadConstant(32).lshl().lor();
            }
            return;
        }
        LaneCode.of(
                        ((low & 1) != 0 ? "a >>>32 " : "a LOW32 & ")
                                + ((high & 1) != 0 ? "b HIGH_HALF & |" : "b <<32 |"))
                .write(code, x, y);
    }

    /** The four words of a half, chosen by two bits each; or the half as it is. */
    private void words(boolean shuffled, Runnable half, int imm) {
        if (!shuffled) {
            half.run();
            return;
        }
        // Words that move by the same distance do so together.
        boolean first = true;
        for (int distance = -3; distance <= 3; distance++) {
            long mask = 0;
            for (int k = 0; k < 4; k++) {
                if (k - (imm >> 2 * k & 3) == distance) {
                    mask |= 0xFFFFL << 16 * k;
                }
            }
            if (mask == 0) {
                continue;
            }
            half.run();
            if (distance > 0) {
                code.loadConstant(16 * distance).lshl();
            } else if (distance < 0) {
                code.loadConstant(-16 * distance).lushr();
            }
            if (mask != -1) {
                code.loadConstant(mask).land();
            }
            if (!first) {
                code.lor();
            }
            first = false;
        }
    }

    /** Eight bytes of four lanes, from a position on; beyond are zeros. */
    private void align(Runnable[] source, int position) {
        int n = position >> 3;
        int bits = (position & 7) * 8;
        if (n > 3) {
            code.lconst_0();
            return;
        }
        source[n].run();
        if (bits != 0) {
            code.loadConstant(bits).lushr();
            if (n < 3) {
                source[n + 1].run();
                code.loadConstant(64 - bits).lshl().lor();
            }
        }
    }

    private static long doublewords(int bits) {
        return ((bits & 1) != 0 ? 0xFFFF_FFFFL : 0) | ((bits & 2) != 0 ? ~0xFFFF_FFFFL : 0);
    }

    private static long words(int bits) {
        long mask = 0;
        for (int k = 0; k < 4; k++) {
            mask |= (bits >> k & 1) != 0 ? 0xFFFFL << 16 * k : 0;
        }
        return mask;
    }

    private void blend(Runnable a, Runnable b, long mask) {
        if (mask == 0) {
            a.run();
        } else if (mask == -1) {
            b.run();
        } else {
            a.run();
            code.loadConstant(~mask).land();
            b.run();
            code.loadConstant(mask).land().lor();
        }
    }

    private void interleave(Op op, Runnable alo, Runnable ahi, Runnable blo, Runnable bhi, int h) {
        boolean upper =
                switch (op) {
                    case PUNPCKHBW, PUNPCKHWD, PUNPCKHDQ, PUNPCKHQDQ, UNPCKHPS, UNPCKHPD -> true;
                    default -> false;
                };
        Runnable x = upper ? ahi : alo;
        Runnable y = upper ? bhi : blo;
        String from = h == 0 ? "" : " >>>32";
        String text =
                switch (op) {
                    case PUNPCKLQDQ, PUNPCKHQDQ, UNPCKLPD, UNPCKHPD -> h == 0 ? "a" : "b";
                    case PUNPCKLBW, PUNPCKHBW ->
                            Host.DEPOSITS
                                    ? "a" + from + " EVEN8 deposit b" + from + " ODD8 deposit |"
                                    : "a"
                                            + from
                                            + LaneTable.BYTES_TO_WORDS
                                            + " b"
                                            + from
                                            + LaneTable.BYTES_TO_WORDS
                                            + " <<8 |";
                    case PUNPCKLWD, PUNPCKHWD ->
                            Host.DEPOSITS
                                    ? "a" + from + " EVEN16 deposit b" + from + " ODD16 deposit |"
                                    : "a"
                                            + from
                                            + LaneTable.WORDS_TO_DOUBLEWORDS
                                            + " b"
                                            + from
                                            + LaneTable.WORDS_TO_DOUBLEWORDS
                                            + " <<16 |";
                    default -> h == 0 ? "a LOW32 & b <<32 |" : "a >>>32 b HIGH_HALF & |";
                };
        LaneCode.of(text).write(code, x, y);
    }

    private void insertSingle(Instruction i, Label miss) {
        int imm = (int) i.imm & 0xFF;
        int n = LaneAccess.lastSource(i);
        boolean inMemory = lanes.fetch(i, n, 4, false, miss);
        int a = LaneAccess.firstSource(i, n);
        int from = inMemory ? 0 : imm >> 6;
        int at = imm >> 4 & 3;
        for (int h = 0; h < 2; h++) {
            long keep = ~doublewords(imm >> 2 * h);
            long taken = h == at >> 1 ? doublewords(1 << (at & 1)) : 0;
            lanes.push(a, h);
            code.loadConstant(~taken & keep).land();
            if ((taken & keep) != 0) {
                lanes.pushOperand(i, n, from >> 1);
                LaneCode.of((from & 1) != 0 ? ">>>32" : "LOW32 &").write(code);
                if ((at & 1) != 0) {
                    code.loadConstant(32).lshl();
                }
                code.lor();
            }
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }
}
