// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** struct hvm_start_info and what hangs on it (public/arch-x86/hvm/start_info.h). */
public final class StartInfo {
    public static final int MAGIC = 0x336EC578;
    public static final int VERSION = 1;

    public static final int SIZE = 56;
    public static final int OFFSET_MAGIC = 0;
    public static final int OFFSET_VERSION = 4;
    public static final int OFFSET_FLAGS = 8;
    public static final int OFFSET_NR_MODULES = 12;
    public static final int OFFSET_MODLIST = 16;
    public static final int OFFSET_CMDLINE = 24;
    public static final int OFFSET_RSDP = 32;
    public static final int OFFSET_MEMMAP = 40;
    public static final int OFFSET_MEMMAP_ENTRIES = 48;

    /** paddr u64, size u64, cmdline_paddr u64, reserved u64. */
    public static final int MODULE_SIZE = 32;

    /** addr u64, size u64, type u32, reserved u32. */
    public static final int MEMMAP_SIZE = 24;

    public static final int TYPE_RAM = 1;
    public static final int TYPE_RESERVED = 2;
    public static final int TYPE_ACPI = 3;
    public static final int TYPE_NVS = 4;
    public static final int TYPE_UNUSABLE = 5;
    public static final int TYPE_DISABLED = 6;
    public static final int TYPE_PMEM = 7;

    private StartInfo() {}
}
