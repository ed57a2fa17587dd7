// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.VmEvent;

import org.jspecify.annotations.Nullable;

import java.util.ArrayDeque;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.UnaryOperator;

/**
 * Serves a monitor by Xen's shared ring: one page, into which requests are put and from which
 * responses are taken. It is a listener like others, which answers later.
 *
 * <p>A vCPU whose request finds no room stands still until there is some; so nothing is lost, and
 * no more than one request for each vCPU waits.
 */
final class MonitorRing {
    private record Waiting(Vcpu vcpu, byte[] request, boolean paused) {}

    private final Domain domain;

    // Guarded by the monitor.
    private @Nullable RingPage page;
    private int requestsMade;
    private int responsesTaken;
    private final ArrayDeque<Waiting> waiting = new ArrayDeque<>();

    private volatile Runnable consumer = () -> {};

    /** What needs not be enabled. */
    static final Subscription ALWAYS = Subscription.NONE.memoryAccess().interrupts();

    /** What XEN_DOMCTL_monitor_op has enabled, each by a name; guarded by itself. */
    final Map<String, UnaryOperator<Subscription>> options = new TreeMap<>();

    private Subscription enabled = ALWAYS;

    private Monitor.@Nullable Registration registration;

    MonitorRing(Domain domain) {
        this.domain = domain;
    }

    void onRequest(Runnable told) {
        consumer = told;
    }

    /** XEN_VM_EVENT_ENABLE, in a page of the domain; 0 or a negated error number. */
    int enable() {
        if (isEnabled()) {
            return -Errno.EBUSY;
        }
        long gfn = domain.param(HvmParam.MONITOR_RING_PFN);
        if (gfn == 0) {
            return -Errno.EOPNOTSUPP;
        }
        long mfn = domain.memory().pin(gfn);
        if (mfn < 0) {
            return -Errno.EINVAL;
        }
        RingPage fresh = new GuestRingPage(domain.memory(), mfn);
        int rc = enable(fresh, null);
        if (rc != 0) {
            fresh.close();
        }
        return rc;
    }

    synchronized boolean isEnabled() {
        return page != null;
    }

    /**
     * The same in any page, which this closes at the end; -EBUSY if there is a ring.
     *
     * @param told of requests, in place of who has been told before
     */
    int enable(RingPage at, @Nullable Runnable told) {
        synchronized (this) {
            if (page != null) {
                return -Errno.EBUSY;
            }
            page = at;
            if (told != null) {
                consumer = told;
            }
            requestsMade = 0;
            responsesTaken = 0;
        }
        // Without the monitor: this waits for processors, and one of them may wait for it.
        Monitor.Registration fresh = domain.monitor().subscribe(enabled, this::event);
        synchronized (this) {
            registration = fresh;
        }
        return 0;
    }

    /** Listens to something else from now on, if it is enabled. */
    void subscribe(Subscription wanted) {
        Monitor.Registration old;
        synchronized (this) {
            enabled = wanted;
            old = registration;
        }
        if (old != null) {
            old.change(wanted);
        }
    }

    /**
     * XEN_VM_EVENT_DISABLE: all who wait go on as if there had been no monitor, and nothing is
     * enabled any more.
     */
    int disable() {
        Monitor.Registration old;
        RingPage last;
        synchronized (this) {
            last = page;
            if (last == null) {
                return -Errno.ENODEV;
            }
            page = null;
            old = registration;
            registration = null;
            for (Waiting w : waiting) {
                if (!w.paused) {
                    w.vcpu.release();
                }
            }
            waiting.clear();
        }
        if (old != null) {
            old.close();
        }
        synchronized (options) {
            options.clear();
            synchronized (this) {
                enabled = ALWAYS;
            }
        }
        for (int i = 0; i < domain.vcpuCount(); i++) {
            Vcpu v = domain.vcpu(i);
            if (v.monitored.open != null && v.monitored.byRing) {
                v.monitored.byRing = false;
                domain.monitor().answer(v, MonitorResponse.NONE);
            }
        }
        last.close();
        return 0;
    }

    private @Nullable MonitorResponse event(MonitorEvent e) {
        byte[] request = VmEventCodec.request(e);
        synchronized (this) {
            RingPage p = page;
            if (p == null) {
                return null;
            }
            if (waiting.isEmpty() && hasRoom()) {
                put(p, request);
            } else {
                waiting.add(new Waiting(e.vcpu(), request, e.synchronous()));
                if (!e.synchronous()) {
                    e.vcpu().hold();
                }
            }
            e.vcpu().monitored.byRing = e.synchronous();
        }
        consumer.run();
        return e.synchronous() ? MonitorResponse.LATER : MonitorResponse.NONE;
    }

    private boolean hasRoom() {
        return requestsMade - responsesTaken < VmEvent.RING_SIZE;
    }

    private static int entry(int index) {
        return VmEvent.RING_ENTRIES + (index & VmEvent.RING_SIZE - 1) * VmEvent.SIZE;
    }

    private void put(RingPage p, byte[] request) {
        p.write(entry(requestsMade), request);
        requestsMade++;
        p.setIndex(VmEvent.RING_REQ_PROD, requestsMade);
    }

    /**
     * XEN_VM_EVENT_RESUME: takes all responses from the ring and lets the vCPUs go on.
     *
     * @return 0, or -ENODEV without a ring
     */
    int resume() {
        while (true) {
            byte[] response = new byte[VmEvent.SIZE];
            boolean more;
            synchronized (this) {
                RingPage p = page;
                if (p == null) {
                    return -Errno.ENODEV;
                }
                int produced = p.index(VmEvent.RING_RSP_PROD);
                // More responses than requests would overwrite what is not answered.
                more =
                        produced != responsesTaken
                                && responsesTaken != requestsMade
                                && Integer.compareUnsigned(
                                                produced - responsesTaken, VmEvent.RING_SIZE)
                                        <= 0;
                if (!more) {
                    return 0;
                }
                p.read(entry(responsesTaken), response);
                responsesTaken++;
                p.setIndex(VmEvent.RING_RSP_EVENT, responsesTaken + 1);
                refill(p);
            }
            answer(response);
        }
    }

    /** Puts requests that have waited for room into the ring. */
    private void refill(RingPage p) {
        boolean put = false;
        while (!waiting.isEmpty() && hasRoom()) {
            Waiting w = waiting.remove();
            put(p, w.request);
            put = true;
            if (!w.paused) {
                w.vcpu.release();
            }
        }
        if (put) {
            consumer.run();
        }
    }

    private void answer(byte[] response) {
        Vcpu v = domain.vcpuOrNull(Bytes.getInt(response, VmEvent.VCPU_ID));
        int flags = Bytes.getInt(response, VmEvent.FLAGS);
        if (v == null
                || Bytes.getInt(response, VmEvent.VERSION) != VmEvent.INTERFACE_VERSION
                || (flags & VmEvent.FLAG_VCPU_PAUSED) == 0
                || !v.monitored.byRing) {
            return; // As Xen: it answers nothing.
        }
        v.monitored.byRing = false;
        domain.monitor().answer(v, VmEventCodec.response(response));
    }
}
