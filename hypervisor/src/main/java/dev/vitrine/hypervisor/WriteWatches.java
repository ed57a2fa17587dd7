// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.MirrorListener;
import dev.vitrine.processor.Processor;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Who is to be told of writes to which machine frames. Processors execute an instruction that
 * writes to one of them on its own, and are told nothing else; what is executed on other pages
 * costs nothing.
 */
final class WriteWatches {
    private final EngineFactory engines;

    /** Lists are never changed once they are here. */
    private final ConcurrentHashMap<Long, List<MirrorListener>> byFrame = new ConcurrentHashMap<>();

    WriteWatches(EngineFactory engines) {
        this.engines = engines;
        engines.setMirrorListener(this::written);
    }

    /** Has a listener told of writes to frames from now on. Any thread. */
    void add(long[] mfns, MirrorListener listener) {
        for (long mfn : mfns) {
            byFrame.merge(
                    mfn,
                    List.of(listener),
                    (old, one) -> {
                        List<MirrorListener> more = new ArrayList<>(old);
                        more.addAll(one);
                        return List.copyOf(more);
                    });
        }
        // Without a lock: this waits for processors, and one of them may wait for the lock.
        engines.mirror(mfns, true);
    }

    /** The opposite. */
    void remove(long[] mfns, MirrorListener listener) {
        for (long mfn : mfns) {
            byFrame.computeIfPresent(
                    mfn,
                    (m, old) -> {
                        List<MirrorListener> fewer = new ArrayList<>(old);
                        fewer.remove(listener);
                        return fewer.isEmpty() ? null : List.copyOf(fewer);
                    });
            if (!byFrame.containsKey(mfn)) {
                engines.mirror(new long[] {mfn}, false);
                if (byFrame.containsKey(mfn)) {
                    // Somebody has come meanwhile.
                    engines.mirror(new long[] {mfn}, true);
                }
            }
        }
    }

    private void written(long mfn, @Nullable Processor by) {
        for (MirrorListener l : byFrame.getOrDefault(mfn, List.of())) {
            l.written(mfn, by);
        }
    }
}
