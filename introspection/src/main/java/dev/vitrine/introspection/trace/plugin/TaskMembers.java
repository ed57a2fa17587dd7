// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Moment;

/** What a thread has: open files, its working folder and its root. */
final class TaskMembers {
    /** The kernel's own limit of fs.nr_open. */
    private static final long MAX_DESCRIPTORS = 1 << 20;

    private final Paths paths;
    private final long files;
    private final long table;
    private final long tableSize;
    private final long tableFiles;
    private final long fs;
    private final long directory;
    private final long root;
    private final long mount;
    private final long dentry;

    TaskMembers(LinuxKernel k, Paths paths) {
        this.paths = paths;
        files = k.offset("task_struct", "files");
        table = k.offset("files_struct", "fdt");
        tableSize = k.offset("fdtable", "max_fds");
        tableFiles = k.offset("fdtable", "fd");
        fs = k.offset("task_struct", "fs");
        directory = k.offset("fs_struct", "pwd");
        root = k.offset("fs_struct", "root");
        mount = k.offset("path", "mnt");
        dentry = k.offset("path", "dentry");
    }

    /** Address of the struct file behind a descriptor of the thread; 0 if there is none. */
    long file(Moment m, int descriptor) {
        long open = m.pointer(m.task().address() + files);
        if (open == 0 || descriptor < 0) {
            return 0;
        }
        long t = m.pointer(open + table);
        long size = Math.min(MAX_DESCRIPTORS, m.number(t + tableSize, 4));
        return descriptor >= size ? 0 : m.pointer(m.pointer(t + tableFiles) + 8L * descriptor);
    }

    /** The path behind a descriptor; empty if there is none. */
    String path(Moment m, int descriptor) {
        long file = file(m, descriptor);
        return file == 0 ? "" : paths.of(m, file);
    }

    /** The working folder. */
    String directory(Moment m) {
        return path(m, directory);
    }

    /** The root, "/" unless it has been changed. */
    String root(Moment m) {
        return path(m, root);
    }

    private String path(Moment m, long which) {
        long at = m.pointer(m.task().address() + fs);
        return at == 0
                ? ""
                : paths.path(m, m.pointer(at + which + mount), m.pointer(at + which + dentry));
    }
}
