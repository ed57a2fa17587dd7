// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** XENMEM_access_op: commands and argument layout (public/memory.h). */
public final class MemoryAccessOp {
    public static final int SET_ACCESS = 0;
    public static final int GET_ACCESS = 1;
    public static final int SET_ACCESS_MULTI = 4;

    /** u8. */
    public static final int OP = 0;

    /** u8: xenmem_access_t. */
    public static final int ACCESS = 1;

    /** u16. */
    public static final int DOMAIN = 2;

    /** u32. */
    public static final int NR = 4;

    /** u64; all ones for the default access. */
    public static final int PFN = 8;

    /** xen_mem_access_op of a 64-bit tool; pointers to lists of pfns and accesses end it. */
    public static final int SIZE = 32;

    private MemoryAccessOp() {}
}
