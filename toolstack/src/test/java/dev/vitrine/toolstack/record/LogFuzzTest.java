// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.record;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Mutations;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class LogFuzzTest {
    /** Whatever the bytes: an entry, which comes back from its own bytes, or a reason. */
    @FuzzTest
    void fuzz(byte[] data) {
        try {
            LogEntry entry = LogCodec.decode(data);
            LogTest.same(LogCodec.decode(LogCodec.encode(entry)), entry);
        } catch (LogCodec.Malformed e) {
            assertThat(e.getMessage()).isNotEmpty().doesNotContain("\n");
        }
        try {
            LogTest.read(data);
        } catch (BadInputException e) {
            assertThat(e.getMessage()).startsWith("log: ").endsWith(".").doesNotContain("\n");
        }
    }

    @Test
    void manyMutations() {
        List<byte[]> seeds = new ArrayList<>();
        LogTest.ENTRIES.forEach(e -> seeds.add(LogCodec.encode(e)));
        seeds.add(LogTest.write(LogTest.ENTRIES));
        Mutations mutations = new Mutations(1, seeds);
        for (int i = 0; i < 20_000; i++) {
            fuzz(mutations.next());
        }
    }
}
