// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.DomId;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.EventChannelOp;
import dev.vitrine.xenabi.SharedInfo;
import dev.vitrine.xenabi.Virq;

import org.jspecify.annotations.Nullable;

import java.util.Arrays;

/**
 * A domain's event channels: ports, bindings and delivery by the 2-level ABI, or by the FIFO ABI
 * once the guest asked for it. Thread-safe under its own monitor; where two domains are involved
 * the one with the smaller id is locked first. Listeners are called without the monitor.
 *
 * <p>Results follow Xen: 0 or a port, or a negated error number.
 */
final class EventChannels {
    private static final int STEP = 64;

    private final Domain domain;
    private final GuestRam ram;
    private final int maxPort;
    private EventChannel[] channels = new EventChannel[0];
    private int lowestFree = 1;
    private @Nullable FifoEvents fifo;

    /**
     * @param maxPort highest port that the domain may use
     */
    EventChannels(Domain domain, int maxPort) {
        this.domain = domain;
        this.ram = domain.memory().ram;
        this.maxPort = maxPort;
        grow(0);
        channels[0].state = EventChannel.State.RESERVED;
    }

    // ---------------------------------------------------------------------- allocation

    private int limit() {
        return fifo != null
                ? EventChannelOp.FIFO_NR_CHANNELS
                : domain.isWide() ? EventChannelOp.NR_2L_64 : EventChannelOp.NR_2L_32;
    }

    private void grow(int port) {
        int from = channels.length;
        int to = (port / STEP + 1) * STEP;
        if (to > from) {
            EventChannel[] c = Arrays.copyOf(channels, to);
            for (int i = from; i < to; i++) {
                c[i] = new EventChannel(i);
            }
            channels = c;
        }
    }

    private @Nullable EventChannel channel(int port) {
        return port >= 0 && port < channels.length && port < limit() ? channels[port] : null;
    }

    /** A free port, or a negated error number. */
    private int allocate() {
        int last = Math.min(maxPort, limit() - 1);
        for (int p = lowestFree; p <= last; p++) {
            grow(p);
            EventChannel c = channels[p];
            if (c.state == EventChannel.State.FREE && !(fifo != null && fifo.isLinked(c))) {
                lowestFree = p + 1;
                return p;
            }
        }
        return -Errno.ENOSPC;
    }

    private void initialise(EventChannel c) {
        if (fifo != null) {
            c.priority = EventChannelOp.FIFO_PRIORITY_DEFAULT;
        }
    }

    private void free(EventChannel c) {
        clearPending(c);
        c.state = EventChannel.State.FREE;
        c.vcpu = 0;
        c.remote = null;
        c.listener = null;
        c.pending = false;
        lowestFree = Math.min(lowestFree, c.port);
    }

    // ------------------------------------------------------------------ sub-operations

    /** Port that a remote domain may bind to. */
    synchronized int allocateUnbound(int remoteDomain) {
        int p = allocate();
        if (p >= 0) {
            EventChannel c = channels[p];
            c.state = EventChannel.State.UNBOUND;
            c.remoteDomain = remoteDomain == DomId.SELF ? domain.id() : remoteDomain;
            initialise(c);
        }
        return p;
    }

    /** Port whose other end is a back end in this process, seen as domain 0's. */
    synchronized int allocateBackend(EventListener listener) {
        int p = allocate();
        if (p >= 0) {
            EventChannel c = channels[p];
            initialise(c);
            connect(c, listener);
        }
        return p;
    }

    /** Binds a back end to a port that the guest allocated for domain 0. */
    synchronized int bindBackend(int port, EventListener listener) {
        EventChannel c = channel(port);
        if (c == null || c.state != EventChannel.State.UNBOUND || c.remoteDomain != DomId.DOM0) {
            return -Errno.EINVAL;
        }
        connect(c, listener);
        return 0;
    }

    private void connect(EventChannel c, EventListener listener) {
        c.state = EventChannel.State.INTERDOMAIN;
        c.remoteDomain = DomId.DOM0;
        c.remotePort = c.port;
        c.listener = listener;
    }

    /** The back end closes its end: the guest's port waits for a new binding. */
    synchronized void unbindBackend(int port) {
        EventChannel c = channel(port);
        if (c != null && c.listener != null) {
            c.listener = null;
            c.state = EventChannel.State.UNBOUND;
            c.remoteDomain = DomId.DOM0;
        }
    }

    static int bindInterdomain(Domain local, Domain remote, int remotePort) {
        Domain first = local.id() <= remote.id() ? local : remote;
        Domain second = first == local ? remote : local;
        synchronized (first.events()) {
            synchronized (second.events()) {
                return local.events().bindLocked(remote, remotePort);
            }
        }
    }

    private int bindLocked(Domain remote, int remotePort) {
        int p = allocate();
        if (p < 0) {
            return p;
        }
        EventChannel local = channels[p];
        EventChannel other = remote.events().channel(remotePort);
        if (other == null
                || other.state != EventChannel.State.UNBOUND
                || other.remoteDomain != domain.id()) {
            lowestFree = Math.min(lowestFree, p);
            return -Errno.EINVAL;
        }
        local.state = EventChannel.State.INTERDOMAIN;
        local.remote = remote;
        local.remoteDomain = remote.id();
        local.remotePort = remotePort;
        initialise(local);
        other.state = EventChannel.State.INTERDOMAIN;
        other.remote = domain;
        other.remoteDomain = domain.id();
        other.remotePort = p;
        setPending(local); // What was sent while the other end was unbound is not lost.
        return p;
    }

    synchronized int bindVirq(int virq, int vcpu) {
        if (virq < 0 || virq >= Virq.NR_VIRQS || (Virq.isGlobal(virq) && vcpu != 0)) {
            return -Errno.EINVAL;
        }
        Vcpu v = domain.vcpuOrNull(vcpu);
        if (v == null) {
            return -Errno.ENOENT;
        }
        if (v.virqPort[virq] != 0) {
            return -Errno.EEXIST;
        }
        int p = allocate();
        if (p >= 0) {
            EventChannel c = channels[p];
            c.state = EventChannel.State.VIRQ;
            c.vcpu = vcpu;
            c.virq = virq;
            initialise(c);
            v.virqPort[virq] = p;
        }
        return p;
    }

    synchronized int bindIpi(int vcpu) {
        if (domain.vcpuOrNull(vcpu) == null) {
            return -Errno.ENOENT;
        }
        int p = allocate();
        if (p >= 0) {
            EventChannel c = channels[p];
            c.state = EventChannel.State.IPI;
            c.vcpu = vcpu;
            initialise(c);
        }
        return p;
    }

    synchronized int bindVcpu(int port, int vcpu) {
        if (domain.vcpuOrNull(vcpu) == null) {
            return -Errno.ENOENT;
        }
        EventChannel c = channel(port);
        if (c == null) {
            return -Errno.EINVAL;
        }
        switch (c.state) {
            case VIRQ -> {
                if (!Virq.isGlobal(c.virq)) {
                    return -Errno.EINVAL;
                }
                c.vcpu = vcpu;
            }
            case UNBOUND, INTERDOMAIN -> c.vcpu = vcpu;
            default -> {
                return -Errno.EINVAL;
            }
        }
        return 0;
    }

    int close(int port) {
        EventListener listener;
        while (true) {
            Domain remote;
            synchronized (this) {
                EventChannel c = channel(port);
                if (c == null) {
                    return -Errno.EINVAL;
                }
                remote = c.state == EventChannel.State.INTERDOMAIN ? c.remote : null;
                if (remote == null) {
                    listener = c.listener;
                    int rc = closeLocked(c);
                    if (rc != 0) {
                        return rc;
                    }
                    break;
                }
            }
            Domain first = domain.id() <= remote.id() ? domain : remote;
            Domain second = first == domain ? remote : domain;
            synchronized (first.events()) {
                synchronized (second.events()) {
                    EventChannel c = channel(port);
                    if (c == null) {
                        return -Errno.EINVAL;
                    }
                    if (c.state == EventChannel.State.INTERDOMAIN && c.remote == remote) {
                        EventChannel other = remote.events().channel(c.remotePort);
                        if (other != null && other != c) {
                            other.state = EventChannel.State.UNBOUND;
                            other.remote = null;
                            other.remoteDomain = domain.id();
                        }
                        free(c);
                        return 0;
                    }
                }
            }
        }
        if (listener != null) {
            listener.portClosed(domain, port);
        }
        return 0;
    }

    private int closeLocked(EventChannel c) {
        switch (c.state) {
            case FREE, RESERVED -> {
                return -Errno.EINVAL;
            }
            case VIRQ -> {
                Vcpu v = domain.vcpu(Virq.isGlobal(c.virq) ? 0 : c.vcpu);
                v.virqPort[c.virq] = 0;
            }
            default -> {}
        }
        free(c);
        return 0;
    }

    /** Send by the guest. */
    int send(int port) {
        Domain remote;
        EventListener listener;
        int remotePort;
        synchronized (this) {
            EventChannel c = channel(port);
            if (c == null) {
                return -Errno.EINVAL;
            }
            switch (c.state) {
                case INTERDOMAIN -> {
                    remote = c.remote;
                    listener = c.listener;
                    remotePort = c.remotePort;
                }
                case IPI -> {
                    setPending(c);
                    return 0;
                }
                case UNBOUND -> {
                    return 0; // Dropped: the binding will raise it.
                }
                default -> {
                    return -Errno.EINVAL;
                }
            }
        }
        if (listener != null) {
            listener.eventReceived(domain, port);
        } else if (remote != null) {
            remote.events().raiseInterdomain(remotePort, domain);
        }
        return 0;
    }

    private synchronized void raiseInterdomain(int port, Domain from) {
        EventChannel c = channel(port);
        if (c != null && c.state == EventChannel.State.INTERDOMAIN && c.remote == from) {
            setPending(c);
        }
    }

    /** A back end notifies the guest. */
    synchronized void notifyGuest(int port) {
        EventChannel c = channel(port);
        if (c != null && c.state == EventChannel.State.INTERDOMAIN) {
            setPending(c);
        }
    }

    /** Raises a virtual interrupt of one vCPU, if it is bound. */
    synchronized void raiseVirq(Vcpu v, int virq) {
        int port = v.virqPort[virq];
        if (port != 0) {
            setPending(channels[port]);
        }
    }

    /** Fills the fields of EVTCHNOP_status: status, vcpu and the union, in out[0..3]. */
    synchronized int status(int port, int[] out) {
        EventChannel c = channel(port);
        if (c == null) {
            return -Errno.EINVAL;
        }
        Arrays.fill(out, 0);
        switch (c.state) {
            case FREE, RESERVED -> out[0] = EventChannelOp.STATUS_CLOSED;
            case UNBOUND -> {
                out[0] = EventChannelOp.STATUS_UNBOUND;
                out[2] = c.remoteDomain;
            }
            case INTERDOMAIN -> {
                out[0] = EventChannelOp.STATUS_INTERDOMAIN;
                out[2] = c.remoteDomain;
                out[3] = c.remotePort;
            }
            case VIRQ -> {
                out[0] = EventChannelOp.STATUS_VIRQ;
                out[2] = c.virq;
            }
            case IPI -> out[0] = EventChannelOp.STATUS_IPI;
            default -> throw new IllegalStateException();
        }
        out[1] = c.vcpu;
        return 0;
    }

    synchronized int unmask(int port) {
        EventChannel c = channel(port);
        if (c == null || c.state == EventChannel.State.FREE) {
            return -Errno.EINVAL;
        }
        Vcpu v = domain.vcpu(c.vcpu);
        if (fifo != null) {
            fifo.unmask(c, v);
            return 0;
        }
        long bit = 1L << (port & 63);
        long shared = domain.sharedInfoAddress();
        long word = (port >>> 6) * 8L;
        long mask = shared + SharedInfo.evtchnMask(domain.isWide()) + word;
        domain.memory().touched(shared);
        if ((ram.getAndAndLong(mask, ~bit) & bit) != 0
                && (ram.getLongVolatile(shared + SharedInfo.EVTCHN_PENDING + word) & bit) != 0) {
            select(v, port);
        }
        return 0;
    }

    /** EVTCHNOP_reset: closes all ports and goes back to the 2-level ABI. */
    int reset() {
        for (int p = 0; ; p++) {
            EventChannel c;
            synchronized (this) {
                if (p >= channels.length) {
                    break;
                }
                c = channels[p];
                if (c.state == EventChannel.State.FREE || c.state == EventChannel.State.RESERVED) {
                    continue;
                }
            }
            close(p);
        }
        synchronized (this) {
            if (fifo != null) {
                fifo.destroy();
                fifo = null;
            }
            lowestFree = 1;
        }
        return 0;
    }

    synchronized int initControl(long gfn, int offset, int vcpu) {
        Vcpu v = domain.vcpuOrNull(vcpu);
        if (v == null) {
            return -Errno.ENOENT;
        }
        if (offset < 0 || offset > 4096 - EventChannelOp.SIZE_FIFO_CONTROL || (offset & 7) != 0) {
            return -Errno.EINVAL;
        }
        if (fifo != null) {
            return fifo.mapControl(vcpu, gfn, offset);
        }
        FifoEvents f = new FifoEvents(domain);
        int rc = f.mapControl(vcpu, gfn, offset);
        if (rc != 0) {
            return rc;
        }
        long pending = domain.sharedInfoAddress() + SharedInfo.EVTCHN_PENDING;
        int n = Math.min(channels.length, limit());
        for (int p = 1; p < n; p++) {
            EventChannel c = channels[p];
            c.priority = EventChannelOp.FIFO_PRIORITY_DEFAULT;
            if ((ram.getLongVolatile(pending + (p >>> 6) * 8L) & 1L << (p & 63)) != 0) {
                c.pending = true;
            }
        }
        fifo = f;
        return 0;
    }

    synchronized int expandArray(long gfn) {
        if (fifo == null) {
            return -Errno.EOPNOTSUPP;
        }
        int from = fifo.words();
        int rc = fifo.addPage(gfn);
        if (rc != 0) {
            return rc;
        }
        int to = Math.min(fifo.words(), channels.length);
        for (int p = from; p < to; p++) {
            EventChannel c = channels[p];
            if (c.pending) {
                c.pending = false;
                setPending(c);
            }
        }
        return 0;
    }

    synchronized int setPriority(int port, int priority) {
        EventChannel c = channel(port);
        if (c == null || c.state == EventChannel.State.FREE) {
            return -Errno.EINVAL;
        }
        if (fifo == null) {
            return -Errno.ENOSYS;
        }
        if (Integer.compareUnsigned(priority, EventChannelOp.FIFO_PRIORITY_MIN) > 0) {
            return -Errno.EINVAL;
        }
        c.priority = priority;
        return 0;
    }

    // ------------------------------------------------------------------------ delivery

    private void setPending(EventChannel c) {
        Vcpu v = domain.vcpu(c.vcpu);
        int port = c.port;
        if (fifo != null) {
            if (fifo.setPending(c, v)) {
                domain.wakePollers(port);
            }
            return;
        }
        long bit = 1L << (port & 63);
        long shared = domain.sharedInfoAddress();
        long word = (port >>> 6) * 8L;
        domain.memory().touched(shared);
        if ((ram.getAndOrLong(shared + SharedInfo.EVTCHN_PENDING + word, bit) & bit) != 0) {
            return;
        }
        long mask = shared + SharedInfo.evtchnMask(domain.isWide()) + word;
        if ((ram.getLongVolatile(mask) & bit) == 0) {
            select(v, port);
        }
        domain.wakePollers(port);
    }

    /** Sets a port's bit in the vCPU's selector and raises the upcall when it was clear. */
    private void select(Vcpu v, int port) {
        boolean wide = domain.isWide();
        long info = v.info().address();
        domain.memory().touched(info);
        boolean was;
        if (wide) {
            long bit = 1L << (port >>> 6);
            was = (ram.getAndOrLong(info + SharedInfo.VCPU_PENDING_SEL_64, bit) & bit) != 0;
        } else {
            int bit = 1 << (port >>> 5);
            was = (ram.getAndOrInt(info + SharedInfo.VCPU_PENDING_SEL_32, bit) & bit) != 0;
        }
        if (!was) {
            v.markEventsPending();
        }
    }

    private void clearPending(EventChannel c) {
        if (fifo != null) {
            fifo.clearPending(c);
        } else if (c.port < limit()) {
            long a = domain.sharedInfoAddress() + SharedInfo.EVTCHN_PENDING + (c.port >>> 6) * 8L;
            ram.getAndAndLong(a, ~(1L << (c.port & 63)));
            domain.memory().touched(a);
        }
    }

    /** Whether the port can be polled at all. */
    synchronized boolean isUsable(int port) {
        EventChannel c = channel(port);
        return c != null
                && c.state != EventChannel.State.FREE
                && c.state != EventChannel.State.RESERVED;
    }

    synchronized boolean isPending(int port) {
        EventChannel c = channel(port);
        if (c == null) {
            return false;
        }
        if (fifo != null) {
            return fifo.isPending(c);
        }
        long a = domain.sharedInfoAddress() + SharedInfo.EVTCHN_PENDING + (port >>> 6) * 8L;
        return (ram.getLongVolatile(a) & 1L << (port & 63)) != 0;
    }

    synchronized boolean isFifo() {
        return fifo != null;
    }

    /** Ports in use, for statistics. */
    synchronized int active() {
        int n = 0;
        for (EventChannel c : channels) {
            if (c.state != EventChannel.State.FREE && c.state != EventChannel.State.RESERVED) {
                n++;
            }
        }
        return n;
    }

    // ----------------------------------------------------------------------------- state

    synchronized void visitState(StateSink sink) {
        sink.value("FIFO ABI", fifo == null ? 0 : 1);
        for (EventChannel c : channels) {
            if (c.state != EventChannel.State.FREE || c.pending) {
                sink.value("port", c.port);
                sink.value("state", c.state.ordinal());
                sink.value("vCPU", c.vcpu);
                sink.value("remote domain", c.remoteDomain);
                sink.value("remote port", c.remotePort);
                sink.value("VIRQ", c.virq);
                sink.value("priority", c.priority);
                sink.value("pending", c.pending ? 1 : 0);
            }
            // Also of a free one, which may still be linked.
            sink.value("last queue", c.lastPriority | c.lastVcpu << 8);
        }
        if (fifo != null) {
            fifo.visitState(sink);
        }
    }
}
