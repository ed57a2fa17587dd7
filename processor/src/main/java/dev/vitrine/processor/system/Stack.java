// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.system;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.Segment;
import dev.vitrine.processor.core.SegmentCheck;
import dev.vitrine.processor.core.Vector;

/** Stack accesses of system instructions: the current stack, and those that a TSS names. */
final class Stack {
    private Stack() {}

    /** Reads from the current stack at SS:sp. */
    static long read(Cpu cpu, long sp, int size) {
        return cpu.load(cpu.linear(Cpu.SS, sp & cpu.stackMask(), size, false), size);
    }

    /** Reads a selector: of its slot the processor touches two bytes only. */
    static int readSelector(Cpu cpu, long sp) {
        return (int) read(cpu, sp, 2) & 0xFFFF;
    }

    /** Writes to the current stack at SS:sp. */
    static void write(Cpu cpu, long sp, int size, long value) {
        cpu.store(cpu.linear(Cpu.SS, sp & cpu.stackMask(), size, true), size, value);
    }

    /** Pushes one value on the current stack; nothing changes if it faults. */
    static void push(Cpu cpu, int size, long value) {
        long sp = cpu.r[Cpu.RSP] - size;
        write(cpu, sp, size, value);
        setPointer(cpu, sp);
    }

    /** Sets as much of RSP as the mode and SS.B say. */
    static void setPointer(Cpu cpu, long sp) {
        setPointer(cpu, sp, cpu.stackMask());
    }

    static void setPointer(Cpu cpu, long sp, long mask) {
        // A 32-bit stack pointer clears the upper half as every 32-bit register write does.
        long keep = mask == 0xFFFFL ? cpu.r[Cpu.RSP] & ~0xFFFFL : 0;
        cpu.r[Cpu.RSP] = keep | (sp & mask);
    }

    /** Mask of the stack pointer by the loaded SS, for code that is not 64-bit. */
    static long segmentMask(Cpu cpu) {
        return (cpu.segment[Cpu.SS].attributes & Segment.DB) != 0 ? 0xFFFFFFFFL : 0xFFFFL;
    }

    /**
     * Checks that bytes can be pushed on the current stack, outside of 64-bit mode.
     *
     * @param code error code of the #SS
     */
    static void requireRoom(Cpu cpu, int bytes, int code) {
        Segment ss = cpu.segment[Cpu.SS];
        if (ss.unusable
                || !SegmentCheck.stackRoom(ss.attributes, ss.limit, cpu.r[Cpu.RSP], bytes)) {
            throw cpu.fault(Vector.SS, code);
        }
    }

    // ------------------------------------------------- stacks of inner levels

    /** SS (upper half) and ESP of a level from the current TSS, outside of long mode. */
    static long inner(Cpu cpu, int level, int external) {
        Segment tr = cpu.tr;
        long limit = tr.limit & 0xFFFFFFFFL;
        int error = (tr.selector & 0xFFFC) | external;
        if ((tr.attributes & 8) != 0) {
            int at = level * 8 + 4;
            if (at + 5 > limit) {
                throw cpu.fault(Vector.TS, error);
            }
            long sp = cpu.mmu.loadSystem(tr.base + at, 4) & 0xFFFFFFFFL;
            return (cpu.mmu.loadSystem(tr.base + at + 4, 2) & 0xFFFF) << 32 | sp;
        }
        int at = level * 4 + 2;
        if (at + 3 > limit) {
            throw cpu.fault(Vector.TS, error);
        }
        long sp = cpu.mmu.loadSystem(tr.base + at, 2) & 0xFFFF;
        return (cpu.mmu.loadSystem(tr.base + at + 2, 2) & 0xFFFF) << 32 | sp;
    }

    /** Descriptor of a stack segment from the TSS, checked for use at a level. */
    static long innerSegment(Cpu cpu, int selector, int level, int external) {
        if ((selector & 0xFFFC) == 0) {
            throw cpu.fault(Vector.TS, external);
        }
        int error = (selector & 0xFFFC) | external;
        long d = Descriptors.load(cpu, selector, Vector.TS, external);
        if ((selector & 3) != level
                || Descriptors.dpl(d) != level
                || !Descriptors.isWritableData(d)) {
            throw cpu.fault(Vector.TS, error);
        }
        if (!Descriptors.present(d)) {
            throw cpu.fault(Vector.SS, error);
        }
        return d;
    }

    /**
     * A 64-bit stack pointer from the TSS of long mode.
     *
     * @param slot 0 to 2 RSP0 to RSP2; 4 to 10 IST1 to IST7
     */
    static long inner64(Cpu cpu, int slot, int external) {
        Segment tr = cpu.tr;
        int at = slot * 8 + 4;
        if (at + 7 > (tr.limit & 0xFFFFFFFFL)) {
            throw cpu.fault(Vector.TS, (tr.selector & 0xFFFC) | external);
        }
        return cpu.mmu.loadSystem(tr.base + at, 8);
    }

    /**
     * Writes a slot of a frame that hardware builds.
     *
     * @param user the frame is at CPL 3
     */
    static void poke(Cpu cpu, boolean user, long la, int size, long value) {
        if (user) {
            cpu.store(la, size, value);
        } else {
            cpu.mmu.storeSystem(la, size, value);
        }
    }
}
