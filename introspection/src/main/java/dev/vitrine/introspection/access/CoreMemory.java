// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.introspection.access;

import dev.vitrine.introspection.IntrospectionException;
import dev.vitrine.introspection.PhysicalMemory;
import dev.vitrine.introspection.PhysicalRange;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/** The memory in a core file. */
final class CoreMemory implements PhysicalMemory {
    /**
     * Where a range of memory is in the file.
     *
     * @param range the memory
     * @param offset in the file
     * @param there bytes that the file really has
     * @param promised bytes that it says it has; what memory there is beyond them is zero
     */
    record Segment(PhysicalRange range, long offset, long there, long promised) {}

    private final FileChannel channel;
    private final List<Segment> segments;
    private final long[] starts;

    /**
     * @param segments in ascending order and disjoint
     */
    CoreMemory(FileChannel channel, long size, List<Segment> segments) {
        this.channel = channel;
        this.segments = List.copyOf(segments);
        this.starts = segments.stream().mapToLong(s -> s.range().start()).toArray();
    }

    @Override
    public List<PhysicalRange> ranges() {
        return segments.stream().map(Segment::range).toList();
    }

    @Override
    public boolean read(long address, byte[] target, int offset, int length) {
        Objects.checkFromIndexSize(offset, length, target.length);
        while (length > 0) {
            int i = Arrays.binarySearch(starts, address);
            i = i < 0 ? -i - 2 : i;
            if (i < 0 || address >= segments.get(i).range().end()) {
                return false;
            }
            Segment s = segments.get(i);
            int part = (int) Math.min(length, s.range().end() - address);
            if (!read(s, address - s.range().start(), target, offset, part)) {
                return false;
            }
            address += part;
            offset += part;
            length -= part;
        }
        return true;
    }

    private boolean read(Segment s, long at, byte[] target, int offset, int length) {
        long inFile = Math.clamp(s.promised - at, 0, length);
        if (inFile > 0 && at + inFile > s.there) {
            return false;
        }
        Arrays.fill(target, offset + (int) inFile, offset + length, (byte) 0);
        ByteBuffer b = ByteBuffer.wrap(target, offset, (int) inFile);
        long position = s.offset + at;
        try {
            while (b.hasRemaining()) {
                int n = channel.read(b, position);
                if (n <= 0) {
                    return false;
                }
                position += n;
            }
            return true;
        } catch (IOException e) {
            throw new IntrospectionException(
                    "The memory image cannot be read: " + e.getMessage() + ".", e);
        }
    }

    @Override
    public boolean write(long address, byte[] source, int offset, int length) {
        throw new IntrospectionException("A memory image cannot be written to.");
    }
}
