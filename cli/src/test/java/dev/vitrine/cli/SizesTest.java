// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.vitrine.toolstack.BadInputException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.Random;

class SizesTest {
    @ParameterizedTest
    @CsvSource({
        "60, 60000000000",
        "+1.5s, 1500000000",
        "5M, 300000000000",
        "1.000000001h, 3600000003600",
        "0.5ms, 500000",
        "0.000000001, 1",
        "0.000000001ms, 1",
        "1.999999999ms, 1999999",
        "31622400, 31622400000000000",
        "8784h, 31622400000000000"
    })
    void timesAreExact(String text, long nanos) {
        assertThat(Sizes.time("--timeout", text)).isEqualTo(Duration.ofNanos(nanos));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0",
                "-1",
                "-0.5",
                "0.000ms",
                "31622400.000000001",
                "8784.000000001h",
                "999999999999999999h"
            })
    void timesOutOfRange(String text) {
        assertThatThrownBy(() -> Sizes.time("--timeout", text))
                .isInstanceOf(BadInputException.class)
                .hasMessage(
                        "--timeout '"
                                + text
                                + "' is out of range: it is more than 0, up to a year.");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "s", "1.", ".5", "1.0000000001", "1d", "1e3", "--1", "0x1"})
    void noTimes(String text) {
        assertThatThrownBy(() -> Sizes.time("--timeout", text))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("is not a time");
    }

    @Test
    void timesAreThoseOfDecimalArithmetic() {
        Random random = new Random(1);
        String[] units = {"ms", "s", "m", "h", ""};
        long[] nanos = {
            1_000_000, 1_000_000_000, 60_000_000_000L, 3_600_000_000_000L, 1_000_000_000
        };
        for (int i = 0; i < 10_000; i++) {
            int unit = random.nextInt(units.length);
            String number = random.nextInt(8000) + "." + random.nextInt(1_000_000_000);
            BigDecimal exact = new BigDecimal(number).multiply(BigDecimal.valueOf(nanos[unit]));
            if (exact.signum() > 0) {
                assertThat(Sizes.time("--timeout", number + units[unit]).toNanos())
                        .as(number + units[unit])
                        .isEqualTo(Math.max(1, exact.longValue()));
            }
        }
    }
}
