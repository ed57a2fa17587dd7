// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.LocalApic;
import dev.vitrine.xenabi.XenCpuid;

/**
 * The machine as one processor sees it: ports, device memory, model-specific registers, CPUID
 * leaves of the hypervisor and interrupts. Called on the vCPU's thread.
 */
final class VcpuPlatform {
    /** Xen's debug console in HVM guests, and the port that XTF writes to. */
    private static final int DEBUG_PORT = 0xE9;

    private static final int XTF_PORT = 0x12;

    private static final int X2APIC_FEATURE = 1 << 21;
    private static final int APIC_FEATURE = 1 << 9;
    private static final int HTT_FEATURE = 1 << 28;

    static final int XEN_MAJOR = 4;
    static final int XEN_MINOR = 20;

    private final Vcpu vcpu;
    private final Domain domain;
    private final byte[] oneByte = new byte[1];

    VcpuPlatform(Vcpu vcpu) {
        this.vcpu = vcpu;
        this.domain = vcpu.domain();
    }

    // ------------------------------------------------------------------------- ports

    int readPort(int port, int size) {
        return -1;
    }

    void writePort(int port, int size, int value) {
        if (size == 1 && (port == DEBUG_PORT || port == XTF_PORT)) {
            oneByte[0] = (byte) value;
            domain.debugConsole().write(oneByte, 0, 1);
        }
    }

    // ----------------------------------------------------------------- device memory

    long readDevice(long address, int size) {
        LocalApic apic = vcpu.apic();
        long page = apic.pageAddress();
        if ((address & ~0xFFFL) == page) {
            vcpu.syncClock();
            return apic.readPage((int) address & 0xFFF, size);
        }
        return -1;
    }

    void writeDevice(long address, int size, long value) {
        LocalApic apic = vcpu.apic();
        if ((address & ~0xFFFL) == apic.pageAddress()) {
            vcpu.syncClock();
            apic.writePage((int) address & 0xFFF, size, value);
        }
    }

    // -------------------------------------------------------------------------- MSRs

    boolean readMsr(int msr, long[] out) {
        if (LocalApic.ownsMsr(msr)) {
            vcpu.syncClock();
            return vcpu.apic().readMsr(msr, out);
        }
        if (msr == XenCpuid.HYPERCALL_MSR) {
            out[0] = 0;
            return true;
        }
        return false;
    }

    boolean writeMsr(int msr, long value) {
        if (LocalApic.ownsMsr(msr)) {
            vcpu.syncClock();
            return vcpu.apic().writeMsr(msr, value);
        }
        if (msr == XenCpuid.HYPERCALL_MSR) {
            return HypercallPage.write(vcpu, value);
        }
        return false;
    }

    // ------------------------------------------------------------------------- CPUID

    void cpuid(int leaf, int subleaf, int[] r) {
        int n = domain.vcpuCount();
        int id = Vcpu.apicId(vcpu.id());
        switch (leaf) {
            case 1 -> {
                // APIC ids go up by two: the package spans twice as many as there are vCPUs.
                r[1] = (r[1] & 0xFFFF) | id << 24 | Math.min(255, 2 * ceiling(n)) << 16;
                r[3] = n > 1 ? r[3] | HTT_FEATURE : r[3] & ~HTT_FEATURE;
                if (vcpu.apic().pageAddress() < 0 && !x2Mode()) {
                    r[3] &= ~APIC_FEATURE;
                }
                r[2] |= X2APIC_FEATURE;
            }
            case 4 -> {
                if ((r[0] & 0x1F) != 0) {
                    r[0] = (r[0] & 0x3FFF) | Math.min(63, ceiling(n) - 1) << 26 | 1 << 14;
                    if ((r[0] >>> 5 & 7) >= 3) { // the last level serves all
                        int shared = Math.min(4095, 2 * ceiling(n) - 1);
                        r[0] = (r[0] & ~(0xFFF << 14)) | shared << 14;
                    }
                }
            }
            case 0xB -> {
                switch (subleaf) {
                    case 0 -> set(r, 1, 1, 1 << 8, id);
                    case 1 -> {
                        int bits = 32 - Integer.numberOfLeadingZeros(2 * ceiling(n) - 1);
                        set(r, bits, n, 2 << 8 | 1, id);
                    }
                    default -> set(r, 0, 0, subleaf & 0xFF, id);
                }
            }
            case 0x80000008 -> r[2] = n - 1;
            default -> {
                if (leaf >>> 8 == XenCpuid.FIRST_LEAF >>> 8) {
                    hypervisorLeaf(leaf - XenCpuid.FIRST_LEAF, subleaf, r);
                } else if (leaf >>> 16 == XenCpuid.FIRST_LEAF >>> 16) {
                    set(r, 0, 0, 0, 0);
                }
            }
        }
    }

    private boolean x2Mode() {
        long[] base = new long[1];
        vcpu.apic().readMsr(LocalApic.MSR_APIC_BASE, base);
        return (base[0] & 0xC00) == 0xC00;
    }

    private static int ceiling(int n) {
        return n <= 1 ? 1 : Integer.highestOneBit(n - 1) << 1;
    }

    private void hypervisorLeaf(int leaf, int subleaf, int[] r) {
        set(r, 0, 0, 0, 0);
        switch (leaf) {
            case 0 ->
                    set(
                            r,
                            XenCpuid.FIRST_LEAF + XenCpuid.MAX_LEAVES,
                            XenCpuid.SIGNATURE_EBX,
                            XenCpuid.SIGNATURE_ECX,
                            XenCpuid.SIGNATURE_EDX);
            case 1 -> r[0] = XEN_MAJOR << 16 | XEN_MINOR;
            case 2 -> set(r, 1, XenCpuid.HYPERCALL_MSR, 0, 0);
            case 3 -> {
                switch (subleaf) {
                    case 0 -> {
                        int khz = (int) (domain.clock().frequency() / 1000);
                        set(r, XenCpuid.HOST_TSC_RELIABLE | XenCpuid.RDTSCP_AVAILABLE, 0, khz, 0);
                    }
                    case 1 ->
                            set(
                                    r,
                                    0,
                                    0,
                                    domain.clock().pvclockMultiplier(),
                                    domain.clock().pvclockShift() & 0xFF);
                    case 2 -> r[0] = (int) (domain.clock().frequency() / 1000);
                    default -> {}
                }
            }
            case 4 -> {
                if (subleaf == 0) {
                    set(
                            r,
                            XenCpuid.HVM_VCPU_ID_PRESENT
                                    | XenCpuid.HVM_DOMID_PRESENT
                                    | XenCpuid.HVM_UPCALL_VECTOR
                                    | XenCpuid.HVM_X2APIC_VIRT
                                    | XenCpuid.HVM_APIC_ACCESS_VIRT,
                            vcpu.id(),
                            domain.id(),
                            0);
                }
            }
            default -> {}
        }
    }

    private static void set(int[] r, int a, int b, int c, int d) {
        r[0] = a;
        r[1] = b;
        r[2] = c;
        r[3] = d;
    }

    // -------------------------------------------------------------------- interrupts

    long timeStampCounter() {
        vcpu.syncClock();
        return domain.clock().tsc();
    }

    long timeStampFrequency() {
        return domain.clock().frequency();
    }

    /** Whether {@link #acknowledgeInterrupt} would give a vector. Any thread. */
    boolean interruptDeliverable() {
        int vector = domain.callbackVector();
        return (vector != 0 && vcpu.info().isPending()) || vcpu.apic().pendingVector() >= 0;
    }

    int acknowledgeInterrupt() {
        int vector = domain.callbackVector();
        if (vector != 0 && vcpu.info().isPending()) {
            return vector; // level-like: comes again until the guest clears the pending flag
        }
        return vcpu.apic().acknowledge();
    }
}
