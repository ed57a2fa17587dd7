// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.GuestPhysical;
import dev.vitrine.xenabi.EventChannelOp;
import dev.vitrine.xenabi.HypercallNumber;
import dev.vitrine.xenabi.MemoryOp;

/** A domain for tests whose hypercalls are made by the test, on any vCPU. */
final class Guest implements AutoCloseable {
    /** Frames of RAM, from 0 on. */
    static final int PAGES = 256;

    /** Where tests put arguments. */
    static final long ARGUMENTS = 0x10000;

    static final long SHARED_INFO_GFN = 0x20;

    final Hypervisor hypervisor;
    final Domain domain;

    Guest(int vcpus) {
        this(DomainConfig.of("test", 2 * PAGES * 4096L, vcpus));
    }

    Guest(DomainConfig config) {
        this(Hypervisor.create(1), config);
    }

    Guest(Hypervisor hypervisor, DomainConfig config) {
        this.hypervisor = hypervisor;
        domain = hypervisor.createDomain(config, FakeEngine.provider());
        domain.addRam(0, PAGES);
    }

    @Override
    public void close() {
        hypervisor.close();
    }

    GuestPhysical memory() {
        return domain.physical();
    }

    long call(int number, long... args) {
        return callOn(0, number, args);
    }

    /** Through the registers, as VMCALL does. */
    long callOn(int vcpu, int number, long... args) {
        FakeEngine e = FakeEngine.of(domain.vcpu(vcpu));
        int[] registers =
                e.bits == 64
                        ? new int[] {Engine.RDI, Engine.RSI, Engine.RDX, Engine.R10, Engine.R8}
                        : new int[] {Engine.RBX, Engine.RCX, Engine.RDX, Engine.RSI, Engine.RDI};
        e.registers[Engine.RAX] = number;
        for (int i = 0; i < registers.length; i++) {
            e.registers[registers[i]] = i < args.length ? args[i] : 0;
        }
        domain.vcpu(vcpu).hypercalls().fromGuest();
        return e.bits == 64 ? e.registers[Engine.RAX] : (int) e.registers[Engine.RAX];
    }

    /**
     * Event-channel operation with 32-bit fields; the result, and the fields afterwards in place.
     */
    long event(int operation, int... fields) {
        for (int i = 0; i < fields.length; i++) {
            memory().putInt(ARGUMENTS + 4L * i, fields[i]);
        }
        return call(HypercallNumber.EVENT_CHANNEL_OP, operation, ARGUMENTS);
    }

    int field(int n) {
        return memory().getInt(ARGUMENTS + 4L * n);
    }

    int bindIpi(int vcpu) {
        long rc = event(EventChannelOp.BIND_IPI, vcpu, -1);
        return rc == 0 ? field(1) : (int) rc;
    }

    /** Maps shared info where tests expect it; returns its guest-physical address. */
    long mapSharedInfo() {
        memory().putShort(ARGUMENTS, 0x7FF0);
        memory().putInt(ARGUMENTS + 4, MemoryOp.SPACE_SHARED_INFO);
        memory().putLong(ARGUMENTS + 8, 0);
        memory().putLong(ARGUMENTS + 16, SHARED_INFO_GFN);
        long rc = call(HypercallNumber.MEMORY_OP, MemoryOp.ADD_TO_PHYSMAP, ARGUMENTS);
        if (rc != 0) {
            throw new AssertionError("add_to_physmap gave " + rc);
        }
        return SHARED_INFO_GFN << 12;
    }
}
