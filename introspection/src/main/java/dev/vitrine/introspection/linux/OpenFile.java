// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * An open file of a process.
 *
 * @param descriptor its number
 * @param mode how it is open, as ls shows it for /proc/PID/fd: {@code lr-x------}, {@code
 *     l-wx------}, {@code lrwx------}
 * @param flags as given to open (O_*)
 * @param position where the next read or write is
 * @param name its path, or what the kernel calls it, such as {@code pipe:[1234]}
 * @param file linear address of its struct file
 */
public record OpenFile(
        int descriptor, String mode, long flags, long position, String name, long file) {}
