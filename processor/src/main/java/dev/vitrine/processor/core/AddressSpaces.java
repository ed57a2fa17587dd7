// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.memory.PhysicalView;

import java.util.Arrays;

/**
 * Which number stands for which address space in the contexts of a processor's soft TLBs. The
 * entries of a space are forgotten by giving it another number; only when there are no more are the
 * TLBs emptied.
 */
final class AddressSpaces {
    /** The highest number: a context has ten bits for it, and one is for the slow path. */
    private static final int LIMIT = 1022;

    private static final ViewSpaces[] NONE = {};

    private final Runnable sweep;

    /** As the view of now shows them. */
    private ViewSpaces spaces;

    /** Those of other views that this processor has used lately; mostly there are none. */
    private ViewSpaces[] parked = NONE;

    private int nextParked;

    private int asid = 1;
    private int nextAsid = 3;

    /**
     * @param view in use at first
     * @param sweep empties the TLBs
     */
    AddressSpaces(PhysicalView view, Runnable sweep) {
        this.sweep = sweep;
        spaces = new ViewSpaces(view, 0);
        spaces.sharedAsid = 2;
    }

    /** Number of the address space of now. */
    int asid() {
        return asid;
    }

    /** Those of the view of now. */
    ViewSpaces now() {
        return spaces;
    }

    /** Selects the address spaces of another view, and of these the one of a PCID. */
    void setView(PhysicalView other, int pcid) {
        ViewSpaces to = null;
        ViewSpaces[] known = parked;
        for (int i = 0; i < known.length; i++) {
            if (known[i].view == other) {
                to = known[i];
                known[i] = spaces;
                break;
            }
        }
        if (to == null) {
            to = park(other);
        }
        spaces = to;
        if (to.sharedAsid == 0) {
            to.sharedAsid = fresh();
        }
        select(pcid, true);
    }

    /** Puts the address spaces of now aside and returns room for those of a new view. */
    private ViewSpaces park(PhysicalView other) {
        if (parked.length < ViewSpaces.KEPT) {
            parked = Arrays.copyOf(parked, parked.length + 1);
            parked[parked.length - 1] = spaces;
            return new ViewSpaces(other, parked.length);
        }
        ViewSpaces last = parked[nextParked];
        parked[nextParked] = spaces;
        nextParked = (nextParked + 1) % ViewSpaces.KEPT;
        return new ViewSpaces(other, last.number);
    }

    /**
     * Selects the address space of a PCID.
     *
     * @param keep what is cached for it stays valid
     */
    void select(int pcid, boolean keep) {
        int known = spaces.asidOfPcid[pcid];
        if (keep && known != 0) {
            asid = known;
            return;
        }
        if (!keep) {
            forgetElsewhere(pcid);
        }
        // The number first: taking it may sweep all others away.
        int fresh = fresh();
        asid = fresh;
        spaces.asidOfPcid[pcid] = fresh;
    }

    private void forgetElsewhere(int pcid) {
        for (ViewSpaces s : parked) {
            s.asidOfPcid[pcid] = 0;
        }
    }

    /**
     * Forgets the address space of a PCID, in all views.
     *
     * @param current the PCID of now
     */
    void forget(int pcid, int current) {
        if (pcid == current) {
            select(pcid, false);
        } else {
            forgetElsewhere(pcid);
            spaces.asidOfPcid[pcid] = 0;
        }
    }

    /** Forgets all address spaces, but not what they share. */
    void forgetNonGlobal(int current) {
        for (ViewSpaces s : parked) {
            Arrays.fill(s.asidOfPcid, 0);
        }
        Arrays.fill(spaces.asidOfPcid, 0);
        select(current, false);
    }

    /** Forgets all address spaces of all views. */
    void forgetAll(int current) {
        forgetParked();
        forgetNow(current);
    }

    /** Forgets all address spaces of one view. */
    void forget(PhysicalView view, int current) {
        if (view == spaces.view) {
            forgetNow(current);
            return;
        }
        for (ViewSpaces s : parked) {
            if (s.view == view) {
                s.forget();
            }
        }
    }

    private void forgetParked() {
        for (ViewSpaces s : parked) {
            s.forget();
        }
    }

    private void forgetNow(int current) {
        spaces.forget();
        spaces.sharedAsid = fresh();
        select(current, true);
    }

    /** A number that no entry carries; when there are no more, all entries are swept away. */
    private int fresh() {
        if (nextAsid > LIMIT) {
            sweep.run();
            forgetParked();
            spaces.forget();
            spaces.sharedAsid = 1;
            nextAsid = 2;
        }
        return nextAsid++;
    }
}
