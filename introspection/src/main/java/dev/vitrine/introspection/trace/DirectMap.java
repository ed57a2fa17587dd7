// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.linux.LinuxKernel;

/**
 * Where the kernel has all of physical memory in one piece (Documentation/arch/x86/x86_64/mm.rst):
 * most of its structures are there, and need no walk of page tables.
 */
final class DirectMap {
    /** Its length with 4 levels of page tables; with 5 it is longer, but memory is not. */
    private static final long LENGTH = 1L << 46;

    private final PhysicalMemory memory;
    private final long base;

    DirectMap(LinuxKernel kernel, PhysicalMemory memory) {
        this.memory = memory;
        this.base =
                kernel.hasSymbol("page_offset_base")
                        ? kernel.pointer(kernel.resolve("page_offset_base"))
                        : 0;
    }

    boolean covers(long linear) {
        return base != 0 && linear - base >= 0 && linear - base < LENGTH;
    }

    boolean read(long linear, byte[] target, int offset, int length) {
        return memory.read(linear - base, target, offset, length);
    }
}
