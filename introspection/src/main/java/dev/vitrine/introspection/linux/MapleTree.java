// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

import java.util.function.LongConsumer;

/**
 * Walks a maple tree (Documentation/core-api/maple_tree.rst). A pointer to a node has the node's
 * type in bits 3 to 6; nodes are aligned to 256 bytes.
 */
final class MapleTree {
    private static final int LEAF_64 = 1;
    private static final int ARANGE_64 = 3;
    private static final int DEPTH = 16;

    private final LinuxKernel kernel;
    private final int limit;
    private int visited;

    /**
     * @param limit entries and nodes, at most
     */
    MapleTree(LinuxKernel kernel, int limit) {
        this.kernel = kernel;
        this.limit = limit;
    }

    /** Gives all entries that are pointers, in the order of their indices. */
    void walk(long root, LongConsumer entries) {
        if (isNode(root)) {
            node(root, -1, 0, entries);
        } else if (isPointer(root)) {
            entries.accept(root);
        }
    }

    private static boolean isNode(long entry) {
        return (entry & 3) == 2 && Long.compareUnsigned(entry, 4096) > 0;
    }

    private static boolean isPointer(long entry) {
        return entry != 0 && (entry & 3) == 0;
    }

    private void node(long entry, long max, int depth, LongConsumer entries) {
        int type = (int) (entry >>> 3 & 15);
        if (depth > DEPTH || type < LEAF_64 || type > ARANGE_64) {
            throw new IntrospectionException("A maple tree of the guest makes no sense.");
        }
        KernelObject n =
                kernel.object(
                        type == ARANGE_64 ? "maple_arange_64" : "maple_range_64", entry & ~255L);
        long pivots = n.addressOf("pivot");
        long slots = n.addressOf("slot");
        long pivotCount = kernel.member(n.type(), "pivot").count();
        long slotCount = kernel.member(n.type(), "slot").count();
        for (int i = 0; i < slotCount; i++) {
            long pivot = i < pivotCount ? kernel.pointer(pivots + 8L * i) : max;
            if (pivot == 0 && i > 0) {
                // The last one of a node that is not full has no pivot.
                pivot = max;
            }
            if (++visited > limit) {
                throw new IntrospectionException("A maple tree of the guest has no end.");
            }
            long slot = kernel.pointer(slots + 8L * i);
            if (type == LEAF_64) {
                if (isPointer(slot)) {
                    entries.accept(slot);
                }
            } else if ((slot & ~255L) != 0) {
                // Only the root is marked as a node; all that is in an inner node is one.
                node(slot, pivot, depth + 1, entries);
            }
            if (Long.compareUnsigned(pivot, max) >= 0) {
                return;
            }
        }
    }
}
