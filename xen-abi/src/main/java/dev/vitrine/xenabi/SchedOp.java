// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.xenabi;

/** SCHEDOP_* and shutdown reasons (public/sched.h). */
public final class SchedOp {
    public static final int YIELD = 0;
    public static final int BLOCK = 1;
    public static final int SHUTDOWN = 2;
    public static final int POLL = 3;
    public static final int REMOTE_SHUTDOWN = 4;
    public static final int SHUTDOWN_CODE = 5;
    public static final int WATCHDOG = 6;
    public static final int PIN_OVERRIDE = 7;

    /** reason u32 @0. */
    public static final int SIZE_SHUTDOWN = 4;

    /** 64-bit: ports pointer u64 @0, nr_ports u32 @8, timeout u64 @16. */
    public static final int SIZE_POLL_64 = 24;

    /** 32-bit: ports pointer u32 @0, nr_ports u32 @4, timeout u64 @8. */
    public static final int SIZE_POLL_32 = 16;

    /** id u32 @0, timeout u32 @4, in seconds. */
    public static final int SIZE_WATCHDOG = 8;

    public static final int REASON_POWEROFF = 0;
    public static final int REASON_REBOOT = 1;
    public static final int REASON_SUSPEND = 2;
    public static final int REASON_CRASH = 3;
    public static final int REASON_WATCHDOG = 4;
    public static final int REASON_SOFT_RESET = 5;

    /** Most ports that one SCHEDOP_poll takes. */
    public static final int POLL_MAX_PORTS = 128;

    private SchedOp() {}
}
