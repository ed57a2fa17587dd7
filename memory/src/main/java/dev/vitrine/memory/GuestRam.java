// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.memory;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.util.Objects;

/**
 * One bounded segment of machine memory, addressed by machine address (0 to {@link #size()} - 1).
 * Every access is checked against the segment's bounds: an address outside gives
 * IndexOutOfBoundsException and never touches other memory of the process.
 *
 * <p>A record, so that HotSpot trusts the segment of a constant instance: code generated for one
 * domain reaches its memory with a bounds check against a constant.
 *
 * <p>All accesses are little-endian. Plain ones may be unaligned; atomic ones must be aligned.
 *
 * @param segment the memory, perhaps with address space behind it
 * @param mask low bits, such that masking changes no address of a frame, and takes every other
 *     address so far into the segment that an access of up to a page there is within the bounds:
 *     behind it HotSpot need not compare. All ones if there is no such mask
 */
public record GuestRam(MemorySegment segment, long mask) {
    /** Layout of guest memory's elements, for generated code. */
    public static final ValueLayout.OfLong LONG =
            ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Layout of guest memory's elements, for generated code. */
    public static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Layout of guest memory's elements, for generated code. */
    public static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Layout of guest memory's elements, for generated code. */
    public static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

    private static final VarHandle ATOMIC_LONG =
            ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();
    private static final VarHandle ATOMIC_INT =
            ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN).varHandle();

    public GuestRam {
        Objects.requireNonNull(segment);
        if (mask != -1 && (mask & mask + 1) != 0
                || mask != -1 && mask >= segment.byteSize() - MachineMemory.FRAME_SIZE) {
            throw new IllegalArgumentException("mask " + mask);
        }
    }

    public long getLong(long address) {
        return segment.get(LONG, address);
    }

    public int getInt(long address) {
        return segment.get(INT, address);
    }

    public short getShort(long address) {
        return segment.get(SHORT, address);
    }

    public byte getByte(long address) {
        return segment.get(BYTE, address);
    }

    public void putLong(long address, long value) {
        segment.set(LONG, address, value);
    }

    public void putInt(long address, int value) {
        segment.set(INT, address, value);
    }

    public void putShort(long address, short value) {
        segment.set(SHORT, address, value);
    }

    public void putByte(long address, byte value) {
        segment.set(BYTE, address, value);
    }

    /** Atomic compare-and-set of an aligned 64-bit word, with full fences. */
    public boolean casLong(long address, long expect, long update) {
        return ATOMIC_LONG.compareAndSet(segment, address, expect, update);
    }

    /** Atomic compare-and-set of an aligned 32-bit word, with full fences. */
    public boolean casInt(long address, int expect, int update) {
        return ATOMIC_INT.compareAndSet(segment, address, expect, update);
    }

    /** Volatile read of an aligned 64-bit word. */
    public long getLongVolatile(long address) {
        return (long) ATOMIC_LONG.getVolatile(segment, address);
    }

    /** Volatile read of an aligned 32-bit word. */
    public int getIntVolatile(long address) {
        return (int) ATOMIC_INT.getVolatile(segment, address);
    }

    /** Atomic OR of an aligned 64-bit word; returns what was there. */
    public long getAndOrLong(long address, long bits) {
        return (long) ATOMIC_LONG.getAndBitwiseOr(segment, address, bits);
    }

    /** Atomic AND of an aligned 64-bit word; returns what was there. */
    public long getAndAndLong(long address, long bits) {
        return (long) ATOMIC_LONG.getAndBitwiseAnd(segment, address, bits);
    }

    /** Atomic OR of an aligned 32-bit word; returns what was there. */
    public int getAndOrInt(long address, int bits) {
        return (int) ATOMIC_INT.getAndBitwiseOr(segment, address, bits);
    }

    /** Atomic AND of an aligned 32-bit word; returns what was there. */
    public int getAndAndInt(long address, int bits) {
        return (int) ATOMIC_INT.getAndBitwiseAnd(segment, address, bits);
    }

    /** Copies bytes out of machine memory. */
    public void read(long address, byte[] target, int offset, int length) {
        MemorySegment.copy(segment, BYTE, address, target, offset, length);
    }

    /** Copies bytes into machine memory. */
    public void write(long address, byte[] source, int offset, int length) {
        MemorySegment.copy(source, offset, segment, BYTE, address, length);
    }

    /**
     * Reads bytes of a file into machine memory, as {@link FileChannel#read(java.nio.ByteBuffer,
     * long)} does.
     *
     * @return how many there were; -1 behind the file's end
     */
    public int read(FileChannel from, long position, long address, int length) throws IOException {
        return from.read(segment.asSlice(address, length).asByteBuffer(), position);
    }

    /**
     * The first offset at which machine memory differs from bytes of an array.
     *
     * @return 0 to length - 1, or -1 if nothing differs
     */
    public int mismatch(long address, byte[] other, int offset, int length) {
        return (int)
                MemorySegment.mismatch(
                        segment,
                        address,
                        address + length,
                        MemorySegment.ofArray(other),
                        offset,
                        (long) offset + length);
    }

    /** Copies within machine memory; the ranges may overlap (as memmove). */
    public void copy(long from, long to, long length) {
        MemorySegment.copy(segment, from, segment, to, length);
    }

    /** Fills a range with one byte. */
    public void fill(long address, long length, byte value) {
        segment.asSlice(address, length).fill(value);
    }
}
