// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/**
 * Where libxl puts things in the address space of a PVH domain (tools/libs/guest,
 * tools/libs/light).
 */
public final class PvhLayout {
    public static final int PAGE_SHIFT = 12;
    public static final int PAGE_SIZE = 1 << PAGE_SHIFT;

    /** The eight special pages end below this frame. */
    public static final long SPECIAL_END_GFN = 0xFF000;

    public static final int NR_SPECIAL_PAGES = 8;
    public static final long SPECIAL_BASE_GFN = SPECIAL_END_GFN - NR_SPECIAL_PAGES;
    public static final int SPECIAL_PAGING = 0;
    public static final int SPECIAL_ACCESS = 1;
    public static final int SPECIAL_SHARING = 2;
    public static final int SPECIAL_BUFIOREQ = 3;
    public static final int SPECIAL_XENSTORE = 4;
    public static final int SPECIAL_IOREQ = 5;
    public static final int SPECIAL_IDENT_PT = 6;
    public static final int SPECIAL_CONSOLE = 7;

    /** ACPI information page; the tables follow in the pages after it. */
    public static final long ACPI_INFO = 0xFC000000L;

    public static final int ACPI_PAGES = 16;

    /** The RSDP where Linux without XENFEAT_linux_rsdp_unrestricted looks for it. */
    public static final long RSDP = 0x100000 - 64;

    /** RAM below ends here at the latest; the rest of it starts at {@link #HIGH_RAM}. */
    public static final long LOW_RAM_END = 0xF8000000L;

    public static final long HIGH_RAM = 0x1_0000_0000L;

    private PvhLayout() {}
}
