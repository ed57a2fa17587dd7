// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;
import dev.vitrine.platform.VirtualClock;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.SharedInfo;

import java.lang.invoke.VarHandle;

/**
 * A vCPU's vcpu_info (Xen's public/xen.h), which the guest may move: whether events are pending for
 * it, and its time.
 */
final class VcpuInfo {
    private final Domain domain;
    private final VirtualClock clock;

    /** Machine address. */
    private volatile long address;

    private long frame = -1;

    /** Where the guest wants another copy of the time. */
    final GuestArea timeArea;

    VcpuInfo(Domain domain, int vcpu) {
        this.domain = domain;
        clock = domain.clock();
        timeArea = new GuestArea(domain.memory());
        address =
                vcpu < SharedInfo.LEGACY_MAX_VCPUS
                        ? domain.sharedInfoAddress() + (long) vcpu * SharedInfo.VCPU_INFO_SIZE
                        : domain.dummyInfoAddress(vcpu);
    }

    /** Machine address. */
    long address() {
        return address;
    }

    /** Whether the guest has moved it. */
    boolean isMoved() {
        return frame >= 0;
    }

    /** Sets evtchn_upcall_pending; returns whether it was clear. Any thread. */
    boolean markPending() {
        long a = address;
        if ((domain.memory().ram.getAndOrInt(a, 1) & 0xFF) != 0) {
            return false;
        }
        domain.memory().touched(a);
        return true;
    }

    /** evtchn_upcall_pending. */
    boolean isPending() {
        return (domain.memory().ram.getIntVolatile(address) & 0xFF) != 0;
    }

    /**
     * Moves it to a page of the guest's choice (VCPUOP_register_vcpu_info). Everything counts as
     * pending there, so that nothing that comes meanwhile is lost.
     *
     * @param mfn pinned machine frame
     */
    void move(long mfn, int offset) {
        GuestRam ram = domain.memory().ram;
        long to = (mfn << DomainMemory.SHIFT) + offset;
        byte[] content = new byte[SharedInfo.VCPU_INFO_SIZE];
        ram.read(address, content, 0, content.length);
        ram.write(to, content, 0, content.length);
        frame = mfn;
        address = to;
        domain.memory().touched(to);
        if (domain.isWide()) {
            ram.getAndOrLong(to + SharedInfo.VCPU_PENDING_SEL_64, -1L);
        } else {
            ram.getAndOrInt(to + SharedInfo.VCPU_PENDING_SEL_32, -1);
        }
    }

    /** Writes vcpu_time_info in all its places. */
    void updateTime() {
        long a = address + SharedInfo.VCPU_TIME;
        writeTime(a);
        if (timeArea.isMapped()) {
            byte[] t = new byte[SharedInfo.TIME_SIZE];
            domain.memory().ram.read(a, t, 0, t.length);
            timeArea.write(0, t, 0, t.length);
        }
    }

    private void writeTime(long a) {
        GuestRam ram = domain.memory().ram;
        int version = ram.getInt(a) | 1;
        ram.putInt(a, version);
        VarHandle.fullFence();
        // Time is an exact function of the counter: any pair of the two will do, for ever.
        long now = clock.now();
        ram.putLong(a + SharedInfo.TIME_TSC_TIMESTAMP, clock.ticks(now));
        ram.putLong(a + SharedInfo.TIME_SYSTEM_TIME, now);
        ram.putInt(a + SharedInfo.TIME_MUL, clock.pvclockMultiplier());
        ram.putByte(a + SharedInfo.TIME_SHIFT, (byte) clock.pvclockShift());
        ram.putByte(a + SharedInfo.TIME_FLAGS, (byte) SharedInfo.TIME_FLAG_TSC_STABLE);
        VarHandle.fullFence();
        ram.putInt(a, version + 1);
        domain.memory().touched(a);
    }

    /** While the vCPU does not run. */
    void visitState(StateSink sink) {
        sink.value("vcpu_info", address);
        timeArea.visitState(sink);
    }
}
