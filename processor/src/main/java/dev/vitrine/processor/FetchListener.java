// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

/** Somebody who wants to know what code a processor comes to, see {@link ProcessorGroup}. */
@FunctionalInterface
public interface FetchListener {
    /**
     * A processor has translated an address to fetch instructions from, and is about to remember
     * it; nothing has been fetched yet. Called on the processor's thread, which may add and remove
     * hooks and change views here, but not change the processor.
     *
     * @param linear any address on the page
     * @param physical guest-physical address of the same byte
     */
    void fetched(Processor processor, long linear, long physical);
}
