// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.FakeMemory;
import dev.vitrine.introspection.Fakes;
import dev.vitrine.introspection.PageTables;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.Target;
import dev.vitrine.introspection.kallsyms.KallsymsBuilder;
import dev.vitrine.introspection.types.BtfBuilder;
import dev.vitrine.introspection.types.BtfBuilder.Field;

import java.util.List;

/**
 * A guest with as much of a kernel as attaching needs: page tables, code at which SYSCALL or an
 * exception enters, read-only data with kallsyms and BTF, and a list of modules. KASLR may have put
 * it anywhere.
 */
final class SyntheticKernel {
    static final int SYMBOLS = 2000;
    private static final long CODE = 0x10_0000;
    private static final long RODATA = 0x20_0000;
    private static final long DATA = 0x40_0000;
    private static final long IDT = 0xFFFF_FE00_0000_0000L;
    private static final long OWN_TABLES = 0x60_0000;
    private static final long TABLES = 0x80_0000;

    /** struct module: state, list, name. */
    private static final int MODULE = 0x100;

    final FakeMemory memory = new FakeMemory();
    final long text;
    final long modules;
    private final long physical;
    private final int levels;
    private final int kallsymsLength;
    private final PageTables tables;
    private long lstar;
    private long cr3;

    /**
     * @param text linear address of the image, at which code begins
     * @param physical its guest-physical address
     */
    SyntheticKernel(long text, long physical, int levels, boolean btf) {
        this.text = text;
        this.physical = physical;
        this.levels = levels;
        this.tables = new PageTables(memory, physical + TABLES, levels);
        this.cr3 = tables.root;
        this.lstar = text + CODE + 64;
        this.modules = text + DATA;
        KallsymsBuilder symbols =
                KallsymsBuilder.many(SYMBOLS, text + CODE + 0x200, false)
                        .add(text + CODE + 64, 'T', "entry_SYSCALL_64")
                        .add(text + RODATA, 'D', "linux_banner")
                        .add(modules, 'd', "modules")
                        .add(text + OWN_TABLES, 'D', "init_top_pgt")
                        .add(pages(), 'D', "vmemmap_base");
        byte[] table = symbols.build(KallsymsBuilder.Layout.RELATIVE, 5000, true);
        kallsymsLength = table.length;
        put(CODE, new byte[4096]);
        put(
                RODATA,
                "Linux version 6.1.0-test\n\0"
                        .getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        put(RODATA + 4096, table);
        int end = 4096 + table.length;
        if (btf) {
            put(RODATA + end + 64 & -64, types());
            end += 4096;
        }
        map(CODE, 4096, 0);
        map(RODATA, end + 4096, PageTables.NO_EXECUTE);
        map(DATA, 3 * 4096, PageTables.NO_EXECUTE | PageTables.WRITABLE);
        put(DATA, new byte[3 * 4096]);
        putLong(modules, modules);
        memory.put(physical + TABLES - 4096, new byte[4096]);
        tables.map(IDT, physical + TABLES - 4096, 1, PageTables.NO_EXECUTE);
        map(OWN_TABLES, 4096, PageTables.NO_EXECUTE | PageTables.WRITABLE);
        byte[] top = new byte[4096];
        memory.read(tables.root, top, 0, top.length);
        put(OWN_TABLES, top);
    }

    /** The process whose tables the vCPU has ends, and something else is where they were. */
    void endProcess() {
        memory.put(tables.root, new byte[4096]);
    }

    /** Where vmemmap_base is. */
    final long pages() {
        return text + DATA + 0x2000;
    }

    private void put(long at, byte[] content) {
        memory.put(physical + at, content);
    }

    private void map(long at, long length, long flags) {
        for (long i = 0; i < length; i += 4096) {
            memory.put(physical + at + i, new byte[0]);
            tables.map(text + at + i, physical + at + i, 1, flags);
        }
    }

    private static byte[] types() {
        BtfBuilder b = new BtfBuilder();
        int u32 = b.integer("unsigned int", 4);
        int u64 = b.integer("long unsigned int", 8);
        int name = b.array(b.integer("char", 1), 56);
        int head = b.structure("list_head", 16, Field.at(0, "next", u64), Field.at(8, "prev", u64));
        int layout =
                b.structure(
                        "module_layout", 16, Field.at(0, "base", u64), Field.at(8, "size", u32));
        b.structure("task_struct", 8, Field.at(0, "pid", u32));
        b.structure(
                "module",
                MODULE,
                Field.at(0, "state", u32),
                Field.at(8, "list", head),
                Field.at(24, "name", name),
                Field.at(80, "core_layout", layout),
                Field.at(96, "init_layout", layout));
        pageCache(b, u32, u64);
        return b.build();
    }

    /** What finds pages of files: an XArray with 16 slots in a node, and pages of 64 bytes. */
    private static void pageCache(BtfBuilder b, int u32, int u64) {
        int u8 = b.integer("unsigned char", 1);
        b.structure(
                "xa_node",
                0xA0,
                Field.at(0, "shift", u8),
                Field.at(0x20, "slots", b.array(u64, 16)));
        int array =
                b.structure("xarray", 16, Field.at(0, "xa_lock", u32), Field.at(8, "xa_head", u64));
        b.structure("address_space", 64, Field.at(16, "i_pages", array));
        b.structure("page", 64, Field.at(0, "flags", u64), Field.at(32, "index", u64));
        b.enumeration("pageflags", "PG_locked", "PG_referenced", "PG_uptodate");
    }

    /** As if it had been built without: zeros are where the tables were. */
    SyntheticKernel withoutKallsyms() {
        put(RODATA + 4096, new byte[kallsymsLength]);
        return this;
    }

    void putLong(long linear, long value) {
        memory.putLong(linear - text + physical, value);
    }

    /** Where the kernel's data end: the first address behind them, where nothing is mapped. */
    long end() {
        return text + DATA + 0x3000;
    }

    /** A module in the kernel's data; not yet in its list. */
    long module(int number, String name) {
        long at = modules + MODULE * (number + 1L);
        memory.put(
                at + 24 - text + physical,
                name.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        putLong(at + 80, text + 0x4000_0000L);
        memory.putLong(at + 88 - text + physical, 0x3000);
        return at;
    }

    static long list(long module) {
        return module + 8;
    }

    /** SYSCALL's entry is not known; where the page fault's is, the interrupt table says. */
    SyntheticKernel enteredByFault() {
        lstar = 0;
        long handler = text + CODE + 256;
        long gate = physical + TABLES - 4096 + 14 * 16;
        memory.putLong(
                gate,
                handler & 0xFFFF | 0x10 << 16 | 0x8E00L << 32 | (handler >>> 16 & 0xFFFF) << 48);
        memory.putLong(gate + 8, handler >>> 32);
        return this;
    }

    /**
     * The vCPU runs a program under page-table isolation: its tables, whose top one is the page
     * behind the kernel's, map the kernel's entry only.
     */
    SyntheticKernel isolated() {
        PageTables user = new PageTables(memory, tables.root + 4096, physical + 2 * TABLES, levels);
        user.map(text + CODE, physical + CODE, 1, 0);
        cr3 = user.root;
        return this;
    }

    Target target() {
        return target(memory);
    }

    /** The same with what sees how its memory is read. */
    Target target(PhysicalMemory memory) {
        return Target.of(memory, List.of(Fakes.registers(cr3, levels, lstar, IDT)));
    }
}
