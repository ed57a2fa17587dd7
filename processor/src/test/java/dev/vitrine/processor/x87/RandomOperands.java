// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.x87;

import java.util.SplittableRandom;

/** Random 80-bit values that favour the edges. */
final class RandomOperands {
    final SplittableRandom random;
    long mantissa;
    int exponent;

    RandomOperands(long seed) {
        random = new SplittableRandom(seed);
    }

    private long significand() {
        return switch (random.nextInt(8)) {
            case 0 -> Long.MIN_VALUE;
            case 1 -> -1L;
            case 2 -> Long.MIN_VALUE | random.nextLong() << random.nextInt(64);
            case 3 -> -1L << random.nextInt(64);
            case 4 -> Long.MIN_VALUE + random.nextInt(16);
            // Around the middle between two values of 24 or 53 bits.
            case 5 ->
                    (random.nextLong() | Long.MIN_VALUE) & -1L << 40
                            | (1L << 39) + random.nextInt(-1, 2);
            case 6 ->
                    (random.nextLong() | Long.MIN_VALUE) & -1L << 11
                            | (1L << 10) + random.nextInt(-1, 2);
            default -> random.nextLong() | Long.MIN_VALUE;
        };
    }

    /** A finite value that is not zero; it may be denormal. */
    void finite() {
        long m = significand();
        int e =
                switch (random.nextInt(8)) {
                    case 0 -> 0;
                    case 1 -> random.nextInt(1, 80);
                    case 2 -> 0x7FFF - random.nextInt(1, 80);
                    case 3 -> random.nextInt(1, 0x7FFF);
                    case 4 -> 0x3FFF + random.nextInt(-2, 3);
                    default -> 0x3FFF + random.nextInt(-70, 71);
                };
        if (e == 0 && random.nextInt(4) != 0) {
            m >>>= random.nextInt(1, 64);
        }
        mantissa = m;
        exponent = e | (random.nextBoolean() ? 0x8000 : 0);
    }

    /** Any bit pattern: zeros, infinities, NaNs and unsupported ones included. */
    void any() {
        finite();
        switch (random.nextInt(12)) {
            case 0 -> {
                mantissa = 0;
                exponent &= 0x8000;
            }
            case 1 -> {
                mantissa = Long.MIN_VALUE;
                exponent |= 0x7FFF;
            }
            case 2 -> {
                mantissa |= 3L << 62;
                exponent |= 0x7FFF;
            }
            case 3 -> {
                mantissa = mantissa & ~(1L << 62) | 1;
                exponent |= 0x7FFF;
            }
            case 4 -> {
                mantissa = random.nextLong();
                exponent = random.nextInt(0x10000);
            }
            default -> {}
        }
    }

    /** A control word; exceptions are masked three times of four. */
    int control() {
        int masks = random.nextInt(4) == 0 ? random.nextInt(64) : 63;
        return 0x40 | masks | random.nextInt(4) << 8 | random.nextInt(4) << 10;
    }
}
