// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.PvhBuilder;
import dev.vitrine.toolstack.loader.LoadedKernel;

/**
 * The least memory that an image boots in. It is known of images only: of a kernel of the user's
 * own nobody knows what it does with its memory, but what is in an image is a Linux with an
 * initramfs that is not packed.
 *
 * <p>Linux keeps the kernel where it is loaded, and tables of its pages. The ramdisk is there twice
 * until it is unpacked, and the root file system, a tmpfs, takes half of what is left at the most.
 */
final class ImageMemory {
    private static final long MIB = 1L << 20;

    /**
     * What Linux and busybox need besides. Measured are 19 to 21 MiB for the images debian and
     * debian:full and 21 to 23 for debian:rt.
     */
    private static final long RESERVE = 24 * MIB;

    /** The same, for each vCPU behind the first one. */
    private static final long RESERVE_FOR_VCPU = MIB;

    /** Of so many bytes one goes into struct pages (64 of 4096) and hash tables, measured. */
    private static final long TABLES = 50;

    private ImageMemory() {}

    /**
     * The least memory, in MiB.
     *
     * @param kernel the bytes that the kernel takes
     * @param ramdisk the bytes of the ramdisk, which are those of the files in it
     */
    static long least(long kernel, long ramdisk, int vcpus) {
        long reserve = RESERVE + (vcpus - 1) * RESERVE_FOR_VCPU;
        long bytes = kernel + ramdisk + Math.max(ramdisk + reserve, 2 * ramdisk);
        return (bytes / (TABLES - 1) * TABLES + MIB - 1) / MIB;
    }

    /**
     * Refuses memory that the image does not boot in.
     *
     * @param name the image's name, for the message
     * @param memory the domain's memory, in bytes
     * @throws BadInputException it is too small
     */
    static void check(String name, LoadedKernel kernel, long ramdisk, long memory, int vcpus) {
        long least = least(kernel.end() - kernel.start(), ramdisk, vcpus);
        // What no memory would do for is told by the layout.
        if (memory >= least * MIB || kernel.end() + ramdisk > PvhBuilder.HOLE_START) {
            return;
        }
        throw new BadInputException(
                name
                        + ": the domain's memory of "
                        + memory / MIB
                        + " MiB is too small for the kernel and a ramdisk of "
                        + (ramdisk + MIB - 1) / MIB
                        + " MiB, which Linux unpacks; give it at least "
                        + least
                        + " MiB.");
    }
}
