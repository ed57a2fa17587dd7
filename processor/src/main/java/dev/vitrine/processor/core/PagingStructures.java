// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

import dev.vitrine.memory.FrameTable;
import dev.vitrine.memory.GuestRam;
import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;

/**
 * Paging structures as a page walk reads and marks them: by physical address, in the view of now.
 * Each entry is read and changed as a whole.
 */
public final class PagingStructures {
    private static final int READ = PhysicalView.READ;
    private static final int WRITE = PhysicalView.WRITE;

    /** Stands for the linear address where paging structures are read without one. */
    public static final long NO_ADDRESS = Long.MIN_VALUE;

    private final Mmu mmu;
    private final Cpu cpu;
    private final GuestRam ram;
    private final FrameTable frames;
    private final CodeTracker code;

    PagingStructures(Mmu mmu, Cpu cpu, FrameTable frames, CodeTracker code) {
        this.mmu = mmu;
        this.cpu = cpu;
        this.ram = mmu.ram;
        this.frames = frames;
        this.code = code;
    }

    /**
     * Reads an entry of a paging structure, without regard to rights; a hole reads all-ones. The
     * address is aligned.
     */
    public long load64(long physical) {
        long entry = mmu.view().lookup(physical >>> 12);
        return entry == 0
                ? -1L
                : ram.getLongVolatile(PhysicalView.machineAddress(entry) | (physical & 4095));
    }

    /** See {@link #load64}. */
    public int load32(long physical) {
        long entry = mmu.view().lookup(physical >>> 12);
        return entry == 0
                ? -1
                : ram.getIntVolatile(PhysicalView.machineAddress(entry) | (physical & 4095));
    }

    /** As {@link #load64}, but what the view does not let be read is 0. */
    public long loadReadable64(long physical) {
        long entry = mmu.view().lookup(physical >>> 12);
        return entry != 0 && (entry & READ) == 0 ? 0 : load64(physical);
    }

    /** As {@link #load64}, in a walk for an address, which needs the right to read. */
    public long walk64(long physical, long la) {
        long entry = mmu.view().lookup(physical >>> 12);
        if (entry == 0) {
            return -1L;
        }
        requireForWalk(entry, READ, physical, la);
        return ram.getLongVolatile(PhysicalView.machineAddress(entry) | (physical & 4095));
    }

    /** See {@link #walk64}. */
    public int walk32(long physical, long la) {
        long entry = mmu.view().lookup(physical >>> 12);
        if (entry == 0) {
            return -1;
        }
        requireForWalk(entry, READ, physical, la);
        return ram.getIntVolatile(PhysicalView.machineAddress(entry) | (physical & 4095));
    }

    /** The host has let the walks of the instruction in hand pass. */
    public boolean walksPass;

    private void requireForWalk(long entry, int rights, long physical, long la) {
        if ((entry & rights) == 0 && !walksPass) {
            throw mmu.violation(
                    physical,
                    la,
                    (rights & READ) != 0 ? READ : READ | WRITE,
                    la == NO_ADDRESS ? Interception.NO_LINEAR : Interception.IN_WALK);
        }
    }

    /** Atomic update of a page-table entry in a walk; true also where no RAM answers. */
    public boolean cas64(long physical, long expect, long update, long la) {
        long machine = toBeMarked(physical, la);
        return machine < 0 || ram.casLong(machine, expect, update);
    }

    /** See {@link #cas64}. */
    public boolean cas32(long physical, int expect, int update, long la) {
        long machine = toBeMarked(physical, la);
        return machine < 0 || ram.casInt(machine, expect, update);
    }

    /** Machine address of an entry that a walk is about to change; -1 where no RAM answers. */
    private long toBeMarked(long physical, long la) {
        long entry = mmu.view().lookup(physical >>> 12);
        if (entry == 0) {
            return -1;
        }
        requireForWalk(entry, WRITE | PhysicalView.WALKER_WRITE, physical, la);
        long machine = PhysicalView.machineAddress(entry) | (physical & 4095);
        beforeWalkerWrite(machine);
        return machine;
    }

    private void beforeWalkerWrite(long machine) {
        MemoryWatch watch = mmu.watch;
        if (watch != null) {
            watch.walkerWrites(machine);
        }
        long mfn = machine >>> 12;
        // A/D bits in a page that also holds code: drop the code, but never restart a walk for it.
        int flags = frames.flags(mfn);
        if ((flags & FrameTable.CODE) != 0) {
            code.invalidateFrame(mfn);
        }
        if (frames.dirtyLog() && (flags & FrameTable.DIRTY) == 0) {
            frames.set(mfn, FrameTable.DIRTY);
        }
        if ((flags & FrameTable.MIRRORED) != 0) {
            cpu.noteMirrored(mfn);
        }
    }
}
