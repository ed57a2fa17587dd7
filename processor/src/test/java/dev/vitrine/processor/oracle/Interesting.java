// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import java.util.SplittableRandom;

/**
 * Values on which processors are wrong: edges of integers and of IEEE numbers, among random ones.
 */
public final class Interesting {
    private static final int[] FLOATS = {
        0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x807fffff, 0x00800000,
                0x80800000,
        0x00800001, 0x3f800000, 0xbf800000, 0x3f7fffff, 0x3f800001, 0x3f000000, 0x3effffff,
                0x40000000,
        0x40490fdb, 0x4b000000, 0x4b7fffff, 0x4b800000, 0x4effffff, 0x4f000000, 0xcf000000,
                0xcf000001,
        0x5f000000, 0xdf000000, 0x5f800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000,
                0x7fc00000,
        0xffc00000, 0x7f800001, 0xff800001, 0x7fffffff, 0xffbfffff, 0x3fc00000, 0x40200000,
                0x42fe0000
    };

    private static final long[] DOUBLES = {
        0x0000000000000000L, 0x8000000000000000L, 0x0000000000000001L, 0x8000000000000001L,
        0x000fffffffffffffL, 0x800fffffffffffffL, 0x0010000000000000L, 0x8010000000000000L,
        0x0010000000000001L, 0x3ff0000000000000L, 0xbff0000000000000L, 0x3fefffffffffffffL,
        0x3ff0000000000001L, 0x3fe0000000000000L, 0x3fdfffffffffffffL, 0x4000000000000000L,
        0x400921fb54442d18L, 0x4330000000000000L, 0x433fffffffffffffL, 0x41dfffffffc00000L,
        0x41dfffffffe00000L, 0x41e0000000000000L, 0xc1e0000000000000L, 0xc1e0000000200000L,
        0x43e0000000000000L, 0xc3e0000000000000L, 0x43f0000000000000L, 0x47efffffe0000000L,
        0x47efffffefffffffL, 0x47effffff0000000L, 0x380fffffffffffffL, 0x3810000000000000L,
        0x36a0000000000000L, 0x3690000000000000L, 0x7fefffffffffffffL, 0xffefffffffffffffL,
        0x7ff0000000000000L, 0xfff0000000000000L, 0x7ff8000000000000L, 0xfff8000000000000L,
        0x7ff0000000000001L, 0xfff0000000000001L, 0x7fffffffffffffffL, 0xfff7ffffffffffffL
    };

    private static final int[] EXPONENTS = {
        0, 1, 2, 0x3ffe, 0x3fff, 0x4000, 0x3f6a, 0x3f81, 0x3fc0, 0x3c01, 0x3bcd, 0x43fe, 0x43ff,
        0x407e, 0x407f, 0x400e, 0x401e, 0x403d, 0x403e, 0x403f, 0x4040, 0x4041, 0x4044, 0x7ffd,
        0x7ffe, 0x7fff
    };

    private Interesting() {}

    /** A 64-bit value: integer edges, packed floats, doubles, small numbers or plainly random. */
    public static long word(SplittableRandom r) {
        int kind = r.nextInt(16);
        return switch (kind) {
            case 0, 1, 2, 3, 4 -> r.nextLong();
            case 5 -> edge(r, 64);
            case 6 -> edge(r, 32) & 0xffff_ffffL | edge(r, 32) << 32;
            case 7 -> edge(r, 16) & 0xffff | (edge(r, 16) & 0xffff) << 16 | r.nextLong() << 32;
            case 8 -> bytes(r);
            case 9, 10, 11 -> float32(r) & 0xffff_ffffL | (long) float32(r) << 32;
            case 12, 13, 14 -> float64(r);
            default -> r.nextInt(32);
        };
    }

    /**
     * An integer edge of the given width: 0, -1, the extremes, powers of two and their neighbours.
     */
    public static long edge(SplittableRandom r, int bits) {
        return switch (r.nextInt(8)) {
            case 0 -> 0;
            case 1 -> -1;
            case 2 -> 1L << (bits - 1);
            case 3 -> (1L << (bits - 1)) - 1;
            case 4 -> 1L << r.nextInt(bits);
            case 5 -> (1L << r.nextInt(bits)) - 1;
            case 6 -> -(1L << r.nextInt(bits));
            default -> r.nextInt(-2, 3);
        };
    }

    private static long bytes(SplittableRandom r) {
        long v = 0;
        for (int i = 0; i < 8; i++) {
            v = v << 8 | edge(r, 8) & 0xff;
        }
        return v;
    }

    /** The bits of a float. */
    public static int float32(SplittableRandom r) {
        int kind = r.nextInt(8);
        if (kind < 3) {
            return FLOATS[r.nextInt(FLOATS.length)];
        }
        if (kind < 5) {
            return Float.floatToRawIntBits(r.nextInt(-1000, 1000) / (1 << r.nextInt(8)));
        }
        if (kind < 6) { // near 1, so that sums and products round and cancel
            return r.nextInt(0x3f000000, 0x41000000) | r.nextInt(2) << 31;
        }
        return r.nextInt();
    }

    /** The bits of a double. */
    public static long float64(SplittableRandom r) {
        int kind = r.nextInt(8);
        if (kind < 3) {
            return DOUBLES[r.nextInt(DOUBLES.length)];
        }
        if (kind < 5) {
            return Double.doubleToRawLongBits(
                    r.nextInt(-1000, 1000) / (double) (1 << r.nextInt(8)));
        }
        if (kind < 6) {
            return r.nextLong(0x3fe0_0000_0000_0000L, 0x4020_0000_0000_0000L)
                    | (long) r.nextInt(2) << 63;
        }
        return r.nextLong();
    }

    /** Sign and exponent of an 80-bit number. */
    public static int exponent80(SplittableRandom r) {
        int e =
                switch (r.nextInt(4)) {
                    case 0 -> EXPONENTS[r.nextInt(EXPONENTS.length)];
                    case 1, 2 -> 0x3fff + r.nextInt(-70, 70);
                    default -> r.nextInt(0x8000);
                };
        return e | r.nextInt(2) << 15;
    }

    /**
     * The significand of an 80-bit number; now and then without its integer bit (pseudo-denormals,
     * unnormals).
     */
    public static long mantissa80(SplittableRandom r) {
        long m =
                switch (r.nextInt(8)) {
                    case 0, 1 -> 0;
                    case 2 -> 1;
                    case 3 -> -1;
                    case 4 -> 1L << r.nextInt(64);
                    case 5 -> (r.nextLong() & -1L << r.nextInt(64));
                    default -> r.nextLong();
                };
        return r.nextInt(12) == 0 ? m & Long.MAX_VALUE : m | Long.MIN_VALUE;
    }
}
