// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.platform;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigInteger;

class VirtualClockTest {
    @ParameterizedTest
    @ValueSource(
            longs = {
                1_000_000,
                999_999_999,
                1_000_000_000,
                2_000_000_000,
                2_893_202_000L,
                5_000_000_000L
            })
    void pvclockScaleGivesSystemTimeBack(long frequency) {
        VirtualClock c = new InstructionClock(frequency, 0, 1000);
        for (long nanos : new long[] {0, 1, 1000, 123_456_789, 86_400L * 1_000_000_000L}) {
            BigInteger ticks = BigInteger.valueOf(c.ticks(nanos));
            BigInteger shifted =
                    c.pvclockShift() >= 0
                            ? ticks.shiftLeft(c.pvclockShift())
                            : ticks.shiftRight(-c.pvclockShift());
            long back =
                    shifted.multiply(BigInteger.valueOf(c.pvclockMultiplier() & 0xFFFFFFFFL))
                            .shiftRight(32)
                            .longValueExact();
            // The scale is a 32-bit fraction: one part in 2^31, and a few ticks of rounding.
            long tolerance = nanos / (1L << 31) + 4 + 4_000_000_000L / frequency;
            assertThat(back).isBetween(nanos - tolerance, nanos + tolerance);
        }
        assertThat(c.pvclockMultiplier() & 0x80000000).isNotZero();
    }

    @Test
    void scaleIsExactAtOneGigahertz() {
        VirtualClock c = new InstructionClock();
        assertThat(c.pvclockShift()).isEqualTo(1);
        assertThat(c.pvclockMultiplier()).isEqualTo(0x80000000);
        assertThat(c.ticks(12345)).isEqualTo(12345);
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000_000, 333_333_333, 3_000_000_000L})
    void deadlineInTicksNeverComesEarly(long frequency) {
        VirtualClock c = new InstructionClock(frequency, 0, 1000);
        for (long ticks = 0; ticks < 100_000; ticks += 7) {
            assertThat(c.ticks(c.nanos(ticks))).isGreaterThanOrEqualTo(ticks);
        }
        assertThat(c.nanos(-1)).isEqualTo(Long.MAX_VALUE);
        assertThat(c.nanos(Long.MAX_VALUE)).isPositive();
    }

    @Test
    void timeIsThatOfTheVcpuThatIsFurthest() {
        InstructionClock c = new InstructionClock(1_000_000_000L, 0, 2000);
        InstructionClock.Source a = c.newSource();
        InstructionClock.Source b = c.newSource();
        a.start(0);
        b.start(500);
        a.advance(2000);
        assertThat(c.now()).isEqualTo(1000);
        b.advance(600);
        assertThat(c.now()).isEqualTo(1000);
        b.advance(500 + 4000);
        assertThat(c.now()).isEqualTo(2000);
        c.jumpTo(1_000_000);
        c.jumpTo(5);
        assertThat(c.now()).isEqualTo(1_000_000);
        assertThat(c.instructionsIn(1000)).isEqualTo(2000);
        assertThat(c.instructionsIn(-5)).isEqualTo(1);
    }

    @Test
    void refusesSenselessFrequencies() {
        assertThatThrownBy(() -> new RealClock(0)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new InstructionClock(1_000_000_000L, 0, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
