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
    private final byte[] bytes;
    private final int offset;
    private final int fileSize;

    KernelSegment(long address, long memorySize, byte[] bytes, int offset, int fileSize) {
        this.address = address;
        this.memorySize = memorySize;
        this.bytes = bytes;
        this.offset = offset;
        this.fileSize = fileSize;
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
        return fileSize;
    }

    /** The array that holds the image's bytes, from {@link #arrayOffset} on; not to be changed. */
    public byte[] array() {
        return bytes;
    }

    /** Where the segment's first byte is in {@link #array}. */
    public int arrayOffset() {
        return offset;
    }

    @Override
    public String toString() {
        return String.format(
                "segment 0x%x..0x%x (0x%x bytes from the file)", address, end(), fileSize);
    }
}
