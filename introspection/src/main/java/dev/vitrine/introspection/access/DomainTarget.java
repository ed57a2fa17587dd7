// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.PhysicalRange;
import dev.vitrine.introspection.Target;
import dev.vitrine.memory.BadGuestAddress;
import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.memory.MachineMemory;
import dev.vitrine.processor.Registers;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;

/** A domain of this process. */
public final class DomainTarget implements Target {
    private final Domain domain;
    private final PhysicalMemory memory;

    public DomainTarget(Domain domain) {
        this.domain = domain;
        this.memory = new DomainMemory(domain, domain.physical());
    }

    @Override
    public String name() {
        return domain.name();
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public int vcpus() {
        return domain.vcpuCount();
    }

    @Override
    public Registers registers(int vcpu) {
        Objects.checkIndex(vcpu, domain.vcpuCount());
        try (Hold held = hold()) {
            return domain.vcpu(vcpu).registers();
        }
    }

    @Override
    public boolean isLive() {
        return true;
    }

    @Override
    public Hold hold() {
        domain.pause();
        AtomicBoolean held = new AtomicBoolean(true);
        return () -> {
            if (held.getAndSet(false)) {
                domain.unpause();
            }
        };
    }

    @Override
    public void close() {}

    private record DomainMemory(Domain domain, GuestPhysical physical) implements PhysicalMemory {
        @Override
        public List<PhysicalRange> ranges() {
            List<PhysicalRange> list = new ArrayList<>();
            for (long[] r : physical.view().base().initialRanges()) {
                list.add(
                        new PhysicalRange(
                                r[0] << MachineMemory.FRAME_SHIFT,
                                r[1] << MachineMemory.FRAME_SHIFT));
            }
            list.sort(Comparator.comparingLong(PhysicalRange::start));
            return list;
        }

        @Override
        public boolean read(long address, byte[] target, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, target.length);
            if (address < 0 || address + length < 0) {
                return false;
            }
            try {
                physical.read(address, target, offset, length);
                return true;
            } catch (BadGuestAddress e) {
                return false;
            }
        }

        @Override
        public boolean write(long address, byte[] source, int offset, int length) {
            Objects.checkFromIndexSize(offset, length, source.length);
            try {
                domain.writeFromOutside(address, source, offset, length);
                return true;
            } catch (BadGuestAddress e) {
                return false;
            }
        }
    }
}
