// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import org.jspecify.annotations.Nullable;

/** Names of files, as /proc shows them to a process that has the first one's root. */
final class Paths {
    private static final int DEPTH = 4096;
    private static final int NAME = 255;
    private static final int PATH = 8192;

    private final LinuxKernel kernel;
    private final long rootMount;
    private final long rootDentry;

    Paths(LinuxKernel kernel) {
        this.kernel = kernel;
        KernelObject init = kernel.object("task_struct", new ProcessList(kernel).find(1).task());
        KernelObject root = init.follow("fs", "fs_struct").inside("root", "path");
        this.rootMount = root.number("mnt");
        this.rootDentry = root.number("dentry");
    }

    /** The name of an open file; null if it is none. */
    String of(KernelObject file) {
        KernelObject path = file.inside("f_path", "path");
        KernelObject dentry = path.follow("dentry", "dentry");
        if (dentry.isNull()) {
            return "";
        }
        String special = special(file, dentry);
        if (special != null) {
            return special;
        }
        String name = walk(path.number("mnt"), dentry);
        boolean root = dentry.number("d_parent") == dentry.address();
        return !root && dentry.number("d_hash.pprev") == 0 ? name + " (deleted)" : name;
    }

    /** Pipes, sockets and their like have operations that make a name; null for all others. */
    private @Nullable String special(KernelObject file, KernelObject dentry) {
        KernelObject operations = dentry.follow("d_op", "dentry_operations");
        long function = operations.isNull() ? 0 : operations.number("d_dname");
        if (function == 0) {
            return null;
        }
        Symbol s = kernel.kernelSymbols().at(function);
        String maker = s == null || s.address() != function ? "" : s.name();
        long inode = file.follow("f_inode", "inode").number("i_ino");
        return switch (maker) {
            case "pipefs_dname" -> "pipe:[" + inode + "]";
            case "sockfs_dname" -> "socket:[" + inode + "]";
            case "anon_inodefs_dname" -> "anon_inode:" + name(dentry);
            case "ns_dname" -> {
                long type = dentry.number("d_fsdata");
                yield type == 0
                        ? "ns:[" + inode + "]"
                        : kernel.object("proc_ns_operations", type).textAt("name", NAME)
                                + ":["
                                + inode
                                + "]";
            }
            default -> "/" + name(dentry) + " (deleted)";
        };
    }

    private String name(KernelObject dentry) {
        int length = (int) Math.min(NAME, dentry.number("d_name.len"));
        return kernel.text(dentry.number("d_name.name"), length);
    }

    private String walk(long mount, KernelObject dentry) {
        StringBuilder path = new StringBuilder();
        KernelObject m = kernel.object("vfsmount", mount).container("mount", "mnt");
        KernelObject d = dentry;
        for (int i = 0; i < DEPTH && path.length() < PATH; i++) {
            if (d.address() == rootDentry && m.addressOf("mnt") == rootMount) {
                break;
            }
            long parent = d.number("d_parent");
            if (d.address() == m.number("mnt.mnt_root")) {
                KernelObject above = m.follow("mnt_parent", "mount");
                if (above.address() == m.address()) {
                    break;
                }
                d = m.follow("mnt_mountpoint", "dentry");
                m = above;
            } else if (parent == d.address()) {
                break;
            } else {
                path.insert(0, "/" + name(d));
                d = kernel.object("dentry", parent);
            }
        }
        return path.isEmpty() ? "/" : path.toString();
    }
}
