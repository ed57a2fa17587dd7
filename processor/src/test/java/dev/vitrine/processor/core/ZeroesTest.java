// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Arrays;

class ZeroesTest {
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 63, 64, 65, 127, 128, 129, 1000, 1 << 17})
    void everyElementIsZero(int length) {
        long[] longs = new long[length];
        short[] shorts = new short[length];
        Arrays.fill(longs, -1);
        Arrays.fill(shorts, (short) -1);
        Zeroes.fill(longs);
        Zeroes.fill(shorts);
        assertThat(longs).containsOnly(new long[length == 0 ? 0 : 1]);
        assertThat(shorts).containsOnly(new short[length == 0 ? 0 : 1]);
    }
}
