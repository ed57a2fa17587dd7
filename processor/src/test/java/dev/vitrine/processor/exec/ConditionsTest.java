// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Against Java's comparisons, by the conditions' numbers (SDM volume 1, appendix B). */
class ConditionsTest {
    private static final long[] VALUES = {
        0, 1, 2, -1, -2, 0x7FFF_FFFFL, 0x8000_0000L, -0x8000_0000L, Long.MAX_VALUE, Long.MIN_VALUE
    };

    @Test
    void operandsAreComparedAsJavaDoes() {
        for (long x : VALUES) {
            for (long y : VALUES) {
                expect(2, Long.compareUnsigned(x, y) < 0, Conditions.BY_ORDER, x, y);
                expect(4, x == y, Conditions.BY_ORDER, x, y);
                expect(6, Long.compareUnsigned(x, y) <= 0, Conditions.BY_ORDER, x, y);
                expect(12, x < y, Conditions.BY_ORDER, x, y);
                expect(14, x <= y, Conditions.BY_ORDER, x, y);
            }
        }
    }

    @Test
    void signAndZeroAreThoseOfTheResult() {
        for (long x : VALUES) {
            for (int condition = 4; condition < 10; condition++) {
                if (condition < 6 || condition >= 8) {
                    boolean flag = condition < 6 ? x == 0 : x < 0;
                    assertThat(Conditions.BY_SIGN[condition] >>> Conditions.sign(x) & 1)
                            .as("condition %d of %x", condition, x)
                            .isEqualTo(flag == (condition % 2 == 0) ? 1 : 0);
                }
            }
        }
    }

    /** A condition, and the next one, which is its opposite. */
    private static void expect(int condition, boolean holds, long[] table, long x, long y) {
        int order = Conditions.order(x, y);
        assertThat(table[condition] >>> order & 1)
                .as("condition %d of %x and %x", condition, x, y)
                .isEqualTo(holds ? 1 : 0);
        assertThat(table[condition + 1] >>> order & 1)
                .as("condition %d of %x and %x", condition + 1, x, y)
                .isEqualTo(holds ? 0 : 1);
    }
}
