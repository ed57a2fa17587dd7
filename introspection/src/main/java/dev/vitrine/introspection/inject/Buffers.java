// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

/** Memory of the kernel for the arguments of its functions. */
final class Buffers {
    /** Takes bytes; memory may sleep. Allocation profiling has renamed it in 6.10. */
    static final String ALLOCATE = "vmalloc";

    static final String FREE = "vfree";

    private Buffers() {}

    /** The result of {@link #ALLOCATE}. */
    static long checked(long result) {
        if (result >= 0) {
            throw new IntrospectionException(
                    "The guest's kernel has no memory for the arguments (ENOMEM).");
        }
        return result;
    }

    /** Whether a pointer is an error number: include/linux/err.h. */
    static boolean isError(long pointer) {
        return pointer < 0 && pointer >= -4095;
    }
}
