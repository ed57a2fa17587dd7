// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;

/**
 * HVMOP_altp2m as a guest may call it for itself: everything in mode "mixed", nothing in
 * "external", and in "limited" only what asks for #VE, which this processor does not have.
 */
final class Altp2mOps {
    /** Xen's XENMEM_access_default. */
    private static final int ACCESS_DEFAULT = Access.values().length;

    /** What a guest may have of the host's memory for its views. */
    private static final int VIEWS = 256;

    private static final long OVERRIDES = 1 << 20;

    private final Hypercalls h;

    Altp2mOps(Hypercalls h) {
        this.h = h;
    }

    long call(long p) {
        if (!h.in(p, Altp2mOp.SIZE)) {
            return -Errno.EFAULT;
        }
        if (h.u16(Altp2mOp.PAD1) != 0
                || h.i32(Altp2mOp.PAD2) != 0
                || h.i32(Altp2mOp.VERSION) != Altp2mOp.INTERFACE_VERSION) {
            return -Errno.EINVAL;
        }
        int command = h.i32(Altp2mOp.COMMAND);
        if (command < Altp2mOp.GET_DOMAIN_STATE || command > Altp2mOp.SET_VISIBILITY) {
            return -Errno.EOPNOTSUPP;
        }
        int domid = h.u16(Altp2mOp.DOMAIN);
        if (!h.isSelf(domid)) {
            return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        Views views = h.domain.views();
        boolean state =
                command == Altp2mOp.GET_DOMAIN_STATE || command == Altp2mOp.SET_DOMAIN_STATE;
        if (!state && !views.isActive()) {
            return -Errno.EOPNOTSUPP;
        }
        int mode = (int) h.domain.param(HvmParam.ALTP2M);
        if (mode == Altp2mOp.MODE_DISABLED) {
            return -Errno.EINVAL;
        }
        boolean allowed =
                mode == Altp2mOp.MODE_MIXED
                        || (mode == Altp2mOp.MODE_LIMITED
                                && command == Altp2mOp.VCPU_ENABLE_NOTIFY);
        return allowed ? act(command, p, views) : -Errno.EPERM;
    }

    private long act(int command, long p, Views views) {
        int view = h.u16(Altp2mOp.VIEW);
        return switch (command) {
            case Altp2mOp.GET_DOMAIN_STATE -> {
                h.buffer[Altp2mOp.STATE] = (byte) (views.isActive() ? 1 : 0);
                yield h.out(p, Altp2mOp.STATE, 1) ? 0 : -Errno.EFAULT;
            }
            case Altp2mOp.SET_DOMAIN_STATE -> {
                views.setActive(h.buffer[Altp2mOp.STATE] != 0);
                yield 0;
            }
            case Altp2mOp.CREATE_P2M -> create(p, views);
            case Altp2mOp.DESTROY_P2M -> views.destroy(view);
            case Altp2mOp.SWITCH_P2M -> views.switchAll(view);
            case Altp2mOp.SET_MEM_ACCESS -> setAccess(views, view);
            case Altp2mOp.SET_MEM_ACCESS_MULTI -> setAccessMulti(p, views, view);
            case Altp2mOp.GET_MEM_ACCESS -> getAccess(p, views, view);
            case Altp2mOp.CHANGE_GFN -> changeGfn(views, view);
            case Altp2mOp.GET_P2M_IDX -> {
                Vcpu v = h.domain.vcpuOrNull(h.i32(Altp2mOp.VCPU));
                if (v == null) {
                    yield -Errno.EINVAL;
                }
                h.put16(Altp2mOp.VCPU_VIEW, v.view());
                yield h.out(p, Altp2mOp.VCPU_VIEW, 2) ? 0 : -Errno.EFAULT;
            }
            // There is no VMFUNC that could switch to a visible one.
            case Altp2mOp.SET_VISIBILITY -> views.exists(view) ? 0 : -Errno.EINVAL;
            // As on a processor without virtualization exceptions.
            default -> -Errno.EOPNOTSUPP;
        };
    }

    private long changeGfn(Views views, int view) {
        if (h.u16(Altp2mOp.ACCESS) != 0 || h.i32(Altp2mOp.SECOND_WORD) != 0) {
            return -Errno.EINVAL;
        }
        return full(views, 1)
                ? -Errno.ENOMEM
                : views.changeGfn(view, h.u64(Altp2mOp.GFN), h.u64(Altp2mOp.NEW_GFN));
    }

    private static boolean full(Views views, int more) {
        return views.overrides() + more > OVERRIDES;
    }

    private long create(long p, Views views) {
        Access access = access(h.u16(Altp2mOp.ACCESS));
        if (access == null) {
            return -Errno.EINVAL;
        }
        if (views.count() >= VIEWS) {
            return -Errno.ENOSPC;
        }
        int index = views.create(access);
        if (index < 0) {
            return index;
        }
        h.put16(Altp2mOp.VIEW, index);
        return h.out(p, Altp2mOp.VIEW, 2) ? 0 : -Errno.EFAULT;
    }

    private static @org.jspecify.annotations.Nullable Access access(int number) {
        return number == ACCESS_DEFAULT ? Access.RWX : Access.of(number);
    }

    private long setAccess(Views views, int view) {
        Access access = access(h.u16(Altp2mOp.ACCESS));
        if (access == null || h.i32(Altp2mOp.SECOND_WORD) != 0 || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        long gfn = h.u64(Altp2mOp.GFN);
        if (gfn == -1) {
            views.setDefaultAccess(access);
            return 0;
        }
        return full(views, 1) ? -Errno.ENOMEM : views.setAccess(view, gfn, 1, access);
    }

    private long getAccess(long p, Views views, int view) {
        if (h.i32(Altp2mOp.SECOND_WORD) != 0 || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        Access access = views.access(view, h.u64(Altp2mOp.GFN));
        if (access == null) {
            return -Errno.ESRCH;
        }
        h.put16(Altp2mOp.ACCESS, access.ordinal());
        return h.out(p, Altp2mOp.ACCESS, 2) ? 0 : -Errno.EFAULT;
    }

    private long setAccessMulti(long p, Views views, int view) {
        long count = h.u32(Altp2mOp.SECOND_WORD);
        long done = h.u64(Altp2mOp.GFN);
        if (h.u16(Altp2mOp.ACCESS) != 0
                || Long.compareUnsigned(done, count) > 0
                || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        long gfnList = h.word(Altp2mOp.PFN_LIST, Altp2mOp.PFN_LIST);
        long accessList = h.word(Altp2mOp.ACCESS_LIST_64, Altp2mOp.ACCESS_LIST_32);
        byte[] numbers = new byte[Hypercalls.CHUNK];
        while (done < count && !h.mustStop()) {
            int n = (int) Math.min(Hypercalls.CHUNK, count - done);
            if (!h.read(gfnList + 8 * done, h.list, 8 * n)
                    || !h.read(accessList + done, numbers, n)) {
                return -Errno.EFAULT;
            }
            long[] gfns = new long[n];
            Access[] access = new Access[n];
            for (int i = 0; i < n; i++) {
                gfns[i] = Bytes.getLong(h.list, 8 * i);
                Access a = access(numbers[i] & 0xFF);
                if (a == null) {
                    return -Errno.EINVAL;
                }
                access[i] = a;
            }
            int rc = full(views, n) ? -Errno.ENOMEM : views.setAccess(view, gfns, access);
            if (rc != 0) {
                return rc;
            }
            done += n;
        }
        return 0;
    }
}
