// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * Told by a processor's {@link Mmu} of what goes into its soft TLBs, so that somebody knows all
 * that translated code can write. With a watch no frame that the host writes to gets into them, and
 * a read makes no entry for writes.
 */
public interface MemoryWatch {
    /**
     * A page walk is about to begin.
     *
     * @throws SelfModification not now: the instruction is to be run again by the interpreter
     */
    void walk();

    /**
     * An entry for writes was made.
     *
     * @param index of its tag in {@link Mmu#writeTlb}
     */
    void writable(int index);

    /**
     * A page walk is about to change bits of a paging-structure entry.
     *
     * @param machine its machine address; it has 4 or 8 bytes and is aligned
     */
    void walkerWrites(long machine);
}
