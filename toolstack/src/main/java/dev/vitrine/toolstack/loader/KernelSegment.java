// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.toolstack.loader;

/**
 * A part of a kernel that is loaded at a fixed physical address: {@link #fileSize} bytes from the
 * image, then zeros up to {@link #memorySize}.
 */
public final class KernelSegment {
    /** Takes some of a segment's bytes. */
    @FunctionalInterface
    public interface Sink {
        /**
         * Takes {@code length} bytes.
         *
         * @param address the guest-physical address of the first
         * @param source the array that holds them for now, from {@code offset} on; not to be
         *     changed
         */
        void take(long address, byte[] source, int offset, int length);
    }

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
     * Gives the bytes that come from the image, in order and in parts. Those of a file that is not
     * packed are read now.
     *
     * @throws dev.vitrine.toolstack.BadInputException the file cannot be read any more, or is not
     *     what it was when the kernel was loaded
     */
    public void read(Sink sink) {
        bytes.read(address, sink);
    }

    @Override
    public String toString() {
        return String.format(
                "segment 0x%x..0x%x (0x%x bytes from the file)", address, end(), fileSize());
    }
}
