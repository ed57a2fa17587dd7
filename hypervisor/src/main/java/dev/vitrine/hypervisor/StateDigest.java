// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.memory.MemoryHash;
import dev.vitrine.processor.StateSink;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * The state of a whole domain as hashes: registers of all vCPUs, which are also kept as they are,
 * local APICs, what the hypervisor and devices know, and memory. Two domains with equal digests go
 * on alike, if they get the same input.
 *
 * <p>Memory is followed by the dirty log, so that a digest costs as much as the guest has written
 * since the last one. All methods are to be called while no vCPU runs.
 */
public final class StateDigest {
    private final Domain domain;
    private final MemoryHash memory;

    /** Begins to follow a domain, which must be new: nothing has been written to its memory. */
    public StateDigest(Domain domain) {
        this.domain = domain;
        this.memory = new MemoryHash(domain.memory().machine);
        domain.logWrites();
    }

    /** Everything but memory's content. */
    public List<StateSection> devices() {
        List<StateSection> all = new ArrayList<>();
        for (int i = 0; i < domain.vcpuCount(); i++) {
            all.add(registers(i));
        }
        for (int i = 0; i < domain.vcpuCount(); i++) {
            Vcpu v = domain.vcpu(i);
            all.add(hashed("local APIC " + i, v.apic()::visitState));
            all.add(hashed("scheduling and timers of vCPU " + i, v::visitState));
        }
        all.add(hashed("domain", domain::visitState));
        all.add(hashed("event channels", domain.events()::visitState));
        all.add(hashed("grant table", domain.grants()::visitState));
        all.add(hashed("mapped grants", domain.maptrack()::visitState));
        all.add(hashed("memory map", domain.memory()::visitState));
        domain.devices().forEach((name, state) -> all.add(hashed(name, state)));
        return all;
    }

    /** The registers of a vCPU. */
    public StateSection registers(int vcpu) {
        List<String> names = new ArrayList<>();
        List<Long> values = new ArrayList<>();
        Hash hash = new Hash();
        domain.vcpu(vcpu)
                .engine()
                .visitState((name, value) -> {
                    names.add(name);
                    values.add(value);
                    hash.value(name, value);
                });
        return new StateSection("vCPU " + vcpu, hash.sum, names, values);
    }

    /** Hash of the registers of all vCPUs. */
    public long registers() {
        Hash hash = new Hash();
        for (int i = 0; i < domain.vcpuCount(); i++) {
            domain.vcpu(i).engine().visitState(hash);
        }
        return hash.sum;
    }

    /** Hashes of {@link MemoryHash#PARTS} parts of the machine's memory. */
    public long[] memory() {
        memory.update();
        domain.logWrites();
        long[] parts = new long[MemoryHash.PARTS];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = memory.part(i);
        }
        return parts;
    }

    /** Where a part of memory is, for messages. */
    public String place(int part) {
        long first = part * memory.framesInPart();
        long last = first + memory.framesInPart() - 1;
        long low = Long.MAX_VALUE;
        long high = -1;
        for (long[] range : domain.physicalMap().initialRanges()) {
            for (long gfn = range[0]; gfn < range[0] + range[1]; gfn++) {
                long mfn = domain.physicalMap().lookup(gfn) >>> DomainMemory.SHIFT;
                if (mfn >= first && mfn <= last && mfn != 0) {
                    low = Math.min(low, gfn);
                    high = Math.max(high, gfn);
                }
            }
        }
        return high < 0
                ? String.format(
                        "pages of the hypervisor (machine frames 0x%x to 0x%x)", first, last)
                : String.format("0x%x to 0x%x", low << 12, (high << 12) + 0xFFF);
    }

    private static StateSection hashed(String name, Consumer<StateSink> state) {
        Hash hash = new Hash();
        state.accept(hash);
        return new StateSection(name, hash.sum, List.of(), List.of());
    }

    private static final class Hash implements StateSink {
        private long sum;

        @Override
        public void value(String name, long value) {
            sum = MemoryHash.mix(sum, value);
        }
    }
}
