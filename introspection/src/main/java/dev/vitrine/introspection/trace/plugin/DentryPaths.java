// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.linux.Paths;
import dev.vitrine.introspection.trace.Moment;

/**
 * Names of files where the kernel has a dentry but not the mount by which it was reached: that of
 * the thread's mount namespace through which the file can be seen. If there are several it is the
 * oldest one; if there is none, the name is from the root of the file system on.
 */
final class DentryPaths {
    private static final int MAX_MOUNTS = 256;
    private static final int DEPTH = 4096;

    private final Paths paths;
    private final long superBlock;
    private final long mounts;
    private final long instance;
    private final long mnt;
    private final long mountRoot;
    private final long mountNamespace;
    private final long namespaceNumber;
    private final long parent;

    DentryPaths(LinuxKernel k, Paths paths) {
        this.paths = paths;
        superBlock = k.offset("dentry", "d_sb");
        mounts = k.optionalOffset("super_block", "s_mounts");
        instance = k.optionalOffset("mount", "mnt_instance");
        mnt = k.offset("mount", "mnt");
        mountRoot = k.offset("mount", "mnt.mnt_root");
        mountNamespace = k.offset("mount", "mnt_ns");
        namespaceNumber = k.offset("mnt_namespace", "ns.inum");
        parent = k.offset("dentry", "d_parent");
    }

    /**
     * The name of a dentry.
     *
     * @throws dev.vitrine.introspection.IntrospectionException what it leads to is not in memory
     */
    String path(Moment m, long dentry) {
        return paths.path(m, mount(m, dentry), dentry);
    }

    /** Address of a struct vfsmount; that of the first mount of the file system if none fits. */
    private long mount(Moment m, long dentry) {
        long head = m.pointer(dentry + superBlock) + mounts;
        long wanted = m.task().mountNamespace();
        long some = 0;
        if (mounts < 0 || instance < 0) {
            return 0;
        }
        long at = m.pointer(head);
        for (int i = 0; i < MAX_MOUNTS && at != head && at != 0; i++) {
            long mount = at - instance;
            if (isBelow(m, dentry, m.pointer(mount + mountRoot))) {
                some = some == 0 ? mount : some;
                if (namespace(m, mount) == wanted) {
                    return mount + mnt;
                }
            }
            at = m.pointer(at);
        }
        return some == 0 ? 0 : some + mnt;
    }

    private long namespace(Moment m, long mount) {
        long namespace = m.pointer(mount + mountNamespace);
        // Mounts of the kernel have none, or an error in its place.
        return namespace >= -4095 ? 0 : m.number(namespace + namespaceNumber, 4);
    }

    private boolean isBelow(Moment m, long dentry, long root) {
        long d = dentry;
        for (int i = 0; i < DEPTH; i++) {
            if (d == root) {
                return true;
            }
            long above = m.pointer(d + parent);
            if (above == d) {
                return false;
            }
            d = above;
        }
        return false;
    }
}
