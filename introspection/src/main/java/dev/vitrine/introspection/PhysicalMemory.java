// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import java.util.List;

/**
 * A guest's memory by guest-physical address. Reads have no effect on the guest. Addresses may be
 * anything: what is not RAM is told, not raised.
 */
public interface PhysicalMemory {
    /** RAM, in ascending order and disjoint. Parts of a range may be holes all the same. */
    List<PhysicalRange> ranges();

    /**
     * Reads bytes.
     *
     * @return false if one of them is not RAM; what is in the target is then unspecified
     * @throws IndexOutOfBoundsException the target is too short
     */
    boolean read(long address, byte[] target, int offset, int length);

    /**
     * Writes bytes, all or none.
     *
     * @return false if one of them is not RAM
     * @throws IntrospectionException this memory cannot be written
     */
    boolean write(long address, byte[] source, int offset, int length);
}
