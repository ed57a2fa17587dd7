// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.SharedInfo;
import dev.vitrine.xenabi.VcpuOp;

/** The vcpu_op hypercall. */
final class VcpuOps {
    private final Hypercalls h;

    VcpuOps(Hypercalls h) {
        this.h = h;
    }

    long call(int operation, long number, long p) {
        Vcpu v = h.domain.vcpuOrNull((int) number);
        if (v == null) {
            return -Errno.ENOENT;
        }
        switch (operation) {
            case VcpuOp.INITIALISE -> {
                return initialise(v, p);
            }
            case VcpuOp.UP -> {
                if (!v.isInitialised()) {
                    return -Errno.EINVAL;
                }
                v.bringUp();
                return 0;
            }
            case VcpuOp.DOWN -> {
                v.takeDown();
                h.domain.checkAllDown(v);
                return 0;
            }
            case VcpuOp.IS_UP -> {
                return v.isOnline() ? 1 : 0;
            }
            case VcpuOp.GET_RUNSTATE_INFO -> {
                int n = v.runstate().fill(h.buffer, h.wide);
                return h.out(p, 0, n) ? 0 : -Errno.EFAULT;
            }
            case VcpuOp.SET_PERIODIC_TIMER -> {
                if (!h.in(p, VcpuOp.SIZE_SET_PERIODIC)) {
                    return -Errno.EFAULT;
                }
                long period = h.u64(0);
                if (period < VcpuOp.MIN_PERIOD_NS || period > 1L << 59) {
                    return -Errno.EINVAL;
                }
                v.timers().setPeriodic(period);
                return 0;
            }
            case VcpuOp.STOP_PERIODIC_TIMER -> {
                v.timers().setPeriodic(0);
                return 0;
            }
            case VcpuOp.SET_SINGLESHOT_TIMER -> {
                if (v != h.vcpu) {
                    return -Errno.EINVAL;
                }
                if (!h.in(
                        p,
                        h.wide ? VcpuOp.SIZE_SET_SINGLESHOT_64 : VcpuOp.SIZE_SET_SINGLESHOT_32)) {
                    return -Errno.EFAULT;
                }
                // As Xen 4.20 does: a time that has passed gives the event at once, and the flag
                // that asks for -ETIME instead is not looked at.
                long t = h.u64(0);
                v.timers().setSingleShot(t < 0 ? Long.MAX_VALUE - 1 : t);
                return 0;
            }
            case VcpuOp.STOP_SINGLESHOT_TIMER -> {
                if (v != h.vcpu) {
                    return -Errno.EINVAL;
                }
                v.timers().stopSingleShot();
                return 0;
            }
            case VcpuOp.REGISTER_VCPU_INFO -> {
                return registerInfo(v, p);
            }
            case VcpuOp.SEND_NMI -> {
                if (p != 0) {
                    return -Errno.EINVAL;
                }
                v.sendNmi();
                return 0;
            }
            case VcpuOp.GET_PHYSID -> {
                return -Errno.EINVAL; // only for a pinned hardware domain
            }
            case VcpuOp.REGISTER_RUNSTATE_MEMORY_AREA -> {
                return registerVirtual(v, v.runstate().area, p, runstateSize());
            }
            case VcpuOp.REGISTER_VCPU_TIME_MEMORY_AREA -> {
                return registerVirtual(v, v.info().timeArea, p, SharedInfo.TIME_SIZE);
            }
            case VcpuOp.REGISTER_RUNSTATE_PHYS_AREA -> {
                return registerPhysical(v, v.runstate().area, p, runstateSize());
            }
            case VcpuOp.REGISTER_VCPU_TIME_PHYS_AREA -> {
                return registerPhysical(v, v.info().timeArea, p, SharedInfo.TIME_SIZE);
            }
            default -> {
                return h.missing(HypercallNumber.VCPU_OP, operation);
            }
        }
    }

    private int runstateSize() {
        return h.wide ? VcpuOp.SIZE_RUNSTATE_64 : VcpuOp.SIZE_RUNSTATE_32;
    }

    private long initialise(Vcpu v, long p) {
        byte[] context = new byte[HvmContext.SIZE];
        if (!h.read(p, context, context.length)) {
            return -Errno.EFAULT;
        }
        return v.initialise(context);
    }

    private long registerInfo(Vcpu v, long p) {
        if (!h.in(p, VcpuOp.SIZE_REGISTER_VCPU_INFO)) {
            return -Errno.EFAULT;
        }
        long gfn = h.u64(0);
        long offset = h.u32(8);
        if (gfn < 0 || gfn >= 1L << 52 || offset > 4095) {
            return -Errno.EINVAL;
        }
        if (v.info().isMoved()) {
            return -Errno.EBUSY;
        }
        int align = h.domain.isWide() ? 8 : 4;
        if (offset > 4096 - SharedInfo.VCPU_INFO_SIZE || offset % align != 0) {
            return -Errno.ENXIO;
        }
        long mfn = h.domain.memory().pin(gfn);
        if (mfn < 0) {
            return -Errno.EINVAL;
        }
        v.info().move(mfn, (int) offset);
        v.markEventsPending();
        v.info().updateTime();
        return 0;
    }

    private long registerVirtual(Vcpu v, GuestArea area, long p, int size) {
        if (!h.in(p, h.wide ? VcpuOp.SIZE_REGISTER_AREA : 4)) {
            return -Errno.EFAULT;
        }
        long address = h.word(0, 0);
        if (address == 0) {
            area.unmap();
            return 0;
        }
        // The area is translated now and held: guests register per-CPU memory that stays mapped.
        long first = h.vcpu.engine().translate(address);
        long last = h.vcpu.engine().translate(address + size - 1);
        if (first < 0 || last < 0) {
            return -Errno.EFAULT;
        }
        if (!area.map(first, last & -4096L, size)) {
            return -Errno.EFAULT;
        }
        return fill(v, area);
    }

    private long registerPhysical(Vcpu v, GuestArea area, long p, int size) {
        if (!h.in(p, VcpuOp.SIZE_REGISTER_AREA)) {
            return -Errno.EFAULT;
        }
        long address = h.u64(0);
        if (address == -1) {
            area.unmap();
            return 0;
        }
        if (address < 0
                || (address & 4095) + size > 4096
                || address % (h.domain.isWide() ? 8 : 4) != 0) {
            return -Errno.ENXIO;
        }
        if (!area.map(address, 0, size)) {
            return -Errno.EINVAL;
        }
        return fill(v, area);
    }

    private long fill(Vcpu v, GuestArea area) {
        if (area == v.info().timeArea) {
            v.info().updateTime();
        } else {
            int n = v.runstate().fill(h.buffer, area.size() == VcpuOp.SIZE_RUNSTATE_64);
            area.write(0, h.buffer, 0, n);
        }
        return 0;
    }
}
