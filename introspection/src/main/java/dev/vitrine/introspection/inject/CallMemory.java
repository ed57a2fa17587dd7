// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

/** The kernel's memory while one of its threads stands still between two injected calls. */
interface CallMemory {
    /**
     * Reads an unsigned number of 1, 2, 4 or 8 bytes.
     *
     * @throws IntrospectionException not all of it is mapped to RAM
     */
    long number(long address, int size);

    /**
     * Reads bytes.
     *
     * @throws IntrospectionException not all of them are mapped to RAM
     */
    byte[] bytes(long address, int length);

    /**
     * Writes bytes.
     *
     * @throws IntrospectionException not all of them are mapped to RAM
     */
    void write(long address, byte[] content);

    /** Offset of one of the members in {@link FileProcedure#MEMBERS}. */
    long offset(String member);

    /** Address of a function that has been looked for; 0 if this kernel does not have it. */
    long symbol(String name);
}
