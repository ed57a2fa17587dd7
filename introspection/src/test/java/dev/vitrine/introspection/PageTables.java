// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

/** Builds 64-bit page tables in memory for tests. */
public final class PageTables {
    public static final long WRITABLE = 2;
    public static final long USER = 4;
    public static final long NO_EXECUTE = 1L << 63;
    private static final long PRESENT = 1;
    private static final long LARGE = 1 << 7;

    private final FakeMemory memory;
    private final int levels;
    private long next;

    /** The top table. */
    public final long root;

    /**
     * @param at where tables may be put, one page after the other, the top one first; the page
     *     behind that is left alone
     */
    public PageTables(FakeMemory memory, long at, int levels) {
        this(memory, at, at + 2 * 4096, levels);
    }

    /**
     * @param root where the top table is put
     * @param others where the other ones are put
     */
    public PageTables(FakeMemory memory, long root, long others, int levels) {
        this.memory = memory;
        this.levels = levels;
        this.root = root;
        this.next = others;
        memory.putLong(root, 0);
    }

    private long table() {
        long at = next;
        next += 4096;
        memory.putLong(at, 0);
        return at;
    }

    /**
     * Maps a page.
     *
     * @param level 1 for a page of 4 KiB, 2 for 2 MiB, 3 for 1 GiB
     * @param flags of the last entry; tables above grant everything
     */
    public PageTables map(long linear, long physical, int level, long flags) {
        long table = root;
        for (int l = levels; l > level; l--) {
            long at = table + (linear >>> 3 + 9 * l & 511) * 8;
            byte[] b = new byte[8];
            memory.read(at, b, 0, 8);
            long entry = LittleEndian.i64(b, 0);
            if (entry == 0) {
                entry = table() | PRESENT | WRITABLE | USER;
                memory.putLong(at, entry);
            }
            table = entry & 0x000F_FFFF_FFFF_F000L;
        }
        memory.putLong(
                table + (linear >>> 3 + 9 * level & 511) * 8,
                physical | PRESENT | flags | (level > 1 ? LARGE : 0));
        return this;
    }
}
