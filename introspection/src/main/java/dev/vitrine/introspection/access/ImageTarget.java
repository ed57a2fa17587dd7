// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.Hold;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.Target;
import dev.vitrine.processor.Registers;

import java.util.List;

/** Memory that does not change. */
public final class ImageTarget implements Target {
    private final String name;
    private final PhysicalMemory memory;
    private final List<Registers> vcpus;
    private final Runnable onClose;

    public ImageTarget(
            String name, PhysicalMemory memory, List<Registers> vcpus, Runnable onClose) {
        this.name = name;
        this.memory = memory;
        this.vcpus = List.copyOf(vcpus);
        this.onClose = onClose;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PhysicalMemory memory() {
        return memory;
    }

    @Override
    public int vcpus() {
        return vcpus.size();
    }

    @Override
    public Registers registers(int vcpu) {
        return vcpus.get(vcpu);
    }

    @Override
    public boolean isLive() {
        return false;
    }

    @Override
    public Hold hold() {
        return () -> {};
    }

    @Override
    public void close() {
        onClose.run();
    }
}
