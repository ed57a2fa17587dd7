// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * A range of addresses that a process has mapped.
 *
 * @param start linear address
 * @param end the first one behind it
 * @param rights as in /proc/PID/maps: r, w, x or -, and s for shared or p for private
 * @param offset in the file, in bytes
 * @param device number of the file's device: major times 2^20 plus minor
 * @param inode number of the file; 0 for none
 * @param name the file, or what the kernel calls it, such as {@code [heap]}; may be empty
 */
public record Mapping(
        long start, long end, String rights, long offset, long device, long inode, String name) {
    private static final int NAME_COLUMN = 73;

    /** The line of {@code /proc/PID/maps}. */
    @Override
    public String toString() {
        String s =
                String.format(
                        "%08x-%08x %s %08x %02x:%02x %d ",
                        start, end, rights, offset, device >>> 20, device & 0xFFFFF, inode);
        if (name.isEmpty()) {
            return s;
        }
        return s + " ".repeat(Math.max(1, NAME_COLUMN - s.length())) + name.replace("\n", "\\012");
    }
}
