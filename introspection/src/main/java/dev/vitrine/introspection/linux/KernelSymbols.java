// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.kallsyms.Kallsyms;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The symbols of a kernel without those of its modules: from kallsyms, and from symbol files. */
public final class KernelSymbols {
    /** Where SYSCALL enters; LSTAR has its address. */
    private static final String ENTRY = "entry_SYSCALL_64";

    private static final long NO_SHIFT = Long.MIN_VALUE;

    private final @Nullable Kallsyms kallsyms;
    private final Map<String, Long> fromFiles;
    private final long shift;
    private final Map<String, Long> known = new HashMap<>();

    /** Numbers of kallsyms' symbols by address, made when first needed. */
    private Integer @Nullable [] byAddress;

    private KernelSymbols(@Nullable Kallsyms kallsyms, Map<String, Long> fromFiles, long shift) {
        this.kallsyms = kallsyms;
        this.fromFiles = fromFiles;
        this.shift = shift;
    }

    /**
     * Those of a kernel.
     *
     * @throws IntrospectionException there are none
     */
    static KernelSymbols of(String guest, KernelFinder.Found found, List<SymbolFile> files) {
        Map<String, Long> map = new HashMap<>();
        for (SymbolFile f : files) {
            f.symbols().forEach(map::putIfAbsent);
        }
        Kallsyms k = found.kallsyms();
        if (k == null && map.isEmpty()) {
            throw new IntrospectionException(
                    "The kernel of "
                            + guest
                            + " has no kallsyms, so that its symbols are not known; give a System.map"
                            + " or an ISF file with --symbols.");
        }
        long shift = map.isEmpty() ? NO_SHIFT : shift(found, k, map);
        if (k == null && shift == NO_SHIFT) {
            throw new IntrospectionException(
                    "The symbol file does not fit the kernel of "
                            + guest
                            + ": it does not have "
                            + ENTRY
                            + " where the processor enters the kernel.");
        }
        return new KernelSymbols(k, map, shift);
    }

    /** The displacement by KASLR: a multiple of a page. */
    private static long shift(
            KernelFinder.Found found, @Nullable Kallsyms k, Map<String, Long> map) {
        for (String name : new String[] {ENTRY, "_stext", "init_task"}) {
            Long there = map.get(name);
            int i = k == null ? -1 : k.find(name);
            long here = k != null && i >= 0 ? k.address(i) : name.equals(ENTRY) ? found.entry() : 0;
            if (there != null && here != 0) {
                return (here - there & 4095) == 0 ? here - there : NO_SHIFT;
            }
        }
        return NO_SHIFT;
    }

    /** Address of a symbol; 0 if there is none. Of several symbols of one name, the first. */
    public long address(String name) {
        Long at = known.get(name);
        if (at == null) {
            at = search(name);
            known.put(name, at);
        }
        return at;
    }

    private long search(String name) {
        if (kallsyms != null) {
            int i = kallsyms.find(name);
            if (i >= 0) {
                return kallsyms.address(i);
            }
        }
        Long there = fromFiles.get(name);
        return there == null || shift == NO_SHIFT ? 0 : there < 0 ? there + shift : there;
    }

    /** Symbols that there are. */
    public int count() {
        return kallsyms != null ? kallsyms.count() : fromFiles.size();
    }

    /** All, in the order of the table. */
    public List<Symbol> all() {
        if (kallsyms != null) {
            return kallsyms.all();
        }
        List<Symbol> list = new ArrayList<>();
        fromFiles.forEach((name, at) -> list.add(new Symbol(address(name), '?', name, "")));
        return list;
    }

    /**
     * The symbol at an address or the last one before it; null if there is none. Of several at one
     * address it is the first in the table, as with the kernel itself.
     */
    public @Nullable Symbol at(long address) {
        if (kallsyms == null) {
            return all().stream().filter(s -> s.address() == address).findFirst().orElse(null);
        }
        Integer[] order = byAddress;
        if (order == null) {
            order = new Integer[kallsyms.count()];
            Arrays.setAll(order, i -> i);
            Kallsyms k = kallsyms;
            Arrays.sort(order, (a, b) -> Long.compareUnsigned(k.address(a), k.address(b)));
            byAddress = order;
        }
        int low = 0;
        int high = order.length - 1;
        while (low <= high) {
            int middle = low + high >>> 1;
            if (Long.compareUnsigned(kallsyms.address(order[middle]), address) <= 0) {
                low = middle + 1;
            } else {
                high = middle - 1;
            }
        }
        while (high > 0 && kallsyms.address(order[high - 1]) == kallsyms.address(order[high])) {
            high--;
        }
        return high < 0 ? null : kallsyms.symbol(order[high]);
    }
}
