// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.config;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;
import java.util.List;

/**
 * A domain as its xl.cfg file describes it.
 *
 * @param name the domain's name
 * @param type the kind of guest
 * @param typeLine the line that says so; 0 if none does
 * @param kernel the kernel's file, relative to the working directory as xl has it; null if the file
 *     names none
 * @param ramdisk the ramdisk's file; null if there is none
 * @param cmdline the kernel's command line: {@code cmdline}, else {@code root} and {@code extra}
 *     joined as xl joins them; empty if the file has none of them
 * @param memoryMiB memory at the start, in MiB, from 1 to {@link #MAX_MEMORY_MIB}
 * @param maxMemoryMiB the most memory the domain may have, at least {@code memoryMiB}
 * @param vcpus the vCPUs that are on line at the start, from 1 to {@link #MAX_VCPUS}
 * @param maxVcpus the vCPUs the domain has, at least {@code vcpus}
 * @param onPoweroff what to do when the guest powers off
 * @param onReboot what to do when the guest reboots
 * @param onWatchdog what to do when its watchdog fires
 * @param onCrash what to do when it crashes
 * @param onSoftReset what to do when it asks for a soft reset
 * @param warnings what the file holds that Vitrine does not do
 */
public record DomainConfig(
        String name,
        DomainType type,
        int typeLine,
        @Nullable Path kernel,
        @Nullable Path ramdisk,
        String cmdline,
        long memoryMiB,
        long maxMemoryMiB,
        int vcpus,
        int maxVcpus,
        ShutdownAction onPoweroff,
        ShutdownAction onReboot,
        ShutdownAction onWatchdog,
        ShutdownAction onCrash,
        ShutdownAction onSoftReset,
        List<ConfigWarning> warnings) {

    /** The memory of a domain whose file does not say, in MiB. */
    public static final long DEFAULT_MEMORY_MIB = 512;

    /** 8 TiB, the largest guest that Xen supports on x86, in MiB. */
    public static final long MAX_MEMORY_MIB = 8L << 20;

    /** The most vCPUs an HVM or PVH guest has on Xen (HVM_MAX_VCPUS). */
    public static final int MAX_VCPUS = 128;

    public DomainConfig {
        warnings = List.copyOf(warnings);
    }
}
