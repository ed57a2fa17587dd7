// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.vector;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.core.GuestFault;
import dev.vitrine.processor.core.Intercepted;
import dev.vitrine.processor.decode.Instruction;

/**
 * VGATHERxx and VPGATHERxx. Elements are loaded from the lowest on; each that is done clears its
 * part of the mask, so that after a fault the instruction goes on where it stopped (SDM volume 2).
 */
final class Gather {
    private static final long LOW32 = 0xFFFF_FFFFL;

    private Gather() {}

    /**
     * Runs a gather.
     *
     * @param size bytes of an element: 4 or 8
     * @param indexSize bytes of an index: 4 or 8
     */
    static void execute(Cpu cpu, Instruction i, int size, int indexSize) {
        if (i.reg[0] == i.reg[2] || i.reg[0] == i.index || i.reg[2] == i.index) {
            throw cpu.ud();
        }
        long[] v = cpu.v;
        int d = i.reg[0] << 2;
        int m = i.reg[2] << 2;
        int x = i.index << 2;
        int n = i.vectorLength / Math.max(size, indexSize);
        int done = 0;
        boolean wrote = false;
        try {
            for (int k = 0; k < n; k++) {
                if (Moves.selected(v, m, k, size)) {
                    int at = k * size;
                    long value = cpu.load(address(cpu, i, index(v, x, k, indexSize), size), size);
                    put(v, d, at, size, value);
                    wrote = true;
                }
                done = k + 1;
            }
        } catch (GuestFault | Intercepted fault) {
            suspend(v, m, done, i.vectorLength, size);
            if (wrote && i.vectorLength == 16) {
                v[d + 2] = 0;
                v[d + 3] = 0;
            }
            throw fault;
        }
        // Elements that the instruction does not have are zero, as is all of the mask.
        if (n * size == 8) {
            v[d + 1] = 0;
        }
        if (n * size <= 16) {
            v[d + 2] = 0;
            v[d + 3] = 0;
        }
        v[m] = 0;
        v[m + 1] = 0;
        v[m + 2] = 0;
        v[m + 3] = 0;
    }

    /** The mask at a fault: zero for elements that are done, all ones or zeros for the others. */
    private static void suspend(long[] v, int m, int done, int length, int size) {
        for (int k = 0; k < length / size; k++) {
            long value = k >= done && Moves.selected(v, m, k, size) ? -1L : 0;
            put(v, m, k * size, size, value);
        }
        if (length == 16) {
            v[m + 2] = 0;
            v[m + 3] = 0;
        }
    }

    private static void put(long[] v, int base, int at, int size, long value) {
        if (size == 8) {
            v[base + (at >> 3)] = value;
        } else {
            int shift = (at & 4) << 3;
            int k = base + (at >> 3);
            v[k] = v[k] & ~(LOW32 << shift) | (value & LOW32) << shift;
        }
    }

    private static long index(long[] v, int x, int k, int size) {
        return size == 8 ? v[x + k] : (int) (v[x + (k >> 1)] >>> ((k & 1) << 5));
    }

    private static long address(Cpu cpu, Instruction i, long index, int size) {
        long a = i.disp + (index << i.scale);
        if (i.base >= 0) {
            a += cpu.r[i.base];
        }
        return cpu.linear(i.segment, i.addressSize == 8 ? a : a & LOW32, size, false);
    }
}
