// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.IntegerLanes.join;
import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/** SHA-1 and SHA-256 steps (FIPS 180-4, SDM volume 2). */
public final class Sha {
    private Sha() {}

    private static int low(long x) {
        return (int) x;
    }

    private static int high(long x) {
        return (int) (x >>> 32);
    }

    static void execute(Cpu cpu, Instruction i) {
        int s = source(cpu, i, 1);
        int d = i.reg[0] << 2;
        long[] v = cpu.v;
        long a0 = v[d];
        long a1 = v[d + 1];
        long b0 = v[s];
        long b1 = v[s + 1];
        switch (i.op) {
            case SHA1MSG1 -> {
                v[d + 1] = a1 ^ a0;
                v[d] = a0 ^ b1;
            }
            case SHA1MSG2 -> sha1msg2(v, d, a0, a1, b0, b1);
            case SHA1NEXTE -> {
                int e = Integer.rotateLeft(high(a1), 30);
                v[d] = b0;
                v[d + 1] = join(low(b1), high(b1) + e);
            }
            case SHA1RNDS4 -> sha1rounds(v, d, a0, a1, b0, b1, (int) i.imm & 3);
            case SHA256MSG1 -> {
                v[d] = messageOneLow(a0, a1, b0, b1);
                v[d + 1] = messageOneHigh(a0, a1, b0, b1);
            }
            case SHA256MSG2 -> {
                v[d] = messageTwoLow(a0, a1, b0, b1);
                v[d + 1] = messageTwoHigh(a0, a1, b0, b1);
            }
            case SHA256RNDS2 -> {
                long sums = sums(a0, a1, b0, v[0]);
                v[d] = roundsLow(sums, a1);
                v[d + 1] = roundsHigh(sums, b1, a1);
            }
            default -> throw new IllegalStateException(i.op.name());
        }
    }

    private static int sigma0(int x) {
        return Integer.rotateRight(x, 7) ^ Integer.rotateRight(x, 18) ^ x >>> 3;
    }

    private static int sigma1(int x) {
        return Integer.rotateRight(x, 17) ^ Integer.rotateRight(x, 19) ^ x >>> 10;
    }

    private static void sha1msg2(long[] v, int d, long a0, long a1, long b0, long b1) {
        int w16 = Integer.rotateLeft(high(a1) ^ low(b1), 1);
        int w17 = Integer.rotateLeft(low(a1) ^ high(b0), 1);
        int w18 = Integer.rotateLeft(high(a0) ^ low(b0), 1);
        int w19 = Integer.rotateLeft(low(a0) ^ w16, 1);
        v[d] = join(w19, w18);
        v[d + 1] = join(w17, w16);
    }

    private static void sha1rounds(
            long[] v, int s, long a0, long a1, long b0, long b1, int function) {
        int k =
                switch (function) {
                    case 0 -> 0x5A82_7999;
                    case 1 -> 0x6ED9_EBA1;
                    case 2 -> 0x8F1B_BCDC;
                    default -> 0xCA62_C1D6;
                };
        int a = high(a1);
        int b = low(a1);
        int c = high(a0);
        int d = low(a0);
        int e = 0;
        for (int n = 0; n < 4; n++) {
            // E is already in the first word (SHA1NEXTE), so it starts as zero.
            int w =
                    switch (n) {
                        case 0 -> high(b1);
                        case 1 -> low(b1);
                        case 2 -> high(b0);
                        default -> low(b0);
                    };
            int f =
                    switch (function) {
                        case 0 -> b & c ^ ~b & d;
                        case 2 -> b & c ^ b & d ^ c & d;
                        default -> b ^ c ^ d;
                    };
            int next = f + Integer.rotateLeft(a, 5) + w + e + k;
            e = d;
            d = c;
            c = Integer.rotateLeft(b, 30);
            b = a;
            a = next;
        }
        v[s] = join(d, c);
        v[s + 1] = join(b, a);
    }

    // The halves of SHA-256's results, from the destination a and the source b.

    public static long messageOneLow(long a0, long a1, long b0, long b1) {
        return join(low(a0) + sigma0(high(a0)), high(a0) + sigma0(low(a1)));
    }

    public static long messageOneHigh(long a0, long a1, long b0, long b1) {
        return join(low(a1) + sigma0(high(a1)), high(a1) + sigma0(low(b0)));
    }

    public static long messageTwoLow(long a0, long a1, long b0, long b1) {
        return join(low(a0) + sigma1(low(b1)), high(a0) + sigma1(high(b1)));
    }

    public static long messageTwoHigh(long a0, long a1, long b0, long b1) {
        int w16 = low(a0) + sigma1(low(b1));
        int w17 = high(a0) + sigma1(high(b1));
        return join(low(a1) + sigma1(w16), high(a1) + sigma1(w17));
    }

    private static int choose(int e, int f, int g) {
        return (f ^ g) & e ^ g;
    }

    private static int majority(int a, int b, int c) {
        return (a | b) & c | a & b;
    }

    private static int big0(int a) {
        return Integer.rotateRight(a, 2) ^ Integer.rotateRight(a, 13) ^ Integer.rotateRight(a, 22);
    }

    private static int big1(int e) {
        return Integer.rotateRight(e, 6) ^ Integer.rotateRight(e, 11) ^ Integer.rotateRight(e, 25);
    }

    /**
     * T1 of both of two rounds, the first one's lower: of CDGH in a, ABEF in b, and words with
     * their constants. The results have it in common; HotSpot, asked to find that out by itself,
     * gives up inlining in the middle of a block's 64 rounds.
     */
    public static long sums(long a0, long a1, long b0, long wk) {
        int e = high(b0);
        int f = low(b0);
        int g = high(a0);
        int first = choose(e, f, g) + big1(e) + low(wk) + low(a0);
        int next = first + low(a1);
        return join(first, choose(next, e, f) + big1(next) + high(wk) + g);
    }

    /** E and F behind two rounds. */
    public static long roundsLow(long sums, long a1) {
        return join(low(sums) + low(a1), high(sums) + high(a1));
    }

    /** A and B behind two rounds. */
    public static long roundsHigh(long sums, long b1, long a1) {
        int a = high(b1);
        int b = low(b1);
        int next = low(sums) + majority(a, b, high(a1)) + big0(a);
        return join(next, high(sums) + majority(next, a, b) + big0(next));
    }
}
