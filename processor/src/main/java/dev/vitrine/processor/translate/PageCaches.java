// Copyright 2026 The Vitrine authors
// SPDX-License-Identifier: Apache-2.0

package dev.vitrine.processor.translate;

import dev.vitrine.processor.core.Cpu;
import dev.vitrine.processor.decode.Instruction;
import dev.vitrine.processor.exec.Block;
import dev.vitrine.processor.lift.Uop;

import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Which accesses of a region remember the page that they went to last, in two locals: its linear
 * address, and that of its frame in machine memory. As long as an access stays on that page it
 * needs no look into the soft TLB, whose loads would wait for each other.
 *
 * <p>Accesses by the same registers share a pair, reads and writes apart. A pair is worth it where
 * the interpreter has seen accesses stay on their page, and the code comes by several times.
 */
final class PageCaches {
    static final int NONE = -1;

    /** More would be registers that HotSpot does not have. */
    static final int LIMIT = 6;

    /** Of so many looks at an access as many as {@link #STAYING} must have found the old page. */
    private static final double STAYING = 0.7;

    /** So many accesses that execute once make it worth it, too. */
    private static final int ENOUGH = 4;

    /** Accesses outside of loops count as much less. */
    private static final double ONCE = 0.05;

    /**
     * A page that no access can be on: not canonical. (Which one it is nobody can know, for a guest
     * that tried just that would find the page.)
     */
    static final long NOWHERE =
            (System.nanoTime() * 0x9E3779B97F4A7C15L
                                    ^ new Object().hashCode() * 0xBF58476D1CE4E5B9L)
                            & 0x0FFF_FFFF_FFFF_F000L
                    | 1L << 62;

    /** The accesses of the same registers. */
    private static final class Group {
        double staying;
        double all;
        int sites;
        boolean loops;

        boolean worthIt() {
            return staying >= STAYING * all && (loops || sites >= ENOUGH);
        }
    }

    private final Map<Long, Integer> slots = new HashMap<>();

    private PageCaches() {}

    /** No access remembers its page. */
    static PageCaches none() {
        return new PageCaches();
    }

    PageCaches(RegionShape shape) {
        boolean[] looping = looping(shape);
        Map<Long, Group> groups = new HashMap<>();
        for (int n = 0; n < shape.blocks.size(); n++) {
            Block b = shape.blocks.get(n);
            for (int u = 0; u < b.code.length; u += 2) {
                long key = key(b, u);
                if (key != NONE) {
                    Group g = groups.computeIfAbsent(key, k -> new Group());
                    double weight = Math.max(1, b.executions) * (looping[n] ? 1 : ONCE);
                    g.all += weight;
                    g.staying += weight * staying(b, u);
                    g.sites++;
                    g.loops |= looping[n];
                }
            }
        }
        List<Map.Entry<Long, Group>> chosen =
                groups.entrySet().stream()
                        .filter(e -> e.getValue().worthIt())
                        .sorted(
                                Comparator.comparingDouble(
                                                (Map.Entry<Long, Group> e) -> -e.getValue().staying)
                                        .thenComparing(Map.Entry::getKey))
                        .limit(LIMIT)
                        .toList();
        double most = chosen.isEmpty() ? 0 : chosen.getFirst().getValue().staying;
        for (Map.Entry<Long, Group> e : chosen) {
            if (e.getValue().staying >= 0.02 * most) {
                slots.put(e.getKey(), slots.size());
            }
        }
    }

    /** How many pairs there are. */
    int count() {
        return slots.size();
    }

    /** The pair of the access that micro-operation u of a block makes, or NONE. */
    int slot(Block b, int u) {
        long key = key(b, u);
        Integer slot = key == NONE ? null : slots.get(key);
        return slot == null ? NONE : slot;
    }

    /** Blocks that stand between the ends of an edge that goes backwards. */
    private static boolean[] looping(RegionShape shape) {
        boolean[] in = new boolean[shape.blocks.size()];
        for (int n = 0; n < in.length; n++) {
            int first = n + 1;
            for (long rip : RegionShape.successors(shape.blocks.get(n))) {
                int to = shape.number(rip);
                first = to >= 0 ? Math.min(first, to) : first;
            }
            for (int k = first; k <= n; k++) {
                in[k] = true;
            }
        }
        return in;
    }

    /** How likely an access is to go to the page that it went to before. */
    private static double staying(Block b, int u) {
        int looks = b.looks();
        int op = (int) b.code[u] & 0xFF;
        if (looks < 4 || op == Uop.EXEC || op > Uop.LDW64) {
            return 1;
        }
        return Math.min(1, (double) b.pageHits(u) / looks);
    }

    /** What accesses that share a pair have in common; NONE for micro-operations without. */
    private static long key(Block b, int u) {
        long w = b.code[u];
        int op = (int) w & 0xFF;
        switch (op) {
            case Uop.LD8, Uop.LD16, Uop.LD32, Uop.LD64 -> {
                return key(w, b.code[u + 1], false);
            }
            case Uop.ST8, Uop.ST16, Uop.ST32, Uop.ST64 -> {
                return key(w, b.code[u + 1], true);
            }
            case Uop.LDW8, Uop.LDW16, Uop.LDW32, Uop.LDW64 -> {
                return key(w, b.code[u + 1], true);
            }
            case Uop.PUSH64, Uop.CALL64, Uop.CALL_REG64 -> {
                return key(Cpu.RSP, Cpu.R_ZERO, Cpu.R_ZERO, 0, true);
            }
            case Uop.POP64, Uop.RET64 -> {
                return key(Cpu.RSP, Cpu.R_ZERO, Cpu.R_ZERO, 0, false);
            }
            case Uop.EXEC -> {
                Instruction i = b.instructions[(int) b.code[u + 1]];
                return VectorEmitter.supports(i, b.modeKey) && i.memoryOperand() >= 0
                        ? key(i)
                        : NONE;
            }
            default -> {
                return NONE;
            }
        }
    }

    private static long key(long w, long imm, boolean write) {
        return key((int) (w >>> 16) & 31, (int) (w >>> 24) & 31, (int) (w >>> 40) & 31, imm, write);
    }

    private static long key(Instruction i) {
        boolean relative = i.base == Instruction.RIP_BASE;
        return key(
                i.base < 0 || relative ? Cpu.R_ZERO : i.base,
                i.index < 0 ? Cpu.R_ZERO : i.index,
                i.segment >= Cpu.FS ? Cpu.R_SEG_BASE + i.segment : Cpu.R_ZERO,
                relative ? i.disp + i.nextRip() : i.disp,
                i.memoryOperand() == 0);
    }

    private static long key(int a, int b, int s, long imm, boolean write) {
        // Without a register the page is known.
        int base = a == Cpu.R_ORIGIN ? Cpu.R_ZERO : a;
        long page = base == Cpu.R_ZERO && b == Cpu.R_ZERO ? imm >>> 12 & 0xFFFF_FFFFL : 0;
        return page << 16 | (long) base << 11 | (long) b << 6 | (long) s << 1 | (write ? 1 : 0);
    }
}
