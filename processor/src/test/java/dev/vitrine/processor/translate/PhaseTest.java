// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** When a processor's work is new, and when it is not any more. */
class PhaseTest {
    private static final long MILLION = 1_000_000;

    @Test
    void beginsNew() {
        Phase phase = new Phase(1);

        assertThat(phase.isNew(0, 0)).isTrue();
        assertThat(phase.isNew(0, 499 * MILLION)).isTrue();
        assertThat(phase.isNew(0, 500 * MILLION)).isFalse();
    }

    @Test
    void staysNewWhileBlocksBecomeHot() {
        Phase phase = new Phase(1);
        long retired = 0;
        for (int i = 0; i < 1000; i++) {
            retired += 5 * MILLION;
            phase.hot(0, retired);
        }

        assertThat(phase.isNew(0, retired)).isTrue();
        // The last 64 took 315 million.
        assertThat(phase.isNew(0, retired + 184 * MILLION)).isTrue();
        assertThat(phase.isNew(0, retired + 185 * MILLION)).isFalse();
    }

    @Test
    void isNotNewWhenTheyBecomeSeldom() {
        Phase phase = new Phase(1);
        long retired = 0;
        for (int i = 0; i < 1000; i++) {
            retired += 8 * MILLION;
            phase.hot(0, retired);
        }

        assertThat(phase.isNew(0, retired)).isFalse();
    }

    @Test
    void processorsAreToldApart() {
        Phase phase = new Phase(2);
        long retired = 1000 * MILLION;
        for (int i = 0; i < 64; i++) {
            phase.hot(1, retired);
        }

        assertThat(phase.isNew(1, retired)).isTrue();
        assertThat(phase.isNew(0, retired)).isFalse();
    }
}
