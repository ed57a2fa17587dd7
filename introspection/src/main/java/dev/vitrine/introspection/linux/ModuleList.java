// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.LittleEndian;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The kernel's list of modules, and their symbols. */
final class ModuleList {
    private static final int LIMIT = 1 << 14;
    private static final int MAX_SYMBOLS = 1 << 20;
    private static final int NAME = 512;
    private static final int SYMBOL = 24;
    private static final int LIVE = 0;
    private static final int COMING = 1;
    private static final int GOING = 2;

    private final LinuxKernel kernel;

    ModuleList(LinuxKernel kernel) {
        this.kernel = kernel;
    }

    private List<KernelObject> modules() {
        List<KernelObject> list = new ArrayList<>();
        if (kernel.hasSymbol("modules")) {
            long head = kernel.resolve("modules");
            kernel.part(
                    "The list of modules",
                    head,
                    () ->
                            KernelList.walk(
                                    kernel,
                                    head,
                                    "module",
                                    "list",
                                    LIMIT,
                                    m ->
                                            kernel.part(
                                                    "The module",
                                                    m.address(),
                                                    () -> {
                                                        if (m.number("state") <= GOING) {
                                                            list.add(m);
                                                        }
                                                    })));
        }
        return list;
    }

    List<KernelModule> all() {
        List<KernelModule> list = new ArrayList<>();
        for (KernelObject m : modules()) {
            kernel.part("The module", m.address(), () -> list.add(module(m)));
        }
        return list;
    }

    private KernelModule module(KernelObject m) {
        List<String> usedBy = new ArrayList<>();
        if (m.has("source_list")) {
            KernelList.walk(
                    kernel,
                    m.addressOf("source_list"),
                    "module_use",
                    "source_list",
                    LIMIT,
                    use -> usedBy.add(use.follow("source", "module").text("name")));
        }
        // MODULE_REF_BASE
        long uses = m.has("refcnt") ? (int) m.number("refcnt.counter") - 1 : 0;
        String state =
                switch ((int) m.number("state")) {
                    case LIVE -> "Live";
                    case COMING -> "Loading";
                    default -> "Unloading";
                };
        return new KernelModule(
                m.text("name"), size(m), Math.max(0, uses), usedBy, state, base(m), m.address());
    }

    private long size(KernelObject m) {
        if (!m.has("mem")) {
            return m.number("core_layout.size") + m.number("init_layout.size");
        }
        Member mem = kernel.member("module", "mem");
        long sum = 0;
        for (int i = 0; i < Math.min(64, mem.count()); i++) {
            sum +=
                    kernel.object("module_memory", m.addressOf("mem") + i * mem.size())
                            .number("size");
        }
        return sum;
    }

    private long base(KernelObject m) {
        return m.has("mem")
                ? m.inside("mem", "module_memory").number("base")
                : m.number("core_layout.base");
    }

    /** The symbols of all modules that are live. */
    List<Symbol> symbols() {
        List<Symbol> list = new ArrayList<>();
        for (KernelObject m : modules()) {
            if (m.has("kallsyms")) {
                kernel.part("The table of a module's symbols", m.address(), () -> symbols(m, list));
            }
        }
        return list;
    }

    private void symbols(KernelObject m, List<Symbol> list) {
        KernelObject table = m.follow("kallsyms", "mod_kallsyms");
        if (table.isNull()) {
            return;
        }
        long count = table.number("num_symtab") & 0xFFFF_FFFFL;
        if (count > MAX_SYMBOLS) {
            throw new IntrospectionException("A module of the guest has too many symbols.");
        }
        String module = m.text("name");
        Set<String> exported = exported(m);
        byte[] entries = kernel.read(table.number("symtab"), (int) count * SYMBOL);
        byte[] types =
                table.has("typetab") ? kernel.read(table.number("typetab"), (int) count) : null;
        long strings = table.number("strtab");
        for (int i = 0; i < count; i++) {
            String name = kernel.text(strings + LittleEndian.u32(entries, SYMBOL * i), NAME);
            if (name.isEmpty()) {
                continue;
            }
            char type = (char) (types != null ? types[i] : entries[SYMBOL * i + 4]);
            type =
                    exported.contains(name)
                            ? Character.toUpperCase(type)
                            : Character.toLowerCase(type);
            list.add(new Symbol(LittleEndian.i64(entries, SYMBOL * i + 8), type, name, module));
        }
    }

    /**
     * Names in a module's table of exported symbols, whose entries hold distances. Those exported
     * for the GPL only do not count: /proc/kallsyms shows them as local.
     */
    private Set<String> exported(KernelObject m) {
        Set<String> names = new HashSet<>();
        long size = kernel.types().size("kernel_symbol");
        if (size < 0
                || kernel.types().member("kernel_symbol", "name_offset") == null
                || !m.has("syms")
                || !m.has("num_syms")) {
            return names;
        }
        long count = Math.min(MAX_SYMBOLS, m.number("num_syms") & 0xFFFF_FFFFL);
        for (int i = 0; i < count; i++) {
            KernelObject s = kernel.object("kernel_symbol", m.number("syms") + i * size);
            names.add(
                    kernel.text(s.addressOf("name_offset") + (int) s.number("name_offset"), NAME));
        }
        return names;
    }
}
