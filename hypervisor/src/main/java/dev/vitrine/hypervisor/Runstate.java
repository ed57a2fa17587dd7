// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.platform.VirtualClock;
import dev.vitrine.processor.StateSink;
import dev.vitrine.xenabi.VcpuOp;

import java.lang.invoke.VarHandle;

/**
 * What a vCPU spends its time with (Xen's vcpu.h, RUNSTATE_*), and the guest's copy of that. Any
 * thread.
 */
final class Runstate {
    private final VirtualClock clock;

    /** Where the guest wants its copy. */
    final GuestArea area;

    // Guarded by this.
    private int state = VcpuOp.RUNSTATE_OFFLINE;
    private long since;
    private final long[] times = new long[4];

    /** On the vCPU's thread. */
    private final byte[] buffer = new byte[VcpuOp.SIZE_RUNSTATE_64];

    Runstate(DomainMemory memory, VirtualClock clock) {
        this.clock = clock;
        area = new GuestArea(memory);
        since = clock.now();
    }

    /** Returns whether it was another one before. */
    synchronized boolean change(int next) {
        if (next == state) {
            return false;
        }
        long now = clock.now();
        times[state] += now - since;
        since = now;
        state = next;
        return true;
    }

    /**
     * Fills in a vcpu_runstate_info.
     *
     * @param wide the 64-bit layout
     * @return its size
     */
    synchronized int fill(byte[] out, boolean wide) {
        long now = clock.now();
        Bytes.putInt(out, 0, state);
        int at = wide ? 8 : 4;
        if (wide) {
            Bytes.putInt(out, 4, 0);
        }
        Bytes.putLong(out, at, since);
        for (int i = 0; i < times.length; i++) {
            long t = times[i] + (i == state ? now - since : 0);
            Bytes.putLong(out, at + 8 + 8 * i, t);
        }
        return wide ? VcpuOp.SIZE_RUNSTATE_64 : VcpuOp.SIZE_RUNSTATE_32;
    }

    /**
     * Brings the guest's copy up to date. On the vCPU's thread.
     *
     * @param flagged mark the copy while it is being written (VMASST_TYPE_runstate_update_flag)
     */
    void write(boolean flagged) {
        if (!area.isMapped()) {
            return;
        }
        boolean wide = area.size() == VcpuOp.SIZE_RUNSTATE_64;
        int n = fill(buffer, wide);
        int at = wide ? 8 : 4;
        if (!flagged) {
            area.write(0, buffer, 0, n);
            return;
        }
        long entry = Bytes.getLong(buffer, at);
        Bytes.putLong(buffer, at, entry | VcpuOp.RUNSTATE_UPDATE);
        area.write(at, buffer, at, 8);
        VarHandle.fullFence();
        area.write(0, buffer, 0, n);
        VarHandle.fullFence();
        Bytes.putLong(buffer, at, entry);
        area.write(at, buffer, at, 8);
    }

    /** Nanoseconds spent running. */
    synchronized long runningTime() {
        long before = times[VcpuOp.RUNSTATE_RUNNING];
        return state == VcpuOp.RUNSTATE_RUNNING ? before + clock.now() - since : before;
    }

    /** While the vCPU does not run. */
    synchronized void visitState(StateSink sink) {
        sink.value("runstate", state);
        sink.value("runstate since", since);
        for (long t : times) {
            sink.value("runstate time", t);
        }
        area.visitState(sink);
    }
}
