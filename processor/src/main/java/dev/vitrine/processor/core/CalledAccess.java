// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import java.lang.invoke.MethodHandles;

/**
 * Memory accesses of the first stage's code: each a call, so that this code is small and HotSpot's
 * first compiler is soon done with it. Where the soft TLB misses they set {@link Cpu#missed}, a
 * load gives 0, and all others say so.
 *
 * <p>Each processor has a class of its own for them: HotSpot knows the processor's memory, soft
 * TLBs and the rest as constants in it, which halves an access.
 */
public abstract class CalledAccess {
    /** For the class of a processor. */
    protected CalledAccess() {}

    /** Where classes are defined that name that class. */
    public abstract MethodHandles.Lookup place();

    /** Looks whether an access to a linear address would hit, and makes none. */
    public abstract boolean probe(long la, int size, boolean write);

    public abstract long load1(long la);

    public abstract long load2(long la);

    public abstract long load4(long la);

    public abstract long load8(long la);

    /** Loads for a read-modify-write: the later store to the address will hit. */
    public abstract long update1(long la);

    public abstract long update2(long la);

    public abstract long update4(long la);

    public abstract long update8(long la);

    public abstract boolean store1(long la, long value);

    public abstract boolean store2(long la, long value);

    public abstract boolean store4(long la, long value);

    public abstract boolean store8(long la, long value);
}
