// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

/** Why a domain stopped. */
public enum StopReason {
    /** SCHEDOP_shutdown(poweroff), or the last vCPU halted for good. */
    POWEROFF,
    REBOOT,
    /** Waits to be saved or resumed. */
    SUSPEND,
    /** The guest said that it crashed. */
    CRASH,
    /** A watchdog that the guest had set was not reset in time. */
    WATCHDOG,
    SOFT_RESET,
    /** A fault while a double fault was delivered. */
    TRIPLE_FAULT,
    /** The time limit given from outside passed. */
    TIMEOUT,
    /** Stopped from outside. */
    DESTROYED,
    /** An error of Vitrine itself, kept to this domain. */
    INTERNAL_ERROR;

    /** Reason of a SCHEDOP_shutdown; numbers that Xen does not know count as a crash. */
    static StopReason ofShutdown(int code) {
        return switch (code) {
            case 0 -> POWEROFF;
            case 1 -> REBOOT;
            case 2 -> SUSPEND;
            case 4 -> WATCHDOG;
            case 5 -> SOFT_RESET;
            default -> CRASH;
        };
    }

    /** Whether the guest went wrong, as opposed to being stopped. */
    public boolean isCrash() {
        return this == CRASH || this == WATCHDOG || this == TRIPLE_FAULT || this == INTERNAL_ERROR;
    }
}
