// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.VmEvent;

import org.jspecify.annotations.Nullable;

import java.lang.invoke.VarHandle;
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
    private long page = -1;
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

    /** XEN_VM_EVENT_ENABLE; 0 or a negated error number. */
    int enable() {
        synchronized (this) {
            if (page >= 0) {
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
            page = mfn << DomainMemory.SHIFT;
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

    /** XEN_VM_EVENT_DISABLE: all who wait go on as if there had been no monitor. */
    int disable() {
        Monitor.Registration old;
        long mfn;
        synchronized (this) {
            if (page < 0) {
                return -Errno.ENODEV;
            }
            mfn = page >>> DomainMemory.SHIFT;
            page = -1;
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
        for (int i = 0; i < domain.vcpuCount(); i++) {
            Vcpu v = domain.vcpu(i);
            if (v.monitored.open != null && v.monitored.byRing) {
                v.monitored.byRing = false;
                domain.monitor().answer(v, MonitorResponse.NONE);
            }
        }
        domain.memory().unpin(mfn);
        return 0;
    }

    private @Nullable MonitorResponse event(MonitorEvent e) {
        byte[] request = VmEventCodec.request(e);
        synchronized (this) {
            if (page < 0) {
                return null;
            }
            if (waiting.isEmpty() && hasRoom()) {
                put(request);
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

    private long entry(int index) {
        return page + VmEvent.RING_ENTRIES + (index & VmEvent.RING_SIZE - 1) * (long) VmEvent.SIZE;
    }

    private void put(byte[] request) {
        GuestRam ram = domain.memory().ram;
        ram.write(entry(requestsMade), request, 0, request.length);
        requestsMade++;
        VarHandle.releaseFence();
        ram.putInt(page + VmEvent.RING_REQ_PROD, requestsMade);
        VarHandle.fullFence();
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
                if (page < 0) {
                    return -Errno.ENODEV;
                }
                GuestRam ram = domain.memory().ram;
                int produced = ram.getIntVolatile(page + VmEvent.RING_RSP_PROD);
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
                VarHandle.acquireFence();
                ram.read(entry(responsesTaken), response, 0, response.length);
                responsesTaken++;
                ram.putInt(page + VmEvent.RING_RSP_EVENT, responsesTaken + 1);
                refill();
            }
            answer(response);
        }
    }

    /** Puts requests that have waited for room into the ring. */
    private void refill() {
        boolean put = false;
        while (!waiting.isEmpty() && hasRoom()) {
            Waiting w = waiting.remove();
            put(w.request);
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
