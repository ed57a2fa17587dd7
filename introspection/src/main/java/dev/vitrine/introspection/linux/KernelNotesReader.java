// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.Core;
import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.MappedRange;
import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

/** What a memory image is to hold of the kernel. */
final class KernelNotesReader {
    private static final long MAX_SIZE = 1 << 16;

    private KernelNotesReader() {}

    static Core.KernelNotes read(LinuxKernel k) {
        long directMap = 0;
        byte[] info = new byte[0];
        try {
            if (k.hasSymbol("page_offset_base")) {
                directMap = k.pointer(k.resolve("page_offset_base"));
            }
            if (k.hasSymbol("vmcoreinfo_data") && k.hasSymbol("vmcoreinfo_size")) {
                long size = Math.clamp(k.pointer(k.resolve("vmcoreinfo_size")), 0, MAX_SIZE);
                long data = k.pointer(k.resolve("vmcoreinfo_data"));
                if (data != 0) {
                    info = k.read(data, (int) size);
                }
            }
        } catch (IntrospectionException e) {
            // Without them the image is still one that Vitrine and QEMU's readers understand.
        }
        return new Core.KernelNotes(info, directMap, image(k), r -> k.still(() -> thread(k, r)));
    }

    /** The number of the thread that a vCPU executes; -1 if it cannot be told. */
    private static int thread(LinuxKernel k, Registers r) {
        long gs = r.segment(Registers.GS).base();
        try {
            // The kernel's own is in the upper half, and a program has another.
            long processor = gs < 0 ? gs : r.kernelGsBase();
            long task = k.pointer(processor + k.currentTask());
            return (int) k.number(task + k.offset("task_struct", "pid"), 4);
        } catch (IntrospectionException e) {
            return -1;
        }
    }

    /** From the first byte to the last, if it is as contiguous physically as it is linearly. */
    private static @Nullable MappedRange image(LinuxKernel k) {
        MappedRange first = k.image().getFirst();
        MappedRange last = k.image().getLast();
        long distance = first.start() - first.physical();
        for (MappedRange r : k.image()) {
            if (r.start() - r.physical() != distance) {
                return null;
            }
        }
        return new MappedRange(
                first.start(), last.end() - first.start(), first.physical(), true, false, true);
    }
}
