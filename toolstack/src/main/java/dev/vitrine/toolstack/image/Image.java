// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.image;

import dev.vitrine.toolstack.BadInputException;
import dev.vitrine.toolstack.builder.Ramdisk;
import dev.vitrine.toolstack.loader.KernelImage;
import dev.vitrine.toolstack.loader.LoadedKernel;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * An image in the store: a kernel and a root file system.
 *
 * @param name what it is called on the command line, such as {@code debian:full}
 * @param folder where its files are
 * @param kernelPackage the package that its kernel is from
 * @param kernelVersion the version of that package
 * @param with the packages that were asked for with {@code --with}
 * @param versions all packages in it and their versions
 * @param created when it was made, in seconds since 1970
 * @param size the bytes it takes on disk
 */
public record Image(
        String name,
        Path folder,
        String kernelPackage,
        String kernelVersion,
        List<String> with,
        Map<String, String> versions,
        long created,
        long size) {
    static final String VMLINUX = "vmlinux";
    static final String VMLINUZ = "vmlinuz";
    static final String ROOTFS = "rootfs.cpio";
    static final String DESCRIPTION = "image.json";

    /** The least memory that {@link #memoryMiB} gives. */
    private static final long BASE_MIB = 512;

    public Image {
        with = List.copyOf(with);
        versions = Map.copyOf(versions);
    }

    /** The unpacked kernel, an ELF file: it loads faster than the packed one. */
    public Path kernel() {
        return folder.resolve(VMLINUX);
    }

    /** The kernel as the package has it, a bzImage. */
    public Path packedKernel() {
        return folder.resolve(VMLINUZ);
    }

    /** The root file system, a cpio archive for use as initramfs. */
    public Path rootfs() {
        return folder.resolve(ROOTFS);
    }

    /** The kernel, loaded. */
    public LoadedKernel loadKernel() {
        return KernelImage.load(kernel());
    }

    /** The root file system as a ramdisk. */
    public Ramdisk ramdisk() {
        return Ramdisk.of(rootfs());
    }

    /**
     * The kernel's command line, to which {@link
     * dev.vitrine.toolstack.console.GuestConsole#cmdline} adds.
     */
    public String cmdline() {
        return "console=hvc0 quiet loglevel=3";
    }

    /**
     * The memory the image needs to be comfortable, in MiB: its files are in memory twice at boot.
     */
    public long memoryMiB() {
        long rootfs = rootfs().toFile().length() >> 20;
        return Math.max(BASE_MIB, (2 * rootfs + 256 + 63) / 64 * 64);
    }

    /**
     * Refuses memory that the image, with its own kernel, does not boot to its shell in.
     *
     * @param kernel what {@link #loadKernel} gave
     * @param ramdisk its root file system, with what is laid over it
     * @param memory the domain's memory, in bytes
     * @throws BadInputException it is too small
     */
    public void checkMemory(LoadedKernel kernel, Ramdisk ramdisk, long memory, int vcpus) {
        ImageMemory.check(name, kernel, ramdisk.size(), memory, vcpus);
    }
}
