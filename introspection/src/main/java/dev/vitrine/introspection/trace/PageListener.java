// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/** Listens to writes to pages of the kernel, see {@link TraceContext#onWrites}. */
@FunctionalInterface
public interface PageListener {
    /**
     * A page has been written.
     *
     * @param page its linear address
     * @param outside whether it was not the vCPU of this moment, but somebody outside of the guest,
     *     some time before
     */
    void written(Moment at, long page, boolean outside);
}
