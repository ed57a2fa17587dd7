// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;
import dev.vitrine.processor.exec.LazyFlags;

import org.jspecify.annotations.Nullable;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;

/** Writes packed integer arithmetic, comparisons, shifts, packs, extensions and blends. */
final class LaneEmitter {
    private final LaneAccess lanes;
    private final CodeBuilder code;

    LaneEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ -> true;
            case PSRAW, PSRAD -> i.kind[i.operands - 1] == Operand.IMM;
            case PSLLDQ, PSRLDQ, PBLENDVB, BLENDVPS, BLENDVPD, PTEST -> true;
            default ->
                    LaneTable.lane(i.op) != null
                            || LaneTable.pack(i.op) != null
                            || LaneTable.extension(i.op) != null;
        };
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case PSLLW, PSLLD, PSLLQ, PSRLW, PSRLD, PSRLQ, PSRAW, PSRAD -> {
                if (i.kind[i.operands - 1] == Operand.IMM) {
                    int count = (int) i.imm & 0xFF;
                    each(i, i.operands - 1, shift(i.op, count));
                } else {
                    variableShift(i, miss);
                }
            }
            case PSLLDQ, PSRLDQ -> byteShift(i);
            case PBLENDVB, BLENDVPS, BLENDVPD -> variableBlend(i, miss);
            case PTEST -> test(i, miss);
            default -> byTable(i, miss);
        }
    }

    private void byTable(Instruction i, Label miss) {
        int n = i.operands - 1;
        LaneCode lane = LaneTable.lane(i.op);
        LaneCode pack = LaneTable.pack(i.op);
        if (lane != null) {
            lanes.fetch(i, n, i.vectorLength, false, miss);
            if (cancels(i, n)) {
                int count = i.vectorLength / 8;
                for (int k = 0; k < count; k++) {
                    lanes.clear(i.reg[0], k);
                }
                lanes.clearAbove(i, count);
            } else {
                each(i, n, lane);
            }
        } else if (pack != null) {
            lanes.fetch(i, n, i.vectorLength, false, miss);
            pack(i, n, pack);
        } else {
            extend(i, miss);
        }
    }

    /** An operand with itself gives zero: how compilers clear a register. */
    private static boolean cancels(Instruction i, int n) {
        boolean same = i.kind[n] != Operand.MEM && i.reg[n] == LaneAccess.firstSource(i, n);
        return same
                && switch (i.op) {
                    case PXOR, XORPS, XORPD, PANDN, ANDNPS, ANDNPD -> true;
                    case PSUBB, PSUBW, PSUBD, PSUBQ, PCMPGTB, PCMPGTW, PCMPGTD, PCMPGTQ -> true;
                    default -> false;
                };
    }

    /** A result for each lane, from the first source and operand n. */
    private void each(Instruction i, int n, LaneCode lane) {
        int a = LaneAccess.firstSource(i, n);
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k++) {
            int at = k;
            lane.write(code, () -> lanes.push(a, at), () -> lanes.pushOperand(i, n, at));
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, count);
    }

    private void pack(Instruction i, int n, LaneCode pack) {
        int a = LaneAccess.firstSource(i, n);
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k += 2) {
            int at = k;
            pack.write(code, () -> lanes.push(a, at), () -> lanes.push(a, at + 1));
            pack.write(
                    code, () -> lanes.pushOperand(i, n, at), () -> lanes.pushOperand(i, n, at + 1));
            lanes.pop(i.reg[0], k + 1);
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, count);
    }

    // ---------------------------------------------------------------------- shifts

    /** A shift by a constant. */
    private static LaneCode shift(Op op, int n) {
        int bits =
                switch (op) {
                    case PSLLW, PSRLW, PSRAW -> 16;
                    case PSLLD, PSRLD, PSRAD -> 32;
                    default -> 64;
                };
        boolean arithmetic = op == Op.PSRAW || op == Op.PSRAD;
        if (n == 0) {
            return LaneCode.of("a");
        }
        if (n >= bits && !arithmetic) {
            return LaneCode.of("0");
        }
        n = Math.min(n, bits - 1);
        long word = 0xFFFFL;
        long doubleword = 0xFFFF_FFFFL;
        return LaneCode.of(
                switch (op) {
                    case PSLLW -> "a <<" + n + " " + repeat(word << n & word, 16) + " &";
                    case PSRLW -> "a >>>" + n + " " + repeat(word >>> n, 16) + " &";
                    case PSLLD ->
                            "a <<" + n + " " + repeat(doubleword << n & doubleword, 32) + " &";
                    case PSRLD -> "a >>>" + n + " " + repeat(doubleword >>> n, 32) + " &";
                    case PSLLQ -> "a <<" + n;
                    case PSRLQ -> "a >>>" + n;
                    // The sign fills what becomes free.
                    case PSRAW ->
                            "a >>>"
                                    + n
                                    + " "
                                    + repeat(word >>> n, 16)
                                    + " & a HIGH16 & =v v <<1 v >>>"
                                    + n
                                    + " - |";
                    default -> "a i i>>" + n + " z a >>" + (32 + n) + " <<32 |";
                });
    }

    /** A number for every element, as a word of {@link LaneCode}. */
    private static String repeat(long element, int bits) {
        long all = element | element << bits;
        if (bits == 16) {
            all |= all << 32;
        }
        return "0x" + Long.toHexString(all);
    }

    /** By the low 64 bits of the last operand; nothing remains where that is 64 or more. */
    private void variableShift(Instruction i, Label miss) {
        int n = i.operands - 1;
        lanes.fetch(i, n, 16, false, miss);
        lanes.pushOperand(i, n, 0);
        // The count, and ones if it is less than 64.
        code.lstore(Locals.SCRATCH);
        code.lload(Locals.SCRATCH).loadConstant(-64L).land();
        LaneCode.of("=t t t neg | >>63 ~ =w").write(code);
        Runnable count = () -> code.lload(Locals.SCRATCH);
        String text =
                switch (i.op) {
                    case PSLLW -> "65535 b i << 65535 & ONE16 * a b i << & w &";
                    case PSRLW -> "65535 b i >>> ONE16 * a b i >>> & w &";
                    case PSLLD -> "a LOW32 & b i << LOW32 & a HIGH_HALF & b i << | w &";
                    case PSRLD -> "LOW32 b i >>> ONE32 * a b i >>> & w &";
                    case PSLLQ -> "a b i << w &";
                    default -> "a b i >>> w &";
                };
        LaneCode lane = LaneCode.of(text);
        int a = LaneAccess.firstSource(i, n);
        int longs = i.vectorLength / 8;
        for (int k = 0; k < longs; k++) {
            int at = k;
            lane.write(code, () -> lanes.push(a, at), count);
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, longs);
    }

    private void byteShift(Instruction i) {
        int s = i.operands == 3 ? i.reg[1] : i.reg[0];
        int bits = Math.min(16, (int) i.imm & 0xFF) * 8;
        boolean left = i.op == Op.PSLLDQ;
        int count = i.vectorLength / 8;
        for (int k = 0; k < count; k += 2) {
            int near = left ? k : k + 1;
            int far = left ? k + 1 : k;
            // far is the half that bits move into.
            if (bits >= 64) {
                lanes.push(s, near);
                shiftBy(bits - 64, left);
                code.lconst_0();
            } else {
                lanes.push(s, far);
                shiftBy(bits, left);
                if (bits > 0) {
                    lanes.push(s, near);
                    shiftBy(64 - bits, !left);
                    code.lor();
                }
                lanes.push(s, near);
                shiftBy(bits, left);
            }
            lanes.pop(i.reg[0], near);
            lanes.pop(i.reg[0], far);
        }
        lanes.clearAbove(i, count);
    }

    private void shiftBy(int bits, boolean left) {
        if (bits >= 64) {
            code.pop2().lconst_0();
        } else if (bits > 0) {
            code.loadConstant(bits);
            if (left) {
                code.lshl();
            } else {
                code.lushr();
            }
        }
    }

    // ------------------------------------------------------------------ extensions

    /** Elements of the source that fill a lane, by the part of 64 bits that they take. */
    private static int sourceBits(Op op) {
        return switch (op) {
            case PMOVSXBW, PMOVZXBW, PMOVSXWD, PMOVZXWD, PMOVSXDQ, PMOVZXDQ -> 32;
            case PMOVSXBD, PMOVZXBD, PMOVSXWQ, PMOVZXWQ -> 16;
            default -> 8;
        };
    }

    private void extend(Instruction i, Label miss) {
        int width = sourceBits(i.op);
        int longs = i.vectorLength / 8;
        lanes.fetch(i, 1, longs * width / 8, false, miss);
        LaneCode extension = java.util.Objects.requireNonNull(LaneTable.extension(i.op));
        // From above, so that a register can be its own source.
        for (int k = longs - 1; k >= 0; k--) {
            int bit = k * width;
            extension.write(
                    code,
                    () -> {
                        lanes.pushOperand(i, 1, bit >> 6);
                        if ((bit & 63) != 0) {
                            code.loadConstant(bit & 63).lushr();
                        }
                    });
        }
        for (int k = 0; k < longs; k++) {
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, longs);
    }

    // ---------------------------------------------------------------- blends, tests

    /** The register with the mask of a variable blend, or -1. */
    static int blendMask(Instruction i) {
        return switch (i.op) {
            case PBLENDVB, BLENDVPS, BLENDVPD ->
                    i.operands == 4 ? i.reg[3] : i.operands == 3 ? i.reg[2] : 0;
            default -> -1;
        };
    }

    private void variableBlend(Instruction i, Label miss) {
        int n = i.operands == 4 ? 2 : 1;
        lanes.fetch(i, n, i.vectorLength, false, miss);
        int a = LaneAccess.firstSource(i, n);
        int m = blendMask(i);
        LaneCode blend =
                LaneCode.of(
                        switch (i.op) {
                            case PBLENDVB -> "c HIGH8 & =v v <<1 v >>>7 - a b ^ & a ^";
                            case BLENDVPS -> "c HIGH32 & =v v <<1 v >>>31 - a b ^ & a ^";
                            default -> "c >>63 a b ^ & a ^";
                        });
        int longs = i.vectorLength / 8;
        for (int k = 0; k < longs; k++) {
            int at = k;
            blend.write(
                    code,
                    () -> lanes.push(a, at),
                    () -> lanes.pushOperand(i, n, at),
                    () -> lanes.push(m, at));
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, longs);
    }

    /** PTEST: ZF from and, CF from and-not. */
    private void test(Instruction i, Label miss) {
        lanes.fetch(i, 1, i.vectorLength, false, miss);
        boolean itself = i.kind[1] != Operand.MEM && i.reg[1] == i.reg[0];
        int longs = i.vectorLength / 8;
        combine(i, longs, itself ? LaneCode.of("b") : LaneCode.of("a b &"));
        LaneCode.of("=t t t neg | >>>63 <<8").write(code);
        code.lstore(lanes.flags.x);
        combine(i, longs, itself ? LaneCode.of("0") : LaneCode.of("a ~ b &"));
        // Carry if there was none; bit 8 makes the parity odd (Cpu.flagAux).
        LaneCode.of("=t t t neg | >>63 ~ <<62 256 |").write(code);
        code.lstore(lanes.flags.y);
        lanes.flags.set(LazyFlags.RAW);
    }

    private void combine(Instruction i, int longs, LaneCode each) {
        for (int k = 0; k < longs; k++) {
            int at = k;
            each.write(code, () -> lanes.push(i.reg[0], at), () -> lanes.pushOperand(i, 1, at));
            if (k > 0) {
                code.lor();
            }
        }
    }

    /** About how many nodes an instruction is for HotSpot, without its access to memory. */
    static int weight(Instruction i) {
        @Nullable LaneCode lane = LaneTable.lane(i.op);
        LaneCode pack = LaneTable.pack(i.op);
        LaneCode extension = LaneTable.extension(i.op);
        LaneCode found = lane != null ? lane : pack != null ? pack : extension;
        int longs = Math.max(2, i.vectorLength / 8);
        if (i.op == Op.PSHUFB) {
            return 12 * longs;
        }
        return found == null ? longs : longs * (found.length() + 8) / 16;
    }
}
