// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import org.jspecify.annotations.Nullable;

/**
 * What the interpreter reads and writes of a {@link Block} each time it executes it. A superclass,
 * whose fields the JVM lays out before those of its subclass, so that they lie together: a block
 * that executes seldom is in no cache near the core, and each line of it is waited for.
 */
abstract class BlockHead {
    public final long rip;

    // Profile for the translator; racy on purpose.
    public int executions;
    public int takenCount;

    public final int modeKey;

    /** How many guest instructions. */
    public final char count;

    /** Cleared when a frame under it is written. */
    public volatile boolean valid = true;

    /**
     * Micro-operations, two longs each. The first of the references: the collector copies what the
     * first one leads to first, so that a block's code is to lie behind it, and its successor
     * behind that.
     */
    public final long[] code;

    /** Successors on the same page; they need no check but validity. */
    @Nullable Block next;

    @Nullable Block taken;

    /**
     * Their code, which is read while they are, not after them. Other processors set both, so that
     * it may be that of one before.
     */
    long @Nullable [] nextCode;

    long @Nullable [] takenCode;

    /** Where the translation that begins here can be entered. */
    public Region.@Nullable Entry entry;

    BlockHead(long rip, int modeKey, long[] code, int count) {
        this.rip = rip;
        this.modeKey = modeKey;
        this.code = code;
        this.count = (char) count;
    }
}
