// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;

/** What a guest can do with views of its own memory: HVMOP_altp2m, and VMFUNC. */
final class GuestAltp2m implements Altp2mOps.Caller {
    private final Hypercalls h;
    private final Altp2mOps operations;

    @SuppressWarnings("this-escape")
    GuestAltp2m(Hypercalls h) {
        this.h = h;
        this.operations = new Altp2mOps(h.domain, this);
    }

    /** HVMOP_altp2m. */
    long call(long p) {
        if (!h.in(p, Altp2mOp.SIZE)) {
            return -Errno.EFAULT;
        }
        int rc = Altp2mOps.check(h.buffer);
        if (rc != 0) {
            return rc;
        }
        int domid = h.u16(Altp2mOp.DOMAIN);
        if (!h.isSelf(domid)) {
            return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
        }
        rc = operations.call(h.buffer);
        return rc == 0 && !h.out(p, 0, Altp2mOp.SIZE) ? -Errno.EFAULT : rc;
    }

    @Override
    public boolean isTool() {
        return false;
    }

    @Override
    public boolean lists(byte[] op, long first, long[] gfns, byte[] access) {
        long gfnList = h.word(Altp2mOp.PFN_LIST, Altp2mOp.PFN_LIST);
        long accessList = h.word(Altp2mOp.ACCESS_LIST_64, Altp2mOp.ACCESS_LIST_32);
        if (!h.read(gfnList + 8 * first, h.list, 8 * gfns.length)
                || !h.read(accessList + first, access, access.length)) {
            return false;
        }
        for (int i = 0; i < gfns.length; i++) {
            gfns[i] = Bytes.getLong(h.list, 8 * i);
        }
        return true;
    }

    @Override
    public boolean mustStop() {
        return h.mustStop();
    }

    /**
     * VMFUNC with EAX = 0: the vCPU goes on in a view that is visible. Other functions, indexes of
     * nothing, and all of it where the guest has no say, are #UD, as on Xen.
     */
    static boolean vmFunction(Vcpu vcpu, int function, int index) {
        Views views = vcpu.domain().views();
        int mode = (int) vcpu.domain().param(HvmParam.ALTP2M);
        return function == 0
                && (mode == Altp2mOp.MODE_MIXED || mode == Altp2mOp.MODE_LIMITED)
                && views.isActive()
                && views.isVisible(index)
                && views.switchVcpu(vcpu, index) == 0;
    }
}
