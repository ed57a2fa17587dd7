// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Diversion;
import dev.vitrine.processor.core.Mmu;

import org.jspecify.annotations.Nullable;

/**
 * How an instruction that was intercepted is executed after all. One instruction may be intercepted
 * several times, by a breakpoint and then by what it does; each answer adds to the ones before, so
 * that it is executed with all of them or not at all.
 */
final class Attempt {
    /** Kinds of {@link dev.vitrine.processor.Intercepts} that the host lets pass. */
    private int passed;

    private boolean unrestricted;
    private boolean walks;
    private boolean inParts;
    private boolean discard;
    private byte @Nullable [] data;

    /** What is executed in place of what is in memory. */
    byte @Nullable [] instruction;

    /** What the host wants done behind it. */
    @Nullable Runnable after;

    void clear() {
        passed = 0;
        unrestricted = false;
        walks = false;
        inParts = false;
        discard = false;
        data = null;
        instruction = null;
        after = null;
    }

    void pass(int kinds) {
        passed |= kinds;
    }

    /** Page walks pass, whatever the view says. */
    void passWalks() {
        walks = true;
    }

    /** The domain's own map is used, with all rights. */
    void emulate(boolean discardWrites, byte @Nullable [] readData, byte @Nullable [] code) {
        unrestricted = true;
        discard |= discardWrites;
        data = readData != null ? readData : data;
        instruction = code != null ? code : instruction;
    }

    /**
     * Of a repeated instruction one part is executed, up to the end of a page at the most: the host
     * has let one access pass, and may want to see the next.
     */
    void inParts() {
        inParts = true;
    }

    /** Lets something be done as has been agreed. */
    void with(Cpu cpu, Runnable work) {
        Mmu mmu = cpu.mmu;
        var seen = mmu.view();
        cpu.passed = passed;
        cpu.emulating = inParts;
        mmu.structures().walksPass = walks;
        if (unrestricted) {
            mmu.setView(mmu.unrestricted());
            if (discard || data != null) {
                mmu.divert(new Diversion(discard, data));
            }
        }
        try {
            work.run();
        } finally {
            cpu.passed = 0;
            cpu.emulating = false;
            mmu.structures().walksPass = false;
            if (unrestricted) {
                mmu.divert(null);
                // Unless a hypercall has switched to another one.
                if (mmu.view() == mmu.unrestricted()) {
                    mmu.setView(seen);
                }
            }
        }
    }
}
