// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.fp;

import java.util.SplittableRandom;

/** Random operands with a taste for the edges of the formats. */
final class Operands {
    private final SplittableRandom random;

    Operands(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Bits of a binary64 value, NaNs among them. */
    long wide() {
        long sign = random.nextLong() & Long.MIN_VALUE;
        long fraction =
                switch (random.nextInt(5)) {
                    case 0 -> 0;
                    case 1 -> 1L << random.nextInt(52);
                    case 2 -> (1L << 52) - 1 - random.nextInt(4);
                    default -> random.nextLong() >>> 12;
                };
        long exponent =
                switch (random.nextInt(8)) {
                    case 0 -> 0;
                    case 1 -> random.nextInt(3);
                    case 2 -> 0x7FF - random.nextInt(3);
                    case 3 -> random.nextInt(0x800);
                    case 4 -> 511 + random.nextInt(4);
                    default -> 1023 + random.nextInt(-60, 60);
                };
        return sign | exponent << 52 | fraction;
    }

    /** Bits of a binary32 value, NaNs among them. */
    int narrow() {
        int sign = random.nextInt() & Integer.MIN_VALUE;
        int fraction =
                switch (random.nextInt(5)) {
                    case 0 -> 0;
                    case 1 -> 1 << random.nextInt(23);
                    case 2 -> (1 << 23) - 1 - random.nextInt(4);
                    default -> random.nextInt() >>> 9;
                };
        int exponent =
                switch (random.nextInt(8)) {
                    case 0 -> 0;
                    case 1 -> random.nextInt(3);
                    case 2 -> 0xFF - random.nextInt(3);
                    case 3 -> random.nextInt(0x100);
                    case 4 -> 63 + random.nextInt(4);
                    default -> 127 + random.nextInt(-30, 30);
                };
        return sign | exponent << 23 | fraction;
    }
}
