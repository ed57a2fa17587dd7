// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.processor.decode.Op;

import org.junit.jupiter.api.Test;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.LongBinaryOperator;

/** The lanes that are computed side by side against models that take one element at a time. */
class LanesTest {
    private static final int ROUNDS = 20_000;

    /** Extends the sign of the low bits. */
    private static long s(long x, int bits) {
        return x << 64 - bits >> 64 - bits;
    }

    private static long u(long x, int bits) {
        return x & -1L >>> 64 - bits;
    }

    private static LongBinaryOperator each(int bits, LongBinaryOperator element) {
        return (a, b) -> {
            long r = 0;
            for (int k = 0; k < 64; k += bits) {
                r |= u(element.applyAsLong(u(a >>> k, bits), u(b >>> k, bits)), bits) << k;
            }
            return r;
        };
    }

    private static long clamp(long x, long least, long most) {
        return Math.max(least, Math.min(most, x));
    }

    private static Map<Op, LongBinaryOperator> models() {
        Map<Op, LongBinaryOperator> m = new EnumMap<>(Op.class);
        Op[] add = {Op.PADDB, Op.PADDW, Op.PADDD, Op.PADDQ};
        Op[] subtract = {Op.PSUBB, Op.PSUBW, Op.PSUBD, Op.PSUBQ};
        Op[] equal = {Op.PCMPEQB, Op.PCMPEQW, Op.PCMPEQD, Op.PCMPEQQ};
        Op[] greater = {Op.PCMPGTB, Op.PCMPGTW, Op.PCMPGTD, Op.PCMPGTQ};
        Op[] least = {Op.PMINSB, Op.PMINSW, Op.PMINSD};
        Op[] most = {Op.PMAXSB, Op.PMAXSW, Op.PMAXSD};
        Op[] leastUnsigned = {Op.PMINUB, Op.PMINUW, Op.PMINUD};
        Op[] mostUnsigned = {Op.PMAXUB, Op.PMAXUW, Op.PMAXUD};
        Op[] absolute = {Op.PABSB, Op.PABSW, Op.PABSD};
        Op[] sign = {Op.PSIGNB, Op.PSIGNW, Op.PSIGND};
        for (int k = 0; k < 4; k++) {
            int bits = 8 << k;
            m.put(add[k], each(bits, (a, b) -> a + b));
            m.put(subtract[k], each(bits, (a, b) -> a - b));
            m.put(equal[k], each(bits, (a, b) -> a == b ? -1 : 0));
            m.put(greater[k], each(bits, (a, b) -> s(a, bits) > s(b, bits) ? -1 : 0));
            if (k < 3) {
                m.put(least[k], each(bits, (a, b) -> Math.min(s(a, bits), s(b, bits))));
                m.put(most[k], each(bits, (a, b) -> Math.max(s(a, bits), s(b, bits))));
                m.put(leastUnsigned[k], each(bits, Math::min));
                m.put(mostUnsigned[k], each(bits, Math::max));
                m.put(absolute[k], each(bits, (a, b) -> Math.abs(s(b, bits))));
                m.put(sign[k], each(bits, (a, b) -> a * Long.signum(s(b, bits))));
            }
        }
        m.put(Op.PADDSB, each(8, (a, b) -> clamp(s(a, 8) + s(b, 8), -128, 127)));
        m.put(Op.PSUBSB, each(8, (a, b) -> clamp(s(a, 8) - s(b, 8), -128, 127)));
        m.put(Op.PADDUSB, each(8, (a, b) -> clamp(a + b, 0, 255)));
        m.put(Op.PSUBUSB, each(8, (a, b) -> clamp(a - b, 0, 255)));
        m.put(Op.PADDSW, each(16, (a, b) -> clamp(s(a, 16) + s(b, 16), -32768, 32767)));
        m.put(Op.PSUBSW, each(16, (a, b) -> clamp(s(a, 16) - s(b, 16), -32768, 32767)));
        m.put(Op.PADDUSW, each(16, (a, b) -> clamp(a + b, 0, 65535)));
        m.put(Op.PSUBUSW, each(16, (a, b) -> clamp(a - b, 0, 65535)));
        m.put(Op.PAVGB, each(8, (a, b) -> a + b + 1 >> 1));
        m.put(Op.PAVGW, each(16, (a, b) -> a + b + 1 >> 1));
        m.put(Op.PMULLW, each(16, (a, b) -> a * b));
        m.put(Op.PMULHW, each(16, (a, b) -> s(a, 16) * s(b, 16) >> 16));
        m.put(Op.PMULHUW, each(16, (a, b) -> a * b >> 16));
        m.put(Op.PMULHRSW, each(16, (a, b) -> (s(a, 16) * s(b, 16) >> 14) + 1 >> 1));
        m.put(Op.PMULLD, each(32, (a, b) -> a * b));
        m.put(Op.PMULUDQ, (a, b) -> u(a, 32) * u(b, 32));
        m.put(Op.PMULDQ, (a, b) -> s(a, 32) * s(b, 32));
        m.put(
                Op.PMADDWD,
                each(32, (a, b) -> s(a, 16) * s(b, 16) + (s(a, 32) >> 16) * (s(b, 32) >> 16)));
        m.put(
                Op.PMADDUBSW,
                each(
                        16,
                        (a, b) ->
                                clamp(
                                        u(a, 8) * s(b, 8) + (a >> 8) * (s(b, 16) >> 8),
                                        -32768,
                                        32767)));
        m.put(
                Op.PSADBW,
                (a, b) -> {
                    long sum = 0;
                    for (int k = 0; k < 64; k += 8) {
                        sum += Math.abs(u(a >>> k, 8) - u(b >>> k, 8));
                    }
                    return sum;
                });
        m.put(Op.VPSLLVD, each(32, (a, b) -> b < 32 ? a << b : 0));
        m.put(Op.VPSRLVD, each(32, (a, b) -> b < 32 ? a >>> b : 0));
        m.put(Op.VPSRAVD, each(32, (a, b) -> s(a, 32) >> Math.min(b, 31)));
        m.put(Op.VPSLLVQ, (a, b) -> b >>> 6 == 0 ? a << b : 0);
        m.put(Op.VPSRLVQ, (a, b) -> b >>> 6 == 0 ? a >>> b : 0);
        m.put(Op.PAND, (a, b) -> a & b);
        m.put(Op.PANDN, (a, b) -> ~a & b);
        m.put(Op.POR, (a, b) -> a | b);
        m.put(Op.PXOR, (a, b) -> a ^ b);
        return m;
    }

    private static long operand(SplittableRandom random) {
        long x = random.nextLong();
        return switch (random.nextInt(6)) {
            case 0 -> x & 0x8080_8080_8080_8080L;
            case 1 -> x | 0x7F7F_7F7F_7F7F_7F7FL;
            case 2 -> x & 0x0000_001F_0000_001FL;
            case 3 -> x & random.nextLong() & random.nextLong();
            default -> x;
        };
    }

    @Test
    void elementsAreIndependent() {
        SplittableRandom random = new SplittableRandom(5);
        models().forEach((op, model) -> {
            for (int n = 0; n < ROUNDS; n++) {
                long a = operand(random);
                long b = n % 7 == 0 ? a : operand(random);
                long got = IntegerLanes.apply(op, a, b);
                long want = model.applyAsLong(a, b);
                if (got != want) {
                    assertThat(Long.toHexString(got))
                            .as("%s %x %x", op, a, b)
                            .isEqualTo(Long.toHexString(want));
                }
            }
        });
    }

    @Test
    void shiftsByOneCount() {
        SplittableRandom random = new SplittableRandom(6);
        for (int n = 0; n < ROUNDS; n++) {
            long x = random.nextLong();
            long count = n % 10 == 0 ? random.nextLong() : random.nextInt(70);
            check(Op.PSLLW, x, count, each(16, (a, b) -> b < 0 || b > 15 ? 0 : a << b), 16);
            check(Op.PSRLW, x, count, each(16, (a, b) -> b < 0 || b > 15 ? 0 : a >>> b), 16);
            check(
                    Op.PSRAW,
                    x,
                    count,
                    each(16, (a, b) -> s(a, 16) >> (b < 0 || b > 15 ? 15 : b)),
                    16);
            check(Op.PSLLD, x, count, each(32, (a, b) -> b < 0 || b > 31 ? 0 : a << b), 32);
            check(Op.PSRLD, x, count, each(32, (a, b) -> b < 0 || b > 31 ? 0 : a >>> b), 32);
            check(
                    Op.PSRAD,
                    x,
                    count,
                    each(32, (a, b) -> s(a, 32) >> (b < 0 || b > 31 ? 31 : b)),
                    32);
            long q = count < 0 || count > 63 ? 0 : x << count;
            assertThat(Shifts.apply(Op.PSLLQ, x, count)).isEqualTo(q);
        }
    }

    private static void check(Op op, long x, long count, LongBinaryOperator model, int bits) {
        // The model takes the count from each element, clamped so that it fits.
        long n = count < 0 || count > 100 ? 100 : count;
        long counts = 0;
        for (int k = 0; k < 64; k += bits) {
            counts |= n << k;
        }
        assertThat(Shifts.apply(op, x, count))
                .as("%s %x %d", op, x, count)
                .isEqualTo(model.applyAsLong(x, counts));
    }

    @Test
    void carrylessProductIsASumOfShifts() {
        SplittableRandom random = new SplittableRandom(7);
        for (int n = 0; n < ROUNDS; n++) {
            long x = n == 0 ? -1 : random.nextLong();
            long y = n < 2 ? -1 : random.nextLong();
            long lo = 0;
            long hi = 0;
            for (int k = 0; k < 64; k++) {
                if ((y >>> k & 1) != 0) {
                    lo ^= x << k;
                    hi ^= k == 0 ? 0 : x >>> 64 - k;
                }
            }
            assertThat(CarrylessProduct.low(x, y)).isEqualTo(lo);
            assertThat(CarrylessProduct.high(x, y)).isEqualTo(hi);
        }
    }

    @Test
    void topBitsOfBytes() {
        SplittableRandom random = new SplittableRandom(8);
        for (int n = 0; n < ROUNDS; n++) {
            long x = random.nextLong();
            int want = 0;
            for (int k = 0; k < 8; k++) {
                want |= (int) (x >>> 8 * k + 7 & 1) << k;
            }
            assertThat(IntegerLanes.topBits8(x)).isEqualTo(want);
        }
    }
}
