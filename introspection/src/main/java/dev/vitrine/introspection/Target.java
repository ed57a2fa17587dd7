// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection;

import dev.vitrine.hypervisor.Domain;
import dev.vitrine.introspection.access.ControlTarget;
import dev.vitrine.introspection.access.CoreFile;
import dev.vitrine.introspection.access.DomainTarget;
import dev.vitrine.introspection.access.ImageTarget;
import dev.vitrine.processor.Registers;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A guest to look at: guest-physical memory and the registers of its vCPUs. It runs in this
 * process, in another one, or is a memory image that does not run at all.
 *
 * <p>A target is used by one thread at a time.
 */
public sealed interface Target extends AutoCloseable
        permits DomainTarget, ImageTarget, ControlTarget {
    /** A domain of this process. Closing the target leaves it as it is. */
    static Target of(Domain domain) {
        return new DomainTarget(domain);
    }

    /** Memory that does not change, and the registers that belong to it. */
    static Target of(PhysicalMemory memory, List<Registers> vcpus) {
        return new ImageTarget("image", memory, vcpus, () -> {});
    }

    /**
     * The guest behind a path: a control socket of {@code vitrine run --control}, or a memory
     * image, an ELF core file as {@link Core} writes it.
     *
     * @throws IntrospectionException there is no such file, or it is neither
     */
    static Target open(Path path) {
        if (!Files.exists(path)) {
            throw new IntrospectionException(
                    "There is no file "
                            + path
                            + "; a target is a control socket or a memory image.");
        }
        if (Files.isDirectory(path)) {
            throw new IntrospectionException(
                    path + " is a folder; a target is a control socket or a memory image.");
        }
        return Files.isRegularFile(path) ? CoreFile.open(path) : ControlTarget.connect(path);
    }

    /** What to call it in messages. */
    String name();

    PhysicalMemory memory();

    /** vCPUs whose registers there are; they are numbered from 0. */
    int vcpus();

    /**
     * Registers of a vCPU. To be called under a {@link #hold} if they are to fit the memory.
     *
     * @throws IndexOutOfBoundsException there is no such vCPU
     */
    Registers registers(int vcpu);

    /** Whether the guest runs, so that memory changes but for the time of a {@link #hold}. */
    boolean isLive();

    /** Lets all vCPUs stand still, and returns when they do. Calls nest. */
    Hold hold();

    @Override
    void close();
}
