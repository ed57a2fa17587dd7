// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** PHYSDEVOP_* (public/physdev.h). */
public final class PhysdevOp {
    public static final int IRQ_UNMASK_NOTIFY = 4;
    public static final int IRQ_STATUS_QUERY = 5;
    public static final int SET_IOPL = 6;
    public static final int SET_IOBITMAP = 7;
    public static final int APIC_READ = 8;
    public static final int APIC_WRITE = 9;
    public static final int EOI = 12;
    public static final int MAP_PIRQ = 13;
    public static final int UNMAP_PIRQ = 14;
    public static final int PIRQ_EOI_GMFN_V1 = 17;
    public static final int SETUP_GSI = 21;
    public static final int GET_FREE_PIRQ = 23;
    public static final int PIRQ_EOI_GMFN_V2 = 28;

    private PhysdevOp() {}
}
