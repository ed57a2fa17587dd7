// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** VCPUOP_*: sub-operations and argument layouts (public/vcpu.h). */
public final class VcpuOp {
    public static final int INITIALISE = 0;
    public static final int UP = 1;
    public static final int DOWN = 2;
    public static final int IS_UP = 3;
    public static final int GET_RUNSTATE_INFO = 4;
    public static final int REGISTER_RUNSTATE_MEMORY_AREA = 5;
    public static final int SET_PERIODIC_TIMER = 6;
    public static final int STOP_PERIODIC_TIMER = 7;
    public static final int SET_SINGLESHOT_TIMER = 8;
    public static final int STOP_SINGLESHOT_TIMER = 9;
    public static final int REGISTER_VCPU_INFO = 10;
    public static final int SEND_NMI = 11;
    public static final int GET_PHYSID = 12;
    public static final int REGISTER_VCPU_TIME_MEMORY_AREA = 13;
    public static final int REGISTER_RUNSTATE_PHYS_AREA = 14;
    public static final int REGISTER_VCPU_TIME_PHYS_AREA = 15;

    public static final int RUNSTATE_RUNNING = 0;
    public static final int RUNSTATE_RUNNABLE = 1;
    public static final int RUNSTATE_BLOCKED = 2;
    public static final int RUNSTATE_OFFLINE = 3;

    /**
     * Set in state_entry_time while an update is under way, if the guest asked for it by vm_assist.
     */
    public static final long RUNSTATE_UPDATE = 1L << 63;

    /** 64-bit: state i32 @0, state_entry_time u64 @8, time u64[4] @16. */
    public static final int SIZE_RUNSTATE_64 = 48;

    /** 32-bit: state i32 @0, state_entry_time u64 @4, time u64[4] @12. */
    public static final int SIZE_RUNSTATE_32 = 44;

    /** mfn u64 @0, offset u32 @8. */
    public static final int SIZE_REGISTER_VCPU_INFO = 16;

    /** timeout_abs_ns u64 @0, flags u32 @8. A 32-bit guest has no tail padding: 12 bytes. */
    public static final int SIZE_SET_SINGLESHOT_64 = 16;

    public static final int SIZE_SET_SINGLESHOT_32 = 12;

    /** Flag: a time in the past gives -ETIME instead of an immediate event. */
    public static final int SINGLESHOT_FUTURE = 1;

    /** period_ns u64 @0. */
    public static final int SIZE_SET_PERIODIC = 8;

    /** One u64: a virtual or physical address. */
    public static final int SIZE_REGISTER_AREA = 8;

    /** Shortest period of a periodic timer, ns. */
    public static final long MIN_PERIOD_NS = 1_000_000;

    private VcpuOp() {}
}
