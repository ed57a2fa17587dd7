// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

import org.jspecify.annotations.Nullable;

/**
 * Names of files, as /proc shows them. Where things are in the kernel is looked up once; any number
 * of threads may then use it, each with the memory that it sees.
 */
public final class Paths {
    private static final int DEPTH = 4096;
    private static final int NAME = 255;
    private static final int PATH = 8192;

    private final long fileMount;
    private final long fileDentry;
    private final long fileInode;
    private final long inodeNumber;
    private final long dentryParent;
    private final long dentryHash;
    private final long dentryName;
    private final long dentryLength;
    private final long dentryOperations;
    private final long inodePrivate;
    private final long operationName;
    private final long namespaceOperations;
    private final long namespaceName;
    private final long mountMnt;
    private final long mountRoot;
    private final long mountParent;
    private final long mountPoint;
    private final long pipe;
    private final long socket;
    private final long anonymous;
    private final long process;
    private final long namespace;
    private final long rootMount;
    private final long rootDentry;

    private Paths(LinuxKernel k, long rootMount, long rootDentry) {
        this.rootMount = rootMount;
        this.rootDentry = rootDentry;
        fileMount = k.offset("file", "f_path.mnt");
        fileDentry = k.offset("file", "f_path.dentry");
        fileInode = k.offset("file", "f_inode");
        inodeNumber = k.offset("inode", "i_ino");
        dentryParent = k.offset("dentry", "d_parent");
        dentryHash = k.offset("dentry", "d_hash.pprev");
        dentryName = k.offset("dentry", "d_name.name");
        dentryLength = k.offset("dentry", "d_name.len");
        dentryOperations = k.offset("dentry", "d_op");
        inodePrivate = k.offset("inode", "i_private");
        operationName = k.offset("dentry_operations", "d_dname");
        namespaceOperations = k.offset("ns_common", "ops");
        namespaceName = k.offset("proc_ns_operations", "name");
        mountMnt = k.offset("mount", "mnt");
        mountRoot = k.offset("mount", "mnt.mnt_root");
        mountParent = k.offset("mount", "mnt_parent");
        mountPoint = k.offset("mount", "mnt_mountpoint");
        pipe = function(k, "pipefs_dname");
        socket = function(k, "sockfs_dname");
        anonymous = function(k, "anon_inodefs_dname");
        process = function(k, "pidfs_dname");
        namespace = function(k, "ns_dname");
    }

    private static long function(LinuxKernel k, String name) {
        return k.hasSymbol(name) ? k.resolve(name) : -1;
    }

    /** Names as a process sees them that has the first process's root. */
    static Paths ofInit(LinuxKernel kernel) {
        KernelObject init = new ProcessList(kernel).task(1);
        KernelObject root = init.follow("fs", "fs_struct").inside("root", "path");
        return new Paths(kernel, root.number("mnt"), root.number("dentry"));
    }

    /** Names from the root of the mount namespace that a file is in. */
    public static Paths ofMounts(LinuxKernel kernel) {
        return new Paths(kernel, 0, 0);
    }

    /**
     * The name of an open file; empty if it has none.
     *
     * @param file address of its struct file
     * @throws IntrospectionException what it leads to is not in memory
     */
    public String of(KernelMemory memory, long file) {
        long dentry = memory.pointer(file + fileDentry);
        if (dentry == 0) {
            return "";
        }
        String special = special(memory, file, dentry);
        return special != null ? special : path(memory, memory.pointer(file + fileMount), dentry);
    }

    /**
     * The name of a place in the tree of folders.
     *
     * @param mount address of a struct vfsmount; 0 if it is not known, and the name is to be from
     *     the root of the file system on
     * @param dentry address of a struct dentry
     * @throws IntrospectionException what they lead to is not in memory
     */
    public String path(KernelMemory memory, long mount, long dentry) {
        String name = walk(memory, mount, dentry);
        boolean root = memory.pointer(dentry + dentryParent) == dentry;
        return !root && memory.pointer(dentry + dentryHash) == 0 ? name + " (deleted)" : name;
    }

    /** Pipes, sockets and their like have operations that make a name; null for all others. */
    private @Nullable String special(KernelMemory m, long file, long dentry) {
        long operations = m.pointer(dentry + dentryOperations);
        long maker = operations == 0 ? 0 : m.pointer(operations + operationName);
        if (maker == 0) {
            return null;
        }
        if (maker == anonymous) {
            return "anon_inode:" + name(m, dentry);
        }
        if (maker == process) { // since 6.9; it was an anonymous inode before
            return "anon_inode:[pidfd]";
        }
        long node = m.pointer(file + fileInode);
        long inode = m.pointer(node + inodeNumber);
        if (maker == pipe || maker == socket) {
            return (maker == pipe ? "pipe:[" : "socket:[") + inode + "]";
        }
        if (maker == namespace) {
            long common = m.pointer(node + inodePrivate);
            long type = common == 0 ? 0 : m.pointer(common + namespaceOperations);
            String kind = type == 0 ? "ns" : m.text(m.pointer(type + namespaceName), NAME);
            return kind + ":[" + inode + "]";
        }
        return "/" + name(m, dentry) + " (deleted)";
    }

    private String name(KernelMemory m, long dentry) {
        int length = (int) Math.min(NAME, m.number(dentry + dentryLength, 4));
        return m.text(m.pointer(dentry + dentryName), length);
    }

    private String walk(KernelMemory memory, long vfsmount, long dentry) {
        StringBuilder path = new StringBuilder();
        long m = vfsmount - mountMnt;
        long d = dentry;
        for (int i = 0; i < DEPTH && path.length() < PATH; i++) {
            if (d == rootDentry && m + mountMnt == rootMount) {
                break;
            }
            long parent = memory.pointer(d + dentryParent);
            if (vfsmount != 0 && d == memory.pointer(m + mountRoot)) {
                long above = memory.pointer(m + mountParent);
                if (above == m) {
                    break;
                }
                d = memory.pointer(m + mountPoint);
                m = above;
            } else if (parent == d) {
                break;
            } else {
                path.insert(0, name(memory, d)).insert(0, '/');
                d = parent;
            }
        }
        return path.isEmpty() ? "/" : path.toString();
    }
}
