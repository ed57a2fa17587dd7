// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/** Listens to io_uring, see {@link TraceContext#onRings}. */
public interface RingListener {
    /**
     * The kernel takes a submission over from the ring, before it looks at what it says.
     *
     * @param ring linear address of the ring's io_ring_ctx
     * @param operation such as IORING_OP_READ, or a number if it has no name
     * @param flags names of those that all operations may have
     * @param arguments those of the operation
     * @param userData by which the program will know it
     */
    void submitted(
            Moment at,
            long ring,
            String operation,
            String flags,
            Arguments arguments,
            long userData);

    /**
     * A completion has been put on the ring, since the one before.
     *
     * @param at of when it was seen, which may be later, on another thread
     * @param ring linear address of the ring's io_ring_ctx
     * @param userData as it was submitted
     * @param result what the operation returned, or a negative error
     * @param flags names of the completion's flags
     */
    void completed(Moment at, long ring, long userData, int result, String flags);
}
