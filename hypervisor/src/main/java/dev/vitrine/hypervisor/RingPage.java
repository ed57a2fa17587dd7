// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/**
 * The page that a monitor's ring lies in, see {@link dev.vitrine.xenabi.VmEvent}; somebody else
 * reads and writes it at the same time. Called by one thread at a time.
 */
public interface RingPage {
    /** Bytes of a page. */
    int SIZE = 4096;

    /** An index; what its writer has written before it is seen by {@link #read} behind this. */
    int index(int offset);

    /** Stores an index, behind what {@link #write} has written before. */
    void setIndex(int offset, int value);

    void read(int offset, byte[] target);

    void write(int offset, byte[] source);

    /** The ring is not used any more. */
    void close();
}
