// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.Interception;
import dev.vitrine.processor.Processor;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.Errno;
import dev.vitrine.xenabi.VeInfo;

/**
 * A vCPU's virtualization exceptions, #VE: accesses that its view forbids, given to the guest
 * itself in place of the monitor (SDM volume 3, 26.5.7).
 */
final class VirtualizationExceptions {
    private static final int VE = 20;

    // Exit qualification of an EPT violation (SDM volume 3, table 28-7).
    private static final int ENTRY_SHIFT = 3;
    private static final int LINEAR_VALID = 1 << 7;
    private static final int LINEAR = 1 << 8;

    private final Vcpu vcpu;

    /** Machine frame of the information area, or -1. */
    private long area = -1;

    VirtualizationExceptions(Vcpu vcpu) {
        this.vcpu = vcpu;
    }

    /** HVMOP_altp2m_vcpu_enable_notify. */
    synchronized int enable(long gfn) {
        if (area >= 0) {
            return -Errno.EEXIST;
        }
        DomainMemory memory = vcpu.domain().memory();
        long mfn = memory.isOwnRam(gfn) ? memory.pin(gfn) : -1;
        if (mfn < 0) {
            return -Errno.EINVAL;
        }
        area = mfn;
        return 0;
    }

    /** HVMOP_altp2m_vcpu_disable_notify; nothing if they are not enabled. */
    synchronized void disable() {
        if (area >= 0) {
            vcpu.domain().memory().unpin(area);
            area = -1;
        }
    }

    synchronized void visitState(StateSink sink) {
        if (area >= 0) {
            sink.value("information area of virtualization exceptions", area);
        }
    }

    /**
     * Injects #VE for an access, if it is to be one; on the vCPU's thread. The area is busy until
     * the guest has cleared its second word.
     *
     * @param entry the view's, which does not give the rights
     */
    synchronized boolean inject(
            Processor p, Interception.MemoryAccess access, long entry, boolean suppressed) {
        if (area < 0 || suppressed || p.delivering() || !vcpu.engine().protectedMode()) {
            return false;
        }
        DomainMemory memory = vcpu.domain().memory();
        long at = area << DomainMemory.SHIFT;
        if (memory.ram.getIntVolatile(at + VeInfo.SEMAPHORE) != 0) {
            return false;
        }
        long qualification = access.rights() | rights(entry) << ENTRY_SHIFT;
        long linear = 0;
        if (access.where() != Interception.NO_LINEAR) {
            linear = access.linear();
            qualification |= LINEAR_VALID;
            qualification |= access.where() == Interception.WITH_LINEAR ? LINEAR : 0;
        }
        byte[] info = new byte[VeInfo.SIZE];
        Bytes.putInt(info, VeInfo.EXIT_REASON, VeInfo.EPT_VIOLATION);
        Bytes.putInt(info, VeInfo.SEMAPHORE, -1);
        Bytes.putLong(info, VeInfo.QUALIFICATION, qualification);
        Bytes.putLong(info, VeInfo.LINEAR, linear);
        Bytes.putLong(info, VeInfo.PHYSICAL, access.physical());
        Bytes.putShort(info, VeInfo.VIEW, vcpu.view());
        memory.writeFrame(at, info, 0, info.length);
        p.inject(VE, Interception.EventType.HARDWARE_EXCEPTION, 0, 0, 0);
        return true;
    }

    private static long rights(long entry) {
        return entry & (PhysicalView.READ | PhysicalView.WRITE | PhysicalView.EXECUTE);
    }
}
