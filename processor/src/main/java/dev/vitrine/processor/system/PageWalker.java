// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Mmu;
import dev.vitrine.processor.core.PagingStructures;
import dev.vitrine.processor.core.Vector;

/**
 * Walks the guest's page tables (SDM volume 3, chapter 4): no paging, 32-bit with PSE and PSE-36,
 * PAE and 4-level. One object per processor; the result of the last walk stands in its fields.
 *
 * <p>Accessed and dirty bits are set once the access is known to be allowed. The update is a
 * compare-and-set on the entry as it was read; when another processor was faster, the walk starts
 * again.
 */
public final class PageWalker {
    /** Physical address width that CPUID reports. */
    public static final int PHYSICAL_BITS = 46;

    /** Linear address width that CPUID reports. */
    public static final int LINEAR_BITS = 48;

    /** Bits of a page-fault error code. */
    public static final int PF_PRESENT = 1;

    public static final int PF_WRITE = 2;
    public static final int PF_USER = 4;
    public static final int PF_RESERVED = 8;
    public static final int PF_FETCH = 16;

    private static final long PRESENT = 1;
    private static final long WRITABLE = 2;
    private static final long USER = 4;
    private static final long ACCESSED = 0x20;
    private static final long DIRTY = 0x40;
    private static final long LARGE = 0x80;
    private static final long GLOBAL = 0x100;
    private static final long NO_EXECUTE = 1L << 63;

    /** Address bits of a page-table entry. */
    private static final long FRAME = ((1L << PHYSICAL_BITS) - 1) & ~0xFFFL;

    /** Bits 46 to 51: reserved because addresses are narrower. */
    private static final long RESERVED_HIGH = ((1L << 52) - 1) & -(1L << PHYSICAL_BITS);

    /** PAE paging reserves bits 52 to 62 as well. */
    private static final long RESERVED_PAE = RESERVED_HIGH | 0x7FF0_0000_0000_0000L;

    private final Cpu cpu;
    private final PagingStructures structures;

    /** Physical address of the 4 KiB page that holds the linear address. */
    public long physical;

    /** A write is allowed and the dirty bit is set already. */
    public boolean writable;

    /** A fetch is allowed. */
    public boolean executable;

    /** A data read is allowed. */
    public boolean readable;

    /** The page is global and CR4.PGE is set. */
    public boolean global;

    /** The page is larger than 4 KiB. */
    public boolean large;

    /** Size of the page as a power of two: 12, 21, 22 or 30. */
    public int pageShift;

    private final long[] entryAddress = new long[5];
    private final long[] entry = new long[5];

    public PageWalker(Cpu cpu, PagingStructures structures) {
        this.cpu = cpu;
        this.structures = structures;
    }

    /**
     * Translates for an access and sets accessed and dirty bits; raises #PF if it is not allowed.
     *
     * @param la linear address: canonical in long mode, below 4 GiB elsewhere
     * @param access {@link Mmu#ACCESS_READ}, {@link Mmu#ACCESS_WRITE} or {@link Mmu#ACCESS_FETCH}
     * @param user made at CPL 3 (and not implicit)
     * @param implicit access to a system structure: SMAP applies whatever EFLAGS.AC is
     */
    public void walk(long la, int access, boolean user, boolean implicit) {
        if ((cpu.cr0 & Cpu.CR0_PG) == 0) {
            physical = la & 0xFFFFF000L;
            readable = true;
            writable = true;
            executable = true;
            global = false;
            large = false;
            pageShift = 12;
        } else if ((cpu.efer & Cpu.EFER_LMA) != 0) {
            walkWide(la, access, user, implicit, cpu.cr3 & FRAME, 39, RESERVED_HIGH);
        } else if ((cpu.cr4 & Cpu.CR4_PAE) != 0) {
            long pdpte = cpu.pdpte[(int) (la >>> 30) & 3];
            if ((pdpte & PRESENT) == 0) {
                throw fault(la, access, user, 0);
            }
            walkWide(la, access, user, implicit, pdpte & FRAME, 21, RESERVED_PAE);
        } else {
            walkNarrow(la, access, user, implicit);
        }
    }

    /**
     * Paging structures with 8-byte entries, from the one whose index starts at bit {@code top}.
     */
    private void walkWide(
            long la, int access, boolean user, boolean implicit, long root, int top, long high) {
        boolean nxe = (cpu.efer & Cpu.EFER_NXE) != 0;
        long reservedAlways = nxe ? high : high | NO_EXECUTE;
        while (true) {
            long table = root;
            long all = WRITABLE | USER;
            long any = 0;
            int depth = 0;
            int shift = top;
            long e;
            while (true) {
                long address = table | ((la >>> shift) & 0x1FF) << 3;
                e = structures.walk64(address, la);
                if ((e & PRESENT) == 0) {
                    throw fault(la, access, user, 0);
                }
                long reserved = reservedAlways;
                boolean leaf = shift == 12;
                if (!leaf && (e & LARGE) != 0) {
                    if (shift > 30) {
                        reserved |= LARGE;
                    } else {
                        leaf = true;
                        reserved |= ((1L << shift) - 1) & ~0x1FFFL;
                    }
                }
                if ((e & reserved) != 0) {
                    throw fault(la, access, user, PF_PRESENT | PF_RESERVED);
                }
                all &= e;
                any |= e;
                entryAddress[depth] = address;
                entry[depth] = e;
                if (leaf) {
                    break;
                }
                table = e & FRAME;
                depth++;
                shift -= 9;
            }
            permit(la, access, user, implicit, all, nxe && any < 0);
            if (!markAbove(depth, la)) {
                continue;
            }
            long marks = access == Mmu.ACCESS_WRITE ? ACCESSED | DIRTY : ACCESSED;
            if ((e & marks) != marks) {
                if (!structures.cas64(entryAddress[depth], e, e | marks, la)) {
                    continue;
                }
                e |= marks;
            }
            finish(la, e & FRAME, shift, e);
            return;
        }
    }

    private boolean markAbove(int depth, long la) {
        for (int i = 0; i < depth; i++) {
            long e = entry[i];
            if ((e & ACCESSED) == 0 && !structures.cas64(entryAddress[i], e, e | ACCESSED, la)) {
                return false;
            }
        }
        return true;
    }

    /** 32-bit paging. */
    private void walkNarrow(long la, int access, boolean user, boolean implicit) {
        while (true) {
            long pdeAddress = (cpu.cr3 & 0xFFFFF000L) | (la >>> 22 & 0x3FF) << 2;
            int pde = structures.walk32(pdeAddress, la);
            if ((pde & PRESENT) == 0) {
                throw fault(la, access, user, 0);
            }
            if ((pde & LARGE) != 0 && (cpu.cr4 & Cpu.CR4_PSE) != 0) {
                if ((pde & 1 << 21) != 0) {
                    throw fault(la, access, user, PF_PRESENT | PF_RESERVED);
                }
                permit(la, access, user, implicit, pde, false);
                int marks = (int) (access == Mmu.ACCESS_WRITE ? ACCESSED | DIRTY : ACCESSED);
                if ((pde & marks) != marks) {
                    if (!structures.cas32(pdeAddress, pde, pde | marks, la)) {
                        continue;
                    }
                    pde |= marks;
                }
                finish(la, (pde & 0xFFC00000L) | (pde >>> 13 & 0xFFL) << 32, 22, pde);
                return;
            }
            long pteAddress = (pde & 0xFFFFF000L) | (la >>> 12 & 0x3FF) << 2;
            int pte = structures.walk32(pteAddress, la);
            if ((pte & PRESENT) == 0) {
                throw fault(la, access, user, 0);
            }
            permit(la, access, user, implicit, pde & pte, false);
            if ((pde & ACCESSED) == 0
                    && !structures.cas32(pdeAddress, pde, (int) (pde | ACCESSED), la)) {
                continue;
            }
            int marks = (int) (access == Mmu.ACCESS_WRITE ? ACCESSED | DIRTY : ACCESSED);
            if ((pte & marks) != marks) {
                if (!structures.cas32(pteAddress, pte, pte | marks, la)) {
                    continue;
                }
                pte |= marks;
            }
            finish(la, pte & 0xFFFFF000L, 12, pte);
            return;
        }
    }

    /** Works out what the combined rights allow and raises #PF if the access is not among it. */
    private void permit(
            long la, int access, boolean user, boolean implicit, long all, boolean noExecute) {
        boolean userPage = (all & USER) != 0;
        boolean write = (all & WRITABLE) != 0;
        if (user) {
            readable = userPage;
            writable = userPage && write;
            executable = userPage && !noExecute;
        } else {
            boolean guarded = userPage && (cpu.cr4 & Cpu.CR4_SMAP) != 0;
            readable = !guarded || (!implicit && (cpu.eflags & Cpu.AC) != 0);
            writable = readable && (write || (cpu.cr0 & Cpu.CR0_WP) == 0);
            executable = !noExecute && !(userPage && (cpu.cr4 & Cpu.CR4_SMEP) != 0);
        }
        boolean allowed =
                access == Mmu.ACCESS_READ
                        ? readable
                        : access == Mmu.ACCESS_WRITE ? writable : executable;
        if (!allowed) {
            throw fault(la, access, user, PF_PRESENT);
        }
    }

    private void finish(long la, long base, int shift, long leaf) {
        long within = (1L << shift) - 1;
        physical = ((base & ~within) | (la & within)) & ~0xFFFL;
        writable &= (leaf & DIRTY) != 0;
        global = (leaf & GLOBAL) != 0 && (cpu.cr4 & Cpu.CR4_PGE) != 0;
        pageShift = shift;
        large = shift != 12;
    }

    private RuntimeException fault(long la, int access, boolean user, int code) {
        int c = code | (user ? PF_USER : 0);
        if (access == Mmu.ACCESS_WRITE) {
            c |= PF_WRITE;
        } else if (access == Mmu.ACCESS_FETCH && reportsFetch()) {
            c |= PF_FETCH;
        }
        cpu.faultAddress = la;
        return cpu.fault(Vector.PF, c);
    }

    /** The I/D bit of the error code exists with SMEP, or with NX and a paging mode that has it. */
    private boolean reportsFetch() {
        return (cpu.cr4 & Cpu.CR4_SMEP) != 0
                || ((cpu.efer & Cpu.EFER_NXE) != 0 && (cpu.cr4 & Cpu.CR4_PAE) != 0);
    }

    /**
     * Translates without side effects or faults, ignoring permissions.
     *
     * @return the physical address, or -1 if the page is not mapped
     */
    public long peek(long la) {
        if ((cpu.cr0 & Cpu.CR0_PG) == 0) {
            return la & 0xFFFFFFFFL;
        }
        if ((cpu.efer & Cpu.EFER_LMA) != 0) {
            return Canonical.is(la) ? peekWide(la, cpu.cr3 & FRAME, 39) : -1;
        }
        la &= 0xFFFFFFFFL;
        if ((cpu.cr4 & Cpu.CR4_PAE) != 0) {
            long pdpte = cpu.pdpte[(int) (la >>> 30)];
            return (pdpte & PRESENT) == 0 ? -1 : peekWide(la, pdpte & FRAME, 21);
        }
        int pde = structures.load32((cpu.cr3 & 0xFFFFF000L) | (la >>> 22) << 2);
        if ((pde & PRESENT) == 0) {
            return -1;
        }
        if ((pde & LARGE) != 0 && (cpu.cr4 & Cpu.CR4_PSE) != 0) {
            return (pde & 0xFFC00000L) | (pde >>> 13 & 0xFFL) << 32 | (la & 0x3FFFFF);
        }
        int pte = structures.load32((pde & 0xFFFFF000L) | (la >>> 12 & 0x3FF) << 2);
        return (pte & PRESENT) == 0 ? -1 : (pte & 0xFFFFF000L) | (la & 0xFFF);
    }

    /**
     * Translates for a fetch in 4-level paging, without side effects or faults.
     *
     * @return the physical address, or -1 if a fetch would fault or set an accessed bit, in other
     *     paging modes, or where the view does not let an entry be read
     */
    public long peekFetch(long la, boolean user) {
        if ((cpu.cr0 & Cpu.CR0_PG) == 0 || (cpu.efer & Cpu.EFER_LMA) == 0 || !Canonical.is(la)) {
            return -1;
        }
        long table = cpu.cr3 & FRAME;
        long all = ACCESSED | USER;
        for (int shift = 39; ; shift -= 9) {
            long e = structures.loadReadable64(table | ((la >>> shift) & 0x1FF) << 3);
            all &= e;
            if ((e & PRESENT) == 0 || (e & RESERVED_HIGH) != 0 || e < 0 || (all & ACCESSED) == 0) {
                // With the no-execute bit off its bit is reserved: no fetch either way.
                return -1;
            }
            if ((e & LARGE) != 0 && shift == 39) {
                return -1;
            }
            if (shift == 12 || (e & LARGE) != 0) {
                boolean userPage = (all & USER) != 0;
                if (user ? !userPage : userPage && (cpu.cr4 & Cpu.CR4_SMEP) != 0) {
                    return -1;
                }
                long within = (1L << shift) - 1;
                if ((e & within & FRAME & ~0x1000L) != 0) {
                    return -1;
                }
                pageShift = shift;
                global = (e & GLOBAL) != 0 && (cpu.cr4 & Cpu.CR4_PGE) != 0;
                return (e & FRAME & ~within) | (la & within);
            }
            table = e & FRAME;
        }
    }

    private long peekWide(long la, long root, int top) {
        long table = root;
        for (int shift = top; ; shift -= 9) {
            long e = structures.load64(table | ((la >>> shift) & 0x1FF) << 3);
            if ((e & PRESENT) == 0 || (e & RESERVED_HIGH) != 0) {
                return -1;
            }
            if (shift == 12 || ((e & LARGE) != 0 && shift <= 30)) {
                long within = (1L << shift) - 1;
                return (e & FRAME & ~within) | (la & within);
            }
            table = e & FRAME;
        }
    }
}
