// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor;

import dev.vitrine.memory.PhysicalView;
import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.exec.HotSpot;
import dev.vitrine.processor.exec.Region;

import java.lang.reflect.Method;

/** What has become of a guest's code, for tests that want to have seen all stages of it. */
public final class TranslatedCode {
    private static final int FLAT_64 = Cpu.MODE_64 | Cpu.MODE_FLAT | Cpu.MODE_STACK32;

    private TranslatedCode() {}

    /**
     * The level at which HotSpot has compiled the region that code in 64-bit mode at CPL 0, mapped
     * one to one, runs in: see {@link HotSpot}; 0 if there is none, or HotSpot cannot be asked.
     *
     * @param from address of the code's beginning
     * @param to of its end
     */
    public static int level(ProcessorGroup group, long from, long to) {
        int highest = 0;
        for (long[] hot : group.cache.hottest(Integer.MAX_VALUE)) {
            if (hot[0] >= from && hot[0] < to) {
                long frame = PhysicalView.machineAddress(group.map.lookup(hot[0] >>> 12));
                long machine = frame | hot[0] & 0xFFF;
                Block b = group.cache.find(machine, hot[0], FLAT_64, 0, -1);
                Region.Entry e = b == null ? null : b.entry;
                if (e != null) {
                    highest = Math.max(highest, level(e.region()));
                }
            }
        }
        return highest;
    }

    private static int level(Region region) {
        for (Method m : region.code.getClass().getDeclaredMethods()) {
            if (m.getName().equals("run")) {
                return HotSpot.level(m);
            }
        }
        throw new AssertionError("generated class without its method");
    }
}
