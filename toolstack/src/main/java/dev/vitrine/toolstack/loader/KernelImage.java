// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import dev.vitrine.toolstack.BadInputException;

import org.jspecify.annotations.Nullable;

import java.nio.file.Path;

/**
 * Loads kernels: ELF files (vmlinux, Mini-OS, unikernels, XTF), Linux's bzImage, and either of them
 * compressed.
 *
 * <p>An image is not trusted: every size and offset is checked, memory is taken for real data only,
 * and whatever is wrong ends in a {@link BadInputException}.
 */
public final class KernelImage {
    private KernelImage() {}

    /**
     * Loads a kernel from a file. Of one that is not packed only the headers are read now, and the
     * segments when they are put into memory.
     *
     * @throws BadInputException there is no such file, or it is no x86 kernel that can be loaded
     */
    public static LoadedKernel load(Path file) {
        return load(new ImageBytes(file.toString(), ImageFile.of(file)), 0);
    }

    /**
     * Loads a kernel from bytes, which the result keeps and which must not change.
     *
     * @param name the name to use in messages
     * @throws BadInputException the bytes are no x86 kernel that can be loaded
     */
    public static LoadedKernel load(String name, byte[] image) {
        return load(new ImageBytes(name, image), 0);
    }

    /**
     * The kernel as a plain ELF file: what is in a bzImage or in a compressed file; the file itself
     * if it is one.
     *
     * @throws BadInputException the bytes are no kernel
     */
    public static byte[] unpack(String name, byte[] image) {
        ImageBytes bytes = new ImageBytes(name, image);
        for (int depth = 0; depth < 3; depth++) {
            if (bytes.startsWith(0, 0x7f, 'E', 'L', 'F')) {
                return bytes.copy();
            }
            Compression compression = Compression.of(bytes);
            if (compression != null) {
                byte[] unpacked = compression.unpack(bytes, Compression.MAX_UNPACKED);
                bytes = new ImageBytes(name, unpacked);
            } else if (BzImage.matches(bytes)) {
                bytes = new BzImage(bytes).vmlinux();
            } else {
                break;
            }
        }
        throw unknown(bytes);
    }

    private static LoadedKernel load(ImageBytes image, int depth) {
        if (image.length() == 0) {
            throw new BadInputException(image.name() + ": the kernel is empty.");
        }
        if (image.startsWith(0, 0x7f, 'E', 'L', 'F')) {
            return new ElfFile(image).load("an ELF file");
        }
        Compression compression = Compression.of(image);
        if (compression != null && depth == 0) {
            byte[] unpacked = compression.unpack(image, Compression.MAX_UNPACKED);
            LoadedKernel kernel = load(new ImageBytes(image.name(), unpacked), depth + 1);
            return new LoadedKernel(
                    kernel.name(),
                    kernel.kind() + ", packed with " + compression.tool(),
                    kernel.elf64(),
                    kernel.entry(),
                    kernel.segments(),
                    kernel.notes(),
                    kernel.file());
        }
        if (BzImage.matches(image)) {
            BzImage bzImage = new BzImage(image);
            return new ElfFile(bzImage.vmlinux()).load(bzImage.described());
        }
        throw unknown(image);
    }

    private static BadInputException unknown(ImageBytes image) {
        String looks = looksLike(image);
        return new BadInputException(
                image.name()
                        + ": this is no kernel that Vitrine can load (ELF or bzImage)"
                        + (looks == null ? "." : "; it looks like " + looks + "."));
    }

    /** What a file that is no kernel seems to be, or null. */
    private static @Nullable String looksLike(ImageBytes image) {
        if (image.startsWith(0, '0', '7', '0', '7', '0')) {
            return "a cpio archive, as an initramfs is; is it the ramdisk?";
        }
        if (image.startsWith(0x1fe, 0x55, 0xaa) && image.startsWith(0x202, 'H', 'd', 'r', 'S')) {
            return "a very old Linux kernel, of boot protocol 2.07 or before";
        }
        if (image.startsWith(56, 'A', 'R', 'M', 'd')) {
            return "a Linux kernel for 64-bit Arm";
        }
        if (image.startsWith(48, 'R', 'I', 'S', 'C', 'V')) {
            return "a Linux kernel for RISC-V";
        }
        if (image.startsWith(0, 'M', 'Z')) {
            return "an EFI or Windows program";
        }
        if (image.startsWith(0, '#', '!')) {
            return "a script";
        }
        if (image.startsWith(0, '!', '<', 'a', 'r', 'c', 'h', '>')) {
            return "an ar archive, such as a Debian package";
        }
        if (image.startsWith(0, 'Q', 'F', 'I', 0xfb)) {
            return "a qcow2 disk image";
        }
        if (image.startsWith(0x1fe, 0x55, 0xaa)) {
            return "a disk image or boot sector";
        }
        return null;
    }
}
