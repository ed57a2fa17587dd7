// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

/**
 * A guest-physical address space as a processor sees it: the domain's {@link PhysicalMap} itself or
 * an alternate view over it (Xen's altp2m). Entries are packed longs: the machine address of the
 * frame in bits 12 to 62 and access bits below; 0 means that no RAM answers at that address. Bits 6
 * to 11 belong to whoever makes the entry: nothing here looks at them.
 */
public sealed interface PhysicalView permits PhysicalMap, AlternateView, UnrestrictedView {
    int READ = 1;
    int WRITE = 2;
    int EXECUTE = 4;

    /** Set in every entry that has a frame, so that an entry without any access is not a hole. */
    int PRESENT = 8;

    /** A page walk may set accessed and dirty bits, though {@link #WRITE} is not given. */
    int WALKER_WRITE = 16;

    /** The rights are the frame's own: no view gives more. */
    int FIXED = 32;

    int ALL = READ | WRITE | EXECUTE | PRESENT;

    /** What {@link AlternateView#setAccess} and its like may set. */
    int ACCESS = READ | WRITE | EXECUTE | WALKER_WRITE | 0xFC0;

    /** The entry of a guest frame, or 0. */
    long lookup(long gfn);

    /** As {@link #lookup}, with all rights that this view could give. */
    default long unrestricted(long gfn) {
        return lookup(gfn);
    }

    /** How many frames from gfn on, count at the most, are RAM and in a row in machine memory. */
    default long run(long gfn, long count) {
        long first = lookup(gfn);
        if (first == 0) {
            return 0;
        }
        long n = 1;
        while (n < count) {
            long e = lookup(gfn + n);
            if (e == 0 || mfn(e) != mfn(first) + n) {
                break;
            }
            n++;
        }
        return n;
    }

    /** The domain's own map, under all views. */
    PhysicalMap base();

    /** Machine address of an entry's frame. */
    static long machineAddress(long entry) {
        return entry & ~0xFFFL;
    }

    /** Machine frame of an entry. */
    static long mfn(long entry) {
        return entry >>> MachineMemory.FRAME_SHIFT;
    }

    /** An entry with other access bits; rights that the frame does not have are left out. */
    static long withAccess(long entry, int access) {
        int given = (entry & FIXED) == 0 ? access : access & (int) (entry | ~ALL);
        return (entry & ~(long) ACCESS) | given & ACCESS;
    }
}
