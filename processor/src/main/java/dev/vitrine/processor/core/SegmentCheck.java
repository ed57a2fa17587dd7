// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.core;

/** Segment checks of memory accesses outside of 64-bit mode (SDM volume 3, 5.3 to 5.5). */
public final class SegmentCheck {
    private static final int CODE = 8;
    private static final int EXPAND_DOWN = 4;
    private static final int WRITABLE_OR_READABLE = 2;

    private SegmentCheck() {}

    /**
     * Linear address of seg:offset, 32 bits wide.
     *
     * <p>A limit of 4 GiB - 1 lets an access wrap around the end of the segment; the architecture
     * leaves that case open (SDM volume 3, 5.3).
     *
     * @param offset already truncated to the address size
     * @param size bytes that are accessed; 0 checks nothing
     */
    public static long linear(Cpu cpu, int seg, long offset, int size, boolean write) {
        Segment s = cpu.segment[seg];
        if (size != 0) {
            boolean strict = (cpu.modeKey & Cpu.MODE_REAL) == 0;
            if (!accessible(s, offset, size, write, strict)) {
                throw cpu.fault(seg == Cpu.SS ? Vector.SS : Vector.GP, 0);
            }
        }
        return (cpu.r[Cpu.R_SEG_BASE + seg] + offset) & 0xFFFFFFFFL;
    }

    /** Whether the segment allows the access; in real mode and virtual-8086 mode types are free. */
    private static boolean accessible(
            Segment s, long offset, int size, boolean write, boolean strict) {
        int type = s.attributes & Segment.TYPE;
        if (strict) {
            if (s.unusable) {
                return false;
            }
            boolean code = (type & CODE) != 0;
            boolean second = (type & WRITABLE_OR_READABLE) != 0;
            if (write ? code || !second : code && !second) {
                return false;
            }
        }
        long limit = s.limit & 0xFFFFFFFFL;
        if ((type & (CODE | EXPAND_DOWN)) == EXPAND_DOWN) {
            long top = (s.attributes & Segment.DB) != 0 ? 0xFFFFFFFFL : 0xFFFFL;
            return offset > limit && offset + size - 1 <= top;
        }
        // A flat segment wraps; with another base the processor checks the offset (as measured).
        return (limit == 0xFFFFFFFFL && s.base == 0) || offset + size - 1 <= limit;
    }

    /**
     * Whether {@code bytes} can be pushed on a stack without leaving its segment.
     *
     * @param sp stack pointer before the push
     */
    public static boolean stackRoom(int attributes, int segmentLimit, long sp, int bytes) {
        long mask = (attributes & Segment.DB) != 0 ? 0xFFFFFFFFL : 0xFFFFL;
        long top = (sp - 1) & mask;
        long bottom = (sp - bytes) & mask;
        if (bottom > top) {
            return false;
        }
        long limit = segmentLimit & 0xFFFFFFFFL;
        return (attributes & EXPAND_DOWN) != 0 ? bottom > limit : top <= limit;
    }
}
