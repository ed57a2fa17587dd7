// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CircleFinderTest {
    @Test
    void findsEachCircleSoonAndNoOther() {
        for (int before = 0; before < 70; before++) {
            for (int circle = 1; circle < 70; circle++) {
                CircleFinder finder = new CircleFinder();
                int n = 0;
                while (!finder.closes(1000 + (n < before ? n : before + (n - before) % circle))) {
                    n++;
                    assertThat(n).isLessThanOrEqualTo(3 * (before + circle));
                }
                assertThat(n).isGreaterThanOrEqualTo(before + circle);
            }
        }
    }

    @Test
    void aLongListIsNoCircle() {
        CircleFinder finder = new CircleFinder();
        for (long pointer = 1; pointer < 100_000; pointer++) {
            assertThat(finder.closes(pointer)).isFalse();
        }
    }
}
