// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** Virtual interrupts (public/xen.h). */
public final class Virq {
    public static final int TIMER = 0;
    public static final int DEBUG = 1;
    public static final int CONSOLE = 2;
    public static final int DOM_EXC = 3;
    public static final int TBUF = 4;
    public static final int DEBUGGER = 6;
    public static final int XENOPROF = 7;
    public static final int CON_RING = 8;
    public static final int PCPU_STATE = 9;
    public static final int MEM_EVENT = 10;
    public static final int ARGO = 11;
    public static final int ENOMEM = 12;
    public static final int XENPMU = 13;
    public static final int ARCH_0 = 16;
    public static final int NR_VIRQS = 24;

    private Virq() {}

    /** Whether one port serves the whole domain (bound to vCPU 0 first) instead of one per vCPU. */
    public static boolean isGlobal(int virq) {
        return switch (virq) {
            case TIMER, DEBUG, XENOPROF, XENPMU -> false;
            default -> true;
        };
    }
}
