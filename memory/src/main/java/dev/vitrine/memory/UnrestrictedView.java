// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

/**
 * A domain's own map with all rights that its frames have: what an instruction sees that is
 * executed on behalf of a monitor, which forbade an access and then lets it pass.
 */
public final class UnrestrictedView implements PhysicalView {
    private final PhysicalMap base;

    public UnrestrictedView(PhysicalMap base) {
        this.base = base;
    }

    @Override
    public PhysicalMap base() {
        return base;
    }

    @Override
    public long lookup(long gfn) {
        long e = base.lookup(gfn);
        return e == 0 || (e & FIXED) != 0 ? e : e | ALL;
    }
}
