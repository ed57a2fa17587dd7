// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.SchedOp;

/** The sched_op and set_timer_op hypercalls. */
final class SchedOps {
    private final Hypercalls h;

    SchedOps(Hypercalls h) {
        this.h = h;
    }

    long call(int operation, long p) {
        switch (operation) {
            case SchedOp.YIELD -> {
                h.vcpu.yieldProcessor();
                return 0;
            }
            case SchedOp.BLOCK -> {
                h.vcpu.blockForEvents();
                return 0;
            }
            case SchedOp.SHUTDOWN -> {
                if (!h.in(p, SchedOp.SIZE_SHUTDOWN)) {
                    return -Errno.EFAULT;
                }
                h.domain.shutdown(h.vcpu, h.i32(0) & 0xFF);
                return 0;
            }
            case SchedOp.SHUTDOWN_CODE -> {
                if (!h.in(p, SchedOp.SIZE_SHUTDOWN)) {
                    return -Errno.EFAULT;
                }
                h.domain.setShutdownCode(h.i32(0) & 0xFF);
                return 0;
            }
            case SchedOp.POLL -> {
                return poll(p);
            }
            case SchedOp.REMOTE_SHUTDOWN -> {
                if (!h.in(p, 8)) {
                    return -Errno.EFAULT;
                }
                int domid = h.u16(0);
                return h.isSelf(domid) || h.domain.hypervisor().domain(domid) != null
                        ? -Errno.EPERM
                        : -Errno.ESRCH;
            }
            case SchedOp.WATCHDOG -> {
                return h.in(p, SchedOp.SIZE_WATCHDOG)
                        ? h.domain.watchdog(h.i32(0), h.i32(4))
                        : -Errno.EFAULT;
            }
            case SchedOp.PIN_OVERRIDE -> {
                return -Errno.EPERM;
            }
            default -> {
                return h.missing(HypercallNumber.SCHED_OP, operation);
            }
        }
    }

    private long poll(long p) {
        if (!h.in(p, h.wide ? SchedOp.SIZE_POLL_64 : SchedOp.SIZE_POLL_32)) {
            return -Errno.EFAULT;
        }
        long ports = h.word(0, 0);
        long n = h.u32(h.wide ? 8 : 4);
        long timeout = h.u64(h.wide ? 16 : 8);
        if (n > SchedOp.POLL_MAX_PORTS) {
            return -Errno.EINVAL;
        }
        if (n > 0 && !h.read(ports, h.list, (int) n * 4)) {
            return -Errno.EFAULT;
        }
        Vcpu v = h.vcpu;
        int only = n == 1 ? Bytes.getInt(h.list, 0) : 0;
        v.preparePoll(only > 0 ? only : Vcpu.POLLING_ANY);
        Engine e = v.engine();
        if (e.interruptsEnabled() && v.platform().interruptDeliverable()) {
            v.cancelPoll();
            return 0;
        }
        EventChannels events = h.domain.events();
        for (int i = 0; i < n; i++) {
            int port = Bytes.getInt(h.list, i * 4);
            if (!events.isUsable(port)) {
                v.cancelPoll();
                return -Errno.EINVAL;
            }
            if (events.isPending(port)) {
                v.cancelPoll();
                return 0;
            }
        }
        v.sleepPolling(timeout);
        return 0;
    }

    /** set_timer_op: single-shot timer at a system time, 0 for off. */
    long setTimer(long timeout) {
        if (timeout == 0) {
            h.vcpu.timers().stopSingleShot();
            return 0;
        }
        long now = h.domain.clock().now();
        long offset = timeout - now;
        // Linux 2.6 and older could ask for times that are far out by mistake: fire soon instead.
        if (timeout < 0 || (offset > 0 && offset >>> 50 != 0)) {
            h.vcpu.timers().setSingleShot(now + 100_000_000L);
        } else {
            h.vcpu.timers().setSingleShot(timeout);
        }
        return 0;
    }
}
