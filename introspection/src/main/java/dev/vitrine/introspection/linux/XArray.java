// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

/**
 * Looks entries up in an XArray (Documentation/core-api/xarray.rst). Bit 0 of an entry is set if it
 * is a number, bits 0 and 1 are 2 if it is the array's own, and what is left is a pointer. Of the
 * array's own, numbers below that of slots are siblings, which say in which slot of the same node
 * the entry is that covers theirs, too; what is above 4096 is a node.
 */
final class XArray {
    private static final int INTERNAL = 2;
    private static final long LAST_RESERVED = 4096;
    private static final int BITS = 64;

    private final long shiftOffset;
    private final long slotsOffset;
    private final int slots;

    XArray(LinuxKernel k) {
        shiftOffset = k.offset("xa_node", "shift");
        slotsOffset = k.offset("xa_node", "slots");
        slots = (int) k.member("xa_node", "slots").count();
    }

    static boolean isValue(long entry) {
        return (entry & 1) != 0;
    }

    static boolean isPointer(long entry) {
        return entry != 0 && (entry & 3) == 0;
    }

    private static boolean isInternal(long entry) {
        return (entry & 3) == INTERNAL;
    }

    private static boolean isNode(long entry) {
        return isInternal(entry) && Long.compareUnsigned(entry, LAST_RESERVED) > 0;
    }

    private boolean isSibling(long entry) {
        return isInternal(entry) && Long.compareUnsigned(entry >>> 2, slots) < 0;
    }

    /**
     * The entry that covers an index; 0 if there is none.
     *
     * @param head what the member xa_head holds
     * @throws IntrospectionException the array makes no sense, or is not in memory
     */
    long load(KernelMemory m, long head, long index) {
        long entry = head;
        if (!isNode(entry)) {
            return index == 0 ? entry : 0;
        }
        int above = BITS;
        while (isNode(entry)) {
            long node = entry - INTERNAL;
            int shift = (int) m.number(node + shiftOffset, 1);
            if (shift >= above) {
                throw new IntrospectionException("An XArray of the guest makes no sense.");
            }
            long slot = index >>> shift;
            if (above == BITS && Long.compareUnsigned(slot, slots) >= 0) {
                return 0;
            }
            above = shift;
            entry = m.pointer(node + slotsOffset + 8 * (slot & slots - 1));
            if (isSibling(entry)) {
                entry = m.pointer(node + slotsOffset + 8 * (entry >>> 2));
            }
        }
        return entry;
    }
}
