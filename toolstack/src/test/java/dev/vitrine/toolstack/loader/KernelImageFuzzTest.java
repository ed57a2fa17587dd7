// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.Mutations;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.Objects;

class KernelImageFuzzTest {
    /** Whatever the bytes: a kernel whose segments are sound, or one sentence. */
    @FuzzTest
    void fuzz(byte[] data) {
        try {
            LoadedKernel kernel = KernelImage.load("k", data);
            long end = 0;
            for (KernelSegment segment : kernel.segments()) {
                assertThat(segment.address()).isGreaterThanOrEqualTo(end);
                assertThat(segment.end()).isGreaterThan(segment.address());
                long[] next = {segment.address()};
                segment.writeTo((address, source, offset, length) -> {
                    assertThat(address).isEqualTo(next[0]);
                    Objects.checkFromIndexSize(offset, length, source.length);
                    next[0] += length;
                });
                assertThat(next[0]).isEqualTo(segment.address() + segment.fileSize());
                assertThat((long) segment.fileSize()).isLessThanOrEqualTo(segment.memorySize());
                end = segment.end();
            }
        } catch (BadInputException e) {
            assertThat(e.getMessage()).startsWith("k: ").doesNotContain("\n");
        }
    }

    @Test
    void manyMutations() {
        byte[] elf = TestKernels.pvh();
        byte[] narrow =
                new TestKernels.Elf(false)
                        .segment(0x10_0000, TestKernels.pattern(64), 128)
                        .note(ElfNotes.PHYS32_ENTRY, 0x10_0000)
                        .notesInSection()
                        .build();
        Mutations elfs = new Mutations(2, List.of(elf, narrow));
        for (int i = 0; i < 10_000; i++) {
            fuzz(elfs.next());
        }
        List<byte[]> packed =
                List.of(
                                Compression.GZIP,
                                Compression.XZ,
                                Compression.LZMA,
                                Compression.LZ4_LEGACY,
                                Compression.LZ4,
                                Compression.ZSTD,
                                Compression.BZIP2)
                        .stream()
                        .map(c -> TestKernels.bzImage(TestKernels.payload(c, elf)))
                        .toList();
        Mutations images = new Mutations(3, packed);
        for (int i = 0; i < 1_000; i++) {
            fuzz(images.next());
        }
    }
}
