// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Interception.EventType;
import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.MemoryAccessOp;
import dev.vitrine.xenabi.MonitorOp;

import java.util.HashSet;
import java.util.Set;

/**
 * A tool written for Xen: it has a domain's monitor ring, and makes the calls that go with it, as
 * structures of Xen's. When it is closed nothing of what it has done to the domain is left: see
 * {@link #close}.
 *
 * <p>Results of calls are 0 or a negated error number of Xen's, and are put into the structure as
 * well. Thread-safe.
 */
public final class MonitorTool implements AutoCloseable {
    /** Frames that a tool may put into a domain, on top of its maximum. */
    private static final int FRAMES = 4096;

    private final Domain domain;
    private final Set<Integer> views = new HashSet<>();
    private final Set<Long> frames = new HashSet<>();
    private boolean activated;
    private boolean closed;

    private MonitorTool(Domain domain) {
        this.domain = domain;
    }

    /**
     * Takes the domain's monitor ring.
     *
     * @param page an empty ring, which is closed with the tool
     * @param told that there are requests; on the threads of vCPUs, which it must not hold up
     * @throws IllegalStateException the ring is taken; the page is not closed
     */
    public static MonitorTool open(Domain domain, RingPage page, Runnable told) {
        MonitorRing ring = domain.ring();
        if (ring.enable(page, told) != 0) {
            throw new IllegalStateException("the domain's monitor ring is taken");
        }
        return new MonitorTool(domain);
    }

    /** Takes the responses that are in the ring: XEN_VM_EVENT_RESUME. */
    public int resume() {
        return domain.ring().resume();
    }

    /**
     * {@link Hypervisor#domctl}; whatever domain the structure names, it is this one.
     *
     * @param op a struct xen_domctl
     */
    public synchronized int domctl(byte[] op) {
        if (op.length < MonitorOp.SIZE) {
            return -Errno.EFAULT;
        }
        if (closed) {
            return -Errno.ENODEV;
        }
        Bytes.putShort(op, MonitorOp.DOMAIN, domain.id());
        return domain.hypervisor().domctl(op);
    }

    /**
     * HVMOP_altp2m, without HVM_PARAM_ALTP2M.
     *
     * @param op a struct xen_hvm_altp2m_op
     * @param lists of set_mem_access_multi: all frame numbers, 8 bytes each, and behind them the
     *     accesses, a byte each; the structure's pointers are not looked at
     */
    public synchronized int altp2m(byte[] op, byte[] lists) {
        if (op.length < Altp2mOp.SIZE) {
            return -Errno.EFAULT;
        }
        if (closed) {
            return -Errno.ENODEV;
        }
        boolean before = domain.views().isActive();
        int count = Bytes.getInt(op, Altp2mOp.SECOND_WORD);
        int rc = new Altp2mOps(domain, new Lists(lists, count)).call(op);
        int view = Bytes.getShort(op, Altp2mOp.VIEW);
        if (rc == 0) {
            switch (Bytes.getInt(op, Altp2mOp.COMMAND)) {
                case Altp2mOp.SET_DOMAIN_STATE -> {
                    boolean now = domain.views().isActive();
                    activated = now && (activated || !before);
                    if (!now) {
                        views.clear();
                    }
                }
                case Altp2mOp.CREATE_P2M -> views.add(view);
                case Altp2mOp.DESTROY_P2M -> views.remove(view);
                default -> {}
            }
        }
        return rc;
    }

    /** Lists of a tool's call, as {@link #altp2m} has them. */
    private record Lists(byte[] bytes, int count) implements Altp2mOps.Caller {
        @Override
        public boolean isTool() {
            return true;
        }

        @Override
        public boolean lists(byte[] op, long first, long[] gfns, byte[] access) {
            if (count < 0 || bytes.length != 9L * count || first + gfns.length > count) {
                return false;
            }
            for (int i = 0; i < gfns.length; i++) {
                gfns[i] = Bytes.getLong(bytes, 8 * ((int) first + i));
            }
            System.arraycopy(bytes, 8 * count + (int) first, access, 0, access.length);
            return true;
        }

        @Override
        public boolean mustStop() {
            return false;
        }
    }

    /**
     * XENMEM_access_op: rights in the domain's own map.
     *
     * @param op a struct xen_mem_access_op
     * @param lists of set_access_multi, as for {@link #altp2m}
     */
    public synchronized int memoryAccess(byte[] op, byte[] lists) {
        if (op.length < MemoryAccessOp.SIZE) {
            return -Errno.EFAULT;
        }
        if (closed || !domain.ring().isEnabled()) {
            return -Errno.ENODEV;
        }
        Views v = domain.views();
        long pfn = Bytes.getLong(op, MemoryAccessOp.PFN);
        long count = Bytes.getInt(op, MemoryAccessOp.NR) & 0xFFFFFFFFL;
        long max = domain.physicalMap().maxGfn();
        switch (op[MemoryAccessOp.OP]) {
            case MemoryAccessOp.SET_ACCESS -> {
                Access a = access(op[MemoryAccessOp.ACCESS]);
                if (pfn == -1 && a != null) {
                    v.setDefaultAccess(a);
                    return 0;
                }
                boolean outside = pfn < 0 || pfn > max || count == 0 || count - 1 > max - pfn;
                return a == null || outside
                        ? -Errno.EINVAL
                        : v.setAccess(Views.HOST, pfn, count, a);
            }
            case MemoryAccessOp.GET_ACCESS -> {
                if (pfn != -1 && (pfn < 0 || pfn > max)) {
                    return -Errno.EINVAL;
                }
                Access a = pfn == -1 ? v.defaultAccess() : v.access(Views.HOST, pfn);
                if (a == null) {
                    return -Errno.ESRCH;
                }
                op[MemoryAccessOp.ACCESS] = (byte) a.ordinal();
                return 0;
            }
            case MemoryAccessOp.SET_ACCESS_MULTI -> {
                byte[] multi = new byte[Altp2mOp.SIZE];
                Bytes.putInt(multi, Altp2mOp.SECOND_WORD, (int) count);
                return new Altp2mOps(domain, new Lists(lists, (int) count))
                        .setAccessMulti(multi, v, Views.HOST);
            }
            default -> {
                return -Errno.ENOSYS;
            }
        }
    }

    private @org.jspecify.annotations.Nullable Access access(int number) {
        return number == Altp2mOps.ACCESS_DEFAULT
                ? domain.views().defaultAccess()
                : Access.of(number);
    }

    /**
     * Puts a fresh frame where the domain has none, for a copy of a page; such frames do not count
     * for the domain's maximum.
     *
     * @return -EEXIST if there is one, -ENOMEM if there is none to be had
     */
    public synchronized int populate(long gfn) {
        if (closed) {
            return -Errno.ENODEV;
        }
        if (!DomainMemory.isGfn(gfn)) {
            return -Errno.EINVAL;
        }
        if (domain.physicalMap().lookup(gfn) != 0) {
            return -Errno.EEXIST;
        }
        if (frames.size() >= FRAMES || !domain.memory().populateBeyond(gfn)) {
            return -Errno.ENOMEM;
        }
        frames.add(gfn);
        return 0;
    }

    /** Takes away what {@link #populate} has put there; -EINVAL if that is not so. */
    public synchronized int depopulate(long gfn) {
        if (!frames.remove(gfn)) {
            return -Errno.EINVAL;
        }
        domain.memory().remove(gfn);
        return 0;
    }

    /**
     * XEN_DMOP_inject_event: gives an exception or interrupt to a vCPU before its next instruction.
     *
     * @param type {@link EventType#number}
     * @param length of the instruction, for software interrupts and exceptions
     * @return -EINVAL if there is no such vCPU or type, -EBUSY if one is about to come already
     */
    public int inject(int vcpu, int vector, int type, int errorCode, long cr2, int length) {
        Vcpu v = domain.vcpuOrNull(vcpu);
        if (v == null || vector < 0 || vector > 255 || length < 0 || length > 15) {
            return -Errno.EINVAL;
        }
        for (EventType t : EventType.values()) {
            if (t.number == type) {
                return domain.monitor().inject(v, p -> p.inject(vector, t, errorCode, cr2, length))
                        ? 0
                        : -Errno.EBUSY;
            }
        }
        return -Errno.EINVAL;
    }

    /**
     * Lets all vCPUs go on that wait for an answer, as without any flag, ends the ring, sees that
     * no vCPU is in a view of the tool's, and removes those views and the frames of {@link
     * #populate}. Rights in the domain's own map last until an access needs what they lack.
     */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        domain.monitor().setAccessRequired(false);
        domain.ring().disable();
        Views v = domain.views();
        v.setDefaultAccess(Access.RWX);
        for (int i = 0; i < domain.vcpuCount(); i++) {
            if (views.contains(domain.vcpu(i).view())) {
                v.switchVcpu(domain.vcpu(i), Views.HOST);
            }
        }
        if (activated) {
            v.setActive(false);
        }
        views.forEach(v::destroy);
        frames.forEach(domain.memory()::remove);
    }
}
