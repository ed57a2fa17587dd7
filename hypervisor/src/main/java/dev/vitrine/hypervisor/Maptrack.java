// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.StateSink;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/** The grants that a domain has mapped, by handle. */
final class Maptrack {
    private static final int LIMIT = 65536;

    /** A mapped grant and where it shows. */
    record Entry(GrantTable.Use use, long gfn) {}

    private @Nullable Entry[] entries = new Entry[16];
    private int lowestFree;

    /** A handle, or -1 when there is none left. */
    synchronized int add(Entry e) {
        for (int i = lowestFree; i < LIMIT; i++) {
            if (i == entries.length) {
                entries = Arrays.copyOf(entries, Math.min(LIMIT, i * 2));
            }
            if (entries[i] == null) {
                entries[i] = e;
                lowestFree = i + 1;
                return i;
            }
        }
        return -1;
    }

    synchronized @Nullable Entry get(int handle) {
        return handle >= 0 && handle < entries.length ? entries[handle] : null;
    }

    synchronized @Nullable Entry remove(int handle) {
        Entry e = get(handle);
        if (e != null) {
            entries[handle] = null;
            lowestFree = Math.min(lowestFree, handle);
        }
        return e;
    }

    synchronized void visitState(StateSink sink) {
        for (int i = 0; i < entries.length; i++) {
            Entry e = entries[i];
            if (e != null) {
                sink.value("handle", i);
                sink.value("guest frame", e.gfn());
                sink.value("machine frame", e.use().mfn);
            }
        }
    }
}
