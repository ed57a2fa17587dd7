// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** HVMOP_altp2m: commands and argument layouts (public/hvm/hvm_op.h). */
public final class Altp2mOp {
    public static final int INTERFACE_VERSION = 1;

    public static final int GET_DOMAIN_STATE = 1;
    public static final int SET_DOMAIN_STATE = 2;
    public static final int VCPU_ENABLE_NOTIFY = 3;
    public static final int CREATE_P2M = 4;
    public static final int DESTROY_P2M = 5;
    public static final int SWITCH_P2M = 6;
    public static final int SET_MEM_ACCESS = 7;
    public static final int CHANGE_GFN = 8;
    public static final int SET_MEM_ACCESS_MULTI = 9;
    public static final int SET_SUPPRESS_VE = 10;
    public static final int GET_SUPPRESS_VE = 11;
    public static final int GET_MEM_ACCESS = 12;
    public static final int VCPU_DISABLE_NOTIFY = 13;
    public static final int GET_P2M_IDX = 14;
    public static final int SET_SUPPRESS_VE_MULTI = 15;
    public static final int SET_VISIBILITY = 16;

    // Values of HVM_PARAM_ALTP2M.
    public static final int MODE_DISABLED = 0;
    public static final int MODE_MIXED = 1;
    public static final int MODE_EXTERNAL = 2;
    public static final int MODE_LIMITED = 3;

    /** xen_hvm_altp2m_op: 16 bytes and a union of 64. */
    public static final int SIZE = 80;

    public static final int VERSION = 0;
    public static final int COMMAND = 4;
    public static final int DOMAIN = 8;
    public static final int PAD1 = 10;
    public static final int PAD2 = 12;

    /** domain_state: u8. */
    public static final int STATE = 16;

    /** view, mem_access, set_mem_access_multi, change_gfn: u16. */
    public static final int VIEW = 16;

    /** view.hvmmem_default_access, mem_access.access: u16. */
    public static final int ACCESS = 18;

    /** mem_access.pad u32; set_mem_access_multi.nr u32; change_gfn.pad2 u32. */
    public static final int SECOND_WORD = 20;

    /** mem_access.gfn, change_gfn.old_gfn, set_mem_access_multi.opaque: u64. */
    public static final int GFN = 24;

    /** change_gfn.new_gfn u64. */
    public static final int NEW_GFN = 32;

    /** set_mem_access_multi.pfn_list: pointer. */
    public static final int PFN_LIST = 32;

    /** set_mem_access_multi.access_list: pointer behind the other. */
    public static final int ACCESS_LIST_64 = 40;

    public static final int ACCESS_LIST_32 = 36;

    /** get_vcpu_p2m_idx: vcpu_id u32, altp2m_idx u16. */
    public static final int VCPU = 16;

    public static final int VCPU_VIEW = 20;

    /** enable_notify: vcpu_id u32, pad u32, gfn u64; disable_notify: vcpu_id u32. */
    public static final int NOTIFY_VCPU = 16;

    public static final int NOTIFY_PAD = 20;
    public static final int NOTIFY_GFN = 24;

    /** suppress_ve: view u16, suppress_ve u8, pad1 u8, pad2 u32, gfn u64. */
    public static final int SUPPRESS = 18;

    public static final int SUPPRESS_PAD1 = 19;
    public static final int SUPPRESS_PAD2 = 20;

    /** suppress_ve_multi, from its view to pad1 as suppress_ve: first_error i32. */
    public static final int FIRST_ERROR = 20;

    public static final int FIRST_GFN = 24;
    public static final int LAST_GFN = 32;
    public static final int FIRST_ERROR_GFN = 40;

    /** set_visibility: altp2m_idx u16, visible u8, pad u8. */
    public static final int VISIBLE = 18;

    public static final int VISIBLE_PAD = 19;

    private Altp2mOp() {}
}
