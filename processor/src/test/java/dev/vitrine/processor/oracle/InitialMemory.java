// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0
package dev.vitrine.processor.oracle;

import static dev.vitrine.processor.oracle.OracleLayout.DATA;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.DATA_WRITABLE_SIZE;
import static dev.vitrine.processor.oracle.OracleLayout.STACK;
import static dev.vitrine.processor.oracle.OracleLayout.STACK_SIZE;

import java.util.SplittableRandom;

/**
 * The memory that every case of a run starts from, before the case's own lines: made from a seed.
 */
public final class InitialMemory {
    private final long[] words = new long[(DATA_SIZE + STACK_SIZE) / 8];

    /** Fills the memory with interesting values from a seed. */
    public InitialMemory(long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        for (int i = 0; i < words.length; i++) {
            words[i] = Interesting.word(random);
        }
    }

    /** Whether the address lies in memory that a case may write. */
    public static boolean isWritable(long address) {
        return address >= DATA && address < DATA + DATA_WRITABLE_SIZE
                || address >= STACK && address < STACK + STACK_SIZE;
    }

    /** The 64-bit word at an aligned address in the data or stack region. */
    public long word(long address) {
        return words[(int) (address >= STACK ? DATA_SIZE + address - STACK : address - DATA) / 8];
    }

    /** All words: the data region, then the stack region. */
    long[] words() {
        return words;
    }
}
