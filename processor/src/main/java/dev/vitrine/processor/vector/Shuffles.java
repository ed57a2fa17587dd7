// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.mmx;
import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;
import static dev.vitrine.processor.vector.VectorOperands.writeMmx;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.decode.Op;
import dev.vitrine.processor.decode.Operand;

/** Shuffles, blends and alignments inside 128-bit lanes. */
public final class Shuffles {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Shuffles() {}

    static void execute(Cpu cpu, Instruction i) {
        Op op = i.op;
        int imm = (int) i.imm & 0xFF;
        int n = VectorOperands.lastSource(i);
        if (i.kind[0] == Operand.MMX) {
            executeMmx(cpu, i, imm);
            return;
        }
        int s = source(cpu, i, n);
        int d = i.reg[0] << 2;
        int a = n == 2 ? i.reg[1] << 2 : d;
        long[] v = cpu.v;
        int longs = i.vectorLength >> 3;
        for (int k = 0; k < longs; k += 2) {
            long alo = v[a + k];
            long ahi = v[a + k + 1];
            long blo = v[s + k];
            long bhi = v[s + k + 1];
            long lo;
            long hi;
            switch (op) {
                case PSHUFB -> {
                    lo = pshufb(alo, ahi, blo);
                    hi = pshufb(alo, ahi, bhi);
                }
                case PSHUFD -> {
                    lo = pair(blo, bhi, imm);
                    hi = pair(blo, bhi, imm >> 4);
                }
                case PSHUFLW -> {
                    lo = pshufw(blo, imm);
                    hi = bhi;
                }
                case PSHUFHW -> {
                    lo = blo;
                    hi = pshufw(bhi, imm);
                }
                case SHUFPS -> {
                    lo = pair(alo, ahi, imm);
                    hi = pair(blo, bhi, imm >> 4);
                }
                case SHUFPD -> {
                    int sel = imm >> k;
                    lo = (sel & 1) != 0 ? ahi : alo;
                    hi = (sel & 2) != 0 ? bhi : blo;
                }
                case PALIGNR -> {
                    lo = palignr(alo, ahi, blo, bhi, imm);
                    hi = palignr(alo, ahi, blo, bhi, imm + 8);
                }
                case BLENDPS, VPBLENDD -> {
                    lo = select(dwordMask(imm >> (k * 2)), blo, alo);
                    hi = select(dwordMask(imm >> (k * 2 + 2)), bhi, ahi);
                }
                case BLENDPD -> {
                    lo = (imm >> k & 1) != 0 ? blo : alo;
                    hi = (imm >> k & 2) != 0 ? bhi : ahi;
                }
                case PBLENDW -> {
                    lo = select(wordMask(imm), blo, alo);
                    hi = select(wordMask(imm >> 4), bhi, ahi);
                }
                case VPERMILPS -> {
                    if (i.kind[i.operands - 1] == Operand.IMM) {
                        lo = pair(blo, bhi, imm);
                        hi = pair(blo, bhi, imm >> 4);
                    } else {
                        lo = pair(alo, ahi, (int) blo & 3 | (int) (blo >>> 30) & 12);
                        hi = pair(alo, ahi, (int) bhi & 3 | (int) (bhi >>> 30) & 12);
                    }
                }
                case VPERMILPD -> {
                    if (i.kind[i.operands - 1] == Operand.IMM) {
                        lo = (imm >> k & 1) != 0 ? bhi : blo;
                        hi = (imm >> k & 2) != 0 ? bhi : blo;
                    } else {
                        lo = (blo & 2) != 0 ? ahi : alo;
                        hi = (bhi & 2) != 0 ? ahi : alo;
                    }
                }
                case MOVDDUP -> {
                    lo = blo;
                    hi = blo;
                }
                default -> throw new IllegalStateException(op.name());
            }
            v[d + k] = lo;
            v[d + k + 1] = hi;
        }
        if (longs == 2) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    private static void executeMmx(Cpu cpu, Instruction i, int imm) {
        long b = mmx(cpu, i, 1);
        int r = i.reg[0] & 7;
        long a = cpu.x87.mantissa[r];
        long value =
                switch (i.op) {
                    case PSHUFW -> pshufw(b, imm);
                    case PSHUFB -> pshufb(a, a, b & 0x8787_8787_8787_8787L);
                    // Bytes of a:b; zeros come in from above a.
                    case PALIGNR ->
                            imm >= 16 ? 0 : imm >= 8 ? a >>> (imm - 8) * 8 : alignOne(a, b, imm);
                    default -> throw new IllegalStateException(i.op.name());
                };
        writeMmx(cpu, r, value);
    }

    private static long alignOne(long a, long b, int bytes) {
        return bytes == 0 ? b : b >>> bytes * 8 | a << -bytes * 8;
    }

    private static long select(long mask, long ifSet, long ifClear) {
        return ifSet & mask | ifClear & ~mask;
    }

    /** Two doublewords of a 128-bit value, chosen by bits 0 to 1 and 2 to 3. */
    public static long pair(long lo, long hi, int selector) {
        long x = (selector & 2) != 0 ? hi : lo;
        long y = (selector & 8) != 0 ? hi : lo;
        long low = (selector & 1) != 0 ? x >>> 32 : x & LOW32;
        long high = (selector & 4) != 0 ? y & ~LOW32 : y << 32;
        return low | high;
    }

    /** The four words of x, chosen by four 2-bit fields. */
    public static long pshufw(long x, int imm) {
        return x >>> ((imm & 3) << 4) & 0xFFFF
                | (x >>> ((imm >> 2 & 3) << 4) & 0xFFFF) << 16
                | (x >>> ((imm >> 4 & 3) << 4) & 0xFFFF) << 32
                | x >>> ((imm >> 6 & 3) << 4) << 48;
    }

    /** Eight bytes of hi:lo, chosen by each byte's low four bits; zero if its top bit is set. */
    public static long pshufb(long lo, long hi, long selector) {
        long other = lo ^ hi;
        long r =
                pick(lo, other, selector)
                        | pick(lo, other, selector >>> 8) << 8
                        | pick(lo, other, selector >>> 16) << 16
                        | pick(lo, other, selector >>> 24) << 24
                        | pick(lo, other, selector >>> 32) << 32
                        | pick(lo, other, selector >>> 40) << 40
                        | pick(lo, other, selector >>> 48) << 48
                        | pick(lo, other, selector >>> 56) << 56;
        long zero = selector & 0x8080_8080_8080_8080L;
        return r & ~((zero << 1) - (zero >>> 7));
    }

    /** A byte of two longs, the second of which is lo with other. */
    private static long pick(long lo, long other, long selector) {
        return (lo ^ other & -(selector >>> 3 & 1)) >>> (int) (selector << 3) & 0xFF;
    }

    /** Eight bytes from the position on of the 32 bytes a:b (b lower), zeros beyond. */
    public static long palignr(long alo, long ahi, long blo, long bhi, int position) {
        int n = position >> 3;
        long x = pick(alo, ahi, blo, bhi, n);
        int bits = (position & 7) * 8;
        return bits == 0 ? x : x >>> bits | pick(alo, ahi, blo, bhi, n + 1) << -bits;
    }

    private static long pick(long alo, long ahi, long blo, long bhi, int n) {
        return switch (n) {
            case 0 -> blo;
            case 1 -> bhi;
            case 2 -> alo;
            case 3 -> ahi;
            default -> 0;
        };
    }

    private static long dwordMask(int bits) {
        return ((bits & 1) != 0 ? LOW32 : 0) | ((bits & 2) != 0 ? ~LOW32 : 0);
    }

    private static long wordMask(int bits) {
        long spread = bits & 1 | (bits & 2) << 15 | (bits & 4L) << 30 | (bits & 8L) << 45;
        return spread * 0xFFFF;
    }

    /** BLENDVPS, BLENDVPD, PBLENDVB: the mask is operand 2 (legacy: XMM0) or 3. */
    static void executeVariableBlend(Cpu cpu, Instruction i) {
        int n = i.operands == 4 ? 2 : 1;
        int m = i.operands == 4 ? i.reg[3] << 2 : i.operands == 3 ? i.reg[2] << 2 : 0;
        int s = source(cpu, i, n);
        int d = i.reg[0] << 2;
        int a = n == 2 ? i.reg[1] << 2 : d;
        long[] v = cpu.v;
        for (int k = 0; k < i.vectorLength >> 3; k++) {
            long mask = v[m + k];
            mask =
                    switch (i.op) {
                        case PBLENDVB -> (mask >>> 7 & 0x0101_0101_0101_0101L) * 0xFF;
                        case BLENDVPS ->
                                dwordMask((int) (mask >>> 31) & 1 | (int) (mask >>> 62) & 2);
                        default -> mask >> 63;
                    };
            v[d + k] = select(mask, v[s + k], v[a + k]);
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    /** INSERTPS. */
    static void executeInsertPs(Cpu cpu, Instruction i) {
        int imm = (int) i.imm & 0xFF;
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        long[] v = cpu.v;
        long value = v[s];
        if (i.kind[n] != Operand.MEM) {
            value = pair(v[s], v[s + 1], imm >> 6);
        }
        long lo = v[a];
        long hi = v[a + 1];
        int at = imm >> 4 & 3;
        long mask = dwordMask(1 << (at & 1));
        value = (at & 1) != 0 ? value << 32 : value & LOW32;
        if (at < 2) {
            lo = select(mask, value, lo);
        } else {
            hi = select(mask, value, hi);
        }
        set128(cpu, i, lo & ~dwordMask(imm), hi & ~dwordMask(imm >> 2));
    }

    /** PINSRB, PINSRW, PINSRD (and Q). */
    static void executeInsert(Cpu cpu, Instruction i) {
        int n = i.operands - 2;
        long value = cpu.read(i, n);
        int imm = (int) i.imm;
        if (i.kind[0] == Operand.MMX) {
            int shift = (imm & 3) << 4;
            int r = i.reg[0] & 7;
            long x = cpu.x87.mantissa[r];
            writeMmx(cpu, r, x & ~(0xFFFFL << shift) | (value & 0xFFFF) << shift);
            return;
        }
        int bytes =
                switch (i.op) {
                    case PINSRB -> 1;
                    case PINSRW -> 2;
                    default -> i.size[n];
                };
        int at = imm * bytes & 15;
        int shift = (at & 7) << 3;
        long mask = (bytes == 8 ? -1L : (1L << bytes * 8) - 1) << shift;
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        long lo = cpu.v[a];
        long hi = cpu.v[a + 1];
        if (at < 8) {
            lo = select(mask, value << shift, lo);
        } else {
            hi = select(mask, value << shift, hi);
        }
        set128(cpu, i, lo, hi);
    }

    /** PEXTRB, PEXTRW, PEXTRD (and Q), EXTRACTPS. */
    static void executeExtract(Cpu cpu, Instruction i) {
        int imm = (int) i.imm;
        if (i.kind[1] == Operand.MMX) {
            long x = cpu.x87.mantissa[i.reg[1] & 7] >>> ((imm & 3) << 4) & 0xFFFF;
            VectorOperands.enterMmx(cpu);
            cpu.write(i, 0, x);
            return;
        }
        int bytes =
                switch (i.op) {
                    case PEXTRB -> 1;
                    case PEXTRW -> 2;
                    case EXTRACTPS -> 4;
                    default -> i.size[0];
                };
        int at = imm * bytes & 15;
        long x = cpu.v[(i.reg[1] << 2) + (at >> 3)] >>> ((at & 7) << 3);
        cpu.write(i, 0, Cpu.truncate(x, bytes));
    }

    /** PMOVSXxx and PMOVZXxx. */
    static void executeExtend(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        long b0 = v[s];
        long b1 = v[s + 1];
        int ratio = extendRatio(i.op);
        // Result k takes its elements from 64 / ratio bits of the source.
        int width = 64 / ratio;
        for (int k = 0; k < i.vectorLength >> 3; k++) {
            int bit = k * width;
            long x = (bit < 64 ? b0 : b1) >>> bit;
            v[d + k] = extend(i.op, x);
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    private static int extendRatio(Op op) {
        return switch (op) {
            case PMOVSXBW, PMOVZXBW, PMOVSXWD, PMOVZXWD, PMOVSXDQ, PMOVZXDQ -> 2;
            case PMOVSXBD, PMOVZXBD, PMOVSXWQ, PMOVZXWQ -> 4;
            default -> 8;
        };
    }

    /** Extends the lowest elements of x to fill a long. */
    public static long extend(Op op, long x) {
        return switch (op) {
            case PMOVZXBW -> Packs.spreadBytes(x);
            case PMOVZXWD -> Packs.spreadWords(x);
            case PMOVZXDQ -> x & LOW32;
            case PMOVZXBD -> x & 0xFF | (x & 0xFF00) << 24;
            case PMOVZXWQ -> x & 0xFFFF;
            case PMOVZXBQ -> x & 0xFF;
            case PMOVSXBW ->
                    IntegerLanes.words(
                            (byte) x, (byte) (x >>> 8), (byte) (x >>> 16), (byte) (x >>> 24));
            case PMOVSXWD -> IntegerLanes.join((short) x, (short) (x >>> 16));
            case PMOVSXDQ -> (int) x;
            case PMOVSXBD -> IntegerLanes.join((byte) x, (byte) (x >>> 8));
            case PMOVSXWQ -> (short) x;
            case PMOVSXBQ -> (byte) x;
            default -> throw new IllegalStateException(op.name());
        };
    }

    /** MPSADBW: sums of absolute differences of a sliding window (SDM volume 2). */
    static void executeMpsadbw(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        int d = i.reg[0] << 2;
        int a = n == 2 ? i.reg[1] << 2 : d;
        int imm = (int) i.imm;
        long[] v = cpu.v;
        for (int k = 0; k < i.vectorLength >> 3; k += 2) {
            long block = pair(v[s + k], v[s + k + 1], imm & 3) & LOW32;
            int from = imm & 4;
            long lo = 0;
            long hi = 0;
            for (int j = 0; j < 4; j++) {
                lo |= window(v[a + k], v[a + k + 1], from + j, block) << (j << 4);
                hi |= window(v[a + k], v[a + k + 1], from + 4 + j, block) << (j << 4);
            }
            v[d + k] = lo;
            v[d + k + 1] = hi;
            imm >>= 3;
        }
        if (i.vectorLength == 16) {
            VectorOperands.clearUpper(cpu, i, d);
        }
    }

    private static long window(long lo, long hi, int at, long block) {
        return IntegerLanes.psadbw(palignr(0, 0, lo, hi, at) & LOW32, block);
    }

    /** PHMINPOSUW: the least word and its position. */
    static void executeMinimumPosition(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        long best = Long.MAX_VALUE;
        for (int k = 0; k < 8; k++) {
            long w = cpu.v[s + (k >> 2)] >>> ((k & 3) << 4) & 0xFFFF;
            best = Math.min(best, w << 16 | k);
        }
        set128(cpu, i, best >>> 16 | (best & 7) << 16, 0);
    }
}
