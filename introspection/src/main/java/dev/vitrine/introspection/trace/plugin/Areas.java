// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Moment;

import java.util.ArrayList;
import java.util.List;

/**
 * What a process has mapped, as far as the right to execute it goes. Kernels from 6.1 on keep it in
 * a maple tree (Documentation/core-api/maple_tree.rst), older ones in a list.
 */
final class Areas {
    private static final long VM_READ = 1;
    private static final long VM_WRITE = 2;
    private static final long VM_EXEC = 4;
    private static final long VM_SHARED = 8;

    /** The kernel's own limit, vm.max_map_count, is 65,530 unless somebody raises it. */
    private static final int LIMIT = 1 << 17;

    private static final int LEAF_64 = 1;
    private static final int ARANGE_64 = 3;
    private static final int DEPTH = 16;

    /**
     * A mapping.
     *
     * @param start linear address
     * @param end the first one behind it
     * @param flags VM_READ and its like
     * @param file address of its struct file, 0 for none
     * @param own pages of its own may be there, which the process has written
     */
    record Area(long start, long end, long flags, long file, boolean own) {
        boolean executable() {
            return (flags & VM_EXEC) != 0;
        }

        boolean writable() {
            return (flags & VM_WRITE) != 0;
        }

        boolean shared() {
            return (flags & VM_SHARED) != 0;
        }

        String rights() {
            return ((flags & VM_READ) != 0 ? "r" : "-")
                    + (writable() ? "w" : "-")
                    + (executable() ? "x" : "-")
                    + (shared() ? "s" : "p");
        }
    }

    /** A node's members, by the kind of node. */
    private record Node(long pivot, int pivots, long slot, int slots) {
        static Node of(LinuxKernel k, String type) {
            return new Node(
                    k.member(type, "pivot").offset(),
                    (int) k.member(type, "pivot").count(),
                    k.member(type, "slot").offset(),
                    (int) k.member(type, "slot").count());
        }
    }

    private final Paths paths;
    private final boolean tree;
    private final long mm;
    private final long root;
    private final long start;
    private final long end;
    private final long flags;
    private final long file;
    private final long anonymous;
    private final long operations;
    private final long operationName;
    private final long next;
    private final Node range;
    private final Node arange;

    Areas(LinuxKernel k, Paths paths) {
        this.paths = paths;
        tree = k.types().member("mm_struct", "mm_mt") != null;
        mm = k.member("task_struct", "mm").offset();
        root = k.member("mm_struct", tree ? "mm_mt.ma_root" : "mmap").offset();
        start = k.member("vm_area_struct", "vm_start").offset();
        end = k.member("vm_area_struct", "vm_end").offset();
        flags = k.member("vm_area_struct", "vm_flags").offset();
        file = k.member("vm_area_struct", "vm_file").offset();
        anonymous = k.member("vm_area_struct", "anon_vma").offset();
        operations = k.member("vm_area_struct", "vm_ops").offset();
        operationName = k.member("vm_operations_struct", "name").offset();
        next = tree ? 0 : k.member("vm_area_struct", "vm_next").offset();
        range = tree ? Node.of(k, "maple_range_64") : new Node(0, 0, 0, 0);
        arange = tree ? Node.of(k, "maple_arange_64") : range;
    }

    /** Address of the mm_struct of the thread that runs; 0 for one of the kernel's. */
    long memory(Moment m) {
        return m.pointer(m.task().address() + mm);
    }

    /** The mappings of which a part lies in a range of addresses, in their order. */
    List<Area> in(Moment m, long from, long to) {
        List<Area> found = new ArrayList<>();
        long memory = memory(m);
        if (memory == 0 || Long.compareUnsigned(from, to) >= 0) {
            return found;
        }
        long first = m.pointer(memory + root);
        if (tree) {
            new Walk(m, from, to, found).entry(first, 0, -1, 0);
            return found;
        }
        for (long at = first, n = 0; at != 0; at = m.pointer(at + next), n++) {
            if (n >= LIMIT) {
                throw new IntrospectionException("A process's list of mappings has no end.");
            }
            add(m, at, from, to, found);
        }
        return found;
    }

    private void add(Moment m, long at, long from, long to, List<Area> found) {
        long begin = m.pointer(at + start);
        long behind = m.pointer(at + end);
        if (Long.compareUnsigned(begin, to) < 0 && Long.compareUnsigned(behind, from) > 0) {
            found.add(
                    new Area(
                            begin,
                            behind,
                            m.pointer(at + flags),
                            backing(m, at),
                            m.pointer(at + anonymous) != 0));
        }
    }

    /**
     * What is behind it: a file, or for vDSO and its like, which the kernel has written, any number
     * that is not 0.
     */
    private long backing(Moment m, long area) {
        long f = m.pointer(area + file);
        long o = m.pointer(area + operations);
        return f != 0 || o == 0 || m.pointer(o + operationName) == 0 ? f : SPECIAL;
    }

    /** In place of a file: the kernel's own pages, such as the vDSO. */
    static final long SPECIAL = 1;

    /** Path of what is mapped; empty for memory without a file. */
    String path(Moment m, Area a) {
        return a.file == 0 || a.file == SPECIAL ? "" : paths.of(m, a.file);
    }

    /** Follows the tree to the entries of a range. */
    private final class Walk {
        private final Moment m;
        private final long from;
        private final long to;
        private final List<Area> found;
        private int visited;

        Walk(Moment m, long from, long to, List<Area> found) {
            this.m = m;
            this.from = from;
            this.to = to;
            this.found = found;
        }

        void entry(long entry, long low, long high, int depth) {
            if (++visited > LIMIT || depth > DEPTH) {
                throw new IntrospectionException("A maple tree of the guest has no end.");
            }
            boolean node = (entry & 3) == 2 && Long.compareUnsigned(entry, 4096) > 0;
            int type = (int) (entry >>> 3 & 15);
            if (!node) {
                if (entry != 0 && (entry & 3) == 0) {
                    add(m, entry, from, to, found);
                }
                return;
            }
            if (type < LEAF_64 || type > ARANGE_64) {
                throw new IntrospectionException("A maple tree of the guest makes no sense.");
            }
            Node n = type == ARANGE_64 ? arange : range;
            long at = entry & ~255L;
            long begin = low;
            for (int i = 0; i < n.slots; i++) {
                long pivot = i < n.pivots ? m.pointer(at + n.pivot + 8L * i) : high;
                // The last one of a node that is not full has no pivot.
                long last = pivot == 0 && i > 0 ? high : pivot;
                if (Long.compareUnsigned(begin, to) < 0 && Long.compareUnsigned(last, from) >= 0) {
                    entry(m.pointer(at + n.slot + 8L * i), begin, last, depth + 1);
                }
                if (Long.compareUnsigned(last, high) >= 0 || Long.compareUnsigned(last, to) >= 0) {
                    return;
                }
                begin = last + 1;
            }
        }
    }
}
