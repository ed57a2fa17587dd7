// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;

/** Segment and gate descriptors in the GDT and LDT (SDM volume 3, 3.4.5, 3.5, 5.8.3). */
final class Descriptors {
    // Types of system descriptors.
    static final int TSS16 = 1;
    static final int LDT = 2;
    static final int TSS16_BUSY = 3;
    static final int CALL_GATE16 = 4;
    static final int TASK_GATE = 5;
    static final int TSS32 = 9;
    static final int TSS32_BUSY = 11;
    static final int CALL_GATE32 = 12;

    private static final long ACCESSED = 1L << 40;
    private static final int BUSY = 2;

    private Descriptors() {}

    /**
     * Linear address of a selector's descriptor.
     *
     * @param bytes size of the descriptor: 8 or 16
     * @return the address, or -1 if it is not inside its table
     */
    static long address(Cpu cpu, int selector, int bytes) {
        int offset = selector & 0xFFF8;
        long base;
        long limit;
        if ((selector & 4) != 0) {
            if (cpu.ldtr.unusable) {
                return -1;
            }
            base = cpu.ldtr.base;
            limit = cpu.ldtr.limit & 0xFFFFFFFFL;
        } else {
            base = cpu.gdtBase;
            limit = cpu.gdtLimit & 0xFFFFL;
        }
        if (offset + bytes - 1 > limit) {
            return -1;
        }
        return cpu.longMode() ? base + offset : (base + offset) & 0xFFFFFFFFL;
    }

    /**
     * Reads a selector's descriptor; outside of its table the given exception is raised.
     *
     * @param external value of the EXT bit of the error code: 0 or 1
     */
    static long load(Cpu cpu, int selector, int vector, int external) {
        long at = address(cpu, selector, 8);
        if (at == -1) {
            throw cpu.fault(vector, (selector & 0xFFFC) | external);
        }
        return cpu.mmu.loadSystem(at, 8);
    }

    /**
     * Sets the accessed bit of a code or data descriptor in memory; returns the descriptor with it.
     */
    static long markAccessed(Cpu cpu, int selector, long d) {
        if ((d & ACCESSED) == 0) {
            long at = address(cpu, selector, 8);
            cpu.mmu.storeSystem(at + 5, 1, (d >>> 40 & 0xFF) | 1);
        }
        return d | ACCESSED;
    }

    /** Sets or clears the busy bit of a TSS descriptor in memory. */
    static void setBusy(Cpu cpu, int selector, boolean busy) {
        long at = address(cpu, selector, 8);
        if (at == -1) {
            return;
        }
        int access = (int) cpu.mmu.loadSystem(at + 5, 1);
        cpu.mmu.storeSystem(at + 5, 1, busy ? access | BUSY : access & ~BUSY);
    }

    static long base(long d) {
        return (d >>> 16 & 0xFFFFFF) | (d >>> 56) << 24;
    }

    /** Limit in bytes; as unsigned 32 bits. */
    static int limit(long d) {
        int limit = (int) (d & 0xFFFF | (d >>> 32 & 0xF0000));
        return (attributes(d) & Segment.G) != 0 ? limit << 12 | 0xFFF : limit;
    }

    /** In the form of {@link Segment#attributes}. */
    static int attributes(long d) {
        return (int) (d >>> 40) & 0xF0FF;
    }

    static int type(long d) {
        return (int) (d >>> 40) & 15;
    }

    static int dpl(long d) {
        return (int) (d >>> 45) & 3;
    }

    static boolean present(long d) {
        return (d & 1L << 47) != 0;
    }

    /** Code or data, not system. */
    static boolean isSegment(long d) {
        return (d & 1L << 44) != 0;
    }

    static boolean isCode(long d) {
        return (d >>> 43 & 3) == 3;
    }

    static boolean isConforming(long d) {
        return (d & 1L << 42) != 0;
    }

    static boolean isWritableData(long d) {
        return (d >>> 41 & 0xD) == 9;
    }

    /** Data, or code that may be read. */
    static boolean isReadable(long d) {
        return isSegment(d) && (!isCode(d) || (d & 1L << 41) != 0);
    }

    static boolean isLong(long d) {
        return (d & 1L << 53) != 0;
    }

    static boolean isBig(long d) {
        return (d & 1L << 54) != 0;
    }

    // ----------------------------------------------------------------- gates

    static int gateSelector(long d) {
        return (int) (d >>> 16) & 0xFFFF;
    }

    /** Offset of a 32-bit gate; of a 64-bit gate its lower half. */
    static long gateOffset(long d) {
        return (d & 0xFFFF) | (d >>> 32 & 0xFFFF0000L);
    }
}
