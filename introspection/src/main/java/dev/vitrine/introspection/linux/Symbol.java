// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

/**
 * A symbol of the kernel.
 *
 * @param address its value, with the kernel's displacement (KASLR)
 * @param type as {@code nm} has it: t and T code, d and D data, r and R read-only data, b and B
 *     zeroed data, a and A absolute, w, W, v and V weak
 * @param name its name
 * @param module the module it belongs to, or an empty string for the kernel itself
 */
public record Symbol(long address, char type, String name, String module) {
    /** The line of {@code /proc/kallsyms}. */
    @Override
    public String toString() {
        return String.format("%016x %c %s", address, type, name)
                + (module.isEmpty() ? "" : "\t[" + module + "]");
    }
}
