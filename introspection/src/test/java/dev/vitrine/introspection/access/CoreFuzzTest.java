// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.Mutations;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;

class CoreFuzzTest {
    @TempDir Path folder;

    /** Whatever the bytes: a target that can be read, or one sentence. */
    @FuzzTest
    void fuzz(byte[] data) throws IOException {
        Path file = Files.createTempFile("core", "");
        try {
            Files.write(file, data);
            try (Target t = CoreFile.open("f", FileChannel.open(file, StandardOpenOption.READ))) {
                for (PhysicalRange r : t.memory().ranges().stream().limit(50).toList()) {
                    t.memory().read(r.start(), new byte[64], 0, 64);
                    t.memory().read(r.end() - 32, new byte[64], 0, 64);
                }
                for (int i = 0; i < t.vcpus(); i++) {
                    t.registers(i);
                }
            } catch (IntrospectionException e) {
                assertThat(e.getMessage()).doesNotContain("\n").endsWith(".");
            }
        } finally {
            Files.delete(file);
        }
    }

    @Test
    void manyMutations() throws IOException {
        byte[] all = Files.readAllBytes(CoreTest.write(folder.resolve("core")));
        byte[] headers = java.util.Arrays.copyOf(all, 8192);
        Mutations m = new Mutations(8, List.of(headers, java.util.Arrays.copyOf(all, 400)));
        for (int i = 0; i < 4_000; i++) {
            fuzz(m.next());
        }
    }
}
