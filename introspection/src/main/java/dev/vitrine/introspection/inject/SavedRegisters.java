// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.inject;

import dev.vitrine.processor.Processor;
import dev.vitrine.processor.Registers;

/**
 * What a call of a function changes: general registers, RIP and RFLAGS. Everything else belongs to
 * the vCPU or is kept for the thread by the kernel.
 */
record SavedRegisters(long[] general, long instructionPointer, long flags) {
    static SavedRegisters of(Processor p) {
        long[] all = new long[Registers.GENERAL];
        for (int i = 0; i < all.length; i++) {
            all[i] = p.gpr(i);
        }
        return new SavedRegisters(all, p.rip(), p.flags());
    }

    void restore(Processor p) {
        for (int i = 0; i < general.length; i++) {
            p.setGpr(i, general[i]);
        }
        p.setRip(instructionPointer);
        p.setFlags(flags);
    }

    long stackPointer() {
        return general[Registers.RSP];
    }
}
