// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** Hypervisor CPUID leaves (public/arch-x86/cpuid.h). */
public final class XenCpuid {
    public static final int FIRST_LEAF = 0x40000000;

    /** Leaves above the first one. */
    public static final int MAX_LEAVES = 5;

    public static final int SIGNATURE_EBX = 0x566E6558;
    public static final int SIGNATURE_ECX = 0x65584D4D;
    public static final int SIGNATURE_EDX = 0x4D4D566E;

    /** Writing a page address to it fills that page with hypercall stubs. */
    public static final int HYPERCALL_MSR = 0x40000000;

    // Leaf 3, EAX.
    public static final int TSC_EMULATED = 1;
    public static final int HOST_TSC_RELIABLE = 1 << 1;
    public static final int RDTSCP_AVAILABLE = 1 << 2;

    // Leaf 4, EAX.
    public static final int HVM_APIC_ACCESS_VIRT = 1;
    public static final int HVM_X2APIC_VIRT = 1 << 1;
    public static final int HVM_IOMMU_MAPPINGS = 1 << 2;
    public static final int HVM_VCPU_ID_PRESENT = 1 << 3;
    public static final int HVM_DOMID_PRESENT = 1 << 4;
    public static final int HVM_EXT_DEST_ID = 1 << 5;
    public static final int HVM_UPCALL_VECTOR = 1 << 6;

    private XenCpuid() {}
}
