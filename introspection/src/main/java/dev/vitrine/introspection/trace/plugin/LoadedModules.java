// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Moment;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/** The kernel's modules while it runs: where their code is, and what it is called. */
final class LoadedModules {
    private static final int LIMIT = 1 << 14;
    private static final int NAME = 56;
    private static final int OUT_OF_TREE = 12;

    /** Symbols of a module that are looked at; the largest modules have some 20,000. */
    private static final int MAX_SYMBOLS = 1 << 16;

    /** Elf64_Sym: st_name, st_info, st_other, st_shndx, st_value, st_size. */
    private static final int SYMBOL = 24;

    private static final int SYMBOL_VALUE = 8;
    private static final int SYMBOL_NAME = 256;

    /**
     * A module's code.
     *
     * @param address of its struct module
     * @param foreign whether it is not of the kernel's own tree (TAINT_OOT_MODULE)
     */
    record Module(long address, String name, List<long[]> ranges, boolean foreign) {
        boolean covers(long at) {
            return ranges.stream().anyMatch(r -> at - r[0] >= 0 && at - r[0] < r[1]);
        }
    }

    private final long modules;
    private final long list;
    private final long name;
    private final long taints;
    private final long symbols;
    private final long table;
    private final long count;
    private final long strings;
    private final List<long[]> layouts = new ArrayList<>();

    LoadedModules(LinuxKernel k) {
        modules = k.resolve("modules");
        list = k.offset("module", "list");
        name = k.offset("module", "name");
        taints = k.offset("module", "taints");
        symbols = k.optionalOffset("module", "kallsyms");
        table = symbols < 0 ? -1 : k.offset("mod_kallsyms", "symtab");
        count = symbols < 0 ? -1 : k.offset("mod_kallsyms", "num_symtab");
        strings = symbols < 0 ? -1 : k.offset("mod_kallsyms", "strtab");
        if (k.types().member("module", "mem") != null) {
            long base = k.member("module", "mem").offset();
            long size = k.member("module", "mem").size();
            for (int i = 0; i < k.member("module", "mem").count(); i++) {
                layouts.add(
                        new long[] {
                            base + i * size + k.offset("module_memory", "base"),
                            base + i * size + k.offset("module_memory", "size")
                        });
            }
        } else {
            for (String part : new String[] {"core_layout", "init_layout"}) {
                layouts.add(
                        new long[] {
                            k.offset("module", part + ".base"),
                            k.offset("module", part + ".text_size")
                        });
            }
        }
    }

    /** All that the kernel has listed. */
    List<Module> all(Moment m) {
        List<Module> found = new ArrayList<>();
        long at = m.pointer(modules);
        for (int n = 0; at != modules; n++) {
            if (n >= LIMIT || at == 0) {
                throw new IntrospectionException("The guest's list of modules has no end.");
            }
            found.add(module(m, at - list));
            at = m.pointer(at);
        }
        return found;
    }

    /** The module that a struct module is. */
    Module module(Moment m, long address) {
        List<long[]> ranges = new ArrayList<>();
        for (long[] l : layouts) {
            long base = m.pointer(address + l[0]);
            long size = m.number(address + l[1], 4);
            if (base != 0 && size != 0) {
                ranges.add(new long[] {base, size});
            }
        }
        return new Module(
                address,
                m.text(address + name, NAME),
                ranges,
                (m.number(address + taints, 8) >>> OUT_OF_TREE & 1) != 0);
    }

    /** The module whose code is at an address; null if it is none's. */
    @Nullable Module at(Moment m, long address) {
        for (Module x : all(m)) {
            if (x.covers(address)) {
                return x;
            }
        }
        return null;
    }

    /** The last symbol of a module that is not behind an address; null if there is none. */
    @Nullable Symbol symbol(Moment m, Module module, long address) {
        long known = symbols < 0 ? 0 : m.pointer(module.address + symbols);
        if (known == 0) {
            return null;
        }
        int n = (int) Math.clamp(m.number(known + count, 4), 0, MAX_SYMBOLS);
        byte[] entries = new byte[n * SYMBOL];
        if (!m.read(m.pointer(known + table), entries, 0, entries.length)) {
            return null;
        }
        long names = m.pointer(known + strings);
        long best = 0;
        String found = null;
        for (int i = 0; i < n; i++) {
            long value = LittleEndian.i64(entries, i * SYMBOL + SYMBOL_VALUE);
            boolean fits =
                    Long.compareUnsigned(value, address) <= 0
                            && Long.compareUnsigned(value, best) > 0
                            && module.covers(value);
            if (fits) {
                String s = m.text(names + LittleEndian.u32(entries, i * SYMBOL), SYMBOL_NAME);
                if (!s.isEmpty()) {
                    best = value;
                    found = s;
                }
            }
        }
        return found == null ? null : new Symbol(best, 't', found, module.name);
    }
}
