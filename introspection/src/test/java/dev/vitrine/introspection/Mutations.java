// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** Inputs for tests that want many: seeds changed at random, from a fixed seed. */
public final class Mutations {
    private static final int[] NASTY = {
        0,
        1,
        0x7f,
        0x80,
        0xff,
        0x7fff,
        0x8000,
        0xffff,
        0x7fff_ffff,
        0x8000_0000,
        -1,
        -2,
        -16,
        4095,
        4096
    };

    private final Random random;
    private final List<byte[]> seeds;

    public Mutations(long seed, List<byte[]> seeds) {
        this.random = new Random(seed);
        this.seeds = seeds;
    }

    public byte[] next() {
        byte[] bytes = seeds.get(random.nextInt(seeds.size())).clone();
        for (int n = random.nextInt(4); n >= 0 && bytes.length > 0; n--) {
            int at = random.nextInt(bytes.length);
            switch (random.nextInt(6)) {
                case 0 -> bytes[at] = (byte) random.nextInt();
                case 1 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 2 -> word(bytes, at & ~3, NASTY[random.nextInt(NASTY.length)]);
                case 3 -> bytes = Arrays.copyOf(bytes, at);
                case 4 -> {
                    int from = random.nextInt(bytes.length);
                    int length = Math.min(random.nextInt(64), bytes.length - Math.max(from, at));
                    System.arraycopy(bytes, from, bytes, at, length);
                }
                default -> bytes[at] = (byte) " \t\n#'\"\\[],;=+0x/@".charAt(random.nextInt(17));
            }
        }
        return bytes;
    }

    private static void word(byte[] bytes, int at, int value) {
        for (int i = 0; i < 4 && at + i < bytes.length; i++) {
            bytes[at + i] = (byte) (value >>> 8 * i);
        }
    }
}
