// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

import java.util.Set;

/**
 * Calls of kernel functions that one thread does one after the other. The steps are taken on the
 * thread of the vCPU, which stands still meanwhile.
 */
interface Procedure {
    /** The functions that it calls. */
    Set<String> functions();

    /**
     * What is to be called next.
     *
     * @param memory the kernel's memory
     * @param result what the last call returned; 0 at first
     * @return null if all is done
     * @throws IntrospectionException the kernel does not do what it should
     */
    @Nullable KernelCall next(CallMemory memory, long result);

    /** Whether only a worker of the kernel can do it. */
    default boolean onWorker() {
        return false;
    }

    /**
     * Whether a signal for the thread, not what was asked for, has made it fail, and nothing was
     * done that another thread may not do once more.
     */
    default boolean interrupted() {
        return false;
    }
}
