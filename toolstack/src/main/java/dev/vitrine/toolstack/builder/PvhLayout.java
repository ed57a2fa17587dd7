// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

import java.util.List;

/**
 * Where everything is in the memory of a new PVH domain. All addresses are guest-physical, all
 * sizes in bytes.
 *
 * @param entry the entry point: EIP of vCPU 0
 * @param startInfo the address of hvm_start_info: EBX of vCPU 0
 * @param startInfoSize the bytes of start info, command line, module list and memory map together
 * @param ramdisk the ramdisk's address, 0 without one
 * @param ramdiskSize its size
 * @param lowMemoryEnd the end of RAM below 4 GiB
 * @param highMemoryEnd the end of RAM above 4 GiB, or 4 GiB if there is none
 * @param rsdp where the ACPI RSDP has to be; start info points there
 * @param acpiInfo the page that libxl's ACPI information structure takes, {@code 0xfc000000}
 * @param acpiTables where the ACPI tables start
 * @param acpiTablesSize the room for them, in whole pages
 * @param memoryMap the memory map: sorted, without overlaps
 */
public record PvhLayout(
        long entry,
        long startInfo,
        int startInfoSize,
        long ramdisk,
        long ramdiskSize,
        long lowMemoryEnd,
        long highMemoryEnd,
        long rsdp,
        long acpiInfo,
        long acpiTables,
        int acpiTablesSize,
        List<MemoryMapEntry> memoryMap) {

    /** The size of a page, in bytes. */
    public static final int PAGE_SIZE = 4096;

    public PvhLayout {
        memoryMap = List.copyOf(memoryMap);
    }

    /**
     * The pages beside plain RAM that have to be there: the special pages and those of the ACPI
     * tables. Ranges in RAM, such as an RSDP below 1 MiB, are not among them.
     */
    public List<MemoryMapEntry> extraPages() {
        return memoryMap.stream()
                .filter(entry -> entry.type() != MemoryMapEntry.Type.RAM)
                .filter(entry -> entry.address() >= lowMemoryEnd)
                .toList();
    }
}
