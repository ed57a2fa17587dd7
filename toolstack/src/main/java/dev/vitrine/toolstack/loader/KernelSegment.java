// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

/**
 * A part of a kernel that is loaded at a fixed physical address: {@link #fileSize} bytes from the
 * image, then zeros up to {@link #memorySize}.
 */
public final class KernelSegment {
    private final long address;
    private final long memorySize;
    private final ImageBytes bytes;

    KernelSegment(long address, long memorySize, ImageBytes bytes) {
        this.address = address;
        this.memorySize = memorySize;
        this.bytes = bytes;
    }

    /** The guest-physical address of the first byte. */
    public long address() {
        return address;
    }

    /**
     * The bytes it takes in memory, at least {@link #fileSize}. {@code address + memorySize} fits.
     */
    public long memorySize() {
        return memorySize;
    }

    /** The address behind the last byte. */
    public long end() {
        return address + memorySize;
    }

    /** The bytes that come from the image. */
    public int fileSize() {
        return bytes.length();
    }

    /**
     * Writes the bytes that come from the image to their address, in order. Those of a file that is
     * not packed are read now.
     *
     * @throws dev.vitrine.toolstack.BadInputException the file cannot be read any more, or is not
     *     what it was when the kernel was loaded
     */
    public void writeTo(PhysicalWriter writer) {
        bytes.writeTo(address, writer);
    }

    @Override
    public String toString() {
        return String.format(
                "segment 0x%x..0x%x (0x%x bytes from the file)", address, end(), fileSize());
    }
}
