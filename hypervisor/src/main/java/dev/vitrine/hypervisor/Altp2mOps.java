// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Altp2mOp;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmParam;

import org.jspecify.annotations.Nullable;

/**
 * HVMOP_altp2m, called by a guest for itself or by a tool. A guest has everything in mode "mixed",
 * nothing in "external", and in "limited" only #VE and VMFUNC.
 */
final class Altp2mOps {
    /** Xen's XENMEM_access_default. */
    static final int ACCESS_DEFAULT = Access.values().length;

    /** What a guest may have of the host's memory for its views. */
    private static final int VIEWS = 256;

    private static final long OVERRIDES = 1 << 20;

    /** Guest frames whose suppress-#VE bits are changed between two looks at the domain. */
    private static final int STRIDE = 1 << 16;

    /** Who calls. */
    interface Caller {
        /** It is a tool, which no mode and no quota restricts. */
        boolean isTool();

        /**
         * Copies in parts of the lists of set_mem_access_multi.
         *
         * @param first index of the first entry
         * @return false if they cannot be read
         */
        boolean lists(byte[] op, long first, long[] gfns, byte[] access);

        /** For long loops: give up. */
        boolean mustStop();
    }

    private final Domain domain;
    private final Caller caller;

    Altp2mOps(Domain domain, Caller caller) {
        this.domain = domain;
        this.caller = caller;
    }

    /**
     * Acts upon a struct xen_hvm_altp2m_op of {@link Altp2mOp#SIZE} bytes, whose domain the caller
     * has looked at.
     *
     * @param op has the results, if this returns 0
     */
    int call(byte[] op) {
        int rc = check(op);
        if (rc != 0) {
            return rc;
        }
        int command = Bytes.getInt(op, Altp2mOp.COMMAND);
        Views views = domain.views();
        boolean state =
                command == Altp2mOp.GET_DOMAIN_STATE || command == Altp2mOp.SET_DOMAIN_STATE;
        if (!state && !views.isActive()) {
            return -Errno.EOPNOTSUPP;
        }
        int mode = (int) domain.param(HvmParam.ALTP2M);
        if (caller.isTool()) {
            return act(command, op, views);
        }
        if (mode == Altp2mOp.MODE_DISABLED) {
            return -Errno.EINVAL;
        }
        boolean notify =
                command == Altp2mOp.VCPU_ENABLE_NOTIFY || command == Altp2mOp.VCPU_DISABLE_NOTIFY;
        boolean allowed = mode == Altp2mOp.MODE_MIXED || (mode == Altp2mOp.MODE_LIMITED && notify);
        return allowed ? act(command, op, views) : -Errno.EPERM;
    }

    /** What comes before anybody is asked which domain it is. */
    static int check(byte[] op) {
        if (Bytes.getShort(op, Altp2mOp.PAD1) != 0
                || Bytes.getInt(op, Altp2mOp.PAD2) != 0
                || Bytes.getInt(op, Altp2mOp.VERSION) != Altp2mOp.INTERFACE_VERSION) {
            return -Errno.EINVAL;
        }
        int command = Bytes.getInt(op, Altp2mOp.COMMAND);
        return command < Altp2mOp.GET_DOMAIN_STATE || command > Altp2mOp.SET_VISIBILITY
                ? -Errno.EOPNOTSUPP
                : 0;
    }

    private int act(int command, byte[] op, Views views) {
        int view = Bytes.getShort(op, Altp2mOp.VIEW);
        return switch (command) {
            case Altp2mOp.GET_DOMAIN_STATE -> {
                op[Altp2mOp.STATE] = (byte) (views.isActive() ? 1 : 0);
                yield 0;
            }
            case Altp2mOp.SET_DOMAIN_STATE -> {
                views.setActive(op[Altp2mOp.STATE] != 0);
                yield 0;
            }
            case Altp2mOp.VCPU_ENABLE_NOTIFY -> {
                Vcpu v = domain.vcpuOrNull(Bytes.getInt(op, Altp2mOp.NOTIFY_VCPU));
                yield v == null || Bytes.getInt(op, Altp2mOp.NOTIFY_PAD) != 0
                        ? -Errno.EINVAL
                        : v.exceptions().enable(Bytes.getLong(op, Altp2mOp.NOTIFY_GFN));
            }
            case Altp2mOp.VCPU_DISABLE_NOTIFY -> {
                Vcpu v = domain.vcpuOrNull(Bytes.getInt(op, Altp2mOp.NOTIFY_VCPU));
                if (v == null) {
                    yield -Errno.EINVAL;
                }
                v.exceptions().disable();
                yield 0;
            }
            case Altp2mOp.CREATE_P2M -> create(op, views);
            case Altp2mOp.DESTROY_P2M -> views.destroy(view) == 0 ? 0 : -Errno.EBUSY;
            case Altp2mOp.SWITCH_P2M ->
                    views.isVisible(view) ? views.switchAll(view) : -Errno.EINVAL;
            case Altp2mOp.SET_MEM_ACCESS -> setAccess(op, views, view);
            case Altp2mOp.SET_MEM_ACCESS_MULTI -> setAccessMulti(op, views, view);
            case Altp2mOp.GET_MEM_ACCESS -> getAccess(op, views, view);
            case Altp2mOp.CHANGE_GFN -> changeGfn(op, views, view);
            case Altp2mOp.SET_SUPPRESS_VE, Altp2mOp.GET_SUPPRESS_VE ->
                    suppress(command, op, views, view);
            case Altp2mOp.SET_SUPPRESS_VE_MULTI -> suppressMulti(op, views, view);
            case Altp2mOp.GET_P2M_IDX -> {
                Vcpu v = domain.vcpuOrNull(Bytes.getInt(op, Altp2mOp.VCPU));
                if (v == null) {
                    yield -Errno.EINVAL;
                }
                Bytes.putShort(op, Altp2mOp.VCPU_VIEW, v.view());
                yield 0;
            }
            case Altp2mOp.SET_VISIBILITY ->
                    op[Altp2mOp.VISIBLE_PAD] != 0
                            ? -Errno.EINVAL
                            : views.setVisible(view, op[Altp2mOp.VISIBLE] != 0);
            default -> -Errno.EOPNOTSUPP;
        };
    }

    private int changeGfn(byte[] op, Views views, int view) {
        if (Bytes.getShort(op, Altp2mOp.ACCESS) != 0
                || Bytes.getInt(op, Altp2mOp.SECOND_WORD) != 0) {
            return -Errno.EINVAL;
        }
        if (full(views, 1)) {
            return -Errno.ENOMEM;
        }
        long gfn = Bytes.getLong(op, Altp2mOp.GFN);
        long shown = Bytes.getLong(op, Altp2mOp.NEW_GFN);
        int rc = views.changeGfn(view, gfn, shown);
        if (rc == 0) {
            // As Xen: a guest that exchanges a frame wants to hear of it itself.
            views.suppress(view, gfn, caller.isTool() || shown == Views.REVERT);
        }
        return rc;
    }

    private boolean full(Views views, int more) {
        return !caller.isTool() && views.overrides() + more > OVERRIDES;
    }

    private int create(byte[] op, Views views) {
        Access access = access(Bytes.getShort(op, Altp2mOp.ACCESS));
        if (access == null || (!caller.isTool() && views.count() >= VIEWS)) {
            return -Errno.EINVAL;
        }
        int index = views.create(access);
        if (index < 0) {
            return -Errno.EINVAL;
        }
        Bytes.putShort(op, Altp2mOp.VIEW, index);
        return 0;
    }

    private @Nullable Access access(int number) {
        return number == ACCESS_DEFAULT ? domain.views().defaultAccess() : Access.of(number);
    }

    private int setAccess(byte[] op, Views views, int view) {
        Access access = access(Bytes.getShort(op, Altp2mOp.ACCESS));
        if (access == null || Bytes.getInt(op, Altp2mOp.SECOND_WORD) != 0 || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        long gfn = Bytes.getLong(op, Altp2mOp.GFN);
        if (gfn == -1) {
            views.setDefaultAccess(access);
            return 0;
        }
        return full(views, 1) ? -Errno.ENOMEM : views.setAccess(view, gfn, 1, access);
    }

    private int getAccess(byte[] op, Views views, int view) {
        if (Bytes.getInt(op, Altp2mOp.SECOND_WORD) != 0 || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        long gfn = Bytes.getLong(op, Altp2mOp.GFN);
        Access access = gfn == -1 ? views.defaultAccess() : views.access(view, gfn);
        if (access == null) {
            return -Errno.ESRCH;
        }
        Bytes.putShort(op, Altp2mOp.ACCESS, access.ordinal());
        return 0;
    }

    /** Rights of several frames, also of view 0; {@link Caller#lists} has them. */
    int setAccessMulti(byte[] op, Views views, int view) {
        long count = Bytes.getInt(op, Altp2mOp.SECOND_WORD) & 0xFFFFFFFFL;
        long done = Bytes.getLong(op, Altp2mOp.GFN);
        if (Bytes.getShort(op, Altp2mOp.ACCESS) != 0
                || Long.compareUnsigned(done, count) > 0
                || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        while (done < count && !caller.mustStop()) {
            int n = (int) Math.min(Hypercalls.CHUNK, count - done);
            long[] gfns = new long[n];
            byte[] numbers = new byte[n];
            if (!caller.lists(op, done, gfns, numbers)) {
                return -Errno.EFAULT;
            }
            Access[] access = new Access[n];
            for (int i = 0; i < n; i++) {
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

    private int suppress(int command, byte[] op, Views views, int view) {
        if (op[Altp2mOp.SUPPRESS_PAD1] != 0
                || Bytes.getInt(op, Altp2mOp.SUPPRESS_PAD2) != 0
                || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        long gfn = Bytes.getLong(op, Altp2mOp.GFN);
        if (views.access(view, gfn) == null) {
            return -Errno.ESRCH;
        }
        if (command == Altp2mOp.SET_SUPPRESS_VE) {
            views.suppress(view, gfn, op[Altp2mOp.SUPPRESS] != 0);
        } else {
            op[Altp2mOp.SUPPRESS] = (byte) (views.isSuppressed(view, gfn) ? 1 : 0);
        }
        return 0;
    }

    /**
     * Frames that are none are the first error that is told; the others are changed all the same.
     */
    private int suppressMulti(byte[] op, Views views, int view) {
        long first = Bytes.getLong(op, Altp2mOp.FIRST_GFN);
        long last = Bytes.getLong(op, Altp2mOp.LAST_GFN);
        if (Long.compareUnsigned(last, Views.LAST_GFN) > 0) {
            last = Views.LAST_GFN;
        }
        if (op[Altp2mOp.SUPPRESS_PAD1] != 0
                || Long.compareUnsigned(first, last) > 0
                || !views.exists(view)) {
            return -Errno.EINVAL;
        }
        boolean on = op[Altp2mOp.SUPPRESS] != 0;
        for (long gfn = first; gfn <= last; gfn++) {
            if (gfn % STRIDE == 0 && caller.mustStop()) {
                break;
            }
            if (views.access(view, gfn) != null) {
                views.suppress(view, gfn, on);
                continue;
            }
            error(op, gfn);
            gfn = domain.physicalMap().skipHoles(gfn + 1) - 1;
            if (gfn >= domain.physicalMap().maxGfn()) {
                break;
            }
        }
        Bytes.putLong(op, Altp2mOp.FIRST_GFN, last + 1);
        return 0;
    }

    private static void error(byte[] op, long gfn) {
        if (Bytes.getInt(op, Altp2mOp.FIRST_ERROR) == 0) {
            Bytes.putInt(op, Altp2mOp.FIRST_ERROR, -Errno.ESRCH);
            Bytes.putLong(op, Altp2mOp.FIRST_ERROR_GFN, gfn);
        }
    }
}
