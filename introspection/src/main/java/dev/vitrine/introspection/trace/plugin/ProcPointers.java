// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Moment;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashSet;
import java.util.Set;

/** The functions behind the files of /proc: what a rootkit replaces that hides from netstat. */
final class ProcPointers {
    private static final int LIMIT = 1 << 16;
    private static final int NAME = 255;

    /** Gets functions. */
    interface Function {
        /**
         * A pointer to a function.
         *
         * @param name of the file and the member
         * @param at linear address of the pointer
         * @param to where it leads; not 0
         */
        void at(String name, long at, long to);
    }

    private static final String[] SEQUENCE = {"start", "stop", "next", "show"};
    private static final String[] OPERATIONS = {
        "proc_open",
        "proc_read",
        "proc_read_iter",
        "proc_write",
        "proc_lseek",
        "proc_release",
        "proc_poll",
        "proc_ioctl",
        "proc_mmap"
    };

    private final LinuxKernel kernel;
    private final long root;
    private final long first;
    private final long node;
    private final long name;
    private final long operations;
    private final long sequence;
    private final long mode;
    private final long[] sequenceAt;
    private final long[] operationAt;

    /** A seq_file of one piece has a function where others have operations. */
    private final long singleOpen;

    private final Set<Long> sequences = new HashSet<>();

    ProcPointers(LinuxKernel k) {
        kernel = k;
        root = k.resolve("proc_root");
        first = k.member("proc_dir_entry", "subdir.rb_node").offset();
        node = k.member("proc_dir_entry", "subdir_node").offset();
        name = k.member("proc_dir_entry", "name").offset();
        operations = k.member("proc_dir_entry", "proc_ops").offset();
        sequence = k.member("proc_dir_entry", "seq_ops").offset();
        mode = k.member("proc_dir_entry", "mode").offset();
        sequenceAt = offsets("seq_operations", SEQUENCE);
        operationAt = offsets("proc_ops", OPERATIONS);
        singleOpen = k.hasSymbol("proc_single_ops") ? k.resolve("proc_single_ops") : 0;
        // The union holds seq_operations with these alone; with others it is the maker's own.
        for (String s : new String[] {"proc_seq_ops", "proc_net_seq_ops"}) {
            if (k.hasSymbol(s)) {
                sequences.add(k.resolve(s));
            }
        }
    }

    private long[] offsets(String structure, String[] members) {
        long[] at = new long[members.length];
        for (int i = 0; i < at.length; i++) {
            at[i] =
                    kernel.types().member(structure, members[i]) == null
                            ? -1
                            : kernel.member(structure, members[i]).offset();
        }
        return at;
    }

    private static final int FORMAT = 0xF000;
    private static final int FOLDER = 0x4000;
    private static final int REGULAR = 0x8000;

    /** Gives the functions of all files that are not of a process. */
    void walk(Moment m, Function found) {
        Deque<Entry> open = new ArrayDeque<>();
        open.add(new Entry(root, "/proc"));
        int n = 0;
        while (!open.isEmpty() && n++ < LIMIT) {
            Entry e = open.remove();
            long kind = m.number(e.at + mode, 2) & FORMAT;
            if (kind == FOLDER) {
                children(m, e, open);
            } else if (kind == REGULAR) {
                file(m, e, found);
            }
        }
    }

    private record Entry(long at, String path) {}

    /**
     * The entries of a folder are a red-black tree: struct rb_node has its children behind 8 bytes.
     */
    private void children(Moment m, Entry e, Deque<Entry> open) {
        Deque<Long> nodes = new ArrayDeque<>();
        nodes.add(m.pointer(e.at + first));
        int n = 0;
        while (!nodes.isEmpty() && n++ < LIMIT) {
            long at = nodes.remove();
            if (at == 0) {
                continue;
            }
            long entry = at - node;
            open.add(new Entry(entry, e.path + "/" + m.text(m.pointer(entry + name), NAME)));
            nodes.add(m.pointer(at + 8));
            nodes.add(m.pointer(at + 16));
        }
    }

    private void file(Moment m, Entry e, Function found) {
        long ops = m.pointer(e.at + operations);
        if (ops == 0) {
            return;
        }
        members(m, e, ops, OPERATIONS, operationAt, found);
        long other = m.pointer(e.at + sequence);
        if (other == 0) {
            return;
        }
        if (ops == singleOpen) {
            found.at(e.path + ":single_show", e.at + sequence, other);
        } else if (sequences.contains(ops)) {
            members(m, e, other, SEQUENCE, sequenceAt, found);
        }
    }

    private static void members(
            Moment m, Entry e, long at, String[] names, long[] offsets, Function found) {
        for (int i = 0; i < names.length; i++) {
            long to = offsets[i] < 0 ? 0 : m.pointer(at + offsets[i]);
            if (to != 0) {
                found.at(e.path + ":" + names[i], at + offsets[i], to);
            }
        }
    }
}
