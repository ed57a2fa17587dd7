// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.vitrine.toolstack.ArrayPage;

import org.junit.jupiter.api.Test;

import java.util.Random;

class ConsoleRingTest {
    private final ArrayPage page = new ArrayPage();
    private final ConsoleRing ring = new ConsoleRing(page, 3);

    @Test
    void carriesBytesBothWaysAroundTheRings() {
        Random random = new Random(5);
        // Indices that are about to wrap.
        for (int at = 3072; at < 3088; at += 4) {
            page.putInt(at, -700);
        }
        byte[] buffer = new byte[4096];
        for (int round = 0; round < 200; round++) {
            byte[] bytes = new byte[random.nextInt(2049)];
            random.nextBytes(bytes);
            assertThat(page.put(1024, 2048, 3080, 3084, bytes, 0)).isEqualTo(bytes.length);
            assertThat(ring.readOutput(buffer, 5, 4000)).isEqualTo(bytes.length);
            assertThat(java.util.Arrays.copyOfRange(buffer, 5, 5 + bytes.length)).isEqualTo(bytes);

            byte[] input = new byte[random.nextInt(1025)];
            random.nextBytes(input);
            assertThat(ring.inputRoom()).isEqualTo(1024);
            assertThat(ring.writeInput(input, 0, input.length)).isEqualTo(input.length);
            assertThat(page.take(0, 1024, 3072, 3076)).isEqualTo(input);
        }
        assertThat(ring.brokenReason()).isNull();
    }

    @Test
    void takesNoMoreThanFits() {
        assertThat(ring.writeInput(new byte[2000], 0, 2000)).isEqualTo(1024);
        assertThat(ring.writeInput(new byte[1], 0, 1)).isZero();
        assertThat(ring.inputRoom()).isZero();
        page.put(1024, 2048, 3080, 3084, new byte[100], 0);
        assertThat(ring.readOutput(new byte[30], 0, 30)).isEqualTo(30);
        assertThat(ring.readOutput(new byte[100], 0, 100)).isEqualTo(70);
        assertThat(ring.readOutput(new byte[100], 0, 100)).isZero();
    }

    @Test
    void stopsAtImpossibleIndices() {
        page.putInt(3084, 2049);
        assertThat(ring.readOutput(new byte[4096], 0, 4096)).isZero();
        assertThat(ring.brokenReason())
                .isEqualTo(
                        "Domain 3 has broken its console: the indices of the output ring are"
                                + " impossible.");
        assertThat(ring.writeInput(new byte[1], 0, 1)).isZero();

        ArrayPage other = new ArrayPage();
        ConsoleRing second = new ConsoleRing(other, 4);
        other.putInt(3072, 1);
        assertThat(second.writeInput(new byte[1], 0, 1)).isZero();
        assertThat(second.inputRoom()).isZero();
        assertThat(second.brokenReason()).contains("input ring");
    }
}
