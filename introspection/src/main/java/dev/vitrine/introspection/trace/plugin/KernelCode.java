// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Symbol;
import dev.vitrine.introspection.trace.Moment;
import dev.vitrine.introspection.trace.plugin.LoadedModules.Module;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.List;

/**
 * Whose code is at an address of the kernel, by the lists that the kernel keeps: its image, its
 * modules, BPF, and what ftrace and kprobes have made.
 */
final class KernelCode {
    static final String KERNEL = "kernel";

    private static final int LIMIT = 1 << 14;
    private static final long PAGE = 4096;

    /** A large page: BPF_PROG_PACK_SIZE is one for each node that there may be. */
    private static final long PACK = 2 << 20;

    /** CONFIG_NODES_SHIFT is not more on x86. */
    private static final int MAX_NODES = 1 << 10;

    /** MODULES_END (Documentation/arch/x86/x86_64/mm.rst). */
    static final long MODULES_END = 0xFFFF_FFFF_FF00_0000L;

    private final LinuxKernel kernel;
    private final long from;
    private final long to;
    private final long imageEnd;
    private final long initFrom;
    private final long initTo;
    private final LoadedModules modules;
    private final Lists lists;

    KernelCode(LinuxKernel k) {
        kernel = k;
        from = k.resolve("_stext");
        to = k.resolve("_etext");
        imageEnd = k.resolve("_end");
        initFrom = k.hasSymbol("_sinittext") ? k.resolve("_sinittext") : 0;
        initTo = k.hasSymbol("_einittext") ? k.resolve("_einittext") : 0;
        modules = new LoadedModules(k);
        lists = new Lists(k);
    }

    long from() {
        return from;
    }

    long to() {
        return to;
    }

    /** Where modules may begin: behind the image, whose mapping ends with a large page. */
    long behindImage() {
        return imageEnd + PACK - 1 & -PACK;
    }

    boolean inText(long at) {
        return at - from >= 0 && at < to;
    }

    /** The modules that the kernel has listed. */
    LoadedModules modules() {
        return modules;
    }

    /**
     * Whose code is at an address: the kernel's, a module's, or what is listed; null for nobody's.
     */
    @Nullable String owner(Moment m, long at) {
        if (inText(at) || at - initFrom >= 0 && at < initTo) {
            return KERNEL;
        }
        Module x = modules.at(m, at);
        return x != null ? x.name() : lists.owner(m, at);
    }

    /** Whether the lists are there without which code of BPF cannot be told from others'. */
    boolean knowsAll() {
        return lists.packs != 0;
    }

    /** Address of a symbol of the kernel's image; 0 if there is none. */
    long address(String symbol) {
        synchronized (kernel) {
            return kernel.kernelSymbols().address(symbol);
        }
    }

    /** An address as symbol and offset, or as module and offset. */
    String place(Moment m, long at) {
        if (at - from >= 0 && at < imageEnd) {
            Symbol s;
            synchronized (kernel) {
                s = kernel.kernelSymbols().at(at);
            }
            if (s != null) {
                return s.name() + offset(at - s.address());
            }
        }
        Module x = modules.at(m, at);
        if (x != null) {
            return x.name() + ":+0x" + Long.toHexString(at - x.ranges().getFirst()[0]);
        }
        return "0x" + Long.toHexString(at);
    }

    private static String offset(long n) {
        return n == 0 ? "" : "+0x" + Long.toHexString(n);
    }

    /** Code that is made while the kernel runs. */
    private static final class Lists {
        private final long packs;
        private final long packPointer;
        private final long packSize;
        private final long symbols;
        private final long symbolStart;
        private final long symbolEnd;
        private final long symbolNode;
        private final long operations;
        private final long trampolines;
        private final long operationNext;
        private final long trampoline;
        private final long trampolineSize;
        private final long trampolineNode;
        private final List<Long> slots = new ArrayList<>();
        private final long slotCode;

        Lists(LinuxKernel k) {
            packs = symbol(k, "pack_list");
            packPointer = packs == 0 ? 0 : k.member("bpf_prog_pack", "ptr").offset();
            long nodes = k.hasSymbol("nr_node_ids") ? k.number(k.resolve("nr_node_ids"), 4) : 1;
            packSize = PACK * Math.clamp(nodes, 1, MAX_NODES);
            symbols = symbol(k, "bpf_kallsyms");
            symbolStart = symbols == 0 ? 0 : k.member("bpf_ksym", "start").offset();
            symbolEnd = symbols == 0 ? 0 : k.member("bpf_ksym", "end").offset();
            symbolNode = symbols == 0 ? 0 : k.member("bpf_ksym", "lnode").offset();
            operations = symbol(k, "ftrace_ops_list");
            trampolines = symbol(k, "ftrace_ops_trampoline_list");
            boolean ftrace = operations != 0;
            operationNext = ftrace ? k.member("ftrace_ops", "next").offset() : 0;
            trampoline = ftrace ? k.member("ftrace_ops", "trampoline").offset() : 0;
            trampolineSize = ftrace ? k.member("ftrace_ops", "trampoline_size").offset() : 0;
            trampolineNode = trampolines == 0 ? 0 : k.member("ftrace_ops", "list").offset();
            for (String s : new String[] {"kprobe_insn_slots", "kprobe_optinsn_slots"}) {
                if (k.hasSymbol(s)) {
                    slots.add(k.resolve(s) + k.member("kprobe_insn_cache", "pages").offset());
                }
            }
            slotCode = slots.isEmpty() ? 0 : k.member("kprobe_insn_page", "insns").offset();
        }

        private static long symbol(LinuxKernel k, String name) {
            return k.hasSymbol(name) ? k.resolve(name) : 0;
        }

        @Nullable String owner(Moment m, long at) {
            if (in(m, at, packs, node -> new long[] {m.pointer(node + packPointer), packSize})
                    || in(
                            m,
                            at,
                            symbols,
                            node -> {
                                long s = m.pointer(node - symbolNode + symbolStart);
                                return new long[] {s, m.pointer(node - symbolNode + symbolEnd) - s};
                            })) {
                return "bpf";
            }
            for (long head : slots) {
                if (in(m, at, head, node -> new long[] {m.pointer(node + slotCode), PAGE})) {
                    return "kprobes";
                }
            }
            if (trampolines != 0
                    && in(m, at, trampolines, n -> trampoline(m, n - trampolineNode))) {
                return "ftrace";
            }
            long ops = operations == 0 ? 0 : m.pointer(operations);
            for (int n = 0; ops != 0 && n < LIMIT; n++) {
                long[] t = trampoline(m, ops);
                if (t[0] != 0 && inPages(at, t)) {
                    return "ftrace";
                }
                ops = m.pointer(ops + operationNext);
            }
            return null;
        }

        private long[] trampoline(Moment m, long ops) {
            return new long[] {m.pointer(ops + trampoline), m.pointer(ops + trampolineSize)};
        }

        private interface Range {
            long[] of(long node);
        }

        /** Whether an address is in one of a list's ranges; nodes have the link in front. */
        private static boolean in(Moment m, long at, long head, Range range) {
            if (head == 0) {
                return false;
            }
            long node = m.pointer(head);
            for (int n = 0; node != head && node != 0; n++) {
                if (n >= LIMIT) {
                    throw new IntrospectionException("A list of the guest's kernel has no end.");
                }
                long[] r = range.of(node);
                if (r[0] != 0 && inPages(at, r)) {
                    return true;
                }
                node = m.pointer(node);
            }
            return false;
        }

        private static boolean inPages(long at, long[] range) {
            long first = range[0] & -PAGE;
            return at - first >= 0 && at - first < (range[0] - first + range[1] + PAGE - 1 & -PAGE);
        }
    }
}
