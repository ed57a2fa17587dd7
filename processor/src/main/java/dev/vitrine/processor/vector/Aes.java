// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static dev.vitrine.processor.vector.VectorOperands.set128;
import static dev.vitrine.processor.vector.VectorOperands.source;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;

/**
 * AES rounds (FIPS 197, SDM volume 2). A 128-bit state is four columns of 32 bits, the first row in
 * the lowest byte. Rounds use tables that hold a substituted byte's contribution to a column.
 */
public final class Aes {
    private static final byte[] SBOX = new byte[256];
    private static final byte[] INVERSE_SBOX = new byte[256];

    /** S-box, then MixColumns of a byte in row 0. */
    private static final int[] ENCRYPT = new int[256];

    /** Inverse S-box, then InvMixColumns. */
    private static final int[] DECRYPT = new int[256];

    // The same of bytes in the other rows: for translated code, which has no time to rotate.
    public static final int[] ENCRYPT_0 = ENCRYPT;
    public static final int[] ENCRYPT_1 = new int[256];
    public static final int[] ENCRYPT_2 = new int[256];
    public static final int[] ENCRYPT_3 = new int[256];
    public static final int[] DECRYPT_0 = DECRYPT;
    public static final int[] DECRYPT_1 = new int[256];
    public static final int[] DECRYPT_2 = new int[256];
    public static final int[] DECRYPT_3 = new int[256];

    /** InvMixColumns of a byte in row 0. */
    private static final int[] INVERSE_MIX = new int[256];

    static {
        // Powers of the generator 3 and its inverse give inverses in GF(2^8).
        int p = 1;
        int q = 1;
        do {
            p = (p ^ p << 1 ^ ((p & 0x80) != 0 ? 0x11B : 0)) & 0xFF;
            q ^= q << 1;
            q ^= q << 2;
            q ^= q << 4;
            q &= 0xFF;
            if ((q & 0x80) != 0) {
                q ^= 0x09;
            }
            int x = q | q << 8;
            setBox(p, (q ^ x >> 7 ^ x >> 6 ^ x >> 5 ^ x >> 4 ^ 0x63) & 0xFF);
        } while (p != 1);
        setBox(0, 0x63);
        for (int k = 0; k < 256; k++) {
            int s = SBOX[k] & 0xFF;
            ENCRYPT[k] = multiply(s, 2) | s << 8 | s << 16 | multiply(s, 3) << 24;
            INVERSE_MIX[k] =
                    multiply(k, 14)
                            | multiply(k, 9) << 8
                            | multiply(k, 13) << 16
                            | multiply(k, 11) << 24;
        }
        for (int k = 0; k < 256; k++) {
            DECRYPT[k] = INVERSE_MIX[INVERSE_SBOX[k] & 0xFF];
            ENCRYPT_1[k] = Integer.rotateLeft(ENCRYPT[k], 8);
            ENCRYPT_2[k] = Integer.rotateLeft(ENCRYPT[k], 16);
            ENCRYPT_3[k] = Integer.rotateLeft(ENCRYPT[k], 24);
            DECRYPT_1[k] = Integer.rotateLeft(DECRYPT[k], 8);
            DECRYPT_2[k] = Integer.rotateLeft(DECRYPT[k], 16);
            DECRYPT_3[k] = Integer.rotateLeft(DECRYPT[k], 24);
        }
    }

    private Aes() {}

    private static void setBox(int from, int to) {
        SBOX[from] = (byte) to;
        INVERSE_SBOX[to] = (byte) from;
    }

    private static int multiply(int a, int b) {
        int r = 0;
        for (; b != 0; b >>= 1) {
            if ((b & 1) != 0) {
                r ^= a;
            }
            a = a << 1 ^ ((a & 0x80) != 0 ? 0x11B : 0);
        }
        return r & 0xFF;
    }

    static void execute(Cpu cpu, Instruction i) {
        int n = VectorOperands.lastSource(i);
        int s = source(cpu, i, n);
        long klo = cpu.v[s];
        long khi = cpu.v[s + 1];
        switch (i.op) {
            case AESIMC -> {
                set128(cpu, i, inverseMix(klo), inverseMix(khi));
                return;
            }
            case AESKEYGENASSIST -> {
                int rcon = (int) i.imm & 0xFF;
                set128(
                        cpu,
                        i,
                        keyAssist((int) (klo >>> 32), rcon),
                        keyAssist((int) (khi >>> 32), rcon));
                return;
            }
            default -> {}
        }
        int a = n == 2 ? i.reg[1] << 2 : i.reg[0] << 2;
        long lo = cpu.v[a];
        long hi = cpu.v[a + 1];
        int c0 = (int) lo;
        int c1 = (int) (lo >>> 32);
        int c2 = (int) hi;
        int c3 = (int) (hi >>> 32);
        switch (i.op) {
            case AESENC ->
                    set128(
                            cpu,
                            i,
                            klo
                                    ^ pair(
                                            mixed(ENCRYPT, c0, c1, c2, c3),
                                            mixed(ENCRYPT, c1, c2, c3, c0)),
                            khi
                                    ^ pair(
                                            mixed(ENCRYPT, c2, c3, c0, c1),
                                            mixed(ENCRYPT, c3, c0, c1, c2)));
            case AESENCLAST ->
                    set128(
                            cpu,
                            i,
                            klo ^ pair(plain(SBOX, c0, c1, c2, c3), plain(SBOX, c1, c2, c3, c0)),
                            khi ^ pair(plain(SBOX, c2, c3, c0, c1), plain(SBOX, c3, c0, c1, c2)));
            case AESDEC ->
                    set128(
                            cpu,
                            i,
                            klo
                                    ^ pair(
                                            mixed(DECRYPT, c0, c3, c2, c1),
                                            mixed(DECRYPT, c1, c0, c3, c2)),
                            khi
                                    ^ pair(
                                            mixed(DECRYPT, c2, c1, c0, c3),
                                            mixed(DECRYPT, c3, c2, c1, c0)));
            case AESDECLAST -> {
                byte[] box = INVERSE_SBOX;
                set128(
                        cpu,
                        i,
                        klo ^ pair(plain(box, c0, c3, c2, c1), plain(box, c1, c0, c3, c2)),
                        khi ^ pair(plain(box, c2, c1, c0, c3), plain(box, c3, c2, c1, c0)));
            }
            default -> throw new IllegalStateException(i.op.name());
        }
    }

    /**
     * Half of AESENCLAST without the key: the lower one, or the upper one if the halves of the
     * state are given in exchange.
     */
    public static long encryptLast(long lo, long hi) {
        int c0 = (int) lo;
        int c1 = (int) (lo >>> 32);
        int c2 = (int) hi;
        int c3 = (int) (hi >>> 32);
        return pair(plain(SBOX, c0, c1, c2, c3), plain(SBOX, c1, c2, c3, c0));
    }

    /** The same of AESDECLAST. */
    public static long decryptLast(long lo, long hi) {
        int c0 = (int) lo;
        int c1 = (int) (lo >>> 32);
        int c2 = (int) hi;
        int c3 = (int) (hi >>> 32);
        return pair(plain(INVERSE_SBOX, c0, c3, c2, c1), plain(INVERSE_SBOX, c1, c0, c3, c2));
    }

    private static long pair(int low, int high) {
        return IntegerLanes.join(low, high);
    }

    /** A column whose rows come from the given columns (that is ShiftRows), mixed. */
    private static int mixed(int[] table, int r0, int r1, int r2, int r3) {
        return table[r0 & 0xFF]
                ^ Integer.rotateLeft(table[r1 >>> 8 & 0xFF], 8)
                ^ Integer.rotateLeft(table[r2 >>> 16 & 0xFF], 16)
                ^ Integer.rotateLeft(table[r3 >>> 24], 24);
    }

    private static int plain(byte[] box, int r0, int r1, int r2, int r3) {
        return box[r0 & 0xFF] & 0xFF
                | (box[r1 >>> 8 & 0xFF] & 0xFF) << 8
                | (box[r2 >>> 16 & 0xFF] & 0xFF) << 16
                | box[r3 >>> 24] << 24;
    }

    /** Two columns of AESIMC. */
    public static long inverseMix(long columns) {
        int a = (int) columns;
        int b = (int) (columns >>> 32);
        return pair(mixed(INVERSE_MIX, a, a, a, a), mixed(INVERSE_MIX, b, b, b, b));
    }

    /** SubWord, and RotWord of it with the round constant. */
    public static long keyAssist(int x, int rcon) {
        int s = plain(SBOX, x, x, x, x);
        return pair(s, Integer.rotateRight(s, 8) ^ rcon);
    }
}
