// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.EventChannelOp;
import dev.vitrine.xenabi.HypercallNumber;

/** The event_channel_op hypercall. */
final class EventOps {
    private final Hypercalls h;
    private final EventChannels events;
    private final int[] status = new int[4];

    EventOps(Hypercalls h) {
        this.h = h;
        this.events = h.domain.events();
    }

    long call(int operation, long p) {
        return switch (operation) {
            case EventChannelOp.SEND ->
                    h.in(p, EventChannelOp.SIZE_PORT) ? events.send(h.i32(0)) : -Errno.EFAULT;
            case EventChannelOp.ALLOC_UNBOUND -> allocateUnbound(p);
            case EventChannelOp.BIND_INTERDOMAIN -> bindInterdomain(p);
            case EventChannelOp.BIND_VIRQ ->
                    h.in(p, EventChannelOp.SIZE_BIND_VIRQ)
                            ? port(p, 8, events.bindVirq(h.i32(0), h.i32(4)))
                            : -Errno.EFAULT;
            case EventChannelOp.BIND_IPI ->
                    h.in(p, EventChannelOp.SIZE_BIND_IPI)
                            ? port(p, 4, events.bindIpi(h.i32(0)))
                            : -Errno.EFAULT;
            case EventChannelOp.BIND_PIRQ ->
                    h.in(p, EventChannelOp.SIZE_BIND_PIRQ) ? -Errno.EINVAL : -Errno.EFAULT;
            case EventChannelOp.CLOSE ->
                    h.in(p, EventChannelOp.SIZE_PORT) ? events.close(h.i32(0)) : -Errno.EFAULT;
            case EventChannelOp.STATUS -> status(p);
            case EventChannelOp.BIND_VCPU ->
                    h.in(p, EventChannelOp.SIZE_BIND_VCPU)
                            ? events.bindVcpu(h.i32(0), h.i32(4))
                            : -Errno.EFAULT;
            case EventChannelOp.UNMASK ->
                    h.in(p, EventChannelOp.SIZE_PORT) ? events.unmask(h.i32(0)) : -Errno.EFAULT;
            case EventChannelOp.RESET -> reset(p);
            case EventChannelOp.INIT_CONTROL -> initControl(p);
            case EventChannelOp.EXPAND_ARRAY ->
                    h.in(p, EventChannelOp.SIZE_EXPAND_ARRAY)
                            ? events.expandArray(h.u64(0))
                            : -Errno.EFAULT;
            case EventChannelOp.SET_PRIORITY ->
                    h.in(p, EventChannelOp.SIZE_SET_PRIORITY)
                            ? events.setPriority(h.i32(0), h.i32(4))
                            : -Errno.EFAULT;
            default -> h.missing(HypercallNumber.EVENT_CHANNEL_OP, operation);
        };
    }

    /** Gives a new port to the guest; takes it back if that fails. */
    private long port(long p, int at, int port) {
        if (port < 0) {
            return port;
        }
        h.put32(at, port);
        if (!h.out(p, at, 4)) {
            events.close(port);
            return -Errno.EFAULT;
        }
        return 0;
    }

    private long allocateUnbound(long p) {
        if (!h.in(p, EventChannelOp.SIZE_ALLOC_UNBOUND)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        if (!h.isSelf(domid)) {
            return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        return port(p, 4, events.allocateUnbound(h.u16(2)));
    }

    private long bindInterdomain(long p) {
        if (!h.in(p, EventChannelOp.SIZE_BIND_INTERDOMAIN)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        Domain remote = h.isSelf(domid) ? h.domain : h.domain.hypervisor().domain(domid);
        if (remote == null) {
            return -Errno.ESRCH;
        }
        return port(p, 8, EventChannels.bindInterdomain(h.domain, remote, h.i32(4)));
    }

    private long status(long p) {
        if (!h.in(p, EventChannelOp.SIZE_STATUS)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        if (!h.isSelf(domid)) {
            return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        int rc = events.status(h.i32(4), status);
        if (rc != 0) {
            return rc;
        }
        h.put32(8, status[0]);
        h.put32(12, status[1]);
        if (status[0] == EventChannelOp.STATUS_UNBOUND
                || status[0] == EventChannelOp.STATUS_INTERDOMAIN) {
            h.put16(16, status[2]);
            if (status[0] == EventChannelOp.STATUS_INTERDOMAIN) {
                h.put32(20, status[3]);
            }
        } else {
            h.put32(16, status[2]);
        }
        return h.out(p, 0, EventChannelOp.SIZE_STATUS) ? 0 : -Errno.EFAULT;
    }

    private long reset(long p) {
        if (!h.in(p, EventChannelOp.SIZE_RESET)) {
            return -Errno.EFAULT;
        }
        int domid = h.u16(0);
        if (!h.isSelf(domid)) {
            return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        return events.reset();
    }

    private long initControl(long p) {
        if (!h.in(p, EventChannelOp.SIZE_INIT_CONTROL)) {
            return -Errno.EFAULT;
        }
        int rc = events.initControl(h.u64(0), h.i32(8), h.i32(12));
        if (rc != 0) {
            return rc;
        }
        h.buffer[16] = EventChannelOp.FIFO_LINK_BITS;
        return h.out(p, 16, 1) ? 0 : -Errno.EFAULT;
    }
}
