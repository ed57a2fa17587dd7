// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/**
 * A kernel taken apart, ready to be put into a domain's memory.
 *
 * @param name the file's name, for messages
 * @param kind what the file is, for messages: "a bzImage (6.1.0, xz)"
 * @param elf64 whether the kernel is a 64-bit ELF file, else 32-bit
 * @param entry the entry point of the ELF header
 * @param segments what to load, by address; they do not overlap, and there is at least one
 * @param notes the kernel's Xen notes
 * @param file the file that the segments are read from when they are put into memory; null if they
 *     are on the heap, as what was packed is
 */
public record LoadedKernel(
        String name,
        String kind,
        boolean elf64,
        long entry,
        List<KernelSegment> segments,
        ElfNotes notes,
        @Nullable Path file) {
    public LoadedKernel {
        segments = List.copyOf(segments);
    }

    /** The lowest address that the kernel takes. */
    public long start() {
        return segments.getFirst().address();
    }

    /** The address behind the last byte that the kernel takes. */
    public long end() {
        return segments.getLast().end();
    }

    /**
     * The kernel for the next start of the guest: of its file as it is now, if it is read from one.
     *
     * @throws dev.vitrine.toolstack.BadInputException it cannot be used any more
     */
    public LoadedKernel reread() {
        return file == null ? this : KernelImage.load(file);
    }
}
