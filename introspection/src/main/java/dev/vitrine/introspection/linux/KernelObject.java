// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.linux;

import dev.vitrine.introspection.IntrospectionException;

/**
 * A structure in the kernel's memory.
 *
 * @param kernel the kernel
 * @param type name of the structure
 * @param address linear address
 */
public record KernelObject(LinuxKernel kernel, String type, long address) {
    /** Whether the structure, in this kernel, has a member. */
    public boolean has(String path) {
        return kernel.types().member(type, path) != null;
    }

    /** Linear address of a member. */
    public long addressOf(String path) {
        return address + kernel.member(type, path).offset();
    }

    /**
     * An unsigned number, a pointer or a bit-field.
     *
     * @throws IntrospectionException there is no such member, or it is not mapped
     */
    public long number(String path) {
        Member m = kernel.member(type, path);
        int size = (int) m.size();
        if (size != 1 && size != 2 && size != 4 && size != 8) {
            throw new IntrospectionException(
                    "Member " + path + " of struct " + type + " is no number.");
        }
        return m.value(kernel.number(address + m.offset(), size));
    }

    /** A number of which one of several kernels has the one, others the other member. */
    public long numberOf(String path, String other) {
        return number(has(path) ? path : other);
    }

    /** What a pointer points to. */
    public KernelObject follow(String path, String pointee) {
        return new KernelObject(kernel, pointee, number(path));
    }

    /** A structure within this one. */
    public KernelObject inside(String path, String member) {
        return new KernelObject(kernel, member, addressOf(path));
    }

    /** The structure of which this one is a member. */
    public KernelObject container(String outer, String path) {
        return new KernelObject(kernel, outer, address - kernel.member(outer, path).offset());
    }

    /** The characters of an array, up to a zero byte. */
    public String text(String path) {
        Member m = kernel.member(type, path);
        return kernel.text(address + m.offset(), (int) Math.min(4096, m.size() * m.count()));
    }

    /** The characters that a pointer points to, up to a zero byte. */
    public String textAt(String path, int limit) {
        long at = number(path);
        return at == 0 ? "" : kernel.text(at, limit);
    }

    public boolean isNull() {
        return address == 0;
    }
}
