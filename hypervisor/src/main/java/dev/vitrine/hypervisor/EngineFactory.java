// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.CodeHook;
import dev.vitrine.processor.FetchListener;
import dev.vitrine.processor.FreshCode;
import dev.vitrine.processor.Intercepts;
import dev.vitrine.processor.MirrorListener;

import org.jspecify.annotations.Nullable;

import java.util.BitSet;

/** Makes the processors of a domain. */
interface EngineFactory {
    /** What makes the factory of a domain, once its memory exists. */
    interface Provider {
        EngineFactory open(Domain domain);
    }

    /** Statistics of all processors together, appended as lines "name value". */
    default void statistics(java.util.Map<String, Long> out) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#addHook}. */
    default void addHook(long machine, CodeHook hook) {
        throw new UnsupportedOperationException("hooks");
    }

    /** The opposite; nothing if there is no such hook. */
    default void removeHook(long machine, CodeHook hook) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#setFetchListener}. */
    default void setFetchListener(@Nullable FetchListener listener) {}

    /** Switches the dirty log of the domain's frames on, or begins it anew. */
    default void logWrites() {}

    /** What the processors show to the domain's monitor from now on. */
    default void setIntercepts(Intercepts intercepts) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#mirror}. */
    default void mirror(long[] mfns, boolean on) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#setMirrorListener}. */
    default void setMirrorListener(MirrorListener listener) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#setFreshCode}. */
    default void setFreshCode(@Nullable FreshCode listener) {}

    /** See {@link dev.vitrine.processor.ProcessorGroup#patch}. */
    default void patch(long mfn, BitSet places, byte[] original, long copied, long snapshot) {}

    /** The processor of one vCPU, in the state after INIT, waiting for a start-up IPI. */
    Engine create(Vcpu vcpu);
}
