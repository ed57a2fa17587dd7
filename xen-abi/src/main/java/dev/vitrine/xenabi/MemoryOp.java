// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** XENMEM_*: sub-operations and argument layouts (public/memory.h). */
public final class MemoryOp {
    public static final int INCREASE_RESERVATION = 0;
    public static final int DECREASE_RESERVATION = 1;
    public static final int MAXIMUM_RAM_PAGE = 2;
    public static final int CURRENT_RESERVATION = 3;
    public static final int MAXIMUM_RESERVATION = 4;
    public static final int MACHPHYS_MFN_LIST = 5;
    public static final int POPULATE_PHYSMAP = 6;
    public static final int ADD_TO_PHYSMAP = 7;
    public static final int MEMORY_MAP = 9;
    public static final int MACHINE_MEMORY_MAP = 10;
    public static final int EXCHANGE = 11;
    public static final int MACHPHYS_MAPPING = 12;
    public static final int SET_MEMORY_MAP = 13;
    public static final int MAXIMUM_GPFN = 14;
    public static final int REMOVE_FROM_PHYSMAP = 15;
    public static final int SET_POD_TARGET = 16;
    public static final int GET_POD_TARGET = 17;
    public static final int GET_SHARING_FREED_PAGES = 18;
    public static final int GET_SHARING_SHARED_PAGES = 19;
    public static final int PAGING_OP = 20;
    public static final int ACCESS_OP = 21;
    public static final int SHARING_OP = 22;
    public static final int ADD_TO_PHYSMAP_BATCH = 23;
    public static final int CLAIM_PAGES = 24;
    public static final int MACHPHYS_COMPAT_MFN_LIST = 25;
    public static final int GET_VNUMAINFO = 26;
    public static final int RESERVED_DEVICE_MEMORY_MAP = 27;
    public static final int ACQUIRE_RESOURCE = 28;

    /**
     * The low bits of the command are the sub-operation; above stands the first extent to handle.
     */
    public static final int CMD_SHIFT = 6;

    public static final int CMD_MASK = (1 << CMD_SHIFT) - 1;

    /**
     * 64-bit: extent_start u64 @0, nr_extents u64 @8, order u32 @16, flags u32 @20, domid u16 @24.
     */
    public static final int SIZE_RESERVATION_64 = 32;

    /**
     * 32-bit: extent_start u32 @0, nr_extents u32 @4, order u32 @8, flags u32 @12, domid u16 @16.
     */
    public static final int SIZE_RESERVATION_32 = 20;

    /** 64-bit: domid u16 @0, size u16 @2, space u32 @4, idx u64 @8, gpfn u64 @16. */
    public static final int SIZE_ADD_TO_PHYSMAP_64 = 24;

    /** 32-bit: domid u16 @0, size u16 @2, space u32 @4, idx u32 @8, gpfn u32 @12. */
    public static final int SIZE_ADD_TO_PHYSMAP_32 = 16;

    /**
     * 64-bit: domid, space, size, foreign_domid u16 @0 to 6; idxs, gpfns, errs pointers @8, 16, 24.
     */
    public static final int SIZE_ADD_TO_PHYSMAP_BATCH_64 = 32;

    /** 32-bit: the same with pointers @8, 12, 16. */
    public static final int SIZE_ADD_TO_PHYSMAP_BATCH_32 = 20;

    /** 64-bit: domid u16 @0, gpfn u64 @8. */
    public static final int SIZE_REMOVE_FROM_PHYSMAP_64 = 16;

    /** 32-bit: domid u16 @0, gpfn u32 @4. */
    public static final int SIZE_REMOVE_FROM_PHYSMAP_32 = 8;

    /** 64-bit: nr_entries u32 @0, buffer u64 @8. */
    public static final int SIZE_MEMORY_MAP_64 = 16;

    /** 32-bit: nr_entries u32 @0, buffer u32 @4. */
    public static final int SIZE_MEMORY_MAP_32 = 8;

    /** An e820 entry: address u64, size u64, type u32, packed. */
    public static final int SIZE_E820_ENTRY = 20;

    public static final int SPACE_SHARED_INFO = 0;
    public static final int SPACE_GRANT_TABLE = 1;
    public static final int SPACE_GMFN = 2;
    public static final int SPACE_GMFN_RANGE = 3;
    public static final int SPACE_GMFN_FOREIGN = 4;
    public static final int SPACE_DEV_MMIO = 5;

    /** In idx of the grant-table space: the frame is one of the status frames of version 2. */
    public static final long GRANT_STATUS_INDEX = 0x8000_0000L;

    public static final int FLAG_POPULATE_ON_DEMAND = 1 << 16;
    public static final int FLAG_EXACT_NODE = 1 << 17;
    public static final int FLAG_VNODE = 1 << 18;

    /** Largest extent order that an unprivileged domain may ask for (CONFIG_DOMU_MAX_ORDER). */
    public static final int MAX_ORDER = 9;

    private MemoryOp() {}
}
