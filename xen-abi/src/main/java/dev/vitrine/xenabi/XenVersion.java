// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/**
 * XENVER_*: sub-operations and sizes (public/version.h), and XENFEAT_* bits (public/features.h).
 */
public final class XenVersion {
    public static final int VERSION = 0;
    public static final int EXTRAVERSION = 1;
    public static final int COMPILE_INFO = 2;
    public static final int CAPABILITIES = 3;
    public static final int CHANGESET = 4;
    public static final int PLATFORM_PARAMETERS = 5;
    public static final int GET_FEATURES = 6;
    public static final int PAGESIZE = 7;
    public static final int GUEST_HANDLE = 8;
    public static final int COMMANDLINE = 9;
    public static final int BUILD_ID = 10;
    public static final int EXTRAVERSION2 = 11;
    public static final int CAPABILITIES2 = 12;
    public static final int CHANGESET2 = 13;
    public static final int COMMANDLINE2 = 14;

    public static final int SIZE_EXTRAVERSION = 16;

    /**
     * compiler char[64], compile_by char[16] @64, compile_domain char[32] @80, compile_date
     * char[32] @112.
     */
    public static final int SIZE_COMPILE_INFO = 144;

    public static final int SIZE_CAPABILITIES = 1024;
    public static final int SIZE_CHANGESET = 64;

    /** submap_idx u32 @0, out submap u32 @4. */
    public static final int SIZE_FEATURES = 8;

    public static final int SIZE_GUEST_HANDLE = 16;
    public static final int SIZE_COMMANDLINE = 1024;

    public static final int FEAT_WRITABLE_PAGE_TABLES = 0;
    public static final int FEAT_AUTO_TRANSLATED_PHYSMAP = 2;
    public static final int FEAT_MMU_PT_UPDATE_PRESERVE_AD = 5;
    public static final int FEAT_GNTTAB_MAP_AVAIL_BITS = 7;
    public static final int FEAT_HVM_CALLBACK_VECTOR = 8;
    public static final int FEAT_HVM_SAFE_PVCLOCK = 9;
    public static final int FEAT_HVM_PIRQS = 10;
    public static final int FEAT_DOM0 = 11;
    public static final int FEAT_MEMORY_OP_VNODE_SUPPORTED = 13;
    public static final int FEAT_LINUX_RSDP_UNRESTRICTED = 15;
    public static final int FEAT_NOT_DIRECT_MAPPED = 16;
    public static final int FEAT_DIRECT_MAPPED = 17;
    public static final int FEAT_RUNSTATE_PHYS_AREA = 18;
    public static final int FEAT_VCPU_TIME_PHYS_AREA = 19;
    public static final int FEAT_DM_MSIX_ALL_WRITES = 20;

    private XenVersion() {}
}
