// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.trace.plugin;

import dev.vitrine.introspection.linux.LinuxKernel;
import dev.vitrine.introspection.trace.Moment;

/** Reads the kernel's inodes. */
final class InodeReader {
    private static final int NAME = 64;

    /**
     * An inode.
     *
     * @param mapping address of its struct address_space
     * @param mode type and rights, as stat has them
     * @param size in bytes
     * @param number its number in the file system
     * @param links names that it has
     * @param device number of the file system's device, as major:minor
     * @param filesystem such as ext4
     */
    record Inode(
            long mapping,
            int mode,
            long size,
            long number,
            long links,
            String device,
            String filesystem) {
        private static final int TYPE = 0xF000;
        private static final int REGULAR = 0x8000;

        boolean isRegular() {
            return (mode & TYPE) == REGULAR;
        }
    }

    private final long mapping;
    private final long mode;
    private final long size;
    private final long number;
    private final long links;
    private final long superBlock;
    private final long device;
    private final long type;
    private final long typeName;

    InodeReader(LinuxKernel k) {
        mapping = k.offset("inode", "i_mapping");
        mode = k.offset("inode", "i_mode");
        size = k.offset("inode", "i_size");
        number = k.offset("inode", "i_ino");
        links = k.offset("inode", "i_nlink");
        superBlock = k.offset("inode", "i_sb");
        device = k.offset("super_block", "s_dev");
        type = k.offset("super_block", "s_type");
        typeName = k.offset("file_system_type", "name");
    }

    /**
     * An inode by its address.
     *
     * @throws dev.vitrine.introspection.IntrospectionException it is not in memory
     */
    Inode read(Moment m, long inode) {
        long block = m.pointer(inode + superBlock);
        // The kernel's own form: 12 bits and 20.
        long dev = m.number(block + device, 4);
        return new Inode(
                m.pointer(inode + mapping),
                (int) m.number(inode + mode, 2),
                m.pointer(inode + size),
                m.pointer(inode + number),
                m.number(inode + links, 4),
                (dev >>> 20) + ":" + (dev & 0xF_FFFF),
                m.text(m.pointer(m.pointer(block + type) + typeName), NAME));
    }
}
