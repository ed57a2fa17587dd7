// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

/**
 * A range of guest-physical addresses in the memory map (e820) that a guest is given.
 *
 * @param address the first address
 * @param size bytes, more than 0
 * @param type what is there
 */
public record MemoryMapEntry(long address, long size, Type type) {
    /** XEN_HVM_MEMMAP_TYPE_*, which are the numbers of e820. */
    public enum Type {
        RAM(1),
        RESERVED(2),
        ACPI(3),
        NVS(4),
        UNUSABLE(5),
        DISABLED(6),
        PMEM(7);

        private final int number;

        Type(int number) {
            this.number = number;
        }

        /** The number in the guest's memory map. */
        public int number() {
            return number;
        }
    }

    /** The address behind the range. */
    public long end() {
        return address + size;
    }
}
