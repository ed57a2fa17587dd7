// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HvmOp;
import dev.vitrine.xenabi.HvmParam;
import dev.vitrine.xenabi.HypercallNumber;

/** The hvm_op hypercall. */
final class HvmOps {
    private final Hypercalls h;
    private final GuestAltp2m altp2m;

    HvmOps(Hypercalls h) {
        this.h = h;
        this.altp2m = new GuestAltp2m(h);
    }

    long call(long operation, long p) {
        if (operation < 0 || operation > 255) {
            return h.missing(HypercallNumber.HVM_OP, operation);
        }
        return switch ((int) operation) {
            case HvmOp.SET_PARAM -> setParam(p);
            case HvmOp.GET_PARAM -> getParam(p);
            case HvmOp.FLUSH_TLBS -> {
                if (p != 0) {
                    yield -Errno.EINVAL;
                }
                // Every change of mappings flushes by itself; this one is for the caller's peace.
                h.vcpu.engine().flushTlb();
                yield 0;
            }
            case HvmOp.PAGETABLE_DYING -> {
                if (!h.in(p, 16)) {
                    yield -Errno.EFAULT;
                }
                yield -Errno.EINVAL; // only shadow paging wants to know
            }
            case HvmOp.GET_TIME -> {
                h.put64(0, h.domain.clock().now());
                yield h.out(p, 0, HvmOp.SIZE_GET_TIME) ? 0 : -Errno.EFAULT;
            }
            case HvmOp.XENTRACE -> {
                if (!h.in(p, HvmOp.SIZE_XENTRACE)) {
                    yield -Errno.EFAULT;
                }
                int extra = h.u16(2);
                yield extra % 4 != 0 || extra > 28 || h.u16(0) >>> 12 != 0 ? -Errno.EINVAL : 0;
            }
            case HvmOp.GET_MEM_TYPE -> memoryType(p);
            case HvmOp.SET_EVTCHN_UPCALL_VECTOR -> upcallVector(p);
            case HvmOp.GUEST_REQUEST_VM_EVENT -> {
                if (p != 0) {
                    yield -Errno.EINVAL;
                }
                h.domain.monitor().guestRequest(h.vcpu);
                yield 0;
            }
            case HvmOp.ALTP2M -> altp2m.call(p);
            default -> h.missing(HypercallNumber.HVM_OP, operation);
        };
    }

    private long checkDomain() {
        int domid = h.u16(0);
        if (h.isSelf(domid)) {
            return 0;
        }
        return h.domain.hypervisor().domain(domid) == null ? -Errno.ESRCH : -Errno.EPERM;
    }

    private long setParam(long p) {
        if (!h.in(p, HvmOp.SIZE_PARAM)) {
            return -Errno.EFAULT;
        }
        long index = h.u32(4);
        if (index >= HvmParam.NR_PARAMS) {
            return -Errno.EINVAL;
        }
        long rc = checkDomain();
        if (rc != 0) {
            return rc;
        }
        long value = h.u64(8);
        int i = (int) index;
        switch (i) {
            case HvmParam.CALLBACK_IRQ -> {
                h.domain.setParam(i, value);
                h.domain.latchWidth(h.vcpu);
                return 0;
            }
            case HvmParam.VM86_TSS,
                    HvmParam.VM86_TSS_SIZED,
                    HvmParam.VM_GENERATION_ID_ADDR,
                    HvmParam.STORE_EVTCHN,
                    HvmParam.CONSOLE_EVTCHN -> {
                h.domain.setParam(i, value);
                return 0;
            }
            case HvmParam.ACPI_IOPORTS_LOCATION -> {
                return -Errno.ENODEV; // there is no PM timer to move
            }
            case HvmParam.X87_FIP_WIDTH -> {
                if (value != 0 && value != 4 && value != 8) {
                    return -Errno.EINVAL;
                }
                h.domain.setParam(i, value);
                return 0;
            }
            case HvmParam.ALTP2M -> {
                return -Errno.EEXIST;
            }
            default -> {
                return deprecated(i) ? -Errno.EINVAL : -Errno.EPERM;
            }
        }
    }

    private static boolean deprecated(int index) {
        return switch (index) {
            case HvmParam.PAE_ENABLED,
                    HvmParam.DM_DOMAIN,
                    20,
                    21,
                    22,
                    23,
                    HvmParam.NESTEDHVM,
                    25,
                    HvmParam.BUFIOREQ_EVTCHN,
                    30 ->
                    true;
            default -> false;
        };
    }

    private long getParam(long p) {
        if (!h.in(p, HvmOp.SIZE_PARAM)) {
            return -Errno.EFAULT;
        }
        long index = h.u32(4);
        if (index >= HvmParam.NR_PARAMS) {
            return -Errno.EINVAL;
        }
        long rc = checkDomain();
        if (rc != 0) {
            return rc;
        }
        int i = (int) index;
        switch (i) {
            case HvmParam.CALLBACK_IRQ,
                    HvmParam.VM86_TSS,
                    HvmParam.VM86_TSS_SIZED,
                    HvmParam.ACPI_IOPORTS_LOCATION,
                    HvmParam.VM_GENERATION_ID_ADDR,
                    HvmParam.STORE_PFN,
                    HvmParam.STORE_EVTCHN,
                    HvmParam.CONSOLE_PFN,
                    HvmParam.CONSOLE_EVTCHN,
                    HvmParam.ALTP2M,
                    HvmParam.X87_FIP_WIDTH -> {
                h.put64(8, h.domain.param(i));
                return h.out(p, 8, 8) ? 0 : -Errno.EFAULT;
            }
            default -> {
                return deprecated(i) ? -Errno.EINVAL : -Errno.EPERM;
            }
        }
    }

    private long memoryType(long p) {
        if (!h.in(p, HvmOp.SIZE_MEM_TYPE)) {
            return -Errno.EFAULT;
        }
        long rc = checkDomain();
        if (rc != 0) {
            return rc;
        }
        boolean ram = h.domain.physicalMap().lookup(h.u64(8)) != 0;
        h.put16(2, ram ? HvmOp.MEM_RAM_RW : HvmOp.MEM_MMIO_DM);
        return h.out(p, 2, 2) ? 0 : -Errno.EFAULT;
    }

    private long upcallVector(long p) {
        if (!h.in(p, HvmOp.SIZE_UPCALL_VECTOR)) {
            return -Errno.EFAULT;
        }
        int vector = h.buffer[4] & 0xFF;
        if (vector < 0x10) {
            return -Errno.EINVAL;
        }
        Vcpu v = h.domain.vcpuOrNull(h.i32(0));
        if (v == null) {
            return -Errno.ENOENT;
        }
        v.upcallVector = vector;
        v.assertUpcall();
        return 0;
    }
}
