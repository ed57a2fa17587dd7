// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.call;

import dev.vitrine.introspection.trace.Arguments;
import dev.vitrine.introspection.trace.ValueWriter;

import org.jspecify.annotations.Nullable;

import java.util.List;

/** What a parameter points to. */
interface Pointed {
    /**
     * Reads it, on the thread of the vCPU.
     *
     * @param address not 0
     * @return what {@link #write} understands; null if it is not in memory
     */
    @Nullable Object read(CallReader call, long address);

    /** Writes what has been read, on any thread. */
    void write(ValueWriter w, Object content, CallView call);

    /** Characters or bytes as they were in memory; null if it is something else. */
    default byte @Nullable [] bytes(Object content) {
        return null;
    }

    /** Messages of sockets; empty if it is something else. */
    default List<Arguments.Message> messages(Object content) {
        return List.of();
    }
}
