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
        files = k.member("task_struct", "files").offset();
        table = k.member("files_struct", "fdt").offset();
        tableSize = k.member("fdtable", "max_fds").offset();
        tableFiles = k.member("fdtable", "fd").offset();
        fs = k.member("task_struct", "fs").offset();
        directory = k.member("fs_struct", "pwd").offset();
        root = k.member("fs_struct", "root").offset();
        mount = k.member("path", "mnt").offset();
        dentry = k.member("path", "dentry").offset();
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
