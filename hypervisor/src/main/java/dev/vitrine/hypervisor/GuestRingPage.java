// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestRam;

import java.lang.invoke.VarHandle;

/** A ring in a frame of the domain, which is held as long as there is the ring. */
final class GuestRingPage implements RingPage {
    private final DomainMemory memory;
    private final GuestRam ram;
    private final long mfn;
    private final long page;

    /**
     * @param mfn pinned; let go of by {@link #close}
     */
    GuestRingPage(DomainMemory memory, long mfn) {
        this.memory = memory;
        this.ram = memory.ram;
        this.mfn = mfn;
        this.page = mfn << DomainMemory.SHIFT;
    }

    @Override
    public int index(int offset) {
        int value = ram.getIntVolatile(page + offset);
        VarHandle.acquireFence();
        return value;
    }

    @Override
    public void setIndex(int offset, int value) {
        VarHandle.releaseFence();
        ram.putInt(page + offset, value);
        VarHandle.fullFence();
    }

    @Override
    public void read(int offset, byte[] target) {
        ram.read(page + offset, target, 0, target.length);
    }

    @Override
    public void write(int offset, byte[] source) {
        ram.write(page + offset, source, 0, source.length);
    }

    @Override
    public void close() {
        memory.unpin(mfn);
    }
}
