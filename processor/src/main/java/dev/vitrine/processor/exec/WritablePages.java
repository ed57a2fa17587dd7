// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.exec;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.MemoryWatch;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.SelfModification;
import dev.vitrine.processor.core.Tlb;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The pages that translated code can write: those with an entry in the soft TLB for writes. They
 * are kept few, so that all can be copied each time; a write to another page leaves the region.
 * While a region runs nothing gets into the TLB: a helper that walks is left to the interpreter.
 */
final class WritablePages implements MemoryWatch {
    private static final int PAGE = 4096;

    /** Entries for writes at a time. */
    private static final int LIMIT = 5;

    private enum Phase {
        OUTSIDE,
        REGION,
        REPLAY
    }

    private final Mmu mmu;
    private final GuestRam ram;
    private final FrameTable frames;
    private Phase phase = Phase.OUTSIDE;

    /** Indexes of the entries' tags, the next to go at {@link #oldest}; -1 is none. */
    private final int[] entries = new int[LIMIT];

    private int oldest;
    private int sharings = -1;

    private int count;
    private final long[] machine = new long[LIMIT];
    private final long[] linear = new long[LIMIT];
    private final byte[] before = new byte[LIMIT * PAGE];
    private final byte[] after = new byte[LIMIT * PAGE];
    private final boolean[] changed = new boolean[LIMIT];

    /** Entries of paging structures that the interpreter's walks have marked. */
    private final List<Long> marked = new ArrayList<>();

    /** Pages that the interpreter wanted to write, and translated code did not. */
    private final List<Long> strays = new ArrayList<>();

    WritablePages(Cpu cpu, FrameTable frames) {
        this.mmu = cpu.mmu;
        this.ram = mmu.ram;
        this.frames = frames;
        Arrays.fill(entries, -1);
        mmu.watch = this;
    }

    // ------------------------------------------------------------------- watching

    @Override
    public void walk() {
        if (phase == Phase.REGION) {
            throw SelfModification.INSTANCE;
        }
    }

    @Override
    public void writable(int index) {
        if (phase == Phase.REPLAY) {
            strays.add((mmu.writeTlb[index] & Tlb.PAGE) + mmu.writeTlb[index + 1]);
        }
        for (int e : entries) {
            if (e == index) {
                return;
            }
        }
        int old = entries[oldest];
        if (old >= 0 && phase == Phase.OUTSIDE) {
            mmu.writeTlb[old] = 0;
        }
        entries[oldest] = index;
        oldest = (oldest + 1) % LIMIT;
    }

    @Override
    public void walkerWrites(long at) {
        if (phase == Phase.REPLAY) {
            marked.add(at & -8L);
        }
    }

    // -------------------------------------------------------------------- copying

    /** A region is about to be run: copies all that it can write. */
    void beforeRegion() {
        int now = frames.sharings();
        if (now != sharings) {
            // What others write to must not be found any more.
            sharings = now;
            mmu.flushAll();
            mmu.dropAllWrites();
        }
        count = 0;
        for (int e : entries) {
            long tag = e < 0 ? 0 : mmu.writeTlb[e];
            if (tag != 0) {
                add(tag & Tlb.PAGE, (tag & Tlb.PAGE) + mmu.writeTlb[e + 1]);
            }
        }
    }

    /** Lets a region run, or run again; what it may write has been copied. */
    void region() {
        phase = Phase.REGION;
    }

    private void add(long la, long page) {
        for (int k = 0; k < count; k++) {
            if (machine[k] == page) {
                return;
            }
        }
        linear[count] = la;
        machine[count] = page;
        ram.read(page, before, count * PAGE, PAGE);
        count++;
    }

    /** The region has left: keeps what it has written, and puts back what was there before. */
    void beforeReplay() {
        for (int k = 0; k < count; k++) {
            int at = k * PAGE;
            changed[k] = ram.mismatch(machine[k], before, at, PAGE) >= 0;
            if (changed[k]) {
                ram.read(machine[k], after, at, PAGE);
                ram.write(machine[k], before, at, PAGE);
            }
        }
        marked.clear();
        strays.clear();
        phase = Phase.REPLAY;
    }

    /** The interpreter is done. */
    void afterReplay() {
        phase = Phase.OUTSIDE;
        for (long at : marked) {
            for (int k = 0; k < count; k++) {
                if ((at & Tlb.PAGE) == machine[k]) {
                    ram.read(at, expected(k), k * PAGE + (int) (at & PAGE - 1), 8);
                }
            }
        }
    }

    /** Puts back what was there before the region was run. */
    void restore() {
        for (int k = 0; k < count; k++) {
            ram.write(machine[k], before, k * PAGE, PAGE);
        }
    }

    // ------------------------------------------------------------------ comparing

    /** Whether nothing but the pages copied was written, so that all can be put back. */
    boolean restorable() {
        return strays.isEmpty();
    }

    private byte[] expected(int k) {
        return changed[k] ? after : before;
    }

    /** Whether memory is now as the region had left it. */
    boolean same() {
        for (int k = 0; k < count; k++) {
            if (ram.mismatch(machine[k], expected(k), k * PAGE, PAGE) >= 0) {
                return false;
            }
        }
        return strays.isEmpty();
    }

    /** A place at which both differ. */
    record Place(long linear, long machine, int translated, int interpreted) {}

    /** Bytes that differ, at most so many. */
    List<Place> differences(int limit) {
        List<Place> found = new ArrayList<>();
        for (int k = 0; k < count; k++) {
            for (int i = 0; i < PAGE && found.size() < limit; i++) {
                int its = expected(k)[k * PAGE + i] & 0xFF;
                int now = ram.getByte(machine[k] + i) & 0xFF;
                if (its != now) {
                    found.add(new Place(linear[k] + i, machine[k] + i, its, now));
                }
            }
        }
        return found;
    }

    /** Machine addresses of pages that only the interpreter has written to. */
    List<Long> strays() {
        return strays;
    }
}
