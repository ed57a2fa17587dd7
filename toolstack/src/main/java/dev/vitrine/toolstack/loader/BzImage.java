// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

import dev.vitrine.toolstack.BadInputException;

/**
 * Linux's bzImage: a boot sector and set-up code, then code with the compressed kernel inside
 * (Linux Documentation/arch/x86/boot.rst). The set-up header, from boot protocol 2.08 on, says
 * where the payload is.
 */
final class BzImage {
    private static final int SETUP_SECTS = 0x1f1;
    private static final int HEADER = 0x202;
    private static final int VERSION = 0x206;
    private static final int KERNEL_VERSION = 0x20e;
    private static final int PAYLOAD_OFFSET = 0x248;
    private static final int PAYLOAD_LENGTH = 0x24c;
    private static final int FIRST_VERSION_WITH_PAYLOAD = 0x208;

    private final ImageBytes image;
    private final ImageBytes payload;

    BzImage(ImageBytes image) {
        this.image = image;
        int sectors = image.u8(SETUP_SECTS, "the set-up header");
        long protectedMode = ((sectors == 0 ? 4 : sectors) + 1L) * 512;
        long offset = image.u32(PAYLOAD_OFFSET, "the set-up header");
        long length = image.u32(PAYLOAD_LENGTH, "the set-up header");
        if (offset == 0 || length < 5) {
            throw new BadInputException(
                    image.name() + ": the bzImage names no payload in its set-up header.");
        }
        payload = image.slice(protectedMode + offset, length, "the bzImage's payload");
    }

    static boolean matches(ImageBytes image) {
        return image.startsWith(0x1fe, 0x55, 0xaa)
                && image.startsWith(HEADER, 'H', 'd', 'r', 'S')
                && image.contains(PAYLOAD_LENGTH, 4)
                && image.u16(VERSION, "the set-up header") >= FIRST_VERSION_WITH_PAYLOAD;
    }

    /** "a bzImage (6.1.0-39-amd64, xz)". */
    String described() {
        long pointer = image.u16(KERNEL_VERSION, "the set-up header");
        String version = pointer == 0 ? "" : image.text(pointer + 0x200, 64);
        int space = version.indexOf(' ');
        version = space < 0 ? version : version.substring(0, space);
        Compression compression = Compression.of(payload);
        return "a bzImage ("
                + (version.isEmpty() ? "of unknown version" : version)
                + (compression == null ? ")" : ", " + compression.tool() + ")");
    }

    /** The kernel proper, an ELF file. */
    ImageBytes vmlinux() {
        if (payload.startsWith(0, 0x7f, 'E', 'L', 'F')) {
            return payload;
        }
        Compression compression = Compression.of(payload);
        if (compression == null) {
            throw new BadInputException(
                    image.name()
                            + ": the bzImage's payload is corrupt: it is neither an ELF file"
                            + " nor packed by a known compression.");
        }
        // The payload's last four bytes are the unpacked size: gzip has it there by itself, for the
        // others the kernel's build adds it.
        long size = payload.u32(payload.length() - 4L, "the bzImage's payload");
        if (size > Compression.MAX_UNPACKED) {
            throw new BadInputException(
                    image.name()
                            + ": the bzImage's payload is corrupt: it says that it unpacks to "
                            + size
                            + " bytes.");
        }
        ImageBytes packed =
                compression == Compression.GZIP
                        ? payload
                        : payload.slice(0, payload.length() - 4L, "the bzImage's payload");
        byte[] kernel = compression.unpack(packed, (int) size);
        if (kernel.length != size) {
            throw new BadInputException(
                    image.name()
                            + ": the bzImage's payload is corrupt: it unpacks to "
                            + kernel.length
                            + " bytes, not to "
                            + size
                            + ".");
        }
        ImageBytes elf = new ImageBytes(image.name(), kernel);
        if (!elf.startsWith(0, 0x7f, 'E', 'L', 'F')) {
            throw new BadInputException(
                    image.name() + ": the bzImage's payload is corrupt: it is not an ELF file.");
        }
        return elf;
    }
}
