// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace;

/**
 * What is known of a request of io_uring beside its arguments.
 *
 * @param address of its io_kiocb, linear: another request may be there once it is done
 * @param ring address of the ring's io_ring_ctx
 * @param userData by which the program knows it
 * @param fixedFile whether its file is the number of a registered one, and no descriptor
 */
public record RingRequest(long address, long ring, long userData, boolean fixedFile) {}
