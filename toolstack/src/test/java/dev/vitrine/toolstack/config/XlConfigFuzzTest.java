// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Mutations;

import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.util.List;

class XlConfigFuzzTest {
    /** Whatever the text: a configuration, or one sentence that names the file. */
    @FuzzTest
    void fuzz(byte[] data) {
        try {
            DomainConfig config = XlConfig.parse("f.cfg", data);
            assertThat(config.memoryMiB()).isBetween(1L, DomainConfig.MAX_MEMORY_MIB);
            assertThat(config.vcpus()).isBetween(1, DomainConfig.MAX_VCPUS);
        } catch (BadInputException e) {
            assertThat(e.getMessage()).startsWith("f.cfg").doesNotContain("\n");
        }
    }

    /** Found by fuzzing: a message of two lines. */
    @Test
    void lineBreakInAString() {
        fuzz(bytes("\"a\n5\""));
    }

    @Test
    void manyMutations() {
        Mutations mutations =
                new Mutations(
                        1,
                        List.of(
                                bytes(
                                        "name='x'; memory=64\nvcpus = 0x2 # c\ndisk=[ 'a', \"b\\x41\",\n]\n"),
                                bytes(
                                        "name = \"a\\101\"\nname += 'b'\nextra='c'\nroot=\"/\"\ntype='hvm'"),
                                bytes("cpuid=['a',['b',[]]]\non_crash='restart'\nkernel='k'")));
        for (int i = 0; i < 20_000; i++) {
            fuzz(mutations.next());
        }
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
