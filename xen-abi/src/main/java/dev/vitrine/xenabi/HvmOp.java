// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** HVMOP_*: sub-operations and argument layouts (public/hvm/hvm_op.h). */
public final class HvmOp {
    public static final int SET_PARAM = 0;
    public static final int GET_PARAM = 1;
    public static final int SET_PCI_INTX_LEVEL = 2;
    public static final int SET_ISA_IRQ_LEVEL = 3;
    public static final int SET_PCI_LINK_ROUTE = 4;
    public static final int FLUSH_TLBS = 5;
    public static final int PAGETABLE_DYING = 9;
    public static final int GET_TIME = 10;
    public static final int XENTRACE = 11;
    public static final int SET_MEM_ACCESS = 12;
    public static final int GET_MEM_ACCESS = 13;
    public static final int GET_MEM_TYPE = 15;
    public static final int SET_EVTCHN_UPCALL_VECTOR = 23;
    public static final int GUEST_REQUEST_VM_EVENT = 24;
    public static final int ALTP2M = 25;

    /** domid u16 @0, index u32 @4, value u64 @8. */
    public static final int SIZE_PARAM = 16;

    /** vcpu u32 @0, vector u8 @4. */
    public static final int SIZE_UPCALL_VECTOR = 8;

    /** now u64 @0. */
    public static final int SIZE_GET_TIME = 8;

    /** event u16 @0, extra_bytes u16 @2, extra u8[28] @4. */
    public static final int SIZE_XENTRACE = 32;

    /** domid u16 @0, out mem_type u16 @2, pfn u64 @8. */
    public static final int SIZE_MEM_TYPE = 16;

    public static final int MEM_RAM_RW = 0;
    public static final int MEM_RAM_RO = 1;
    public static final int MEM_MMIO_DM = 2;

    private HvmOp() {}
}
