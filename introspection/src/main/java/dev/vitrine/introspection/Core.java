// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.introspection.access.CoreWriter;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.io.IOException;
import java.nio.file.Path;
import java.util.function.ToIntFunction;

/**
 * Memory images: ELF64 core files with a guest's physical memory as PT_LOAD segments, by p_paddr,
 * and the registers of its vCPUs in notes. crash, drgn and Volatility read them, and {@link
 * Target#open}.
 */
public final class Core {
    private Core() {}

    /**
     * What only the guest's kernel can tell.
     *
     * @param vmcoreinfo the text of its VMCOREINFO note; empty if it has none
     * @param directMap where it maps all physical memory, for p_vaddr; 0 if that is not known
     * @param image where its image is mapped, linearly and physically, for a segment of its own as
     *     kdump makes one: readers begin with page tables that are in it; null if that is not known
     * @param thread the number of the thread that a vCPU with these registers executes, 0 when it
     *     is idle, by which readers tell whether its registers are those of a thread; -1 if it is
     *     not known
     */
    public record KernelNotes(
            byte[] vmcoreinfo,
            long directMap,
            @Nullable MappedRange image,
            ToIntFunction<Registers> thread) {
        /** Of a guest whose kernel is not known. */
        public static final KernelNotes NONE = new KernelNotes(new byte[0], 0, null, r -> -1);
    }

    /**
     * Writes a memory image. The vCPUs stand still meanwhile. Pages of zeros take no space where
     * the file system can do so.
     *
     * @return the bytes of memory in the image
     * @throws IOException the file cannot be written
     */
    public static long write(Target target, Path file, KernelNotes kernel) throws IOException {
        try (Hold held = target.hold()) {
            return new CoreWriter(target, kernel).write(file);
        }
    }
}
