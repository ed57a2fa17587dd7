// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.builder;

/**
 * The eight pages that libxenguest sets aside below 0xff000000 in HVM and PVH domains
 * (X86_HVM_NR_SPECIAL_PAGES), as guest frame numbers.
 */
public final class SpecialPages {
    public static final int COUNT = 8;
    public static final long FIRST_GFN = 0xff000 - COUNT;
    public static final long PAGING_GFN = FIRST_GFN;
    public static final long ACCESS_GFN = FIRST_GFN + 1;
    public static final long SHARING_GFN = FIRST_GFN + 2;
    public static final long BUFIOREQ_GFN = FIRST_GFN + 3;
    public static final long XENSTORE_GFN = FIRST_GFN + 4;
    public static final long IOREQ_GFN = FIRST_GFN + 5;
    public static final long IDENT_PT_GFN = FIRST_GFN + 6;
    public static final long CONSOLE_GFN = FIRST_GFN + 7;

    private SpecialPages() {}
}
