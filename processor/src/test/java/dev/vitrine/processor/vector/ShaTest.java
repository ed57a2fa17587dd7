// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.stream.IntStream;

/** Hashes of one block, made with the instructions as programs use them, against the JDK's. */
class ShaTest {
    private static final String TEXT = "nothing escapes, the walls are glass";

    private static int[] block() {
        byte[] padded = new byte[64];
        byte[] text = TEXT.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, padded, 0, text.length);
        padded[text.length] = (byte) 0x80;
        ByteBuffer b = ByteBuffer.wrap(padded).putLong(56, 8L * text.length);
        int[] words = new int[16];
        b.asIntBuffer().get(words);
        return words;
    }

    private static void set(VectorMachine m, int register, int w3, int w2, int w1, int w0) {
        m.xmm(register, (long) w3 << 32 | w2 & 0xFFFF_FFFFL, (long) w1 << 32 | w0 & 0xFFFF_FFFFL);
    }

    private static int word(VectorMachine m, int register, int n) {
        return (int) (m.cpu.v[4 * register + n / 2] >>> (n % 2 * 32));
    }

    /** Fractional parts of the cube roots of the first primes, FIPS 180-4 section 4.2.2. */
    private static int[] constants() {
        int[] k = new int[64];
        int n = 0;
        for (int p = 2; n < 64; p++) {
            int candidate = p;
            if (IntStream.range(2, p).allMatch(d -> candidate % d != 0)) {
                // 3 * 32 bits below the point.
                BigInteger cube = BigInteger.valueOf(p).shiftLeft(96);
                k[n++] = cubeRoot(cube).intValue();
            }
        }
        return k;
    }

    private static BigInteger cubeRoot(BigInteger x) {
        BigInteger r = BigInteger.ZERO;
        for (int bit = 40; bit >= 0; bit--) {
            BigInteger t = r.setBit(bit);
            if (t.pow(3).compareTo(x) <= 0) {
                r = t;
            }
        }
        return r;
    }

    @Test
    void sha256() throws Exception {
        int[] h = {
            0x6a09e667,
            0xbb67ae85,
            0x3c6ef372,
            0xa54ff53a,
            0x510e527f,
            0x9b05688c,
            0x1f83d9ab,
            0x5be0cd19
        };
        int[] w = Arrays.copyOf(block(), 64);
        int[] k = constants();
        assertThat(k[0]).isEqualTo(0x428a2f98);
        try (VectorMachine m = new VectorMachine()) {
            for (int t = 16; t < 64; t += 4) {
                set(m, 1, w[t - 13], w[t - 14], w[t - 15], w[t - 16]);
                set(m, 2, w[t - 9], w[t - 10], w[t - 11], w[t - 12]);
                m.run("0f38ccca"); // sha256msg1 xmm1, xmm2
                set(m, 3, w[t - 4], w[t - 5], w[t - 6], w[t - 7]);
                m.run("660ffecb"); // paddd xmm1, xmm3
                set(m, 2, w[t - 1], w[t - 2], w[t - 3], w[t - 4]);
                m.run("0f38cdca"); // sha256msg2 xmm1, xmm2
                for (int n = 0; n < 4; n++) {
                    w[t + n] = word(m, 1, n);
                }
            }
            set(m, 1, h[2], h[3], h[6], h[7]); // CDGH
            set(m, 2, h[0], h[1], h[4], h[5]); // ABEF
            for (int t = 0; t < 64; t += 4) {
                set(m, 0, 0, 0, w[t + 1] + k[t + 1], w[t] + k[t]);
                m.run("0f38cbca"); // sha256rnds2 xmm1, xmm2
                set(m, 0, 0, 0, w[t + 3] + k[t + 3], w[t + 2] + k[t + 2]);
                m.run("0f38cbd1"); // sha256rnds2 xmm2, xmm1
            }
            int[] end = {
                word(m, 2, 3), word(m, 2, 2), word(m, 1, 3), word(m, 1, 2),
                word(m, 2, 1), word(m, 2, 0), word(m, 1, 1), word(m, 1, 0)
            };
            ByteBuffer digest = ByteBuffer.allocate(32);
            for (int n = 0; n < 8; n++) {
                digest.putInt(h[n] + end[n]);
            }
            same("SHA-256", digest);
        }
    }

    @Test
    void sha1() throws Exception {
        int[] h = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
        int[] w = Arrays.copyOf(block(), 80);
        try (VectorMachine m = new VectorMachine()) {
            for (int t = 16; t < 80; t += 4) {
                set(m, 1, w[t - 16], w[t - 15], w[t - 14], w[t - 13]);
                set(m, 2, w[t - 12], w[t - 11], w[t - 10], w[t - 9]);
                m.run("0f38c9ca"); // sha1msg1 xmm1, xmm2
                set(m, 2, w[t - 8], w[t - 7], w[t - 6], w[t - 5]);
                m.run("660fefca"); // pxor xmm1, xmm2
                set(m, 2, w[t - 4], w[t - 3], w[t - 2], w[t - 1]);
                m.run("0f38caca"); // sha1msg2 xmm1, xmm2
                for (int n = 0; n < 4; n++) {
                    w[t + n] = word(m, 1, 3 - n);
                }
            }
            set(m, 1, h[0], h[1], h[2], h[3]);
            set(m, 2, h[4] + w[0], w[1], w[2], w[3]);
            for (int t = 0; t < 80; t += 4) {
                long lo = m.cpu.v[4];
                long hi = m.cpu.v[5];
                m.run("0f3accca0" + t / 20); // sha1rnds4 xmm1, xmm2, function
                if (t < 76) {
                    m.xmm(3, hi, lo);
                    set(m, 2, w[t + 4], w[t + 5], w[t + 6], w[t + 7]);
                    m.run("0f38c8da"); // sha1nexte xmm3, xmm2
                    m.xmm(2, m.cpu.v[13], m.cpu.v[12]);
                } else {
                    m.xmm(3, hi, lo);
                    set(m, 2, h[4], 0, 0, 0);
                    m.run("0f38c8da");
                }
            }
            ByteBuffer digest = ByteBuffer.allocate(20);
            for (int n = 0; n < 4; n++) {
                digest.putInt(h[n] + word(m, 1, 3 - n));
            }
            digest.putInt(word(m, 3, 3));
            same("SHA-1", digest);
        }
    }

    private static void same(String algorithm, ByteBuffer digest) throws Exception {
        byte[] want =
                MessageDigest.getInstance(algorithm)
                        .digest(TEXT.getBytes(StandardCharsets.US_ASCII));
        assertThat(HexFormat.of().formatHex(digest.array()))
                .isEqualTo(HexFormat.of().formatHex(want));
    }
}
