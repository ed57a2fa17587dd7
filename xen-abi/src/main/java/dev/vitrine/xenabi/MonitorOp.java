// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** Those domctls that a monitor makes: commands and argument layouts (public/domctl.h). */
public final class MonitorOp {
    /** XEN_DOMCTL_INTERFACE_VERSION of Xen 4.20. */
    public static final int INTERFACE_VERSION = 0x17;

    /** That of the release behind it, for which nothing here is different. */
    public static final int NEXT_VERSION = 0x18;

    public static final int DOMCTL_VM_EVENT_OP = 56;
    public static final int DOMCTL_SET_ACCESS_REQUIRED = 64;
    public static final int DOMCTL_MONITOR_OP = 77;

    // xen_domctl.
    public static final int COMMAND = 0;
    public static final int VERSION = 4;
    public static final int DOMAIN = 8;
    public static final int U = 16;

    /** Bytes of a xen_domctl: 16 and a union of 128. */
    public static final int SIZE = 144;

    // xen_domctl_vm_event_op.
    public static final int RING_OP = U;
    public static final int RING_MODE = U + 4;
    public static final int RING_PORT = U + 8;
    public static final int RING_ENABLE = 0;
    public static final int RING_DISABLE = 1;
    public static final int RING_RESUME = 2;
    public static final int RING_GET_VERSION = 3;
    public static final int RING_MODE_MONITOR = 2;

    /** xen_domctl_set_access_required: u8. */
    public static final int ACCESS_REQUIRED = U;

    // xen_domctl_monitor_op.
    public static final int OP = U;
    public static final int EVENT = U + 4;
    public static final int OPTIONS = U + 8;
    public static final int OP_ENABLE = 0;
    public static final int OP_DISABLE = 1;
    public static final int OP_GET_CAPABILITIES = 2;
    public static final int OP_EMULATE_EACH_REP = 3;
    public static final int OP_CONTROL_REGISTERS = 4;

    // XEN_DOMCTL_MONITOR_EVENT_*.
    public static final int WRITE_CTRLREG = 0;
    public static final int MOV_TO_MSR = 1;
    public static final int SINGLESTEP = 2;
    public static final int SOFTWARE_BREAKPOINT = 3;
    public static final int GUEST_REQUEST = 4;
    public static final int DEBUG_EXCEPTION = 5;
    public static final int CPUID = 6;
    public static final int PRIVILEGED_CALL = 7;
    public static final int INTERRUPT = 8;
    public static final int DESC_ACCESS = 9;
    public static final int EMUL_UNIMPLEMENTED = 10;
    public static final int INGUEST_PAGEFAULT = 11;
    public static final int VMEXIT = 12;
    public static final int IO = 13;

    /** mov_to_cr: index, sync, onchangeonly u8 each; bitmask u64. */
    public static final int CR_INDEX = OPTIONS;

    public static final int CR_SYNC = OPTIONS + 1;
    public static final int CR_ONCHANGEONLY = OPTIONS + 2;
    public static final int CR_PAD1 = OPTIONS + 3;
    public static final int CR_PAD2 = OPTIONS + 4;
    public static final int CR_BITMASK = OPTIONS + 8;

    /** mov_to_msr: msr u32, onchangeonly u8. */
    public static final int MSR = OPTIONS;

    public static final int MSR_ONCHANGEONLY = OPTIONS + 4;

    /** guest_request: sync, allow_userspace; debug_exception: sync. */
    public static final int SYNC = OPTIONS;

    public static final int ALLOW_USERSPACE = OPTIONS + 1;

    private MonitorOp() {}
}
