// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.Interception;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.MonitorOp;
import dev.vitrine.xenabi.VmEvent;

import java.util.Map;
import java.util.function.UnaryOperator;

/** The domctls that set up a monitor, see {@link Hypervisor#domctl}. */
final class MonitorOps {
    /** What this hypervisor can show: Xen's set on x86, without exits, which there are not. */
    private static final int CAPABILITIES =
            1 << MonitorOp.WRITE_CTRLREG
                    | 1 << MonitorOp.MOV_TO_MSR
                    | 1 << MonitorOp.SINGLESTEP
                    | 1 << MonitorOp.SOFTWARE_BREAKPOINT
                    | 1 << MonitorOp.GUEST_REQUEST
                    | 1 << MonitorOp.DEBUG_EXCEPTION
                    | 1 << MonitorOp.CPUID
                    | 1 << MonitorOp.INTERRUPT
                    | 1 << MonitorOp.DESC_ACCESS
                    | 1 << MonitorOp.EMUL_UNIMPLEMENTED
                    | 1 << MonitorOp.INGUEST_PAGEFAULT
                    | 1 << MonitorOp.IO;

    private MonitorOps() {}

    static int call(Hypervisor h, byte[] op) {
        if (op.length < MonitorOp.SIZE) {
            return -Errno.EFAULT;
        }
        int version = Bytes.getInt(op, MonitorOp.VERSION);
        if (version != MonitorOp.INTERFACE_VERSION && version != MonitorOp.NEXT_VERSION) {
            return -Errno.EACCES;
        }
        Domain d = h.domain(Bytes.getShort(op, MonitorOp.DOMAIN));
        if (d == null) {
            return -Errno.ESRCH;
        }
        return switch (Bytes.getInt(op, MonitorOp.COMMAND)) {
            case MonitorOp.DOMCTL_VM_EVENT_OP -> ring(d, op);
            case MonitorOp.DOMCTL_MONITOR_OP -> monitor(d, op);
            case MonitorOp.DOMCTL_SET_ACCESS_REQUIRED -> {
                d.monitor().setAccessRequired(op[MonitorOp.ACCESS_REQUIRED] != 0);
                yield 0;
            }
            default -> -Errno.ENOSYS;
        };
    }

    private static int ring(Domain d, byte[] op) {
        int what = Bytes.getInt(op, MonitorOp.RING_OP);
        if (what == MonitorOp.RING_GET_VERSION) {
            Bytes.putInt(op, MonitorOp.RING_PORT, VmEvent.INTERFACE_VERSION);
            return 0;
        }
        if (Bytes.getInt(op, MonitorOp.RING_MODE) != MonitorOp.RING_MODE_MONITOR) {
            return -Errno.ENOSYS;
        }
        return switch (what) {
            case MonitorOp.RING_ENABLE -> d.ring().enable();
            case MonitorOp.RING_DISABLE -> d.ring().disable();
            case MonitorOp.RING_RESUME -> d.ring().resume();
            default -> -Errno.ENOSYS;
        };
    }

    private static int monitor(Domain d, byte[] op) {
        switch (Bytes.getInt(op, MonitorOp.OP)) {
            case MonitorOp.OP_GET_CAPABILITIES -> {
                Bytes.putInt(op, MonitorOp.EVENT, CAPABILITIES);
                return 0;
            }
            case MonitorOp.OP_ENABLE -> {
                return change(d, op, true);
            }
            case MonitorOp.OP_DISABLE -> {
                return change(d, op, false);
            }
            // Parts of a repeated instruction are shown page by page, and registers are written
            // behind the response, whether that is asked for or not.
            case MonitorOp.OP_EMULATE_EACH_REP, MonitorOp.OP_CONTROL_REGISTERS -> {
                return 0;
            }
            default -> {
                return -Errno.EOPNOTSUPP;
            }
        }
    }

    private static int change(Domain d, byte[] op, boolean on) {
        int event = Bytes.getInt(op, MonitorOp.EVENT);
        if (event < 0 || event > 31) {
            return -Errno.EINVAL;
        }
        if ((CAPABILITIES & 1 << event) == 0) {
            return -Errno.EOPNOTSUPP;
        }
        int index = op[MonitorOp.CR_INDEX] & 0xFF;
        int msr = Bytes.getInt(op, MonitorOp.MSR);
        String key =
                switch (event) {
                    case MonitorOp.WRITE_CTRLREG -> event + ":" + index;
                    case MonitorOp.MOV_TO_MSR -> event + ":" + msr;
                    default -> String.valueOf(event);
                };
        MonitorRing ring = d.ring();
        if (event == MonitorOp.WRITE_CTRLREG
                && (index > VmEvent.X86_XCR0
                        || op[MonitorOp.CR_PAD1] != 0
                        || Bytes.getInt(op, MonitorOp.CR_PAD2) != 0)) {
            return -Errno.EINVAL;
        }
        if (event == MonitorOp.MOV_TO_MSR) {
            if (!ring.isEnabled()) {
                return -Errno.ENXIO;
            }
            if (!isMonitored(msr)) {
                return -Errno.EINVAL;
            }
        }
        Subscription all;
        synchronized (ring.options) {
            Map<String, UnaryOperator<Subscription>> options = ring.options;
            if (options.containsKey(key) == on) {
                return -Errno.EEXIST;
            }
            if (on) {
                options.put(key, option(op, event, index, msr));
            } else {
                options.remove(key);
            }
            all = MonitorRing.ALWAYS;
            for (UnaryOperator<Subscription> o : options.values()) {
                all = o.apply(all);
            }
        }
        ring.subscribe(all);
        return 0;
    }

    /** In one of the ranges that Xen has a bitmap of. */
    private static boolean isMonitored(int msr) {
        int range = msr & ~0x1FFF;
        return range == 0 || range == 0x40000000 || range == 0xC0000000;
    }

    private static UnaryOperator<Subscription> option(byte[] op, int event, int index, int msr) {
        boolean sync = op[MonitorOp.SYNC] != 0;
        return switch (event) {
            case MonitorOp.WRITE_CTRLREG -> {
                boolean waits = op[MonitorOp.CR_SYNC] != 0;
                boolean changes = op[MonitorOp.CR_ONCHANGEONLY] != 0;
                long ignored = Bytes.getLong(op, MonitorOp.CR_BITMASK);
                int[] registers = {0, 3, 4, Interception.XCR0};
                yield s -> s.controlRegister(registers[index], waits, changes, ignored);
            }
            case MonitorOp.MOV_TO_MSR -> {
                boolean changes = op[MonitorOp.MSR_ONCHANGEONLY] != 0;
                yield s -> s.msr(msr, changes);
            }
            case MonitorOp.SINGLESTEP -> Subscription::singleSteps;
            case MonitorOp.SOFTWARE_BREAKPOINT -> Subscription::softwareBreakpoints;
            case MonitorOp.GUEST_REQUEST -> {
                boolean users = op[MonitorOp.ALLOW_USERSPACE] != 0;
                yield s -> s.guestRequests(sync, users);
            }
            case MonitorOp.DEBUG_EXCEPTION -> s -> s.debugExceptions(sync);
            case MonitorOp.CPUID -> Subscription::cpuid;
            case MonitorOp.DESC_ACCESS -> Subscription::descriptors;
            case MonitorOp.EMUL_UNIMPLEMENTED -> Subscription::unimplemented;
            case MonitorOp.INGUEST_PAGEFAULT -> Subscription::withoutWalks;
            case MonitorOp.IO -> Subscription::ports;
            default -> UnaryOperator.identity();
        };
    }
}
