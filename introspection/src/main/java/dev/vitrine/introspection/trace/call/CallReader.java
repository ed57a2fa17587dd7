// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

/** A call on the thread of its vCPU: its numbers, and the memory of its process. */
public interface CallReader extends CallView {
    /** What the call returned; only once it has. */
    long result();

    /** Bytes of a buffer that are read at the most. */
    int dataLimit();

    /** Reads memory of the process; false if it is not all there. */
    boolean read(long linear, byte[] target, int offset, int length);
}
