// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.memory.PhysicalView;

import java.util.Arrays;

/**
 * The numbers under which a processor's soft TLBs hold the address spaces of one physical view. A
 * switch to another view and back finds what it left.
 */
final class ViewSpaces {
    /** How many a processor keeps beside those of the view of now. */
    static final int KEPT = 7;

    final PhysicalView view;

    /** Chooses where its entries lie. */
    final int number;

    /** By PCID; 0 where nothing is cached. */
    final int[] asidOfPcid = new int[4096];

    /** Number of supervisor accesses while these are the same in all address spaces; 0 for none. */
    int sharedAsid;

    final int systemKey;
    final int fetchMix;

    ViewSpaces(PhysicalView view, int number) {
        this.view = view;
        this.number = number;
        this.systemKey = Mmu.USER_KEYS + number % (Tlb.KEYS - Mmu.USER_KEYS);
        this.fetchMix = number << 8;
    }

    /** Lets go of all that is cached. */
    void forget() {
        Arrays.fill(asidOfPcid, 0);
        sharedAsid = 0;
    }
}
