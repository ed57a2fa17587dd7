// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

/** The kernel's memory by linear address. */
public interface KernelMemory {
    /**
     * Reads an unsigned number of 1, 2, 4 or 8 bytes.
     *
     * @throws IntrospectionException not all of it is mapped to RAM
     */
    long number(long address, int size);

    /**
     * Reads a pointer.
     *
     * @throws IntrospectionException not all of it is mapped to RAM
     */
    default long pointer(long address) {
        return number(address, 8);
    }

    /**
     * Reads characters (UTF-8) up to a zero byte, or so many bytes.
     *
     * @throws IntrospectionException not all of it is mapped to RAM
     */
    String text(long address, int limit);
}
