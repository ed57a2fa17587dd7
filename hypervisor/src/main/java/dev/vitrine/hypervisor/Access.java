// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalView;

import org.jspecify.annotations.Nullable;

/** What may be done with a page in a view: Xen's xenmem_access_t, in its order. */
public enum Access {
    N(0),
    R(PhysicalView.READ),
    W(PhysicalView.WRITE),
    RW(PhysicalView.READ | PhysicalView.WRITE),
    X(PhysicalView.EXECUTE),
    RX(PhysicalView.READ | PhysicalView.EXECUTE),
    WX(PhysicalView.WRITE | PhysicalView.EXECUTE),
    RWX(PhysicalView.READ | PhysicalView.WRITE | PhysicalView.EXECUTE),
    /** As RX; the first write makes it RW, without an event. */
    RX2RW(PhysicalView.READ | PhysicalView.EXECUTE | 1 << 6),
    /** As N; the first access makes it RWX, with an event that nobody waits for. */
    N2RWX(1 << 7),
    /** As R; page walks may set accessed and dirty bits. */
    R_PW(PhysicalView.READ | PhysicalView.WALKER_WRITE);

    /** The bits of a view's entry. */
    final int bits;

    Access(int bits) {
        this.bits = bits;
    }

    /** By its number in Xen's interface; null for a number that there is not. */
    static @Nullable Access of(int number) {
        return number >= 0 && number < values().length ? values()[number] : null;
    }

    /** That of an entry. */
    static Access ofEntry(long entry) {
        int its = (int) entry & (RWX.bits | RX2RW.bits | N2RWX.bits | R_PW.bits);
        for (Access a : values()) {
            if (a.bits == its) {
                return a;
            }
        }
        // A write of a walker is allowed where every write is.
        return ofEntry(its & RWX.bits);
    }
}
