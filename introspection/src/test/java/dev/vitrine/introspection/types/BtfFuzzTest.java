// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.types;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.introspection.Effort;
import dev.vitrine.introspection.Mutations;

import org.junit.jupiter.api.Test;

import java.util.List;

class BtfFuzzTest {
    /** Whatever the bytes: no types, or types whose members can be asked for. */
    @FuzzTest
    void fuzz(byte[] data) {
        Btf b = Btf.of(data, 0, new Effort("it", 1 << 30));
        if (b != null) {
            for (String s : List.of("task_struct", "bits", "empty", "")) {
                b.size(s);
                for (String m : b.members(s)) {
                    b.member(s, m);
                }
                b.member(s, "uid.val");
                b.member(s, "as_long");
            }
        }
    }

    @Test
    void manyMutations() {
        Mutations m = new Mutations(7, List.of(BtfTest.sample()));
        for (int i = 0; i < 20_000; i++) {
            fuzz(m.next());
        }
    }
}
