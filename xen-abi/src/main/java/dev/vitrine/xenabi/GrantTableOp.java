// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/**
 * GNTTABOP_*: sub-operations, entry formats, argument layouts, status codes (public/grant_table.h).
 */
public final class GrantTableOp {
    public static final int MAP_GRANT_REF = 0;
    public static final int UNMAP_GRANT_REF = 1;
    public static final int SETUP_TABLE = 2;
    public static final int DUMP_TABLE = 3;
    public static final int TRANSFER = 4;
    public static final int COPY = 5;
    public static final int QUERY_SIZE = 6;
    public static final int UNMAP_AND_REPLACE = 7;
    public static final int SET_VERSION = 8;
    public static final int GET_STATUS_FRAMES = 9;
    public static final int GET_VERSION = 10;
    public static final int SWAP_GRANT_REF = 11;
    public static final int CACHE_FLUSH = 12;

    // Entries. Version 1: flags u16 @0, domid u16 @2, frame u32 @4.
    public static final int ENTRY_V1_SIZE = 8;

    /**
     * Version 2: flags u16 @0, domid u16 @2; full page: frame u64 @8; sub-page: page_off u16 @4,
     * length u16 @6, frame u64 @8; transitive: trans_domid u16 @4, gref u32 @8.
     */
    public static final int ENTRY_V2_SIZE = 16;

    public static final int NR_RESERVED_ENTRIES = 8;
    public static final int RESERVED_CONSOLE = 0;
    public static final int RESERVED_XENSTORE = 1;

    public static final int GTF_INVALID = 0;
    public static final int GTF_PERMIT_ACCESS = 1;
    public static final int GTF_ACCEPT_TRANSFER = 2;
    public static final int GTF_TRANSITIVE = 3;
    public static final int GTF_TYPE_MASK = 3;
    public static final int GTF_READONLY = 1 << 2;
    public static final int GTF_READING = 1 << 3;
    public static final int GTF_WRITING = 1 << 4;
    public static final int GTF_SUB_PAGE = 1 << 8;

    public static final int MAP_DEVICE = 1;
    public static final int MAP_HOST = 1 << 1;
    public static final int MAP_READONLY = 1 << 2;
    public static final int MAP_APPLICATION = 1 << 3;
    public static final int MAP_CONTAINS_PTE = 1 << 4;

    public static final int COPY_SOURCE_GREF = 1;
    public static final int COPY_DEST_GREF = 2;

    public static final int OKAY = 0;
    public static final int GENERAL_ERROR = -1;
    public static final int BAD_DOMAIN = -2;
    public static final int BAD_GNTREF = -3;
    public static final int BAD_HANDLE = -4;
    public static final int BAD_VIRT_ADDR = -5;
    public static final int BAD_DEV_ADDR = -6;
    public static final int NO_DEVICE_SPACE = -7;
    public static final int PERMISSION_DENIED = -8;
    public static final int BAD_PAGE = -9;
    public static final int BAD_COPY_ARG = -10;
    public static final int ADDRESS_TOO_BIG = -11;
    public static final int EAGAIN = -12;
    public static final int NO_SPACE = -13;

    /**
     * host_addr u64 @0, flags u32 @8, ref u32 @12, dom u16 @16, out status i16 @18, handle u32 @20,
     * dev_bus_addr u64 @24.
     */
    public static final int SIZE_MAP = 32;

    /**
     * host_addr u64 @0, dev_bus_addr u64 @8, handle u32 @16, out status i16 @20; 24 bytes in both
     * ABIs.
     */
    public static final int SIZE_UNMAP = 24;

    /** 64-bit: dom u16 @0, nr_frames u32 @4, out status i16 @8, frame_list u64 @16. */
    public static final int SIZE_SETUP_64 = 24;

    /** 32-bit: dom u16 @0, nr_frames u32 @4, out status i16 @8, frame_list u32 @12. */
    public static final int SIZE_SETUP_32 = 16;

    /** 64-bit: mfn u64 @0, domid u16 @8, ref u32 @12, out status i16 @16. */
    public static final int SIZE_TRANSFER_64 = 24;

    /** 32-bit: mfn u32 @0, domid u16 @4, ref u32 @8, out status i16 @12. */
    public static final int SIZE_TRANSFER_32 = 16;

    /**
     * 64-bit: source {ref or gmfn u64 @0, domid u16 @8, offset u16 @10}, dest the same @16, len
     * u16 @32, flags u16 @34, out status i16 @36.
     */
    public static final int SIZE_COPY_64 = 40;

    /**
     * 32-bit: source {ref or gmfn u32 @0, domid u16 @4, offset u16 @6}, dest the same @8, len
     * u16 @16, flags u16 @18, out status i16 @20.
     */
    public static final int SIZE_COPY_32 = 24;

    /** dom u16 @0, out nr_frames u32 @4, max_nr_frames u32 @8, status i16 @12. */
    public static final int SIZE_QUERY = 16;

    /** host_addr u64 @0, new_addr u64 @8, handle u32 @16, out status i16 @20. */
    public static final int SIZE_UNMAP_AND_REPLACE = 24;

    /** version u32 @0, in and out. */
    public static final int SIZE_SET_VERSION = 4;

    /** 64-bit: nr_frames u32 @0, dom u16 @4, out status i16 @6, frame_list u64 @8. */
    public static final int SIZE_STATUS_FRAMES_64 = 16;

    /** 32-bit: the same with frame_list u32 @8. */
    public static final int SIZE_STATUS_FRAMES_32 = 12;

    /** dom u16 @0, out version u32 @4. */
    public static final int SIZE_GET_VERSION = 8;

    /** ref_a u32 @0, ref_b u32 @4, out status i16 @8. */
    public static final int SIZE_SWAP = 12;

    /** address or ref u64 @0, offset u16 @8, length u16 @10, op u32 @12. */
    public static final int SIZE_CACHE_FLUSH = 16;

    public static final int CACHE_CLEAN = 1;
    public static final int CACHE_INVAL = 2;
    public static final int CACHE_SOURCE_GREF = 1 << 31;

    private GrantTableOp() {}
}
