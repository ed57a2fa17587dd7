// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/**
 * Where in a soft TLB for writes a frame may have an entry. Most code is never written to, and what
 * is has mostly one entry: nothing need be looked for in the whole of it.
 */
final class WritableFrames {
    private static final int FRAMES = 1 << 17;

    /** Anywhere. */
    private static final short ANY = -1;

    /**
     * By the low bits of the frame's number: 0 for nowhere, {@link #ANY}, or one more than the
     * number of the entry. All frames with the same bits share it.
     */
    private final short[] entries = new short[FRAMES];

    /**
     * An entry is made.
     *
     * @param index of its tag
     */
    void add(long mfn, int index) {
        int place = (int) mfn & FRAMES - 1;
        short known = entries[place];
        short entry = (short) ((index >>> 1) + 1);
        if (known != entry) {
            entries[place] = known == 0 ? entry : ANY;
        }
    }

    /** Takes a frame's entries out of a TLB. */
    void drop(long mfn, long[] tlb) {
        short known = entries[(int) mfn & FRAMES - 1];
        if (known == ANY) {
            for (int i = 0; i < tlb.length; i += 2) {
                drop(mfn, tlb, i);
            }
        } else if (known != 0) {
            drop(mfn, tlb, (known & 0xFFFF) - 1 << 1);
        }
    }

    private static void drop(long mfn, long[] tlb, int i) {
        if (tlb[i] != 0 && (tlb[i] & Tlb.PAGE) + tlb[i + 1] == mfn << 12) {
            tlb[i] = 0;
        }
    }

    /** The TLB is empty. */
    void clear() {
        Zeroes.fill(entries);
    }
}
