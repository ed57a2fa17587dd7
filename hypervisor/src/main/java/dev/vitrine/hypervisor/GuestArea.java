// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.hypervisor;

import dev.vitrine.processor.StateSink;

/**
 * A stretch of guest memory that the hypervisor keeps writing to (runstate, time). Its one or two
 * frames are held, so that it stays writable whatever the guest does to its maps.
 */
final class GuestArea {
    private final DomainMemory memory;
    private long first = -1;
    private long second = -1;
    private int firstLength;
    private int size;

    GuestArea(DomainMemory memory) {
        this.memory = memory;
    }

    synchronized boolean isMapped() {
        return first >= 0;
    }

    synchronized int size() {
        return size;
    }

    /**
     * Maps the area; what was mapped before is given up.
     *
     * @param physical guest-physical address of the first byte
     * @param other guest-physical address of the byte after the end of the first page, if the area
     *     crosses into another one
     * @return false if there is no RAM
     */
    synchronized boolean map(long physical, long other, int length) {
        int n = (int) Math.min(length, 4096 - (physical & 4095));
        long a = memory.pin(physical >>> DomainMemory.SHIFT);
        if (a < 0) {
            return false;
        }
        long b = -1;
        if (n < length) {
            b = memory.pin(other >>> DomainMemory.SHIFT);
            if (b < 0) {
                memory.unpin(a);
                return false;
            }
        }
        unmap();
        first = (a << DomainMemory.SHIFT) + (physical & 4095);
        second = b < 0 ? -1 : b << DomainMemory.SHIFT;
        firstLength = n;
        size = length;
        return true;
    }

    synchronized void visitState(StateSink sink) {
        sink.value("first part of an area", first);
        sink.value("second part of an area", second);
        sink.value("size of an area", size);
    }

    synchronized void unmap() {
        if (first >= 0) {
            memory.unpin(first >>> DomainMemory.SHIFT);
        }
        if (second >= 0) {
            memory.unpin(second >>> DomainMemory.SHIFT);
        }
        first = -1;
        second = -1;
        size = 0;
    }

    synchronized void write(int at, byte[] source, int offset, int length) {
        if (first < 0 || at < 0 || length > size - at) {
            return;
        }
        int n = Math.clamp(firstLength - at, 0, length);
        if (n > 0) {
            memory.ram.write(first + at, source, offset, n);
            memory.touched(first);
        }
        if (n < length) {
            memory.ram.write(second + at + n - firstLength, source, offset + n, length - n);
            memory.touched(second);
        }
    }
}
