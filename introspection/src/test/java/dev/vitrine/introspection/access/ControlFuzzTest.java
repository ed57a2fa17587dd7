// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.introspection.Mutations;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;

class ControlFuzzTest {
    /** Whatever a client sends, it is answered or let go. */
    @FuzzTest
    void fuzz(byte[] request) {
        ControlTest.answer(ControlTest.memory(), request);
    }

    @Test
    void manyMutations() {
        Mutations m =
                new Mutations(
                        9,
                        List.of(
                                bytes("info\nranges\nread 0x1000 16\nregisters 0\n"),
                                bytes("pause\nwrite 0x1000 4\nabcdresume\nread 4096 10\n"),
                                bytes("exec 0 1000 6 1\n/a\0b \0info\n"),
                                bytes("write-file 7 1000 3 0 4\n/a\0abcdread-file\n")));
        for (int i = 0; i < 20_000; i++) {
            fuzz(m.next());
        }
    }

    private static byte[] bytes(String s) {
        return s.getBytes(StandardCharsets.US_ASCII);
    }
}
