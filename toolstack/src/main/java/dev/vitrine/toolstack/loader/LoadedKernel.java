// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

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
 */
public record LoadedKernel(
        String name,
        String kind,
        boolean elf64,
        long entry,
        List<KernelSegment> segments,
        ElfNotes notes) {
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
}
