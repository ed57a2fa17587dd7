// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * Stops the other processors of a domain for an access that no compare-and-set of the host covers:
 * a locked one of 16 bytes, or over the end of an 8-byte word (SDM volume 3, 9.1.2.2: the bus
 * lock).
 */
public interface Exclusion {
    /** For a processor that is alone. */
    Exclusion NONE =
            new Exclusion() {
                @Override
                public void begin() {}

                @Override
                public void end() {}
            };

    /**
     * Returns when no other processor executes guest code; to be followed by {@link #end}. What
     * others ask of this processor may be done meanwhile: what it knew of its address space is to
     * be looked up anew.
     */
    void begin();

    /** Lets the others go on. */
    void end();
}
