// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.processor.Registers;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * Linear addresses of one set of 64-bit page tables (SDM volume 3, 4.5): 4 or 5 levels, pages of 4
 * KiB, 2 MiB and 1 GiB. Walks have no side effects: no accessed or dirty bit is set.
 *
 * <p>Translations are remembered until {@link #flush}; who looks at a running guest flushes at the
 * beginning of each {@link Target#hold}. Not thread-safe.
 */
public final class AddressSpace {
    private static final long PRESENT = 1;
    private static final long WRITABLE = 1 << 1;
    private static final long USER = 1 << 2;
    private static final long LARGE = 1 << 7;
    private static final long NO_EXECUTE = 1L << 63;
    private static final long ADDRESS = 0x000F_FFFF_FFFF_F000L;
    private static final long CR0_PG = 1L << 31;
    private static final long CR4_LA57 = 1 << 12;
    private static final long EFER_LMA = 1 << 10;

    private static final int CACHE = 1024;
    private static final long NOTHING = -1;

    /** More tables than any sane address space has: 64 GiB of pages of 4 KiB. */
    private static final long TABLE_LIMIT = 1 << 15;

    private static final int ENTRIES = 512;

    private final PhysicalMemory memory;
    private final long root;
    private final int levels;
    private final byte[] word = new byte[8];

    /** Direct-mapped: linear page number, and the physical address of the page. */
    private final long[] tags = new long[CACHE];

    private final long[] pages = new long[CACHE];

    /**
     * An address space by its root.
     *
     * @param root guest-physical address of the top table; bits that are no address are left out
     * @param levels 4 or 5
     */
    public AddressSpace(PhysicalMemory memory, long root, int levels) {
        if (levels != 4 && levels != 5) {
            throw new IllegalArgumentException(levels + " levels");
        }
        this.memory = memory;
        this.root = root & ADDRESS;
        this.levels = levels;
        flush();
    }

    /**
     * That of a vCPU.
     *
     * @throws IntrospectionException the vCPU is not in 64-bit mode
     */
    public static AddressSpace of(PhysicalMemory memory, Registers r) {
        if (!is64Bit(r)) {
            throw new IntrospectionException(
                    "The processor is not in 64-bit mode; other page tables are not supported.");
        }
        return new AddressSpace(memory, r.cr3(), (r.cr4() & CR4_LA57) != 0 ? 5 : 4);
    }

    /** Whether paging and 64-bit mode are on. */
    public static boolean is64Bit(Registers r) {
        return (r.cr0() & CR0_PG) != 0 && (r.efer() & EFER_LMA) != 0;
    }

    /** The same kind of tables, from another root. */
    public AddressSpace withRoot(long other) {
        return new AddressSpace(memory, other, levels);
    }

    public PhysicalMemory memory() {
        return memory;
    }

    /** Guest-physical address of the top table. */
    public long root() {
        return root;
    }

    /** Levels of page tables, 4 or 5. */
    public int levels() {
        return levels;
    }

    /** Forgets remembered translations. */
    public void flush() {
        Arrays.fill(tags, NOTHING);
    }

    /** Whether an address is one that the processor takes. */
    public boolean isCanonical(long linear) {
        int unused = 64 - (12 + 9 * levels);
        return linear << unused >> unused == linear;
    }

    /** Guest-physical address behind a linear one, or -1 if nothing is mapped. */
    public long translate(long linear) {
        long page = linear >> 12;
        int slot = (int) (page & CACHE - 1);
        if (tags[slot] == page && page != NOTHING) {
            return pages[slot] | linear & 0xFFF;
        }
        long physical = isCanonical(linear) ? walk(linear) : -1;
        if (physical >= 0) {
            tags[slot] = page;
            pages[slot] = physical & ADDRESS;
        }
        return physical;
    }

    private long walk(long linear) {
        long table = root;
        for (int level = levels; level >= 1; level--) {
            int shift = 3 + 9 * level;
            if (!memory.read(table + (linear >>> shift & 511) * 8, word, 0, 8)) {
                return -1;
            }
            long entry = LittleEndian.i64(word, 0);
            if ((entry & PRESENT) == 0) {
                return -1;
            }
            if (level == 1 || (entry & LARGE) != 0 && level <= 3) {
                long inside = (1L << shift) - 1;
                return entry & ADDRESS & ~inside | linear & inside;
            }
            if ((entry & LARGE) != 0) {
                return -1; // reserved
            }
            table = entry & ADDRESS;
        }
        return -1;
    }

    /**
     * Reads by linear address.
     *
     * @return false if a byte is not mapped to RAM; what is in the target is then unspecified
     */
    public boolean read(long linear, byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        while (length > 0) {
            int part = (int) Math.min(length, 4096 - (linear & 4095));
            long physical = translate(linear);
            if (physical < 0 || !memory.read(physical, target, offset, part)) {
                return false;
            }
            linear += part;
            offset += part;
            length -= part;
        }
        return true;
    }

    /**
     * Writes by linear address, whatever the page tables' rights: all bytes or none.
     *
     * @return false if a byte is not mapped to RAM
     * @throws IntrospectionException the memory cannot be written
     */
    public boolean write(long linear, byte[] source, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, source.length);
        byte[] probe = new byte[1];
        for (long a = linear, left = length; left > 0; ) {
            long part = Math.min(left, 4096 - (a & 4095));
            long physical = translate(a);
            if (physical < 0 || !memory.read(physical, probe, 0, 1)) {
                return false;
            }
            a += part;
            left -= part;
        }
        while (length > 0) {
            int part = (int) Math.min(length, 4096 - (linear & 4095));
            if (!memory.write(translate(linear), source, offset, part)) {
                return false;
            }
            linear += part;
            offset += part;
            length -= part;
        }
        return true;
    }

    /**
     * What is mapped.
     *
     * @param start canonical linear address, the start of a page
     * @param length in bytes, at most 2^47; the range does not leave its half of the address space
     * @throws IntrospectionException the page tables are larger than any sane ones
     */
    public List<MappedRange> mapped(long start, long length) {
        return mapped(start, length, new Effort("what is mapped", TABLE_LIMIT * ENTRIES));
    }

    /**
     * What is mapped, as one of several questions.
     *
     * @param effort takes a step for each entry of a table
     */
    public List<MappedRange> mapped(long start, long length, Effort effort) {
        Scan scan = new Scan(start, start + length - 1, effort);
        if (length > 0) {
            scan.table(root, levels, 0, WRITABLE | USER);
        }
        return scan.finish();
    }

    /** Goes through tables in the order of addresses and joins what belongs together. */
    private final class Scan {
        private final long first;
        private final long last;
        private final List<MappedRange> found = new ArrayList<>();
        private @Nullable MappedRange open;
        private final Effort effort;

        Scan(long first, long last, Effort effort) {
            this.first = first;
            this.last = last;
            this.effort = effort;
        }

        /**
         * @param base linear address of the table's first entry
         * @param rights what the levels above grant: WRITABLE, USER, NO_EXECUTE
         */
        void table(long address, int level, long base, long rights) {
            effort.spend(ENTRIES);
            byte[] entries = new byte[4096];
            if (!memory.read(address, entries, 0, entries.length)) {
                return;
            }
            int shift = 3 + 9 * level;
            for (int i = 0; i < ENTRIES; i++) {
                long from = signed(base + ((long) i << shift));
                long to = from + (1L << shift) - 1;
                if (to < first || from > last) {
                    continue;
                }
                entry(LittleEndian.i64(entries, 8 * i), level, from, rights);
            }
        }

        private void entry(long entry, int level, long from, long rights) {
            boolean leaf = level == 1 || (entry & LARGE) != 0;
            if ((entry & PRESENT) == 0 || leaf && level > 3) {
                return;
            }
            long now = rights & (entry | ~(WRITABLE | USER)) | entry & NO_EXECUTE;
            if (!leaf) {
                table(entry & ADDRESS, level - 1, from, now);
                return;
            }
            long size = 1L << 3 + 9 * level;
            long begin = Math.max(from, first);
            long end = Math.min(from + size - 1, last);
            add(
                    new MappedRange(
                            begin,
                            end - begin + 1,
                            (entry & ADDRESS & -size) + (begin - from),
                            (now & WRITABLE) != 0,
                            (now & USER) != 0,
                            (now & NO_EXECUTE) == 0));
        }

        private void add(MappedRange range) {
            MappedRange before = open;
            if (before == null) {
                open = range;
            } else if (before.joins(range)) {
                open = before.with(range);
            } else {
                found.add(before);
                open = range;
            }
        }

        List<MappedRange> finish() {
            if (open != null) {
                found.add(open);
            }
            return found;
        }

        private long signed(long linear) {
            int unused = 64 - (12 + 9 * levels);
            return linear << unused >> unused;
        }
    }
}
