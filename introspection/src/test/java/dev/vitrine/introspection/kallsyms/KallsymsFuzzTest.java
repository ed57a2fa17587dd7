// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.kallsyms;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Mutations;
import dev.vitrine.introspection.kallsyms.KallsymsBuilder.Layout;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class KallsymsFuzzTest {
    /** Whatever the bytes: no table, a table that can be read, or one sentence. */
    @FuzzTest
    void fuzz(byte[] image) {
        try {
            Kallsyms k = KallsymsFinderTest.find(image);
            if (k != null) {
                assertThat(k.all()).hasSize(k.count());
                k.find("init_task");
                k.find(k.symbol(0).name());
            }
        } catch (IntrospectionException e) {
            assertThat(e).hasMessageContaining("would not end");
        }
    }

    @Test
    void manyMutations() {
        List<byte[]> seeds = new ArrayList<>();
        for (Layout layout : Layout.values()) {
            seeds.add(
                    KallsymsBuilder.many(600, KallsymsFinderTest.TEXT, true)
                            .build(layout, 8, true));
        }
        Mutations m = new Mutations(5, seeds);
        for (int i = 0; i < 3_000; i++) {
            fuzz(m.next());
        }
    }

    /**
     * Mutations of the numbers that lead from one table to the next, where a random one seldom
     * hits.
     */
    @Test
    void mutationsOfTheTablesEdges() {
        Random random = new Random(6);
        for (Layout layout : Layout.values()) {
            byte[] seed =
                    KallsymsBuilder.many(600, KallsymsFinderTest.TEXT, false)
                            .build(layout, 8, true);
            TokenTable t =
                    TokenTable.find(seed, 0, new dev.vitrine.introspection.Effort("it", 1 << 30));
            assertThat(t).isNotNull();
            for (int i = 0; i < 1_000; i++) {
                byte[] b = seed.clone();
                int at = Math.floorMod(t.start() + random.nextInt(4000) - 2000, b.length);
                b[at] = (byte) random.nextInt();
                fuzz(b);
            }
        }
    }

    /** Nothing but digits: each place could be a table of tokens. */
    @Test
    void memoryFullOfDigitsEnds() {
        byte[] image = new byte[4 << 20];
        for (int i = 0; i < image.length / 2; i++) {
            image[2 * i] = (byte) ('0' + i % 10);
        }
        fuzz(image);
        Arrays.fill(image, (byte) 'x');
        for (int i = 0; i + 40 < image.length; i += 64) {
            for (int j = 0; j < 10; j++) {
                image[i + 2 * j] = (byte) ('0' + j);
                image[i + 2 * j + 1] = 0;
            }
        }
        fuzz(image);
    }
}
