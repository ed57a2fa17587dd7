// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;

/** Writes moves of whole registers, of parts of them, and between them and general registers. */
final class MoveEmitter {
    private final LaneAccess lanes;
    private final CodeBuilder code;

    MoveEmitter(LaneAccess lanes) {
        this.lanes = lanes;
        this.code = lanes.code;
    }

    static boolean supports(Instruction i) {
        return switch (i.op) {
            case MOVUPS,
                    MOVUPD,
                    MOVDQU,
                    LDDQU,
                    MOVAPS,
                    MOVAPD,
                    MOVDQA,
                    MOVNTPS,
                    MOVNTPD,
                    MOVNTDQ,
                    MOVNTDQA,
                    MOVSS,
                    MOVSD,
                    MOVD,
                    MOVQ,
                    MOVLPS,
                    MOVLPD,
                    MOVHPS,
                    MOVHPD,
                    MOVHLPS,
                    MOVLHPS,
                    PMOVMSKB,
                    MOVMSKPS,
                    MOVMSKPD,
                    VZEROUPPER,
                    VZEROALL,
                    PINSRB,
                    PINSRW,
                    PINSRD,
                    PEXTRB,
                    PEXTRW,
                    PEXTRD,
                    EXTRACTPS,
                    VBROADCASTSS,
                    VBROADCASTSD,
                    VBROADCASTF128,
                    VBROADCASTI128,
                    VPBROADCASTB,
                    VPBROADCASTW,
                    VPBROADCASTD,
                    VPBROADCASTQ,
                    VEXTRACTF128,
                    VEXTRACTI128,
                    VINSERTF128,
                    VINSERTI128,
                    VPERM2F128,
                    VPERM2I128,
                    VPERMQ,
                    VPERMPD ->
                    true;
            default -> false;
        };
    }

    void emit(Instruction i, Label miss) {
        switch (i.op) {
            case MOVUPS, MOVUPD, MOVDQU, LDDQU -> whole(i, false, miss);
            case MOVAPS, MOVAPD, MOVDQA, MOVNTPS, MOVNTPD, MOVNTDQ, MOVNTDQA ->
                    whole(i, true, miss);
            case MOVSS -> scalar(i, 4, miss);
            case MOVSD -> scalar(i, 8, miss);
            case MOVD -> general(i, miss);
            case MOVQ -> quad(i, miss);
            case MOVLPS, MOVLPD, MOVHPS, MOVHPD, MOVHLPS, MOVLHPS -> half(i, miss);
            case PMOVMSKB ->
                    mask(i, Host.DEPOSITS ? "HIGH8 extract" : "HIGH8 & 0x2040810204081 * >>>56", 8);
            case MOVMSKPS -> mask(i, "=t t >>>31 1 & t >>>62 2 & |", 2);
            case MOVMSKPD -> mask(i, ">>>63", 1);
            case VZEROUPPER, VZEROALL -> {
                for (int r = 0; r < 16; r++) {
                    for (int k = i.op == Op.VZEROALL ? 0 : 2; k < 4; k++) {
                        lanes.clear(r, k);
                    }
                }
            }
            case PINSRB -> insert(i, 1, miss);
            case PINSRW -> insert(i, 2, miss);
            case PINSRD -> insert(i, i.size[LaneAccess.lastSource(i)], miss);
            case PEXTRB -> extract(i, 1, miss);
            case PEXTRW -> extract(i, 2, miss);
            case EXTRACTPS -> extract(i, 4, miss);
            case PEXTRD -> extract(i, i.size[0], miss);
            case VBROADCASTSS, VPBROADCASTD -> broadcast(i, 4, "LOW32 & =t t t <<32 |", miss);
            case VPBROADCASTB -> broadcast(i, 1, "255 & ONE8 *", miss);
            case VPBROADCASTW -> broadcast(i, 2, "65535 & ONE16 *", miss);
            case VBROADCASTSD, VPBROADCASTQ -> broadcast(i, 8, "", miss);
            case VBROADCASTF128, VBROADCASTI128 -> {
                lanes.fetch(i, 1, 16, false, miss);
                permute(i, new int[] {0, 1, 0, 1}, 1, 1);
            }
            case VEXTRACTF128, VEXTRACTI128 -> extractHalf(i, miss);
            case VINSERTF128, VINSERTI128 -> {
                lanes.fetch(i, 2, 16, false, miss);
                permute(
                        i,
                        (i.imm & 1) != 0 ? new int[] {0, 1, 4, 5} : new int[] {4, 5, 2, 3},
                        1,
                        2);
            }
            case VPERM2F128, VPERM2I128 -> exchangeHalves(i, miss);
            default -> {
                // VPERMQ, VPERMPD: by an immediate.
                int imm = (int) i.imm;
                lanes.fetch(i, 1, 32, false, miss);
                permute(i, new int[] {imm & 3, imm >> 2 & 3, imm >> 4 & 3, imm >> 6 & 3}, 1, 1);
            }
        }
    }

    private void whole(Instruction i, boolean aligned, Label miss) {
        int size = i.vectorLength;
        int n = size / 8;
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, size, true, aligned, miss);
            for (int k = 0; k < n; k++) {
                lanes.store(8, 8 * k, i.reg[1], k);
            }
            return;
        }
        boolean load = lanes.fetch(i, 1, size, aligned, miss);
        for (int k = 0; k < n; k++) {
            if (load) {
                lanes.pushTemp(k);
                lanes.pop(i.reg[0], k);
            } else {
                lanes.copy(i.reg[0], k, i.reg[1], k);
            }
        }
        lanes.clearAbove(i, n);
    }

    private void scalar(Instruction i, int size, Label miss) {
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, size, true, false, miss);
            lanes.store(size, 0, i.reg[1], 0);
            return;
        }
        if (lanes.fetch(i, 1, size, false, miss)) {
            lanes.pushTemp(0);
            lanes.pop(i.reg[0], 0);
            lanes.clear(i.reg[0], 1);
        } else {
            int s = i.reg[i.operands - 1];
            int a = LaneAccess.firstSource(i, i.operands - 1);
            if (size == 8) {
                lanes.copy(i.reg[0], 0, s, 0);
            } else {
                LaneCode.of("a LOW32 & b HIGH_HALF & |")
                        .write(code, () -> lanes.push(s, 0), () -> lanes.push(a, 0));
                lanes.pop(i.reg[0], 0);
            }
            lanes.copy(i.reg[0], 1, a, 1);
        }
        lanes.clearAbove(i, 2);
    }

    private void general(Instruction i, Label miss) {
        int other = i.kind[0] == Operand.XMM ? 1 : 0;
        int size = i.size[other];
        if (other == 1) {
            if (!lanes.fetch(i, 1, size, false, miss)) {
                lanes.uops.push(i.reg[1]);
                if (size == 4) {
                    code.loadConstant(0xFFFFFFFFL).land();
                }
            } else {
                lanes.pushTemp(0);
            }
            lanes.pop(i.reg[0], 0);
            lanes.clear(i.reg[0], 1);
            lanes.clearAbove(i, 2);
        } else if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, size, true, false, miss);
            lanes.store(size, 0, i.reg[1], 0);
        } else {
            lanes.push(i.reg[1], 0);
            if (size == 4) {
                code.loadConstant(0xFFFFFFFFL).land();
            }
            lanes.uops.pop(i.reg[0]);
        }
    }

    private void quad(Instruction i, Label miss) {
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, 8, true, false, miss);
            lanes.store(8, 0, i.reg[1], 0);
            return;
        }
        if (lanes.fetch(i, 1, 8, false, miss)) {
            lanes.pushTemp(0);
            lanes.pop(i.reg[0], 0);
        } else {
            lanes.copy(i.reg[0], 0, i.reg[1], 0);
        }
        lanes.clear(i.reg[0], 1);
        lanes.clearAbove(i, 2);
    }

    private void half(Instruction i, Label miss) {
        boolean high = i.op == Op.MOVHPS || i.op == Op.MOVHPD;
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, 8, true, false, miss);
            lanes.store(8, 0, i.reg[1], high ? 1 : 0);
            return;
        }
        int n = i.operands - 1;
        lanes.fetch(i, n, 8, false, miss);
        int a = LaneAccess.firstSource(i, n);
        switch (i.op) {
            case MOVLPS, MOVLPD -> {
                lanes.pushOperand(i, n, 0);
                lanes.push(a, 1);
            }
            case MOVHLPS -> {
                lanes.pushOperand(i, n, 1);
                lanes.push(a, 1);
            }
            default -> {
                lanes.push(a, 0);
                lanes.pushOperand(i, n, 0);
            }
        }
        lanes.pop(i.reg[0], 1);
        lanes.pop(i.reg[0], 0);
        lanes.clearAbove(i, 2);
    }

    /** PMOVMSKB and its like: some bits of each lane. */
    private void mask(Instruction i, String bits, int each) {
        LaneCode gather = LaneCode.of(bits);
        for (int k = 0; k < i.vectorLength / 8; k++) {
            lanes.push(i.reg[1], k);
            gather.write(code);
            if (k > 0) {
                code.loadConstant(each * k).lshl().lor();
            }
        }
        lanes.uops.pop(i.reg[0]);
    }

    // --------------------------------------------------------------------- elements

    private static long elementMask(int bytes) {
        return bytes == 8 ? -1L : (1L << 8 * bytes) - 1;
    }

    private void insert(Instruction i, int bytes, Label miss) {
        int n = LaneAccess.lastSource(i);
        boolean inMemory = lanes.fetch(i, n, bytes, false, miss);
        int at = (int) i.imm * bytes & 15;
        int shift = (at & 7) * 8;
        int a = LaneAccess.firstSource(i, n);
        int k = at >> 3;
        long mask = elementMask(bytes);
        if (inMemory) {
            lanes.pushTemp(0);
        } else {
            lanes.uops.push(i.reg[n]);
            code.loadConstant(mask).land();
        }
        code.loadConstant(shift).lshl();
        lanes.push(a, k);
        code.loadConstant(~(mask << shift)).land().lor();
        lanes.pop(i.reg[0], k);
        lanes.copy(i.reg[0], 1 - k, a, 1 - k);
        lanes.clearAbove(i, 2);
    }

    private void extract(Instruction i, int bytes, Label miss) {
        int at = (int) i.imm * bytes & 15;
        Runnable value =
                () -> {
                    lanes.push(i.reg[1], at >> 3);
                    if ((at & 7) != 0) {
                        code.loadConstant((at & 7) * 8).lushr();
                    }
                };
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, bytes, true, false, miss);
            lanes.memory.storeAt(bytes, 0, value);
        } else {
            value.run();
            if (bytes < 8) {
                code.loadConstant(elementMask(bytes)).land();
            }
            lanes.uops.pop(i.reg[0]);
        }
    }

    private void broadcast(Instruction i, int size, String spread, Label miss) {
        lanes.fetch(i, 1, size, false, miss);
        lanes.pushOperand(i, 1, 0);
        LaneCode.of(spread).write(code);
        lanes.popTemp(0);
        int n = i.vectorLength / 8;
        for (int k = 0; k < n; k++) {
            lanes.pushTemp(0);
            lanes.pop(i.reg[0], k);
        }
        lanes.clearAbove(i, n);
    }

    // ------------------------------------------------------------------ 128-bit lanes

    /** Sets four lanes: 0 to 3 are those of operand x, 4 to 7 of operand y, 8 is zero. */
    private void permute(Instruction i, int[] from, int x, int y) {
        for (int lane : from) {
            if (lane >= 8) {
                code.lconst_0();
            } else {
                lanes.pushOperand(i, lane < 4 ? x : y, lane & 3);
            }
        }
        for (int k = 3; k >= 0; k--) {
            lanes.pop(i.reg[0], k);
        }
    }

    private void exchangeHalves(Instruction i, Label miss) {
        int imm = (int) i.imm;
        lanes.fetch(i, 2, 32, false, miss);
        int[] from = new int[4];
        for (int k = 0; k < 4; k++) {
            int control = k < 2 ? imm : imm >> 4;
            from[k] = (control & 8) != 0 ? 8 : 2 * (control & 3) + (k & 1);
        }
        permute(i, from, 1, 2);
    }

    private void extractHalf(Instruction i, Label miss) {
        int from = 2 * ((int) i.imm & 1);
        if (i.kind[0] == Operand.MEM) {
            lanes.probe(i, 16, true, false, miss);
            lanes.store(8, 0, i.reg[1], from);
            lanes.store(8, 8, i.reg[1], from + 1);
        } else {
            permute(i, new int[] {from, from + 1, 8, 8}, 1, 1);
        }
    }
}
