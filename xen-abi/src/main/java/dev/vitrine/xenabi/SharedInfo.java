// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/**
 * Layout of struct shared_info, vcpu_info and vcpu_time_info (public/xen.h) for 64- and 32-bit
 * guests.
 */
public final class SharedInfo {
    /** vCPUs that have a vcpu_info of their own in the page. */
    public static final int LEGACY_MAX_VCPUS = 32;

    // struct vcpu_info, 64 bytes in both ABIs.
    public static final int VCPU_INFO_SIZE = 64;
    public static final int VCPU_UPCALL_PENDING = 0;
    public static final int VCPU_UPCALL_MASK = 1;
    public static final int VCPU_PENDING_SEL_64 = 8;
    public static final int VCPU_PENDING_SEL_32 = 4;
    public static final int VCPU_CR2_64 = 16;
    public static final int VCPU_CR2_32 = 8;
    public static final int VCPU_TIME = 32;

    // struct vcpu_time_info.
    public static final int TIME_SIZE = 32;
    public static final int TIME_VERSION = 0;
    public static final int TIME_TSC_TIMESTAMP = 8;
    public static final int TIME_SYSTEM_TIME = 16;
    public static final int TIME_MUL = 24;
    public static final int TIME_SHIFT = 28;
    public static final int TIME_FLAGS = 29;
    public static final int TIME_FLAG_TSC_STABLE = 1;
    public static final int TIME_FLAG_GUEST_STOPPED = 2;

    // struct shared_info.
    public static final int EVTCHN_PENDING = LEGACY_MAX_VCPUS * VCPU_INFO_SIZE;
    public static final int EVTCHN_MASK_64 = EVTCHN_PENDING + 512;
    public static final int EVTCHN_MASK_32 = EVTCHN_PENDING + 128;
    public static final int WC_64 = EVTCHN_MASK_64 + 512;
    public static final int WC_32 = EVTCHN_MASK_32 + 128;
    // Relative to WC_64 or WC_32.
    public static final int WC_VERSION = 0;
    public static final int WC_SEC = 4;
    public static final int WC_NSEC = 8;
    public static final int WC_SEC_HI_64 = 12;

    /**
     * 32-bit: last field of arch_shared_info, after max_pfn, list, nmi_reason, cr3, vaddr,
     * generation.
     */
    public static final int WC_SEC_HI_32 = 12 + 6 * 4;

    private SharedInfo() {}

    public static int evtchnMask(boolean wide) {
        return wide ? EVTCHN_MASK_64 : EVTCHN_MASK_32;
    }

    public static int wallClock(boolean wide) {
        return wide ? WC_64 : WC_32;
    }

    public static int pendingSel(boolean wide) {
        return wide ? VCPU_PENDING_SEL_64 : VCPU_PENDING_SEL_32;
    }
}
